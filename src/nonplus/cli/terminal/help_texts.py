"""One line about each option: what ``--help`` says, and how ``nonplus protocols`` explains a choice.

The keys are the flags as they are declared; each is a field of the record that its table is named after.
"""

LOADING = {
    "--dtype": "number format of the weights, e.g. bfloat16; auto: as they were saved",
    "--device": "where to run, e.g. cpu or cuda:1; auto: the fastest there is",
    "--device-map": "spread the model over devices, e.g. auto",
    "--adapter": "folder or name of LoRA weights to add",
    "--revision": "commit, branch or tag of the model",
    "--quantization": "load with fewer bits: 8bit or 4bit",
    "--trust-remote-code": "run code that comes with the model",
    "--packing": "let several texts share a row: faster for many short ones",
}

PROTOCOL = {
    "--unit": "cut windows from each document, or from the stream of all documents joined",
    "--joiner": r"what joins documents to a stream; \n is a newline",
    "--window": "tokens fed at once; 0: as many as the model takes, at most 8,192",
    "--stride": "tokens by which windows move on; 0: as far as they reach",
    "--cut": "rolling: every token scored once; grid: at multiples of the stride; chunks: whole windows only, no tail; "
    "whole: each text in one piece",
    "--bos": "beginning token before every window, before the first, before none, in place of the first token "
    "(replace), or the end token before the first (eos)",
    "--without-bos": "a model that has no beginning token leaves the first token unscored, or uses its end token",
    "--specials/--no-specials": "let the tokenizer add special tokens of its own accord; they may then be scored",
    "--scored": "score all new tokens of a window, or those in its second half",
    "--too-long": "with --cut whole: refuse a text longer than the window, or truncate it",
    "--booking": "count each token once (exact), or as the loop in the Hugging Face documentation does",
    "--average": "perplexity of the mean over tokens, or the mean of the texts' perplexities",
    "--detokenize": "undo WikiText's tokenisation before scoring",
    "--denominator": "words and bytes of what was scored, or of the original counted as lm-eval does",
}

CORPUS = {
    "--field": "field of a row that holds the text",
    "--context-field": "field that is fed before the text, but not scored",
    "--messages": "field that holds a conversation; each answer of the assistant is scored",
    "--id-field": "field that names a document",
    "--domain-field": "field to report by",
    "--limit": "read at most so many documents",
}

RUN = {
    "--budget": "tokens in a batch; 0: what suits the device",
    "--alternatives": "also read entropy, rank and so many of the most probable tokens",
    "--resume": "keep finished batches in this folder, and go on from what it holds",
}

PRECISION = {
    "--level": "confidence level of the intervals",
    "--until": "stop once the interval reaches so far to either side, e.g. 1% of the perplexity",
    "--bootstrap": "an interval from so many samples of the documents beside it",
}

OUTPUT = {
    "--json": "print one JSON object and nothing else",
    "--explain": "say what the perplexity means, and what it does not",
    "--show": "print the text, coloured by surprisal",
    "--by-position": "break the figure down by the number of tokens seen before",
    "--per-document": "write a row for each document; .jsonl or .parquet",
    "--per-token": "write a row for each token; .jsonl or .parquet",
    "--html": "write a page that shows every token with its alternatives",
}

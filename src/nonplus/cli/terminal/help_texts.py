"""One line about each option, for ``--help`` and for ``nonplus protocols``.

The keys are the flags as they are declared. Each is a field of the options record that
the table is for: ``Loading``, ``Protocol``, ``CorpusOptions``, ``RunOptions``,
``Precision`` and ``Output``; then ``Form``, ``TextOptions``, ``PruneOptions``,
``TrainingOptions`` and ``Outputs`` of the verbs that write n-gram models. The keys of
``NGRAM_PROTOCOL`` are parts of a signature. Last come the exit codes.
"""

# What ``nonplus score --help`` shows; ``nonplus help score`` shows all.
COMMON = (
    "--model",
    "--protocol",
    "--show",
    "--explain",
    "--html",
    "--per-document",
    "--field",
    "--limit",
    "--until",
    "--json",
)

LOADING = {
    "--dtype": "dtype of the weights, e.g. bfloat16; auto: as stored",
    "--device": "where to run, e.g. cpu or cuda:1; auto: a GPU if there is one",
    "--device-map": "spread the model over devices, e.g. auto",
    "--adapter": "folder or hub name of LoRA weights to add",
    "--revision": "commit, branch or tag of the model",
    "--quantization": "load with fewer bits: 8bit or 4bit",
    "--trust-remote-code": "run code that comes with the model",
    "--packing": "put several texts into one row: faster for many short texts",
}

PROTOCOL = {
    "--unit": "cut windows from each document, or from one stream of all documents joined",
    "--joiner": r"text between the documents of a stream; \n is a newline",
    "--window": "tokens in a window; 0: the maximum of the model, at most 8,192",
    "--stride": "tokens from the start of one window to the start of the next; 0: windows do not overlap",
    "--cut": "rolling: every token scored once; grid: windows start at multiples of the stride; chunks: whole windows "
    "only, without the tail; whole: each text in one window",
    "--bos": "BOS before every window, before the first, or before none; replace: in place of the first token of each "
    "window; eos: EOS before the first window",
    "--without-bos": "if the model has no BOS token: leave the first token unscored, or use EOS instead",
    "--specials": "special tokens that the tokenizer adds, which are then scored: none; added; lm-eval: added, except "
    "to a text that begins with the prefix token spelled out",
    "--special-text": "read text that spells a special token, e.g. </s>, as that token (parsed) or as text (plain)",
    "--newlines": "score CRLF and CR as they are (keep), or as LF (normalise)",
    "--last-newline": "keep a newline at the end of the unit, or drop it",
    "--scored": "score all new tokens of a window, or only those in its second half",
    "--too-long": "with --cut whole: refuse a text longer than the window, or truncate it",
    "--booking": "count each token once (exact), or as the loop in the Hugging Face documentation does (hf-doc)",
    "--average": "perplexity of the mean over tokens, or mean of the perplexities of the texts",
    "--detokenize": "undo WikiText's tokenisation before scoring",
    "--denominator": "words and bytes of the scored text, or of the original text, counted as lm-eval does",
}

# The parts of the signature of an n-gram model, as in ngram:3|normalizer:raw-1|…
NGRAM_PROTOCOL = {
    "ngram": "order of the model: the words or pieces of its longest n-grams",
    "normalizer": "what is done to a text before it is cut into tokens, and the version of that; raw: nothing",
    "tokenizer": "what a token is: words between blanks, single bytes, or pieces by the model's own file of "
    "SentencePiece (sentencepiece) or of the package tokenizers (tokenizers); figures per token compare only where "
    "that file is the same",
    "sentence": "what is scored by itself, with nothing before it: a line, or the whole document",
    "begin": "<s>: fed before each sentence, and not scored; none: not fed",
    "end": "</s>: scored after each sentence; none: not scored",
    "dtype": "number format of the probabilities",
}

CORPUS = {
    "--field": "field of a row that holds the text",
    "--context-field": "field with a context that is fed before the text but not scored",
    "--messages": "field with a conversation; each answer of the assistant is scored",
    "--id-field": "field with the id of a document",
    "--domain-field": "field with a domain to report by",
    "--limit": "read at most N documents",
    "--max-bytes": "refuse a text file that is one document, or a line, of more than N bytes",
    "--on-bad-row": "what to do about a row that cannot be read: stop there, or skip and count it",
    "--follow-links": "follow links in a folder that lead out of it",
}

RUN = {
    "--budget": "tokens in a batch; 0: what suits the device",
    "--alternatives": "also compute entropy, rank and the N most probable tokens",
    "--resume": "keep finished batches in this folder, and reuse those it holds",
}

PRECISION = {
    "--level": "confidence level of the intervals",
    "--until": "stop once the interval reaches at most this far from the perplexity, e.g. 1%",
    "--bootstrap": "add a bootstrap interval from N samples of the documents",
}

OUTPUT = {
    "--json": "print one JSON object and nothing else",
    "--explain": "explain what the perplexity means, and what it does not",
    "--show": "print the text, coloured by surprisal",
    "--by-position": "break the figure down by the number of tokens seen before",
    "--per-document": "write a row for each document, as .jsonl or .parquet",
    "--per-token": "write a row for each token, as .jsonl or .parquet",
    "--html": "write a page that shows every token with its alternatives",
    "--rejects": "write each row that --on-bad-row skip leaves out, as .jsonl or .parquet",
}

FORM = {
    "--quantize": "bits for each value of a bundle, 2 to 16; 0: float32  [as in MODEL]",
    "--packed/--no-packed": "a small bundle, for handing it on, which takes longer to open  [as in MODEL]",
}

READ = {
    "--normalizer": "what is done to a text first, e.g. standard; raw: nothing  [raw]",
    "--tokenizer": "words, bytes, or a file of SentencePiece or of the package tokenizers  [words]",
    "--unit": "what a sentence is  [as the normaliser says]",
}

FILTER_READING = {
    "--field": "field of a record that holds the text; a path such as meta.text is one in an object",
    "--id-field": "field with the id of a record",
    "--language-field": "field with its language",
    "--source-field": "field with its source",
    "--unit-size": "bytes of records that are scored, cut and written at once",
    "--record-size": "reject records that are longer, which take some 50 times as much memory",
}

FILTER_SCORING = {
    "--other": "documents in languages without a model: keep or drop them, or name a model for them  [drop]",
    "--identify-languages": "tell the language of a document by its words, not by a field",
    "--trim": "cut off text of more than so many bits per byte at the end of documents, and keep the rest",
    "--trim-at": "where documents are cut",
    "--trim-bits": "cut only where it saves so many bits",
    "--cascade": "file of nonplus filter cascade: its second model decides what the first leaves undecided",
    "--device": "where neural models run, e.g. cuda; auto: a GPU if there is one",
    "--budget": "tokens in a batch of neural models; 1: each window by itself, with the same bits everywhere",
}

CASCADE = {
    "--second": "model that decides what the first leaves undecided",
    "--sample": "documents that both models score",
    "--width": "how many errors from a cut a document is undecided",
    "--device": "where neural models run, e.g. cuda; auto: a GPU if there is one",
    "--budget": "tokens in a batch of neural models; 1: each window by itself",
}

FILTER_WRITING = {
    "--columns": "what is written into each record: all, none, or names with commas between them",
    "--prefix": "how the names of these columns begin in a record",
}

FILTER_WORKERS = {
    "--workers": "processes that share the work; 0: as many as there are processors",
    "--shard": "do only the i-th of n parts, written i/n: for the jobs of an array",
    "--engine": "who the workers are: processes of this machine (local), or actors of Ray (ray)",
    "--address": "of the Ray cluster, host:port  [Ray is started on this machine]",
    "--gpus": "GPUs of each worker of Ray, e.g. 1 for a neural model, or 0.5 for half of one; in a cascade "
    "of each worker of its second model  [0]",
}

WORKERS = {
    "--workers": "share the documents among N processes, which keep their sums in the folder of --resume",
    **{flag: FILTER_WORKERS[flag] for flag in ("--engine", "--address")},
    "--gpus": "GPUs of each worker of Ray, e.g. 1 for a neural model, or 0.5 for half of one  [0]",
}

PROFILES = {
    "--threshold": "documents with a smaller perplexity are kept  [200]",
}

CALIBRATION = {
    "--model": "model that scores, by any name that nonplus score takes",
    "--sample": "look at N documents",
    "--part": "read only this part of the units of all files, e.g. 5%, chosen by keyed hash",
    "--trusted": "file or folder of documents that are as the others should be",
    "--languages": "languages of the model, with commas between them  [as its manifest says]",
    "--identify-languages": FILTER_SCORING["--identify-languages"],
    "--workers": "estimate the time of a run for N workers; 0: as many as there are processors",
}

CALIBRATED = {
    "--rule": "write the rule that is recommended, for nonplus filter run --keep FILE",
}

REPORTED = {
    "--scores": "output of the run whose scores were cut, if OUT is a split of it",
}

PICTURES = {
    "--html": "write a page that shows all of it, with documents to look at",
    "--plot": "write a picture of the histogram, as .png",
}

PRUNING = {
    "--entropy": "remove n-grams without which the perplexity rises by a smaller part, usually 1e-9 to 1e-6",
    "--ngrams": "leave at most N n-grams, words included",
    "--to-bytes": "leave what fits into a packed bundle of so many bytes, e.g. 6M",
    "--counts": "leave out n-grams that occur at most so often, as train --prune does, e.g. 0 0 1; MODEL is a bundle "
    "that was trained with --keep-text",
    "--memory": "with --counts, estimate in so much, e.g. 4G; by default a quarter of what the machine has",
}

TRAINING = {
    "--order": "words of the longest n-grams, from 1 to 6",
    "--prune": "leave out n-grams that occur at most so often: a number for each order from 1 on, the last one "
    "repeated, e.g. 0 0 1",
    "--vocabulary": "keep the N most frequent words, and read others as <unk>; 0: all",
    "--normalizer": "what is done to a text before it is cut into words",
    "--tokenizer": "words; bytes; the file of a SentencePiece model or of the package tokenizers; or "
    "sentencepiece:N, N pieces trained on the texts first",
    "--unit": "what a sentence is  [as the normaliser says]",
    "--memory": "train in so much, e.g. 4G; by default a quarter of what the machine has",
    "--exact-lmplz": "compute discounts as lmplz does, with one n-gram of each order counted wrongly",
}

TRAINED = {
    "--arpa": "write an ARPA file, too or instead",
    "--quantize": "store each value of the bundle in N bits, from 2 to 16, e.g. 8",
    "--packed": "pack the bundle, for handing on",
    "--keep-text": "keep the text in the bundle as it was counted, for nonplus ngram prune --counts",
}

EXIT_CODES = {
    0: "measured",
    1: "a check of the doctor failed",
    2: "the input or an option is wrong, or a file or stdout cannot be written",
    129: "stopped by SIGHUP, as when a terminal is closed",
    130: "stopped by Ctrl-C",
    141: "nobody reads stdout any more, as after head -1",
    143: "stopped by SIGTERM",
}

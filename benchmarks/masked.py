"""CPU seconds of pseudo-log-likelihoods, ours beside those of minicons.

    python benchmarks/masked.py

A random BERT of four layers, sentences of blogs, one thread. minicons gets one text at
a time, which is its best: it pads the masked copies of a batch to its longest text.
"""

import os
import re
import time
from pathlib import Path

import torch
import transformers
from minicons.scorer import MaskedLMScorer

from nonplus import score
from nonplus.models.masked.model import from_object

DATA = Path(os.environ.get("NONPLUS_DATA", "../shared/data"))
ROUNDS, TEXTS = 2, 60


def main() -> None:
    """Print the fastest CPU seconds of each, and how far apart their sums are."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    tokenizer = transformers.BertTokenizerFast(str(DATA / "tokenizers" / "bert-base-uncased" / "vocab.txt"))
    tokenizer.batch_encode_plus = tokenizer  # minicons calls it by a name that transformers 5 has dropped
    sizes = {"hidden_size": 256, "intermediate_size": 1024, "num_hidden_layers": 4, "num_attention_heads": 4}
    model = transformers.BertForMaskedLM(transformers.BertConfig(vocab_size=len(tokenizer), **sizes)).eval()
    parts = re.split(r"(?<=[.!?])\s+|\n+", (DATA / "domains" / "masc" / "blog.txt").read_text(encoding="utf-8"))
    texts = [part.strip() for part in parts if 20 < len(part.strip()) < 400][:TEXTS]
    own, peer = from_object(model, tokenizer), MaskedLMScorer(model, "cpu", tokenizer=tokenizer)

    def theirs() -> list[float]:
        options = {"reduction": lambda each: -each.sum(0).item(), "PLL_metric": "within_word_l2r"}
        return [sums for text in texts for sums in peer.sequence_score([text], **options)]

    contestants = {"nonplus": lambda: [float(each.nats.sum()) for each in score(texts, model=own)], "minicons": theirs}
    seconds = dict.fromkeys(contestants, float("inf"))
    sums = {}
    for _ in range(ROUNDS):
        for name, run in contestants.items():
            begun = time.process_time()
            sums[name] = run()
            seconds[name] = min(seconds[name], time.process_time() - begun)
    apart = max(abs(a - b) for a, b in zip(*sums.values(), strict=True))
    print(f"{seconds}; ratio {seconds['minicons'] / seconds['nonplus']:.2f}; {apart:.1e} nats apart at most")


if __name__ == "__main__":
    main()

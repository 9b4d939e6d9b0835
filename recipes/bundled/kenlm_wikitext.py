"""Bits per byte of the bundled n-grams on WikiText-2 test, with kenlm and tokenizers
alone.

``nonplus ngram convert src/nonplus/models/bundled/ngram -o ngram.arpa``, then
``python recipes/bundled/kenlm_wikitext.py ngram.arpa``. Its output is kept in
``tests/parity/goldens``. Protocol: the raw test set, split at its first-level headings,
each article detokenised as lm-eval does; a sentence is a line that holds words, in
NFC, with one blank between words. ``</s>`` is scored. The denominator is the bytes of
the detokenised text.
"""

import argparse
import hashlib
import json
import math
import os
import unicodedata
from importlib.metadata import version
from pathlib import Path

import kenlm
from tokenizers import Tokenizer
from wikitext import articles

FOLDER = Path(__file__).resolve().parents[2] / "src" / "nonplus" / "models" / "bundled" / "ngram"


def main() -> None:
    """Score with the ARPA file named on the command line; print one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("arpa", type=Path)
    choice = parser.parse_args()
    data = Path(os.environ.get("NONPLUS_DATA", "../shared/data"))
    texts = articles((data / "eval" / "wikitext2" / "wiki.test.raw").read_bytes().decode())
    tokenizer, model = Tokenizer.from_file(str(FOLDER / "tokenizer.json")), kenlm.Model(str(choice.arpa))
    lines = [line for text in texts for line in text.split("\n") if line.strip()]
    rows = [tokenizer.encode(" ".join(unicodedata.normalize("NFC", line).split())).tokens for line in lines]
    total = -math.log(10) * math.fsum(model.score(" ".join(pieces)) for pieces in rows)
    n_bytes, n_tokens = sum(len(text.encode()) for text in texts), sum(len(pieces) + 1 for pieces in rows)
    figures = {
        "bits_per_byte": total / math.log(2) / n_bytes,
        "perplexity_per_token": math.exp(total / n_tokens),
        "nats": total,
        "bytes": n_bytes,
        "tokens": n_tokens,
        "articles": len(texts),
        "weights_sha256": hashlib.sha256((FOLDER / "ngrams.packed").read_bytes()).hexdigest(),
        "command": "nonplus ngram convert src/nonplus/models/bundled/ngram -o ngram.arpa && "
        "python recipes/bundled/kenlm_wikitext.py ngram.arpa",
        "versions": {name: version(name) for name in ("kenlm", "tokenizers", "lm_eval")},
    }
    print(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()

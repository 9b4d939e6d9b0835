"""The loop that one would write with KenLM's and SentencePiece's Python packages.

    python by_kenlm.py FILE OUT MODEL_FOLDER THRESHOLD

Texts go to SentencePiece as they are, as in data-juicer: to normalise them in Python
would cost more than the rest.
"""

import io
import json
import sys

import kenlm
import sentencepiece
import zstandard


def main(file: str, out: str, models: str, threshold: str) -> None:
    """Write the documents below the threshold."""
    model, limit = kenlm.Model(f"{models}/en.arpa.bin"), float(threshold)
    pieces = sentencepiece.SentencePieceProcessor(f"{models}/en.sp.model")
    with zstandard.open(file) as given, zstandard.open(out, "wb") as kept:
        for line in io.BufferedReader(given):
            row = json.loads(line)
            cut = pieces.encode(row["text"], out_type=str)
            row["perplexity"] = 10 ** (-model.score(" ".join(cut)) / (len(cut) + 1))
            if row["perplexity"] < limit:
                kept.write(json.dumps(row, ensure_ascii=False).encode() + b"\n")


if __name__ == "__main__":
    main(*sys.argv[1:])

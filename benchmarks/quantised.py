"""What quantisation does to the figures of one model, with paired intervals.

    python benchmarks/quantised.py FOLDER LABEL MODEL [DTYPE] [QUANTIZATION]
    python benchmarks/quantised.py FOLDER

The first form measures a model, opened by any name, and keeps the nats of each document
in FOLDER/LABEL.json; forms may come from different environments. The second prints the
table: bits per byte of each, and the difference to ``float32`` document by document.

Documents are passages of MASC (20 genres), of law, medicine and novels, and of
Wikipedia, all of ``NONPLUS_DATA``; ``DOCUMENTS`` limits their number.
"""

import json
import math
import os
import sys
import time
from pathlib import Path

import numpy as np

import nonplus
from nonplus.models import open_model
from nonplus.models.loading import Loading

DATA = Path(os.environ.get("NONPLUS_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))
CHARACTERS = 500
T_QUANTILE = 2.01  # of Student's t for 95 % and about 50 documents
LIMIT = int(os.environ.get("DOCUMENTS", "50"))


def passages() -> list[str]:
    """The first characters of two places of each text."""
    files = sorted((DATA / "domains").glob("masc/*.txt")) + sorted((DATA / "domains").glob("*.txt"))
    texts = [file.read_text(encoding="utf-8") for file in [*files, DATA / "eval" / "wiki2019" / "test.txt"]]
    starts = [(text, len(text) * part // 3) for part in (1, 2) for text in texts]
    return [text[start : start + CHARACTERS] for text, start in starts][:LIMIT]


def measure(folder: Path, label: str, name: str, dtype: str = "auto", quantization: str = "") -> None:
    """Keep the nats and bytes of each document."""
    model = open_model(name, loading=Loading(dtype=dtype, quantization=quantization))
    begun = time.process_time()
    scored = list(nonplus.score(passages(), model=model))
    kept = {
        "model": model.name,
        "dtype": model.dtype,
        "identity": model.identity,
        "tokenizer": model.tokenizer.identity,
        "protocol": nonplus.evaluate(passages()[:1], model=model).protocol.signature,
        "seconds": time.process_time() - begun,
        "nats": [float(np.sum(each.nats)) for each in scored],
        "bytes": [len(each.document.text.encode()) for each in scored],
        "tokens": [len(each.nats) for each in scored],
    }
    folder.mkdir(exist_ok=True)
    (folder / f"{label}.json").write_text(json.dumps(kept), encoding="utf-8")


def table(folder: Path) -> None:
    """A row for each label, the one of float32 first."""
    found = {file.stem: json.loads(file.read_text(encoding="utf-8")) for file in sorted(folder.glob("*.json"))}
    base = found["float32"]
    count = len(base["nats"])
    print(f"{count} documents, {sum(base['tokens']):,} tokens, {sum(base['bytes']):,} bytes; {base['protocol']}\n")
    print("| form | products in | bits per byte | difference, and its 95 % interval | CPU seconds |")
    print("|---|---|---|---|---|")
    for label, each in sorted(found.items(), key=lambda item: (item[0] != "float32", item[0])):
        assert each["tokenizer"] == base["tokenizer"], f"{label} has another tokenizer"
        nats, other, size = (np.array(column) for column in (each["nats"], base["nats"], base["bytes"]))
        bits = nats.sum() / size.sum() / math.log(2)
        row = f"| {label} | {each['dtype']} | {bits:.4f} |"
        if each is base:
            print(f"{row} | {each['seconds']:.0f} |")
            continue
        low, mean, high = difference((nats - other) / math.log(2), size)
        print(f"{row} {mean:+.4f} [{low:+.4f}, {high:+.4f}] | {each['seconds']:.0f} |")


def difference(bits: np.ndarray, size: np.ndarray) -> tuple[float, float, float]:
    """Bits per byte of the differences, between the ends of its interval.

    The interval is for other documents like these: a ratio of sums, linearised.
    """
    mean = bits.sum() / size.sum()
    left = bits - mean * size
    error = math.sqrt(len(bits) / (len(bits) - 1) * np.square(left).sum()) / size.sum()
    return mean - T_QUANTILE * error, mean, mean + T_QUANTILE * error


if __name__ == "__main__":
    where, *rest = sys.argv[1:]
    measure(Path(where), *rest) if rest else table(Path(where))

"""How much of the test texts occurs in the training text.

``python recipes/bundled/overlap.py`` takes two minutes. A run is 13 consecutive words.
A word is a sequence of letters a-z and digits, ignoring case. For each test text, or
its first 400,000 bytes, the script counts how many of its distinct runs occur in some
training document. The texts are in ``NONPLUS_DATA``; with the name of a file of JSON
Lines they are its texts, those of each ``kind`` together.
"""

import hashlib
import json
import os
import re
import sys
from collections import defaultdict
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import numpy as np
from data import documents

LENGTH = 13
WORD = re.compile(rb"[a-z0-9]+")
TEXTS = {
    "eval/wikitext2/wiki.test.raw": None,
    "eval/wiki2019/test.txt": 400_000,
    "domains/novels.test.txt": 400_000,
    "domains/medical.test.txt": 400_000,
    "domains/legal_contracts.test.txt": 400_000,
    "domains/legal_dc.test.txt": 400_000,
    "eval/tinyshakespeare.txt": 400_000,
    "domains/masc/newspaper.txt": 400_000,
    "domains/masc/spam.txt": 400_000,
}


@cache
def number(word: bytes) -> int:
    """A word as 64 bits."""
    return int.from_bytes(hashlib.blake2b(word, digest_size=8).digest(), "little")


def runs(text: str) -> np.ndarray:
    """A 64-bit hash of every run of the text."""
    words = np.array([number(word) for word in WORD.findall(text.lower().encode())], np.uint64)
    count = max(0, len(words) - LENGTH + 1)
    hashes = np.zeros(count, np.uint64)
    for at in range(LENGTH):
        hashes = hashes * np.uint64(0x9E3779B97F4A7C15) + words[at : at + count]
    return hashes


def of_kinds(file: Path) -> Mapping[str, np.ndarray]:
    """The distinct runs of the texts of each kind that has any."""
    found = defaultdict(list)
    for line in file.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        found[row["kind"]].append(runs(row["text"]))
    return {kind: np.unique(np.concatenate(each)) for kind, each in found.items() if any(map(len, each))}


def main() -> None:
    """Print a line for each test text."""
    data = Path(os.environ.get("NONPLUS_DATA", "../shared/data"))
    if sys.argv[1:]:
        tests = of_kinds(Path(sys.argv[1]))
    else:
        bytes_of = {name: (data / name).read_bytes()[:room] for name, room in TEXTS.items()}
        tests = {name: np.unique(runs(text.decode(errors="ignore"))) for name, text in bytes_of.items()}
    found = {name: np.zeros(len(known), bool) for name, known in tests.items()}
    for text in documents(data / "train"):
        trained = runs(text)
        for name, known in tests.items():
            places = np.minimum(np.searchsorted(known, trained), len(known) - 1)
            found[name][places[known[places] == trained]] = True
    for name, seen in found.items():
        print(f"{name}: {seen.sum():,} of {seen.size:,} runs, {seen.mean():.2%}")


if __name__ == "__main__":
    main()

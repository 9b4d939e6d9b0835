"""The training text as one row of uint16 token ids.

The shards hold licensed English documents separated by NUL (their origin and licences: the model
card). Each document is preceded by ``<|endoftext|>``, so that the first token of a text has
something to be predicted from.
"""

import hashlib
import json
import random
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pyppmd
from tokenizers import Tokenizer

START = "<|endoftext|>"


def documents(folder: Path, names: Sequence[str]) -> Iterator[str]:
    """The documents of the named shards; each shard is checked against ``mix.json``."""
    shards = {shard["file"]: shard for shard in json.loads((folder / "mix.json").read_text())["shards"]}
    for name in names:
        packed = (folder / name).read_bytes()
        raw = pyppmd.decompress(packed, max_order=16, mem_size=256 << 20, variant="I")
        digest = hashlib.sha256(raw).hexdigest()
        if digest != shards[name]["sha256_raw"]:
            raise ValueError(
                f"{name} unpacks to sha256 {digest}, mix.json says {shards[name]['sha256_raw']}; fetch the shard again"
            )
        yield from (text.decode() for text in raw.split(b"\0") if text)


def write_tokens(texts: Sequence[str], tokenizer: Tokenizer, target: Path) -> None:
    """Encode ``texts`` in their order, each after ``START``, into a flat file of uint16."""
    start = tokenizer.token_to_id(START)
    partial = target.with_suffix(".partial")
    with partial.open("wb") as out:
        for first in range(0, len(texts), 256):
            for encoding in tokenizer.encode_batch_fast(texts[first : first + 256]):
                out.write(np.array([start, *encoding.ids], dtype=np.uint16).tobytes())
    partial.rename(target)


def tokens(data: Path, work: Path, *, shards: Sequence[str], seed: int) -> np.ndarray:
    """The shuffled training text, encoded once and read from ``work`` afterwards."""
    target = work / "tokens.u16"
    if not target.exists():
        texts = list(documents(data / "train", shards))
        random.Random(seed).shuffle(texts)
        write_tokens(texts, Tokenizer.from_file(str(tokenizer_file(data))), target)
    return np.memmap(target, dtype=np.uint16, mode="r")


def tokenizer_file(data: Path) -> Path:
    """The byte-level BPE of 8,192 pieces that was fitted to the same text."""
    return data / "tokenizers" / "ours" / "bpe8192-mix.json"

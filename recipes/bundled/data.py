"""The training text as one row of uint16 token ids.

The shards hold licensed English documents separated by NUL (their origin and licences:
the model card). ``<|endoftext|>`` precedes each document, so that the first token of a
text has a predecessor to be predicted from.
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

# Where the packer lost a byte, and which one, by the sha256 of its output. pyppmd 1.3.1
# (Ppmd8Encoder) drops what one symbol writes beyond the end of an output block; here
# the second block, at 96 kB, and the first, at 32 kB. Only one of the 256 possible
# bytes continues as English, and the checksum of the text confirms it.
LOST = {
    "09a09a96be0f41b572c6261dd0299e8fc38573454b262e6873cf10b65be77c81": (98304, b"\x82"),  # mix-1.ppmd
    "a828a78bb0a4003d8217311fc2ca54e17755da0008016b4895bc0f47923aeb67": (32768, b"\x25"),  # mix-3.ppmd
}


def packed(shard: Path) -> bytes:
    """The bytes of a shard as its packer should have written them."""
    written = shard.read_bytes()
    at, lost = LOST.get(hashlib.sha256(written).hexdigest(), (0, b""))
    return written[:at] + lost + written[at:]


def documents(folder: Path) -> Iterator[str]:
    """The documents of all shards in ``mix.json``, each shard checked against it."""
    for shard in json.loads((folder / "mix.json").read_text())["shards"]:
        name, expected = shard["file"], shard["sha256_raw"]
        raw = pyppmd.decompress(packed(folder / name), max_order=16, mem_size=256 << 20, variant="I")
        digest = hashlib.sha256(raw).hexdigest()
        if digest != expected:
            raise ValueError(f"{name} unpacks to sha256 {digest}, mix.json says {expected}; fetch the shard again")
        yield from (text.decode() for text in raw.split(b"\0") if text)


def write_tokens(texts: Sequence[str], tokenizer: Tokenizer, target: Path) -> None:
    """Encode ``texts`` in order, each after ``START``, into a flat file of uint16."""
    start = tokenizer.token_to_id(START)
    partial = target.with_suffix(".partial")
    with partial.open("wb") as out:
        for first in range(0, len(texts), 256):
            for encoding in tokenizer.encode_batch_fast(texts[first : first + 256]):
                out.write(np.array([start, *encoding.ids], dtype=np.uint16).tobytes())
    partial.rename(target)


def tokens(data: Path, work: Path, *, seed: int) -> Path:
    """The file in ``work`` with the shuffled training text, encoded once.

    Its name depends on what it was made from: shards, tokenizer and ``seed``.
    """
    shards, tokenizer = (data / "train" / "mix.json").read_bytes(), tokenizer_file(data)
    sources = hashlib.sha256(b"%d %b %b" % (seed, shards, tokenizer.read_bytes())).hexdigest()
    target = work / f"tokens-{sources[:12]}.u16"
    if not target.exists():
        texts = list(documents(data / "train"))
        random.Random(seed).shuffle(texts)
        write_tokens(texts, Tokenizer.from_file(str(tokenizer)), target)
    return target


def tokenizer_file(data: Path) -> Path:
    """The byte-level BPE with 8,192 entries, fitted to the same text."""
    return data / "tokenizers" / "ours" / "bpe8192-mix.json"

"""What the engine itself takes: texts scored by models that cost nothing.

    python benchmarks/engine.py [--quick]

Megabytes of text for each CPU second of one thread. The models: ``uniform:256``, a
window model of bytes; and a text scorer of bytes that looks each surprisal up, as an
n-gram model of order 1 would. Texts come from memory, and as JSON Lines from disk.
Beside them stands what parsing those lines takes with ``json``, and with ``orjson`` if
that is installed; and the tokenizer of ``bundled:tiny`` beside the package
``tokenizers`` alone, in one thread.
"""

import argparse
import importlib.util
import json
import os
import random
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Literal

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before NumPy is loaded
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

import numpy as np
import tokenizers

import nonplus
from nonplus.measure.records import Document
from nonplus.measure.scores import ScoredTexts
from nonplus.measure.tokenizing import encode, slices
from nonplus.models.bundled_cards import bundled_folder
from nonplus.models.llama.tokenizer import FileTokenizer
from nonplus.models.synthetic import Bytes

TEXT = Path(__file__).resolve().parent.parent / "examples" / "lost_world.txt"
SIZES = {66: 1_000_000, 2_000: 4_000_000}  # bytes of a text: bytes of all

Work = Callable[[], Any]


class Stated:
    """The protocol of :class:`LookedUp`."""

    signature, fingerprint, cautions = "looked up|unit:bytes", "0" * 12, ()
    quantity: Literal["perplexity"] = "perplexity"
    average: Literal["tokens", "texts"] = "tokens"
    denominator: Literal["scored", "lm-eval"] = "scored"

    def as_dict(self) -> dict[str, Any]:
        """It has only a name."""
        return {"name": "looked up"}


class LookedUp:
    """A text scorer in which each byte has a surprisal of its own."""

    name = identity = "looked up"
    dtype, vocabulary, tokenizer, protocol = "float64", 256, Bytes(), Stated()
    nats_V = -np.log(np.random.default_rng(0).dirichlet(np.ones(256)))

    def score(self, documents: Iterable[Document], *, alternatives: int) -> Iterator[ScoredTexts]:
        """Half a million characters at a time."""
        for together in slices(documents):
            tokens = encode(together, self)
            index, nats = np.arange(len(tokens.ids), dtype=np.int32), self.nats_V[tokens.ids]
            yield ScoredTexts.complete(tokens, index=index, nats=nats, seen=tokens.byte_ends - 1)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Megabytes of text for each CPU second of the engine.")
    parser.add_argument("--quick", action="store_true", help="takes seconds, to check that it runs")
    quick = parser.parse_args().quick
    for size, total in SIZES.items():
        texts = drawn(size, total // 50 if quick else total)
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "texts.jsonl"
            file.write_text("".join(f"{json.dumps({'text': text, 'n': n})}\n" for n, text in enumerate(texts)))
            measure(size, texts, file, rounds=1 if quick else 5)


def drawn(size: int, total: int) -> list[str]:
    """Pieces of one text, the same on every run."""
    source, draw = TEXT.read_text(encoding="utf-8"), random.Random(0)
    begins = [draw.randrange(len(source) - size) for _ in range(total // size)]
    return [source[begin : begin + size] for begin in begins]


def measure(size: int, texts: Sequence[str], file: Path, *, rounds: int) -> None:
    """Print the figures of texts of one size, which are also in a file."""
    n_bytes = len("".join(texts).encode())
    rates = {}
    for name, work, of in works(texts, file):
        rates[name] = (of or n_bytes) / 1e6 / seconds(work, rounds=rounds)
        print(f"texts of {size:,} bytes, {name}: {rates[name]:.2f} MB/CPU s")
    if "parsing with orjson" not in rates:
        print(f"texts of {size:,} bytes: no ratio to orjson, which is not installed")
        return
    for name in ("uniform:256, JSON Lines", "looked up, JSON Lines"):
        print(f"texts of {size:,} bytes, {name}: 1/{rates['parsing with orjson'] / rates[name]:.0f} of orjson's speed")


def works(texts: Sequence[str], file: Path) -> Iterator[tuple[str, Work, int]]:
    """What to measure, and the bytes that it reads; 0 for those of all texts."""
    for name, model in {"uniform:256": nonplus.open_model("uniform:256"), "looked up": LookedUp()}.items():
        yield f"{name}, in memory", partial(nonplus.evaluate, texts, model=model), 0
        yield f"{name}, JSON Lines", partial(nonplus.evaluate, file, model=model), 0
    yield "reading JSON Lines", lambda: list(nonplus.open_corpus(str(file))), 0
    lines = file.read_bytes().splitlines()
    for name in ("json", "orjson"):
        if importlib.util.find_spec(name):
            loads = importlib.import_module(name).loads
            yield f"parsing with {name}", partial(_each, loads, lines), file.stat().st_size
    folder, few = bundled_folder("tiny"), texts[: len(texts) // 4]
    own, rust = FileTokenizer(folder), tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))
    for name, encode_ in {
        "nonplus": partial(own.encode, specials=False),
        "tokenizers alone": rust.encode_batch,
    }.items():
        yield f"bundled:tiny's tokens by {name}", partial(encode_, few), len("".join(few).encode())


def _each(function: Callable[[bytes], Any], items: Sequence[bytes]) -> None:
    for item in items:
        function(item)


def seconds(work: Work, *, rounds: int) -> float:
    """CPU time, the fastest of some rounds."""
    taken = []
    for _ in range(rounds):
        begun = time.process_time()
        work()
        taken.append(time.process_time() - begun)
    return min(taken)


if __name__ == "__main__":
    main()

"""What reading records, adding columns and compressing them takes, without any scoring.

    python benchmarks/records.py [--quick] [FILE.jsonl]

Megabytes of JSON Lines for each CPU second of one thread, as they come from disk:
``pass`` reads units over, as a worker does with those of others; ``read`` parses them;
``write`` splices and compresses. Last is what each way to compress takes for a byte, on
one unit. Without a file there are two made of this repository's
example text, with records of 7,000 and of 70 bytes; both compress better than most.
"""

import argparse
import gzip
import json
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from nonplus.compression.packing import SUFFIXES, compressed
from nonplus.corpora.records import Column, RecordFields, open_records

TEXT = Path(__file__).resolve().parent.parent / "examples" / "lost_world.txt"
FLOATS = ("bits_per_byte", "perplexity", "nats", "unknown_rate", "standard_error", "worst_window")
INTEGERS = ("tokens", "bytes", "worst_window_at")
WORDS = {"decision": "kept", "reason": "", "model": "ngram"}
ALL = (*FLOATS, *INTEGERS, *WORDS)


def columns(count: int, names: tuple[str, ...]) -> dict[str, Column]:
    """Figures as a filter has them, for so many records."""
    chance = np.random.default_rng(0)
    made: dict[str, Column] = {name: chance.uniform(0.01, 900, count) for name in FLOATS}
    made |= {name: chance.integers(0, 7000, count) for name in INTEGERS}
    made |= {name: [word] * count for name, word in WORDS.items()}
    return {name: made[name] for name in names}


def made(folder: Path, size: int, total: int) -> Path:
    """A file of records of about so many bytes each."""
    text = TEXT.read_text(encoding="utf-8") * (1 + total // TEXT.stat().st_size)
    step = size - 25
    path = folder / f"records of {size:,} bytes.jsonl"
    rows = (json.dumps({"text": text[at : at + step], "id": at}) for at in range(0, total, step))
    path.write_text("".join(f"{row}\n" for row in rows))
    return path


def timed(path: Path, suffix: str, names: tuple[str, ...]) -> Iterator[tuple[str, float]]:
    """The CPU seconds of each step."""
    file = open_records(str(path), RecordFields(id="id", taken=names)).written_as(f"kept{suffix}")
    begun = time.process_time()
    list(file.units(lambda _: False))
    yield "pass", time.process_time() - begun
    read = write = 0.0
    units = file.units(lambda _: True)
    while True:
        begun = time.process_time()
        batch = next(units, None)
        read += time.process_time() - begun
        if batch is None:
            break
        added = columns(len(batch.texts), names)
        begun = time.process_time()
        batch.written(np.arange(len(batch.texts)), added)
        write += time.process_time() - begun
    yield from (("read", read), ("write", write), ("read and write", read + write))


def compressing(path: Path) -> Iterator[str]:
    """Nanoseconds of CPU for each byte, the best of five, and the part that is left."""
    with path.open("rb") as file:
        unit = file.read(1 << 22)
    for name, suffix in SUFFIXES.items():
        took = []
        for _ in range(5):
            begun = time.process_time()
            packed = compressed(unit, f"part{suffix}")
            took.append(time.process_time() - begun)
        yield f"{name} {min(took) / len(unit) * 1e9:.1f} ns ({len(packed) / len(unit):.3f})"


def main() -> None:
    """Time each form of each file."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("files", nargs="*", type=Path)
    arguments.add_argument("--quick", action="store_true")
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        total = 200_000 if given.quick else 40_000_000
        for path in given.files or [made(Path(folder), size, total) for size in (7_000, 70)]:
            packed = Path(folder) / f"{path.stem}.jsonl.gz"
            packed.write_bytes(gzip.compress(path.read_bytes(), 6))
            for source, suffix in ((path, ".jsonl"), (path, ".jsonl.zst"), (packed, ".jsonl.gz")):
                for names in (ALL, ("bits_per_byte", "decision")):
                    rates = {step: path.stat().st_size / 1e6 / taken for step, taken in timed(source, suffix, names)}
                    shown = ", ".join(f"{step} {rate:,.0f}" for step, rate in rates.items())
                    print(f"{source.name} to {suffix}, {len(names)} columns: {shown} MB/CPU s")
            print(f"{path.name} compressed: {', '.join(compressing(path))}")


if __name__ == "__main__":
    main()

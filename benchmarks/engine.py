"""What the engine itself takes: texts scored by a model that costs nothing.

    python benchmarks/engine.py [--quick]

CPU time of ``nonplus.evaluate`` on one thread, on texts in memory. Tokens are bytes,
and every log-probability of ``uniform:256`` is the same.
"""

import argparse
import os
import random
import time
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before NumPy is loaded

import nonplus

TEXT = Path(__file__).resolve().parent.parent / "examples" / "lost_world.txt"
SIZES = {66: 1_000_000, 2_000: 4_000_000}  # bytes of a text: bytes of all


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Megabytes of text for each CPU second of the engine.")
    parser.add_argument("--quick", action="store_true", help="takes seconds, to check that it runs")
    quick = parser.parse_args().quick
    for size, total in SIZES.items():
        texts = drawn(size, total // 50 if quick else total)
        print(f"texts of {size:,} bytes: {megabytes_per_second(texts, rounds=1 if quick else 3):.2f} MB/CPU s")


def drawn(size: int, total: int) -> list[str]:
    """Pieces of one text, the same on every run."""
    source, draw = TEXT.read_text(encoding="utf-8"), random.Random(0)
    begins = [draw.randrange(len(source) - size) for _ in range(total // size)]
    return [source[begin : begin + size] for begin in begins]


def megabytes_per_second(texts: list[str], *, rounds: int) -> float:
    """Of UTF-8, the fastest of some rounds."""
    model, seconds = nonplus.open_model("uniform:256"), []
    for _ in range(rounds):
        begun = time.process_time()
        report = nonplus.evaluate(texts, model=model)
        seconds.append(time.process_time() - begun)
    return report.tally.bytes / 1e6 / min(seconds)


if __name__ == "__main__":
    main()

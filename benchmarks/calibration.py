"""How often the intervals of ``nonplus filter calibrate`` hold, and how fast it reads.

    python benchmarks/calibration.py

The corpora are simulated: the logarithm of a document's length varies by 1.3 and grows
with its bits per byte. Of 100 intervals at 95%, the table has how many hold the share
of all documents, and of all bytes, where a part of the documents is kept; then the
same where units of 5 to 39 documents are drawn. The file for the second figure has
random pieces of ``examples/lost_world.txt`` as records.
"""

import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from nonplus.filtering.calibration.shares import kept_share
from nonplus.measure.records import Bools, Floats, Ints

EXAMPLE = Path(__file__).resolve().parent.parent / "examples" / "lost_world.txt"
PARTS, SAMPLES, CLUSTERS = (0.02, 0.1, 0.5, 0.95), (30, 200, 2000), (10, 30, 100)
_RUNS = 2000


def covered(kept_D: Bools, weight_D: Floats, drawn: list[Ints], clusters: list[Ints]) -> float:
    """How many of 100 intervals hold the share of all."""
    true = float(weight_D[kept_D].sum() / weight_D.sum())
    shares = [kept_share(kept_D[at], weight_D[at], each) for at, each in zip(drawn, clusters, strict=True)]
    return 100 * float(np.mean([share.low <= true <= share.high for share in shares]))


def main() -> None:
    """Print both."""
    chance = np.random.default_rng(1)
    bits_D = chance.normal(size=200_000)
    size_D = np.exp(1.3 * chance.normal(size=len(bits_D)) + 0.39 * bits_D)
    print("documents ", *(f"{part:>14.0%}" for part in PARTS))
    for number in SAMPLES:
        cells = []
        for part in PARTS:
            kept_D = bits_D < np.quantile(bits_D, part)
            drawn = [chance.choice(len(bits_D), number, replace=False) for _ in range(_RUNS)]
            alone = [np.arange(number)] * _RUNS
            cells.append(
                "  ".join(f"{covered(kept_D, each, drawn, alone):.1f}" for each in (np.ones_like(size_D), size_D))
            )
        print(f"{number:<10}", *(f"{cell:>14}" for cell in cells))
    sizes = chance.integers(5, 40, size=2000)
    ends = np.concatenate([[0], np.cumsum(sizes)])
    bits_D = np.repeat(0.7 * chance.normal(size=2000), sizes) + chance.normal(size=ends[-1])
    print("units     ")
    for number in CLUSTERS:
        cells = []
        for part in PARTS:
            units = [chance.choice(2000, number, replace=False) for _ in range(_RUNS)]
            drawn = [np.concatenate([np.arange(ends[unit], ends[unit + 1]) for unit in each]) for each in units]
            clusters = [np.repeat(np.arange(number), sizes[each]) for each in units]
            kept_D = bits_D < np.quantile(bits_D, part)
            cells.append(f"{covered(kept_D, np.ones(len(bits_D)), drawn, clusters):.1f}")
        print(f"{number:<10}", *(f"{cell:>14}" for cell in cells))
    with tempfile.TemporaryDirectory() as folder:
        print(read(Path(folder) / "pieces.jsonl"))


def read(path: Path) -> str:
    """What a calibration of 100,000 records takes, and 10% of their units."""
    pick, text = random.Random(1), EXAMPLE.read_text(encoding="utf-8")
    with path.open("w", encoding="utf-8") as file:
        for _ in range(100_000):
            start = pick.randrange(len(text) - 3000)
            file.write(json.dumps({"text": text[start : start + pick.randrange(200, 5000)]}) + "\n")
    said = [f"{path.stat().st_size / 1e6:.0f} MB:"]
    for options in ([], ["--part", "10%"]):
        before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        command = [sys.executable, "-m", "nonplus.cli", "filter", "calibrate", str(path), *options]
        subprocess.run(command, check=True, capture_output=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        said.append(f"{used:.1f} CPU s and {time.perf_counter() - begun:.1f} s {' '.join(options)};")
    return " ".join([*said, f"at most {after.ru_maxrss / 1000:.0f} MB resident"])


if __name__ == "__main__":
    main()

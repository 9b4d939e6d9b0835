"""How fast the scorer of the filter is: MB of text per CPU second of one core.

    python benchmarks/scorer.py FILE [MODEL]

``FILE`` has a JSON object with a text a line, such as ``linux_text.py`` writes. The
first pass meets every word for the first time, as a worker of a filter does; later ones
know the pieces of all words. A unit of a filter is 4 MiB. One table of Arrow is scored,
too, and texts in two threads, where two cores are idle.
"""

import json
import os
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before NumPy is loaded

import pyarrow as pa

import nonplus
from nonplus.measure.lists import in_lists

UNIT = 1 << 22
ROUNDS = 3


def main(file: str, model: str = "bundled:ngram") -> None:
    """Print a line for each way."""
    lines = Path(file).read_bytes().splitlines()
    texts = [json.loads(line)["text"] for line in lines]
    units = list(in_lists(texts, size=len, least=UNIT))
    megabytes = sum(len(text.encode()) for text in texts) / 1e6
    scorer = nonplus.Scorer(model)
    tables = [pa.table({"text": unit}) for unit in units]
    print(f"{len(texts):,} texts, {megabytes:.1f} MB, the machine's load {os.getloadavg()[0]:.1f}")
    print(f"first pass   {megabytes / took(lambda: list(map(scorer.columns, units))):6.1f} MB per CPU s")
    later = min(took(lambda: list(map(scorer.columns, units))) for _ in range(ROUNDS))
    print(f"later passes {megabytes / later:6.1f} MB per CPU s")
    arrow = min(took(lambda: list(map(scorer.score_batch, tables))) for _ in range(ROUNDS))
    print(f"from Arrow   {megabytes / arrow:6.1f} MB per CPU s")
    for threads in (1, 2):
        seconds = min(clocked(scorer, units, threads) for _ in range(ROUNDS))
        print(f"{threads} threads    {megabytes / seconds:6.1f} MB/s by the clock")


def clocked(scorer: nonplus.Scorer, units: list[list[str]], threads: int) -> float:
    """Seconds on the clock."""
    begun = time.perf_counter()
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(scorer.columns, units))
    return time.perf_counter() - begun


def took(work: Callable[[], object]) -> float:
    """CPU seconds."""
    begun = time.process_time()
    work()
    return time.process_time() - begun


if __name__ == "__main__":
    main(*sys.argv[1:])

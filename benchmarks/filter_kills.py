"""``nonplus filter run`` is killed again and again inside one compressed file.

    python benchmarks/filter_kills.py [--kills 50] [--seed 1]

Each time it goes on with other workers, which are actors of Ray now and then if that is
installed; at the end every file that it left must have the bytes of a run that nobody
disturbed. A kill comes when some more units are finished, or at any moment; it ends all
processes of the run at once, or only the first one. Those of Ray have a session of
their own and end when they miss the one that started them, some units later.
"""

import argparse
import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import cycle
from pathlib import Path

import zstandard

EXAMPLE = Path(__file__).resolve().parent.parent / "examples" / "lost_world.txt"
_UNIT = "16Ki"
_LONGEST = 60.0  # seconds in which a run must finish a unit
_LOOKS = 0.002  # seconds between two looks


@dataclass(frozen=True)
class Way:
    """How a run does its work: its options, and what of the environment is changed."""

    options: tuple[str, ...]
    environment: tuple[tuple[str, str], ...] = ()


RAY = Way(("--workers", "2", "--engine", "ray"))
WAYS = (
    Way(("--workers", "1")),
    *((RAY,) if find_spec("ray") else ()),
    Way(("--workers", "3")),
    Way(("--workers", "2", "--shard", "2/3")),
    Way(("--workers", "2"), (("NONPLUS_NATIVE", "0"),)),
    Way(("--workers", "1", "--shard", "1/2")),
    Way(("--workers", "2")),
)


def write_corpus(path: Path, *, records: int, seed: int) -> None:
    """Records of one to five paragraphs of a book, and some that cannot be read."""
    draw = random.Random(seed)
    paragraphs = [each for each in EXAMPLE.read_text(encoding="utf-8").split("\n\n") if each.strip()]
    lines = []
    for number in range(records):
        text = "\n\n".join(draw.choices(paragraphs, k=draw.randint(1, 5)))
        lines.append('{"text": 1}' if number % 97 == 50 else json.dumps({"id": number, "text": text}))
    path.write_bytes(zstandard.compress("".join(f"{line}\n" for line in lines).encode()))


def started(corpus: Path, out: Path, way: Way) -> subprocess.Popen[bytes]:
    """The command, begun in the folder of ``out``, so that no report names that."""
    program = [sys.executable, "-m", "nonplus.cli", "filter", "run", os.path.relpath(corpus, out.parent)]
    rule = ["-o", out.name, "--keep", "bits_per_byte <= 2.1", "--unit-size", _UNIT]
    return subprocess.Popen(
        [*program, *rule, *way.options],
        cwd=out.parent,
        env={**os.environ, **dict(way.environment)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def undisturbed(corpus: Path, out: Path) -> None:
    """One run."""
    if started(corpus, out, WAYS[0]).wait():
        raise SystemExit("a run that nobody killed ended with an error")


def disturbed(corpus: Path, out: Path, *, kills: int, seed: int, ways: Sequence[Way] = WAYS) -> list[int]:
    """Runs that are killed, then one that is not; how many units were finished at each
    kill.
    """
    draw, finished = random.Random(seed), list[int]()
    for way in cycle(ways):
        if killed(corpus, out, way, draw):
            finished.append(units(out))
        if out.exists():
            raise SystemExit(f"all was finished after {len(finished)} kills; the corpus is too small")
        if len(finished) == kills:
            undisturbed(corpus, out)
            return finished
    return finished


def killed(corpus: Path, out: Path, way: Way, draw: random.Random) -> bool:
    """Start a run and kill it; false if it ended by itself, as a shard may."""
    more = units(out) + draw.randint(1, 2) if draw.random() < 0.7 else None
    at = time.monotonic() + (_LONGEST if more is not None else draw.uniform(0, 3))
    process = started(corpus, out, way)
    try:
        while time.monotonic() < at and (more is None or units(out) < more) and process.poll() is None:
            time.sleep(_LOOKS)
    finally:
        if process.poll() is None:
            if draw.random() < 0.5:
                os.killpg(process.pid, signal.SIGKILL)
            else:
                process.kill()
    return process.wait() == -signal.SIGKILL


def units(out: Path) -> int:
    """How many units are finished."""
    folder = out.with_name(f"{out.name}.parts") / "units"
    return len(list(folder.glob("*/*.json")))


def left(out: Path) -> Mapping[str, str]:
    """Every file that a run leaves, with a digest of its bytes."""
    folder = out.with_name(f"{out.name}.parts")
    files = [out, *(path for path in sorted(folder.rglob("*")) if path.is_file())]
    return {str(path.relative_to(out.parent)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def main() -> None:
    """Kill as often as is asked for, and compare."""
    parser = argparse.ArgumentParser(description="Kill nonplus filter run again and again.")
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        corpus, whole, broken = folder / "corpus.jsonl.zst", folder / "whole", folder / "broken"
        write_corpus(corpus, records=120 * (options.kills + 10), seed=options.seed)
        for each in (whole, broken):
            each.mkdir()
        undisturbed(corpus, whole / "kept.jsonl.zst")
        finished = disturbed(corpus, broken / "kept.jsonl.zst", kills=options.kills, seed=options.seed)
        first, second = (left(each / "kept.jsonl.zst") for each in (whole, broken))
        ways = "; ".join(" ".join((*map("=".join, way.environment), *way.options)) for way in WAYS)
        print(f"{options.kills} kills in turns of {ways}")
        print(f"units finished at each: {', '.join(map(str, finished))}")
        print(f"{len(first)} files, kept.jsonl.zst {first['kept.jsonl.zst'][:16]}")
        if first != second:
            raise SystemExit(f"the files differ: {sorted(set(first.items()) ^ set(second.items()))}")
        print("every file has the same bytes")


if __name__ == "__main__":
    main()

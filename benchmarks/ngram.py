"""N-gram models against KenLM: training, loading, scoring, on the same text.

    python benchmarks/ngram.py [--train TEXT --test TEXT] [--lmplz PROGRAM] [--quick]

All in one process on one core, except where two threads are compared with one, and
except lmplz, whose CPU time is that of its process. CPU seconds, the fastest of some
rounds in which the contestants take turns. The ratio says how many times as fast
nonplus is. Two threads tell nothing while others use the cores; the load is printed.
Without files it takes the texts in ``NONPLUS_DATA``.

The text is words with blanks between them, a sentence a line, since KenLM has no other
tokenizer. Its Python package scores a sentence with ``score``, which adds up what
``full_scores`` gives for each token, as ``nonplus.score`` does.
"""

import argparse
import os
import resource
import subprocess
import tempfile
import time
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before NumPy is loaded

import kenlm
import numpy as np

import nonplus
from nonplus.errors import SuspectInput
from nonplus.measure.lists import in_lists
from nonplus.measure.tokenizing import AHEAD
from nonplus.models.ngram.bundle import Bundle, open_bundle
from nonplus.models.ngram.text.sentences import Sentences

DATA = Path(os.environ.get("NONPLUS_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))
EXAMPLE = Path(__file__).resolve().parent.parent / "examples" / "lost_world.txt"
PRUNE = (0, 0, 1)
_SAME = 1e-5  # the largest relative difference of the nats: KenLM adds up float32


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="N-gram models against KenLM, in CPU seconds of one core.")
    parser.add_argument("--train", type=Path, help="the text to train on")
    parser.add_argument("--test", type=Path, help="the text to score")
    parser.add_argument("--lmplz", type=Path, help="the program that trains KenLM's models")
    parser.add_argument("--quick", action="store_true", help="takes seconds, to check that it runs")
    options = parser.parse_args()
    warnings.simplefilter("ignore", SuspectInput)  # unknown words are meant
    train, test = (words_of(each) for each in texts(options))
    rounds = 1 if options.quick else 5
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        (work / "train.txt").write_bytes(train)
        trained(work, options.lmplz, train)
        loaded(work, rounds)
        scored(work, test.decode(), rounds)
    print(f"the machine's load: {', '.join(f'{each:.1f}' for each in os.getloadavg())}, its cores {os.cpu_count()}")


def texts(options: argparse.Namespace) -> tuple[bytes, bytes]:
    """The text to train on, and the one to score."""
    if options.train and options.test:
        return options.train.read_bytes(), options.test.read_bytes()
    if options.quick:
        text = EXAMPLE.read_bytes()
        return text[: len(text) // 2], text[len(text) // 2 :]
    domains = sorted((DATA / "domains").glob("*.test.txt"))
    return b"\n".join(each.read_bytes() for each in domains), (DATA / "eval/wiki2019/test.txt").read_bytes()


def words_of(text: bytes) -> bytes:
    """The same words, a blank between two of them, without empty lines, and none that
    KenLM would take for special.
    """
    special = {b"<s>", b"</s>", b"<unk>", b"<UNK>"}
    lines = (b" ".join(word for word in line.split() if word not in special) for line in text.splitlines())
    return b"\n".join(line for line in lines if line) + b"\n"


def trained(work: Path, lmplz: Path | None, text: bytes) -> None:
    """Train both, and print what it took."""
    options = nonplus.TrainingOptions(order=5, prune=PRUNE, normalizer="raw")
    ours = cpu(
        lambda: nonplus.train_ngrams(work / "train.txt", work / "bundle", arpa=work / "ours.arpa", options=options)
    )
    print(
        f"training on {len(text) / 1e6:.1f} MB, order 5, prune {PRUNE}, with its ARPA file and bundle: {ours:.2f} CPU s"
    )
    if lmplz is None:
        print("  lmplz: not measured; give its path with --lmplz")
        return
    command = [lmplz, "-o", "5", "--prune", *map(str, PRUNE), "-S", "2G", "-T", work, "--discount_fallback"]
    theirs = cpu_of([*map(str, command), "--text", str(work / "train.txt"), "--arpa", str(work / "lmplz.arpa")])
    print(f"  lmplz, with its ARPA file: {theirs:.2f} CPU s, ratio {theirs / ours:.2f}")


def loaded(work: Path, rounds: int) -> None:
    """Open the bundle, and read the ARPA file with both."""
    arpa = work / "ours.arpa"
    ways = {
        "nonplus, bundle": lambda: nonplus.open_model(f"ngram:{work / 'bundle'}"),
        "nonplus, ARPA": lambda: nonplus.open_model(f"ngram:{arpa}"),
        "kenlm, ARPA": lambda: kenlm.Model(str(arpa)),
    }
    print(f"loading a model whose ARPA file has {arpa.stat().st_size / 1e6:.1f} MB")
    seconds = race(ways, rounds)
    for name, each in seconds.items():
        print(f"  {name}: {each:.3f} CPU s, ratio {seconds['kenlm, ARPA'] / each:.2f}")


def scored(work: Path, text: str, rounds: int) -> None:
    """Score the lines of a text, each way, and print megabytes of it in a second."""
    theirs, model = kenlm.Model(str(work / "ours.arpa")), nonplus.open_model(f"ngram:{work / 'bundle'}")
    bundle, lines, size = open_bundle(work / "bundle"), text.splitlines(), len(text.encode()) / 1e6
    read = bundle.rules.sentences([text])
    # as nonplus reads documents
    pieces = ["".join(own) for own in in_lists(text.splitlines(keepends=True), size=len, least=AHEAD)]
    ways: dict[str, Callable[[], float]] = {
        "kenlm, score": lambda: -sum(theirs.score(line) for line in lines) * np.log(10),
        "kenlm, full_scores": lambda: -sum(p for line in lines for p, _, _ in theirs.full_scores(line)) * np.log(10),
        "nonplus, look-ups alone": lambda: nats_of(bundle, read),
        "nonplus, text to nats": lambda: sum(nats_of(bundle, bundle.rules.sentences([piece])) for piece in pieces),
        "nonplus, a document a line, whole report": lambda: nonplus.evaluate(lines, model=model).nats,
        "nonplus, one document, whole report": lambda: nonplus.evaluate([text], model=model).nats,
    }
    nats = {name: way() for name, way in ways.items()}
    assert max(abs(each / nats["kenlm, score"] - 1) for each in nats.values()) < _SAME, nats
    tokens = len(read.ids_T) - len(lines)
    print(f"scoring {size:.1f} MB, {tokens:,} tokens, the same nats each way")
    seconds = race(ways, rounds)
    for name, each in seconds.items():
        ratio = seconds["kenlm, score"] / each
        print(f"  {name}: {size / each:.1f} MB/CPU s, {tokens / each / 1e6:.2f} M tokens/CPU s, ratio {ratio:.2f}")
    one, two = (with_threads(lambda: nonplus.evaluate([text] * 4, model=model), each, rounds) for each in (1, 2))
    print(
        f"two threads against one, whole report of {4 * size:.1f} MB: {one.wall / two.wall:.2f} times as fast on the "
        f"clock, with {two.cpu / one.cpu:.2f} times the CPU time"
    )


def nats_of(bundle: Bundle, read: Sentences) -> float:
    """The sum over all tokens but ``<s>``, with which every sentence begins."""
    nats_T = bundle.table.score(read.ids_T, read.starts).nats_T
    return float(nats_T.sum() - nats_T[read.starts[:-1]].sum())


def race(ways: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """CPU seconds of each, the fewest of some rounds in which they take turns."""
    seconds = [{name: cpu(way) for name, way in ways.items()} for _ in range(rounds)]
    return {name: min(each[name] for each in seconds) for name in ways}


def cpu(way: Callable[[], object]) -> float:
    """CPU seconds of this process."""
    begun = time.process_time()
    way()
    return time.process_time() - begun


def cpu_of(command: list[str]) -> float:
    """CPU seconds of another process."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


class Taken(NamedTuple):
    """Seconds on the clock, and of all processors."""

    wall: float
    cpu: float


def with_threads(way: Callable[[], object], threads: int, rounds: int) -> Taken:
    """What it takes with that many threads, the fewest of some rounds of each."""
    os.environ["OMP_NUM_THREADS"] = str(threads)  # which nonplus reads at each call
    taken = []
    for _ in range(rounds):
        begun = time.perf_counter()
        seconds = cpu(way)
        taken.append(Taken(time.perf_counter() - begun, seconds))
    os.environ["OMP_NUM_THREADS"] = "1"
    return Taken(*map(min, zip(*taken, strict=True)))


if __name__ == "__main__":
    main()

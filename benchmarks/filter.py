"""A corpus cleaned by perplexity, from file to file, by nonplus and its peers.

    python benchmarks/filter.py [--quick] [--work FOLDER]

One file of JSON Lines of this machine's own text, compressed with zstd, is read,
normalised, cut into tokens, scored, decided and written again: by ``nonplus filter
run`` with one worker, by datatrove's block of statistics with its LambdaFilter, by
data-juicer's ``dj-process`` with its perplexity_filter, and by a plain loop with
KenLM's Python package. All have the same 5-gram model and tokenizer. The model is one
for texts as cc_net reads them. For each peer nonplus reads texts as that peer does, so
the scores must be equal, and they are compared first. ``bundled:ngram`` is timed too.

Seconds are CPU seconds of whole processes with all their children, the fewest of some
rounds in which the contestants take turns, so they hold on a machine that others use
too. What a process takes for one document, above all its start, is measured as well:
MB/s are those of the other documents.

On a fresh Linux machine with Python 3.11, and on Debian::

    apt-get install g++ cmake zlib1g-dev libbz2-dev liblzma-dev libeigen3-dev man-db
    apt-get install libboost-{program-options,system,thread,test}-dev
    pip install '.[filter,sentencepiece]' kenlm==0.3.0
    python benchmarks/filter.py --quick

KenLM's programs, the environments of the peers (1.5 GB, without torch), the text and
the model are made once, in WORK/kenlm, WORK/peers and WORK/whole or WORK/quick; WORK is
``/tmp/nonplus-filter`` unless it is named. ``--quick`` takes 1 MB of text instead of
50 MB, to see that all of it works: its seconds are those of starting.
"""

import argparse
import io
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any

import kenlm
import numpy as np
import sentencepiece
import zstandard
from filter_model import QUICK, WAYS, WHOLE, Folder
from filter_peers.environments import python
from filter_peers.kenlm_programs import programs
from numpy.typing import NDArray

from nonplus.models.ngram.bundle import open_bundle
from nonplus.models.ngram.normalizers.named import named

Figures = NDArray[Any]

THRESHOLD, ALL = "200", "1e300"
HERE = Path(__file__).resolve().parent
_COMPILED = {"PYTHONDONTWRITEBYTECODE": ""}  # modules are compiled once, as when they are installed
_ROUNDING = 0.05001  # the peers round to one digit
_SAME = 1e-3  # the largest relative difference of perplexities: KenLM adds up float32


@dataclass(frozen=True)
class Took:
    """What a command took: seconds of all its processes and on the clock, and the most
    MiB in one of them.
    """

    cpu: float
    wall: float
    peak: float


@dataclass(frozen=True)
class Contestant:
    """A command that writes the documents of a file that are below a threshold, and how
    their perplexities are read from what it wrote.
    """

    name: str
    command: Callable[[Path, Path, str], Sequence[object]]
    perplexities: Callable[[Path], list[float]]
    environment: Mapping[str, str]

    def run(self, file: Path, out: Path, threshold: str) -> Took:
        """Run it with an empty folder ``out``."""
        shutil.rmtree(out, ignore_errors=True)
        out.mkdir(parents=True)
        command = [*map(str, self.command(file, out, threshold))]
        figures = out / "measured.json"
        begun = time.perf_counter()
        ran = subprocess.run(
            [sys.executable, HERE / "filter_peers" / "measured.py", figures, *command],
            env=os.environ | self.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
        )  # fmt: skip
        wall = time.perf_counter() - begun
        if ran.returncode:
            raise SystemExit(f"{command} ended with {ran.returncode}:\n{ran.stdout[-3000:]}")
        cpu, peak = json.loads(figures.read_text())
        return Took(cpu, wall, peak)


def ours(name: str, model: str, *, workers: int = 1) -> Contestant:
    """``nonplus filter run``."""

    def command(file: Path, out: Path, threshold: str) -> Sequence[object]:
        run = [sys.executable, "-m", "nonplus.cli", "filter", "run", file, "-o", out / "kept.jsonl.zst"]
        return [*run, "--keep", f"perplexity < {threshold}", "--model", model, "--workers", workers]

    return Contestant(name, command, lambda out: rows(out / "kept.jsonl.zst", "nonplus_perplexity"), _COMPILED)


def peers(environments: Path, models: Path) -> list[Contestant]:
    """The others."""

    def command(script: str, interpreter: Path | str, kept: str) -> Callable[[Path, Path, str], Sequence[object]]:
        program = HERE / "filter_peers" / script
        return lambda file, out, threshold: [interpreter, program, file, out / kept, models, threshold]

    def of_datatrove(out: Path) -> list[float]:
        return [row["ccnet_perplexity_given_en"] for row in rows(out / "00000.jsonl.zst", "metadata")]

    def of_datajuicer(out: Path) -> list[float]:
        lines = (out / "kept_stats.jsonl").read_text().splitlines()
        return [json.loads(line)["__dj__stats__"]["perplexity"] for line in lines]

    def of_kenlm(out: Path) -> list[float]:
        return rows(out / "kept.jsonl.zst", "perplexity")

    datatrove, datajuicer = (python(environments, peer) for peer in ("datatrove", "datajuicer"))
    alone = {"PYTHONPATH": ""}
    return [
        Contestant("datatrove", command("by_datatrove.py", datatrove, ""), of_datatrove, alone),
        Contestant("data-juicer", command("by_datajuicer.py", datajuicer, ""), of_datajuicer, alone),
        Contestant("kenlm, plain loop", command("by_kenlm.py", sys.executable, "kept.jsonl.zst"), of_kenlm, {}),
    ]


def rows(file: Path, field: str) -> list[Any]:
    """A field of every row of a compressed file."""
    return [json.loads(line)[field] for line in lines(file)]


def lines(file: Path) -> Iterator[bytes]:
    """The lines of a compressed file of any number of frames."""
    with file.open("rb") as opened:
        yield from io.BufferedReader(zstandard.ZstdDecompressor().stream_reader(opened, read_across_frames=True))


def size_of(texts: Sequence[str]) -> float:
    """Megabytes in UTF-8."""
    return sum(len(text.encode()) for text in texts) / 1e6


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Filtering a corpus beside other tools, in CPU seconds.")
    parser.add_argument("--kenlm", type=Path, help="for lmplz and build_binary  [WORK/kenlm]")
    parser.add_argument("--work", type=Path, default=Path("/tmp/nonplus-filter"), help="for model and corpus")
    parser.add_argument("--peers", type=Path, help="for their environments  [WORK/peers]")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="a small corpus and model, to check that it runs")
    options = parser.parse_args()
    rounds = 1 if options.quick else options.rounds
    name, size = ("quick", QUICK) if options.quick else ("whole", WHOLE)
    folder = Folder(options.work / name, programs(options.kenlm or options.work / "kenlm"), size)
    folder.binary()
    others = peers(options.peers or options.work / "peers", folder.path)
    by_way = {way: ours(f"nonplus as {way}", f"ngram:{folder.bundle(way)}") for way in WAYS}
    same_scores(folder, by_way, others)
    timed(folder, [*by_way.values(), ours("nonplus, bundled:ngram", "bundled:ngram"), *others], rounds)
    scaled(folder, rounds)
    print(f"the machine's load: {', '.join(f'{each:.1f}' for each in os.getloadavg())}, its cores {os.cpu_count()}")


def same_scores(folder: Folder, by_way: Mapping[str, Contestant], others: Sequence[Contestant]) -> None:
    """Compare the perplexity of every document with what each peer says.

    SentencePiece cuts a whole text at once and breaks ties by what stood before, where
    nonplus cuts every word by itself. So texts with other pieces are told apart. There
    is no cc_net to install: beside it, KenLM scores the text as cc_net normalises it.
    """
    corpus, out = folder.corpus(".zst"), folder.path / "out"
    texts = rows(corpus, "text")
    print(f"{len(texts):,} documents, {size_of(texts):.1f} MB of text: perplexities beside those of the peers")
    of_peers = {"datatrove": others[0], "datajuicer": others[1]}
    for way, own in by_way.items():
        own.run(corpus, out, ALL)
        found = np.array(own.perplexities(out))
        by_kenlm, same = in_whole_pieces(folder, way, texts)
        told(f"{way}, KenLM", found, by_kenlm, same)
        if peer := of_peers.get(way):
            peer.run(corpus, out, ALL)
            told(f"{way}, {peer.name}", found, np.array(peer.perplexities(out)), same, rounded=_ROUNDING)


def told(name: str, found: Figures, theirs: Figures, same: Figures, *, rounded: float = 0.0) -> None:
    """Print how far two columns of perplexities are the same."""
    off = np.maximum(np.abs(found - theirs) - rounded, 0) / theirs
    alike, most = (float(np.max(each, initial=0.0)) for each in (off[same], off))
    print(
        f"  {name}{', which rounds to one digit' if rounded else ''}: largest relative difference {alike:.1e} of the "
        f"{same.sum():,} documents with the same pieces, {most:.1e} of all; {np.mean(off < _SAME):.2%} within {_SAME}"
    )
    if alike > _SAME:
        raise SystemExit("the perplexities differ, so nothing is timed")


def in_whole_pieces(folder: Folder, way: str, texts: list[str]) -> tuple[Figures, Figures]:
    """The perplexity that KenLM gives each text in the pieces of SentencePiece for the
    whole text, and whether nonplus has the same pieces.
    """
    rules, model = open_bundle(folder.bundle(way)).rules, kenlm.Model(str(folder.binary()))
    processor = sentencepiece.SentencePieceProcessor(str(folder.tokenizer()))
    known = {word: number for number, word in enumerate(rules.words)}
    found, same = [], []
    for text in texts:
        normalised = named(way).normalize([text], "document").data_N.tobytes().decode()
        pieces = processor.encode(normalised, out_type=str)
        found.append(10 ** (-model.score(" ".join(pieces)) / (len(pieces) + 1)))
        same.append(rules.sentences([text]).ids_T[1:-1].tolist() == [known.get(piece, 0) for piece in pieces])
    return np.array(found), np.array(same)


def timed(folder: Folder, contestants: Sequence[Contestant], rounds: int) -> None:
    """Time each on the corpus and on its first document."""
    corpus, out, one = folder.corpus(".zst"), folder.path / "out", folder.path / "one.jsonl.zst"
    one.write_bytes(zstandard.compress(next(lines(corpus))))
    size, first = size_of(rows(corpus, "text")), contestants[0].name
    kept = {}
    starts = {each.name: each.run(one, out, THRESHOLD).cpu for each in contestants}
    runs: dict[str, list[Took]] = {each.name: [] for each in contestants}
    for _ in range(rounds):
        for each in contestants:
            runs[each.name].append(each.run(corpus, out, THRESHOLD))
            kept[each.name] = len(each.perplexities(out))
    best = {name: min(took.cpu for took in each) for name, each in runs.items()}
    print(f"from {corpus.name} to JSON Lines again, {size:.1f} MB of text, perplexity below {THRESHOLD}")
    for name, seconds in best.items():
        print(
            f"  {name}: {seconds:.2f} CPU s, of which {starts[name]:.2f} with the first document alone; "
            f"{size / (seconds - starts[name]):.1f} MB/CPU s; {seconds / best[first]:.2f} times as long as {first}; "
            f"at most {max(took.peak for took in runs[name]):,.0f} MiB; {kept[name]:,} documents kept"
        )


def scaled(folder: Folder, rounds: int) -> None:
    """Two workers against one, and the memory for a file four times as large."""
    corpus, out, four = folder.corpus(".zst"), folder.path / "out", folder.path / "four.jsonl.zst"
    four.write_bytes(4 * corpus.read_bytes())  # frames one after the other are one file
    both = (ours("", f"ngram:{folder.bundle('ccnet')}", workers=workers) for workers in (1, 2))
    runs = [[each.run(four, out, THRESHOLD) for _ in range(min(rounds, 2))] for each in both]
    one, two = (Took(*map(min, zip(*map(astuple, each), strict=True))) for each in runs)
    print(
        f"the same text four times: at most {one.peak:,.0f} MiB; two workers {one.wall / two.wall:.2f} times as fast "
        f"on the clock as one, with {two.cpu / one.cpu:.2f} times the CPU time and {two.peak:,.0f} MiB in one process"
    )


if __name__ == "__main__":
    main()

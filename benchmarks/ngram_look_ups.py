"""How fast n-grams are looked up beside KenLM: one model, one text, one process.

    python benchmarks/ngram_look_ups.py MODEL.arpa MODEL.binary TEXT

The ARPA file becomes a table; the binary is what KenLM's ``build_binary`` made of it.
Seconds are those of the processor, the best of some rounds in turn.
"""

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import kenlm
import numpy as np

from nonplus.models.ngram.arpa.reading import read_arpa
from nonplus.models.ngram.ngrams import BEGIN
from nonplus.models.ngram.normalizers.named import named
from nonplus.models.ngram.table.table import Table, write_table
from nonplus.models.ngram.text.rules import Rules
from nonplus.models.ngram.text.words import Words

ROUNDS = 5
MANY = 2000  # lines of a document


def seconds(work: dict[str, Callable[[], object]], clock: Callable[[], float]) -> dict[str, float]:
    """The best of some rounds, in each of which everything runs once."""
    best = dict.fromkeys(work, np.inf)
    for _ in range(ROUNDS):
        for name, each in work.items():
            start = clock()
            each()
            best[name] = min(best[name], clock() - start)
    return best


def main(arpa: Path, binary: Path, text: Path) -> None:
    """Print a table of speeds, and whether the two agree."""
    lines = text.read_text(encoding="utf-8").split("\n")[:-1]
    documents = ["\n".join(lines[i : i + MANY]) for i in range(0, len(lines), MANY)]
    model = read_arpa(arpa)
    rules = Rules(named("raw"), Words(model.words), unit="line")
    with tempfile.TemporaryDirectory() as folder:
        for bits in (0, 8):
            start = time.process_time()
            write_table(Path(folder, f"table{bits}"), model, bits=bits)
            print(f"writing a table, {bits} bits: {time.process_time() - start:.2f} CPU s")
        start = time.perf_counter()
        table, small = Table.open(Path(folder, "table0")), Table.open(Path(folder, "table8"))
        print(f"opening both: {1000 * (time.perf_counter() - start):.1f} ms; {table.bytes} and {small.bytes} bytes")
    peer = kenlm.Model(str(binary))
    texts = rules.sentences(documents)
    scored = texts.ids_T != BEGIN
    n, megabytes = int(scored.sum()), text.stat().st_size / 1e6
    ids = (texts.ids_T, texts.starts)

    def from_text() -> None:
        for document in documents:
            fresh = rules.sentences([document])
            table.score(fresh.ids_T, fresh.starts)

    speeds = seconds(
        {
            "kenlm, Model.score": lambda: [peer.score(line) for line in lines],
            "kenlm, Model.full_scores": lambda: [sum(p for p, _, _ in peer.full_scores(line)) for line in lines],
            "ours, from text": from_text,
            "ours, from ids": lambda: table.score(*ids),
            "ours, from ids, 8 bits": lambda: small.score(*ids),
        },
        time.process_time,
    )
    for name, each in speeds.items():
        ratio = speeds["kenlm, Model.score"] / each
        print(f"{name}: {n / each / 1e6:.2f} M tokens, {megabytes / each:.1f} MB per CPU s; {ratio:.2f} times kenlm")
    theirs, own = sum(map(peer.score, lines)), -table.score(*ids).nats_T[scored].sum() / np.log(10)
    print(f"{n} tokens; log10 of the whole {theirs:.4f} and {own:.4f}")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))

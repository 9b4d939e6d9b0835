"""Drawn documents are scored, slice by slice, and the time that takes is measured."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import final

from nonplus.filtering.scoring.columns import ScoreColumns
from nonplus.filtering.scoring.scorer import Scorer

_SLICES = 8


@final
@dataclass(frozen=True, slots=True)
class Timed:
    """Figures, and the seconds of processors that all documents together would take at
    the speed of the last half: a model is slower while words are new to it.
    """

    columns: ScoreColumns
    seconds: float


def timed(scorer: Scorer, texts: Sequence[str], *, done: Callable[[int], None] = lambda _: None) -> Timed:
    """The figures of the texts; ``done`` is told of the documents in each slice."""
    size = max(1, -(-len(texts) // _SLICES))
    parts, seconds = [ScoreColumns.of_nothing(0)], [0.0]
    for start in range(0, len(texts), size):
        begun = time.process_time()
        parts.append(scorer.columns(texts[start : start + size]))
        seconds.append(time.process_time() - begun)
        done(len(parts[-1]))
    later = slice(len(parts) // 2, None)
    bytes_later = sum(int(part.bytes.sum()) for part in parts[later])
    columns = ScoreColumns.joined(parts)
    return Timed(columns, sum(seconds[later]) * int(columns.bytes.sum()) / max(1, bytes_later))

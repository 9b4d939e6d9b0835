"""What a cascade would do on a sample that both models have scored.

Letters in shapes: D documents.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import numpy as np

from nonplus.filtering.cascade.cascade import Cascade, Decide, measured
from nonplus.filtering.cascade.translation import Translation
from nonplus.filtering.rules.rule_file import Model
from nonplus.filtering.scoring.columns import ScoreColumns

WIDTHS = (0.0, 0.5, 1.0, 1.5, 2.0, 3.0)


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One width: which part of the documents, and of their bytes, goes to the second
    model, and which part is decided as if all did.

    With the width 0 the first model decides alone.
    """

    width: float
    documents: float
    bytes: float
    agreement: float


def checks(
    first: ScoreColumns, second: ScoreColumns, decide: Sequence[Decide], models: tuple[Model, Model]
) -> tuple[Check, ...]:
    """Each width, tried on documents whose translation was found on the others.

    The halves are every other document; ``decide`` decides about the even ones, and
    about the odd ones.
    """
    sums = np.zeros((len(WIDTHS), 3))
    for own in (0, 1):
        here, there = np.arange(own, len(first), 2), np.arange(1 - own, len(first), 2)
        translation = Translation.fitted(first.at(there), second.at(there))
        for row, width in enumerate(WIDTHS):
            cascade = Cascade(first=models[0], second=models[1], translation=translation, width=width)
            sums[row] += _counts(cascade, first.at(here), second.at(here), decide[own])
    total = np.array([len(first), max(1, int(first.bytes.sum())), len(first)])
    return tuple(
        Check(width=width, documents=float(parts[0]), bytes=float(parts[1]), agreement=float(parts[2]))
        for width, parts in zip(WIDTHS, sums / total, strict=True)
    )


def _counts(cascade: Cascade, first: ScoreColumns, second: ScoreColumns, decide: Decide) -> tuple[int, int, int]:
    """Documents and bytes that are undecided, and documents decided as by the second
    model.
    """
    expected = cascade.expected(first)
    undecided_D = cascade.undecided(first, decide) if cascade.width else np.zeros(len(first), np.bool_)
    of_cascade = decide(measured(expected, second.at(np.flatnonzero(undecided_D)), undecided_D)).keep
    of_second = decide(measured(expected, second, np.ones(len(first), np.bool_))).keep
    agree = int(np.count_nonzero(of_cascade == of_second))
    return int(undecided_D.sum()), int(first.bytes[undecided_D].sum()), agree

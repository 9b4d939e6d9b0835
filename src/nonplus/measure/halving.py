"""Rows through a model in batches that fit: their budget of tokens is halved each time
that one does not.

Letters in shapes: R rows.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Protocol, TypeVar, final, runtime_checkable

import numpy as np

from nonplus.errors import BadModel
from nonplus.measure.interfaces import TextScorer
from nonplus.measure.packing import Lines
from nonplus.measure.records import Ints

Answer = TypeVar("Answer")
# The batches of some rows, by index, each within a budget of tokens.
Plan = Callable[[Ints, int], Iterable[Lines]]


@runtime_checkable
class HasBudget(Protocol):
    """A text scorer whose texts go through it in batches."""

    def with_budget(self, tokens: int) -> TextScorer:
        """The same model, with batches of that many input tokens."""
        ...


@final
class Budget:
    """How many tokens a batch may have, as far as is known."""

    def __init__(self, tokens: int) -> None:
        self.tokens = tokens

    def through(
        self, n_rows: int, *, plan: Plan, step: Callable[[Lines], Answer], too_long: Callable[[int], BadModel]
    ) -> Iterator[tuple[Ints, Answer]]:
        """The rows of each batch, and what ``step`` gives for it, as batches finish.

        ``step`` raises MemoryError for a batch that does not fit.

        Raises:
            BadModel: ``too_long`` of a row that does not fit alone.
        """
        queue = list(plan(np.arange(n_rows), self.tokens))
        while queue:
            lines = queue.pop(0)
            try:
                answer = step(lines)
            except MemoryError:
                if len(lines.rows) == 1:
                    raise too_long(int(lines.rows[0])) from None
                self.tokens = max(1, self.tokens // 2)
                queue = list(plan(np.concatenate([each.rows for each in (lines, *queue)]), self.tokens))
                continue
            yield lines.rows, answer

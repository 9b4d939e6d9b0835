"""Rows through a model: batched or packed, looked up where they were answered before, halved where they do not fit."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from nonplus.errors import BadInput, BadModel
from nonplus.measure.answer_cache import AnswerCache
from nonplus.measure.batches import Row, batch, group, pack
from nonplus.measure.interfaces import WindowModel
from nonplus.measure.records import Batch, Floats

_Lines = list[list[int]]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """How figures are computed and how much is read; none of it changes a figure beyond float32 rounding.

    ``budget`` tokens make a batch (0: what suits the model's device). With ``alternatives`` above 0, entropy, rank and
    so many of the most probable tokens are read in the same pass. ``resume`` names a folder that keeps every finished
    batch, so that a run that was killed goes on where it was.
    """

    budget: int = 0
    alternatives: int = 0
    resume: Path | None = None

    def __post_init__(self) -> None:
        """Refuse what is no number of tokens."""
        for name in ("budget", "alternatives"):
            if (value := getattr(self, name)) < 0:
                raise BadInput(f"{name} is a number of tokens, 0 or more; got {value}")


class Forward:
    """Sends rows through a model and remembers how much of them fits at once."""

    def __init__(self, model: WindowModel, options: RunOptions, *, fingerprint: str) -> None:
        """``fingerprint`` keeps the answers of one protocol apart from those of another."""
        self._model = model
        self._options = options
        self._budget = options.budget or model.budget
        self._ledger: AnswerCache | None = None
        if options.resume is not None:
            scope = f"{fingerprint} {model.identity} {model.tokenizer.identity} {options.alternatives}"
            self._ledger = AnswerCache(options.resume, scope=scope)

    @property
    def budget(self) -> int:
        """Tokens in a batch; halved each time that a batch did not fit."""
        return self._budget

    def answers(self, rows: Sequence[Row]) -> Iterator[tuple[int, Floats]]:
        """Each row's place and its answer, shape (targets, columns), as batches finish: longest rows first.

        The columns are nats, and with alternatives entropy, rank, the ids of the most probable tokens and their nats.
        """
        queue = self._plan(rows, range(len(rows)))
        while queue:
            lines = queue.pop(0)
            try:
                yield from self._known_or_computed(rows, lines)
            except MemoryError:
                queue = self._smaller(rows, [lines, *queue])

    def _plan(self, rows: Sequence[Row], places: Sequence[int]) -> list[_Lines]:
        lengths = [len(rows[i].input) for i in places]
        if self._model.packs:
            packed = pack(lengths, width=min(self._budget, max(lengths)), budget=self._budget)
            return [[[places[i] for i in line] for line in lines] for lines in packed]
        return [[[places[i]] for i in together] for together in group(lengths, budget=self._budget)]

    def _smaller(self, rows: Sequence[Row], queue: list[_Lines]) -> list[_Lines]:
        """The same rows in batches of half the size."""
        if len(queue[0]) == 1 and len(queue[0][0]) == 1:
            raise BadModel(
                f"a single window of {len(rows[queue[0][0][0]].input)} tokens does not fit into memory; "
                "use a smaller window, or a smaller dtype such as bfloat16"
            ) from None
        self._budget = max(1, self._budget // 2)
        return self._plan(rows, [i for lines in queue for line in lines for i in line])

    def _known_or_computed(self, rows: Sequence[Row], lines: _Lines) -> Iterator[tuple[int, Floats]]:
        if self._ledger is None:
            yield from self._computed(rows, lines)
            return
        keys = {i: self._ledger.key(rows[i].key) for line in lines for i in line}
        missing = [[i for i in line if keys[i] not in self._ledger] for line in lines]
        computed = self._computed(rows, [line for line in missing if line])
        # by key, so that rows with the same content have the same answer now and after a resumption
        if kept := {keys[i]: answer for i, answer in computed}:
            self._ledger.put(kept)
        for i, key in keys.items():
            yield i, kept[key] if key in kept else self._ledger[key]

    def _computed(self, rows: Sequence[Row], lines: _Lines) -> Iterator[tuple[int, Floats]]:
        if not lines:
            return
        columns = self._ask(batch([[rows[i] for i in line] for line in lines]))
        start = 0
        for i in (i for line in lines for i in line):
            stop = start + len(rows[i].target)
            yield i, columns[start:stop]
            start = stop

    def _ask(self, asked: Batch) -> Floats:
        if not self._options.alternatives:
            # 0.0 - x, because a certain token's -0.0 would print as such
            columns = 0.0 - self._model.logprobs(asked)[:, None]
        else:
            read = self._model.readings(asked, top=self._options.alternatives)
            columns = np.column_stack([read.nats, read.entropy, read.rank, read.top_ids, read.top_nats])
        if np.isnan(columns[:, 0]).any():
            raise BadModel(
                f"{self._model.name} answers NaN in {self._model.dtype}, and a probability is a number; "
                "use a wider number format such as bfloat16 or float32, or check its weights"
            )
        return columns

"""Rows through a window model: batched or packed, looked up in the answer cache, halved
where they do not fit.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from numbers import Integral
from pathlib import Path
from typing import final

import numpy as np

from nonplus.errors import BadInput, BadModel
from nonplus.measure.answer_cache import AnswerCache, check_weights, scope_of
from nonplus.measure.batches import Rows, batch_of
from nonplus.measure.contract import checked_distributions, checked_logprobs
from nonplus.measure.halving import Budget
from nonplus.measure.interfaces import HasDistributions, WindowModel
from nonplus.measure.kept import columns_of, row_columns, row_scores
from nonplus.measure.packing import Lines, group, pack
from nonplus.measure.readings import readings
from nonplus.measure.records import Ints
from nonplus.measure.scores import Scores, joined_scores


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """How figures are computed; none of it changes one beyond the rounding of the
    model's dtype.

    ``budget`` tokens make a batch (0: what suits the model's device). Batches of
    another shape round differently: in float32 by up to 1e-5 nats for a token and 1e-8
    of a corpus's mean, in bfloat16 by up to 0.3 nats and 1e-4. With
    ``alternatives`` above 0, entropy, rank and that number of the most probable tokens
    are read in the same pass. ``resume`` names a folder that keeps every finished
    batch, so that a run that was killed goes on where it was.
    """

    budget: int = 0
    alternatives: int = 0
    resume: Path | None = None

    def __post_init__(self) -> None:
        """Refuse negative numbers; take a folder's name for a path."""
        if isinstance(self.resume, str) and self.resume:
            object.__setattr__(self, "resume", Path(self.resume))
        if not isinstance(self.resume, Path | None):
            raise BadInput(f"resume={self.resume!r} is no folder; give the path of one, as in resume='kept'")
        if "\0" in str(self.resume):
            raise BadInput(f"resume={str(self.resume)!r} has a NUL character, which no path has; remove it")
        for name in ("budget", "alternatives"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, Integral):
                raise BadInput(f"{name}={value!r} is no whole number; use {name}=0 for the default")
            if value < 0:
                raise BadInput(
                    f"{name}={value} is less than 0, the fewest tokens there can be; use {name}=0 for the default"
                )


@final
class Forward:
    """Sends rows through a model and remembers how much of them fits at once."""

    def __init__(self, model: WindowModel, options: RunOptions, *, fingerprint: str) -> None:
        """``fingerprint`` keeps the scores of one protocol apart from those of another.

        Raises:
            BadModel: alternatives are asked of a model that gives no distributions.
        """
        if options.alternatives and not isinstance(model, HasDistributions):
            raise BadModel(
                f"{model.name} gives no whole distributions, so there are no alternatives to read; "
                "use alternatives=0, or give the model a method distributions"
            )
        self._model = model
        self._alternatives = options.alternatives
        self._columns = columns_of(min(options.alternatives, model.vocabulary))
        self._budget = Budget(options.budget or model.budget)
        self._cache: AnswerCache | None = None
        if options.resume is not None:
            scope = scope_of(model, fingerprint=fingerprint, alternatives=options.alternatives)
            self._cache = AnswerCache(options.resume, scope=scope)
            check_weights(model, self._cache, options.resume)

    @property
    def budget(self) -> int:
        """Tokens in a batch; halved each time that a batch did not fit."""
        return self._budget.tokens

    def scores(self, rows: Rows) -> Iterator[tuple[Ints, Scores]]:
        """Rows of one batch, by index, and the scores of all their targets, end to end.

        Batches come as they finish, the longest rows first.
        """
        return self._budget.through(
            len(rows),
            plan=lambda places, budget: self._plan(rows.lengths[places], places, budget),
            step=lambda lines: self._known_or_computed(rows, lines),
            too_long=lambda row: _too_long(int(rows.lengths[row])),
        )

    def _plan(self, lengths: Ints, places: Ints, budget: int) -> list[Lines]:
        if self._model.packs:
            packed = pack(lengths, width=min(budget, int(lengths.max())), budget=budget)
            return [Lines(places[lines.rows], lines.counts) for lines in packed]
        return [Lines.of(places[together]) for together in group(lengths, budget=budget)]

    def _known_or_computed(self, rows: Rows, lines: Lines) -> Scores:
        if self._cache is None:
            return self._computed(rows, lines)
        keys = [self._cache.key(rows[i].key) for i in lines.rows.tolist()]
        scored = rows.scored[lines.rows].tolist()
        known = [self._cache.holds(key, tokens=n, columns=self._columns) for key, n in zip(keys, scored, strict=True)]
        # by key, so that rows with the same content have the same scores now and after
        # a resumption
        kept: dict[bytes, Scores] = {}
        if not all(known):
            computed, start = self._computed(rows, lines.at(~np.array(known))), 0
            for key, n in ((key, n) for key, n, is_known in zip(keys, scored, known, strict=True) if not is_known):
                kept[key] = computed.part(start, start + n)
                start += n
            self._cache.put({key: row_columns(scores) for key, scores in kept.items()})
        return joined_scores([kept[key] if key in kept else row_scores(self._cache[key]) for key in keys])

    def _computed(self, rows: Rows, lines: Lines) -> Scores:
        asked = batch_of(rows, lines)
        if self._alternatives and isinstance(self._model, HasDistributions):
            chunks = checked_distributions(self._model.distributions(asked), asked.target_N, self._model)
            read = readings(chunks, asked.target_N, top=self._alternatives)
            return Scores(read.nats, read)
        return Scores(checked_logprobs(self._model.logprobs(asked), len(asked.target_N), self._model))


def _too_long(tokens: int) -> BadModel:
    return BadModel(
        f"a single window of {tokens} tokens does not fit into memory; use a window=… below that, or a smaller dtype, "
        "as in dtype=bfloat16"
    )

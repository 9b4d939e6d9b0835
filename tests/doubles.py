"""A model of which every answer is known, and no two questions have the same one."""

import hashlib
from collections.abc import Sequence
from typing import final

import numpy as np

from nonplus.errors import BadInput
from nonplus.measure.interfaces import Special
from nonplus.measure.records import Batch, Floats, Readings
from nonplus.models.synthetic import Bytes


@final
class History:
    """P(token | everything fed before it) is drawn at random once for each history and always the same.

    So the answer changes if a window, a shift, a prefix or a filling token is not what it should be. The closed form
    is :meth:`log_probability`. It asserts what every model may rely on: no more tokens than ``max_context``, positions
    that count up from 0, several texts in a row only where ``packs``.
    """

    dtype = "float64"

    def __init__(
        self,
        *,
        vocabulary: int = 258,
        bos: int | None = 256,
        eos: int | None = 257,
        max_context: int = 16,
        packs: bool = False,
        budget: int = 64,
        tokenizer: Bytes = Bytes(),  # noqa: B008  (a frozen value)
        seed: int = 0,
    ) -> None:
        self.name = "history"
        self.vocabulary = vocabulary
        self.special = Special(bos=bos, eos=eos)
        self.max_context = max_context
        self.packs = packs
        self.budget = budget
        self.tokenizer = tokenizer
        self.seed = seed
        self.asked: list[Batch] = []
        self._known: dict[bytes, Floats] = {}

    @property
    def identity(self) -> str:
        return f"history {self.seed} {self.vocabulary}"

    def log_probability(self, history: Sequence[int], target: int) -> float:
        """ln P(target | history), whatever the window."""
        return float(self.log_distribution(history)[target])

    def log_distribution(self, history: Sequence[int]) -> Floats:
        """ln P of every id after ``history``, shape (V,)."""
        key = np.array([self.seed, *history], np.int64).tobytes()
        if key not in self._known:
            draw = np.random.default_rng(list(hashlib.sha256(key).digest()))
            logits_V = 2 * draw.standard_normal(self.vocabulary)
            self._known[key] = logits_V - np.log(np.sum(np.exp(logits_V)))
        return self._known[key]

    def logprobs(self, batch: Batch) -> Floats:
        return np.array([d[t] for d, t in zip(self._distributions(batch), batch.target_N, strict=True)])

    def readings(self, batch: Batch, *, top: int) -> Readings:
        logprob_NV = np.reshape(self._distributions(batch), (-1, self.vocabulary))
        chosen_N = np.take_along_axis(logprob_NV, batch.target_N[:, None], axis=1)
        best_Nk = np.argsort(-logprob_NV, axis=1)[:, :top]
        return Readings(
            nats=-chosen_N[:, 0],
            entropy=-np.sum(np.exp(logprob_NV) * logprob_NV, axis=1),
            rank=1 + np.sum(logprob_NV > chosen_N, axis=1),
            top_ids=best_Nk,
            top_nats=-np.take_along_axis(logprob_NV, best_Nk, axis=1),
        )

    def _distributions(self, batch: Batch) -> list[Floats]:
        self.asked.append(batch)
        if batch.target_N.size and not 0 <= batch.target_N.min() <= batch.target_N.max() < self.vocabulary:
            raise BadInput(f"a target is outside the vocabulary of {self.vocabulary}")
        return [self.log_distribution(self._history(batch, int(at))) for at in batch.at_N]

    def _history(self, batch: Batch, at: int) -> list[int]:
        row, column = divmod(at, batch.input_BT.shape[1])
        position = int(batch.position_BT[row, column])
        begin = column - position
        assert begin == 0 or (self.packs and begin > 0)
        assert position < self.max_context
        assert batch.position_BT[row, begin : column + 1].tolist() == list(range(position + 1))
        return [int(token) for token in batch.input_BT[row, begin : column + 1]]

"""A model whose every probability is known, and different after every history."""

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import final

import numpy as np

from nonplus.errors import BadInput
from nonplus.measure.interfaces import Message, Special, SpecialText, Tokenizer
from nonplus.measure.records import Batch, Encoding, Floats, Ints
from nonplus.models.synthetic import Bytes


@final
class History:
    """P(token | everything fed before it) is random, and always the same for a history.

    So a score changes if a window, a shift, a prefix or a padding token is not what it
    should be. The closed form is :meth:`log_probability`. It asserts what every model
    may rely on: no more tokens than ``max_context``, positions that count up from 0,
    several texts in a row only where ``packs``.
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
        tokenizer: Tokenizer = Bytes(),  # noqa: B008  (a frozen value)
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

    def distributions(self, batch: Batch) -> Iterator[Floats]:
        logprobs = self._distributions(batch)
        for start in range(0, len(logprobs), 3):
            yield np.array(logprobs[start : start + 3])

    def prefix(self, tokens: Sequence[int]) -> "HistoryPrefix":
        assert len(tokens)
        return HistoryPrefix(self, np.array(tokens))

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


@final
@dataclass(frozen=True, kw_only=True)
class Spelled:
    """Bytes, save that ``<s>``, ``</s>`` and ``<unk>`` are the special tokens 256, 257
    and 258, which a text may spell out.
    """

    before: tuple[int, ...] = ()

    @property
    def identity(self) -> str:
        return f"spelled {self.before}"

    @property
    def special_ids(self) -> frozenset[int]:
        return frozenset(_SPELLED.values())

    @property
    def unknown_id(self) -> int:
        return _SPELLED["<unk>"]

    def encode(self, texts: Sequence[str], *, specials: bool, special_text: SpecialText = "parsed") -> list[Encoding]:
        return [self._encode(text, self.before if specials else (), special_text) for text in texts]

    def _encode(self, text: str, before: tuple[int, ...], special_text: SpecialText) -> Encoding:
        ids, widths = [*before], [0] * len(before)
        known = _SPELLED if special_text == "parsed" else {}
        for piece in re.split("(<s>|</s>|<unk>)", text):
            ids += [known[piece]] if piece in known else piece.encode()
            widths += [len(piece)] if piece in known else [1] * len(piece.encode())
        return Encoding(np.array(ids, np.int64), np.cumsum(widths, dtype=np.int64))

    def decode(self, ids: Sequence[int]) -> str:
        names = {i: name for name, i in _SPELLED.items()}
        return b"".join(names[i].encode() if i in names else bytes([i]) for i in ids).decode(errors="replace")

    def chat(self, messages: Sequence[Message], *, reply: bool) -> str:
        raise AssertionError("no test asks for a chat")


_SPELLED = {"<s>": 256, "</s>": 257, "<unk>": 258}


@final
@dataclass(frozen=True)
class HistoryPrefix:
    """The state of a :class:`History` after some tokens."""

    model: History
    tokens: Ints

    def distribution(self) -> Floats:
        assert len(self.tokens) <= self.model.max_context
        return self.model.log_distribution(self.tokens.tolist()).copy()

    def logprobs(self, continuation: Sequence[int]) -> Floats:
        ends = range(len(continuation))
        return np.array([self.extended(continuation[:end]).distribution()[continuation[end]] for end in ends])

    def extended(self, tokens: Sequence[int]) -> "HistoryPrefix":
        return HistoryPrefix(self.model, np.concatenate([self.tokens, np.array(tokens, np.int64)]))

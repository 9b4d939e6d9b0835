"""The records that travel between floors: a text, its tokens, its windows, its scores.

Letters in shapes: B rows of a batch, T tokens, N places asked for, S scored tokens of a document, k alternatives.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A text to measure, and the context that is fed before it but not scored.

    ``original`` is the text as the corpus holds it where ``text`` is a detokenised form of it;
    protocols that divide by the original's words and bytes read it.
    """

    text: str
    id: str = ""
    context: str = ""
    domain: str = ""
    original: str = ""


@dataclass(frozen=True, slots=True)
class Encoding:
    """One string as token ids, each with the characters ``[start, stop)`` that it stands for.

    Shapes: ``ids`` (T,), ``spans`` (T, 2). Tokens that stand for no text have an empty span.
    """

    ids: Ints
    spans: Ints


@dataclass(frozen=True, slots=True)
class Tokens:
    """A document ready to be scored: ids, and what each covers of ``document.text``.

    ``ids[first:]`` belong to the text and are to be scored; ``ids[:first]`` are context. ``ends[i]`` is the
    character of the text at which token ``i`` ends; a token covers what lies between the end of the one
    before it and its own end, so that the scored tokens of a document tile its text.
    """

    document: Document
    ids: Ints
    ends: Ints
    first: int


@dataclass(frozen=True, slots=True)
class Window:
    """Tokens ``[start, stop)`` are fed together, ``[first, stop)`` of them are scored.

    ``prefixed`` says whether the model's prefix token goes before them; a window with ``first == start`` has one.
    """

    start: int
    first: int
    stop: int
    prefixed: bool = False


@dataclass(frozen=True, slots=True)
class Batch:
    """What a model is asked: how probable is ``target_N[i]`` after the input up to and including ``at_N[i]``?

    Shapes: ``input_BT`` and ``position_BT`` (B, T) token ids and their positions; ``at_N`` (N,) places in the flattened
    input, ascending; ``target_N`` (N,) ids. Rows are filled up on the right with id 0, which a causal model cannot see
    from the places asked for. Where several texts share a row, the positions begin again at 0 with each of them.
    """

    input_BT: Ints
    position_BT: Ints
    at_N: Ints
    target_N: Ints


@dataclass(frozen=True, slots=True)
class Readings:
    """The whole distribution at N places, summed up: surprisal, entropy, rank, the k most probable tokens.

    Shapes: ``nats``, ``entropy`` (nats), ``rank`` (1 is the most probable) (N,); ``top_ids``, ``top_nats`` (N, k), most
    probable first.
    """

    nats: Floats
    entropy: Floats
    rank: Ints
    top_ids: Ints
    top_nats: Floats


def joined(parts: Sequence[Readings]) -> Readings:
    """Readings one after the other, of as many alternatives each."""
    return Readings(*(np.concatenate([getattr(part, each.name) for part in parts]) for each in fields(Readings)))


@dataclass(frozen=True, slots=True)
class TokenScore:
    """One token of a scored text: the row of a table, or the event of a stream.

    ``nats`` is its surprisal, ``-ln P(token | tokens before it)``; it is ``None`` where the protocol did not
    score the token. ``seen`` counts the tokens that the model saw before it in its window, prefix included.
    ``entropy`` (nats), ``rank`` (1 is the most probable) and ``top`` (token, probability) are present
    where the full distribution was read.
    """

    index: int
    id: int
    text: str
    start: int
    nats: float | None
    seen: int = 0
    entropy: float | None = None
    rank: int | None = None
    top: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoredText:
    """A document with the surprisal of each scored token: the one record that everything else reads.

    Shapes: ``index`` (S,) places of the scored tokens in ``tokens.ids``, rising; ``nats`` (S,) their
    surprisals, at least 0, infinite for a token of probability zero; ``weight`` (S,) how often each counts
    (1 except under protocols that book tokens fractionally); ``seen`` (S,) tokens seen before each.
    ``unscored`` counts the tokens of the text that were not scored. ``entropy``, ``rank`` (S,) and
    ``top_ids``, ``top_nats`` (S, k) are empty unless readings were asked for. ``partial`` is true where a run was
    interrupted inside the document.
    """

    tokens: Tokens
    index: Ints
    nats: Floats
    weight: Floats
    seen: Ints
    unscored: int
    entropy: Floats = field(default_factory=lambda: np.empty(0))
    rank: Ints = field(default_factory=lambda: np.empty(0, np.int64))
    top_ids: Ints = field(default_factory=lambda: np.empty((0, 0), np.int64))
    top_nats: Floats = field(default_factory=lambda: np.empty((0, 0)))
    partial: bool = False

    @property
    def document(self) -> Document:
        """The document that was scored."""
        return self.tokens.document

    def rows(self, names: "TokenNames") -> Iterator[TokenScore]:
        """Every token of the text in order, the unscored ones with ``nats=None``.

        ``names`` turns a token id into text, for the alternatives.
        """
        place = {int(token): row for row, token in enumerate(self.index)}
        text, start = self.document.text, 0
        for token in range(self.tokens.first, len(self.tokens.ids)):
            stop = int(self.tokens.ends[token])
            known: dict[str, Any] = {"nats": None}
            if token in place:
                known = self._known(place[token], names)
            yield TokenScore(token - self.tokens.first, int(self.tokens.ids[token]), text[start:stop], start, **known)
            start = stop

    def _known(self, row: int, names: "TokenNames") -> dict[str, Any]:
        known: dict[str, Any] = {"nats": float(self.nats[row]), "seen": int(self.seen[row])}
        if len(self.entropy):
            known |= {"entropy": float(self.entropy[row]), "rank": int(self.rank[row])}
            pairs = zip(self.top_ids[row], self.top_nats[row], strict=True)
            known["top"] = tuple((names(int(i)), float(np.exp(-n))) for i, n in pairs)
        return known


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoredTexts:
    """Many documents with the surprisal of each scored token, as columns: the one record that everything else reads.

    Shapes: D documents, T tokens of all of them laid end to end, S scored ones. ``ids`` and ``byte_ends`` (T,): the
    byte of its own text at which each token ends; ``offsets`` (D + 1,): document ``d`` has the tokens
    ``[offsets[d], offsets[d + 1])``, of which the first ``firsts[d]`` are context. ``index`` (S,) are the places of
    the scored tokens among all T, rising; ``nats`` (S,) their surprisals, at least 0, infinite for probability 0;
    ``weight`` (S,) how often each counts (1 except under protocols that book tokens fractionally); ``seen`` (S,)
    how many tokens the model saw before each. ``readings`` are those of the scored tokens, if they were asked for.
    ``partial`` (D,) is true where a run was interrupted inside the document.
    """

    documents: tuple[Document, ...]
    ids: Ints
    byte_ends: Ints
    offsets: Ints
    firsts: Ints
    index: Ints
    nats: Floats
    weight: Floats
    seen: Ints
    partial: NDArray[np.bool_]
    readings: Readings | None = None


class TokenNames:
    """Readable names of token ids, each asked of the tokenizer once."""

    def __init__(self, decode: "Any") -> None:
        """``decode`` maps a list of ids to text."""
        self._decode = decode
        self._names: dict[int, str] = {}

    def __call__(self, token: int) -> str:
        """The text of one token; bytes that are no whole character show as U+FFFD."""
        if token not in self._names:
            self._names[token] = self._decode([token])
        return self._names[token]

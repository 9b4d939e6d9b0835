"""The records on the way to a model: a text, its tokens, its windows, batches of them.

Letters in shapes: D documents, W windows, B rows of a batch, T tokens, N positions to
predict from.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Self, final, overload

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Integers = NDArray[np.signedinteger[Any]]  # as narrow as the values allow, where there may be many
Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]

nowhere: Callable[[], Ints] = partial(np.array, (), np.int64)  # no places at all


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A text to measure, and the context that is fed before it but not scored.

    ``original`` is the corpus's own form where ``text`` is detokenised; some protocols
    divide by its words and bytes.
    """

    text: str
    id: str = ""
    context: str = ""
    domain: str = ""
    original: str = ""


def text_of(document: Document | str) -> str:
    """The text of a document, which may be given alone."""
    return document if isinstance(document, str) else document.text


def n_bytes(text: str) -> int:
    """The bytes of a text in UTF-8."""
    return len(text) if text.isascii() else len(text.encode())


@dataclass(frozen=True, slots=True)
class Encoding:
    """One string as token ids, and the byte of it in UTF-8 at which each ends.

    Shapes: ``ids`` and ``byte_ends`` (T,). The ends rise; a token covers the bytes from
    the end of the one before it, so one that stands for no text ends there too.
    """

    ids: Integers
    byte_ends: Integers


@final
@dataclass(frozen=True, slots=True, eq=False)
class Encodings(Sequence[Encoding]):
    """A list of :class:`Encoding` as columns: many strings as token ids, end to end.

    Shapes: ``ids`` and ``byte_ends`` (T,); ``counts`` (D,), how many tokens each string
    has.
    """

    ids: Integers
    byte_ends: Integers
    counts: Ints

    @classmethod
    def of(cls, each: Sequence[Encoding]) -> Self:
        """Strings that were encoded one by one."""
        ids, ends = [one.ids for one in each], [one.byte_ends for one in each]
        return cls(end_to_end(ids), end_to_end(ends), np.array(list(map(len, ids)), np.int64))

    def framed(self, before: Sequence[int], after: Sequence[int]) -> "Encodings":
        """With tokens before and after each string, which stand for no text."""
        if not (before or after):
            return self
        stop_D = np.cumsum(self.counts)
        end_D = np.concatenate([[0], self.byte_ends])[stop_D] * (self.counts > 0)
        edges = np.tile([len(before), len(after)], len(self))
        places = np.repeat(np.stack([stop_D - self.counts, stop_D], axis=1).ravel(), edges)
        ends = np.repeat(np.stack([0 * end_D, end_D], axis=1).ravel(), edges)
        return Encodings(
            ids=np.insert(self.ids, places, np.tile([*before, *after], len(self))),
            byte_ends=np.insert(self.byte_ends, places, ends),
            counts=self.counts + len(before) + len(after),
        )

    def __len__(self) -> int:
        return len(self.counts)

    @overload
    def __getitem__(self, place: int) -> Encoding: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[Encoding]: ...
    def __getitem__(self, place: int | slice) -> Encoding | Sequence[Encoding]:
        return list(self)[place]

    def __iter__(self) -> Iterator[Encoding]:
        stops = np.cumsum(self.counts).tolist()
        for start, stop in zip([0, *stops], stops, strict=False):
            yield Encoding(self.ids[start:stop], self.byte_ends[start:stop])


def end_to_end(columns: Sequence[Integers]) -> Integers:
    """Columns as one; a single one without a copy."""
    return columns[0] if len(columns) == 1 else np.concatenate(columns or [nowhere()])


@dataclass(frozen=True, slots=True)
class Tokens:
    """One document ready to be scored: ids, and what each covers of ``document.text``.

    ``ids[first:]`` belong to the text and are to be scored; ``ids[:first]`` are
    context. ``byte_ends[i]`` is the byte of the text at which token ``i`` ends; a token
    covers what lies between the end of the one before it and its own end, so that the
    tokens of a document tile its text.
    """

    document: Document
    ids: Integers
    byte_ends: Integers
    first: int


@dataclass(frozen=True, slots=True)
class Part:
    """Which part of a document one is that comes in parts: how many tokens and
    characters of it lie before, whether it begins inside a word, and whether others
    follow. The default is a document in whole.
    """

    tokens: int = 0
    chars: int = 0
    inside_word: bool = False
    last: bool = True


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class TokenizedTexts:
    """Many documents as token ids, laid end to end.

    Shapes: D documents, T tokens of all of them. ``ids`` and ``byte_ends`` (T,) as in
    :class:`Tokens`; document ``d`` has the tokens ``[offsets[d], offsets[d + 1])``, of
    which the first ``firsts[d]`` are context.

    ``unknown`` and ``spelled`` are the places in ``ids``, rising, of unknown tokens and
    of special tokens spelled out in a text; ``lost`` names what the tokenizer loses;
    ``normalised_bytes`` (D,) are the bytes of each text after normalising, where the
    model has a normaliser of its own. Where the tokens came without their bytes, none
    are ``sized``: ``byte_ends`` are for showing the text only.

    A long stream comes in parts, each alone: its document has the text of the part, and
    tokens that only come before as context.
    """

    documents: tuple[Document, ...]
    ids: Integers
    byte_ends: Integers
    offsets: Ints
    firsts: Ints
    unknown: Ints = field(default_factory=nowhere)
    spelled: Ints = field(default_factory=nowhere)
    lost: frozenset[str] = frozenset()
    of: Part = Part()
    normalised_bytes: Ints | None = None
    sized: bool = True

    def __len__(self) -> int:
        """How many documents."""
        return len(self.documents)

    def __getitem__(self, place: int) -> Tokens:
        """One document."""
        own = slice(int(self.offsets[place]), int(self.offsets[place + 1]))
        return Tokens(self.documents[place], self.ids[own], self.byte_ends[own], int(self.firsts[place]))

    def part(self, start: int, stop: int) -> "TokenizedTexts":
        """Documents ``[start, stop)``."""
        if (start, stop) == (0, len(self)):
            return self
        first, last = int(self.offsets[start]), int(self.offsets[stop])
        return TokenizedTexts(
            documents=self.documents[start:stop],
            ids=self.ids[first:last],
            byte_ends=self.byte_ends[first:last],
            offsets=self.offsets[start : stop + 1] - first,
            firsts=self.firsts[start:stop],
            unknown=self.unknown[slice(*np.searchsorted(self.unknown, [first, last]))] - first,
            spelled=self.spelled[slice(*np.searchsorted(self.spelled, [first, last]))] - first,
            lost=self.lost,
            normalised_bytes=None if self.normalised_bytes is None else self.normalised_bytes[start:stop],
            sized=self.sized,
        )

    @property
    def byte_starts(self) -> Integers:
        """The byte of its own text at which each token begins, shape (T,)."""
        starts = np.roll(self.byte_ends, 1)
        starts[self.offsets[:-1][np.diff(self.offsets) > 0]] = 0
        return starts


@dataclass(frozen=True, slots=True)
class Window:
    """Tokens ``[start, stop)`` are fed together, ``[first, stop)`` of them are scored.

    With ``prefixed``, the model's prefix token goes before them; a window with
    ``first == start`` has one.
    """

    start: int
    first: int
    stop: int
    prefixed: bool = False


@final
@dataclass(frozen=True, slots=True)
class Windows:
    """Windows of many documents as columns, in order: those of :class:`Window`, and the
    document of each; shapes (W,).
    """

    document: Ints
    start: Ints
    first: Ints
    stop: Ints
    prefixed: Bools

    @classmethod
    def of(cls, windows: Sequence[Window], document: int = 0) -> Self:
        """Windows of one document."""
        rows = [(document, each.start, each.first, each.stop, each.prefixed) for each in windows]
        document_W, start_W, first_W, stop_W, prefixed_W = np.array(rows, np.int64).reshape(-1, 5).T
        return cls(document_W, start_W, first_W, stop_W, prefixed_W.astype(np.bool_))

    def __len__(self) -> int:
        """How many windows."""
        return len(self.document)

    def at(self, places: Ints | slice) -> Self:
        """Some of them."""
        return type(self)(
            self.document[places], self.start[places], self.first[places], self.stop[places], self.prefixed[places]
        )


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows of input, and the tokens whose probabilities are wanted.

    How probable is ``target_N[i]`` after the input up to and including position
    ``at_N[i]``? Shapes: ``input_BT`` and ``position_BT`` (B, T) token ids and their
    positions; ``at_N`` (N,) positions in the flattened input, ascending; ``target_N``
    (N,) ids. Rows are padded on the right with id 0, which a causal model cannot see
    from the positions in ``at_N``. Where several texts share a row, ``position_BT``
    begins again at 0 with each.
    """

    input_BT: Ints
    position_BT: Ints
    at_N: Ints
    target_N: Ints

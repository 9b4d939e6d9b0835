"""Texts to tokens by the package ``tokenizers``; a long text in pieces, with the result
of the whole.

The package takes some hundred bytes for each byte of a text, so a long one is encoded
in pieces that overlap. Two neighbours are joined at a place around which they agree:

* where a pre-tokenizer cuts the text into words, at the end of a word, since all words
  around it are the same in both, and each is encoded by itself;
* where nothing does, by byte pair encoding: at the end of a token. No merge reached
  over that end, nor over the one before it, in either piece. So the tokens between the
  two never depended on what is outside, and what follows met the same neighbour in the
  piece on the right as it would have in the whole.

A piece that agrees with none after it, as in a text of one endless word, grows until
one does. So the tokens of a text that is still being read are known as it comes.
"""

import json
from array import array
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, final

import numpy as np
import tokenizers

from nonplus.errors import BadModel
from nonplus.measure.records import Bools, Encoding, Encodings, Integers, Ints
from nonplus.models.token_bytes import TokenBytes

_PIECE = 1 << 17  # characters
_ENOUGH = 3  # places at which two pieces could be joined
_OVERLAPS = (1 << 11, 1 << 14, 1 << 16)  # a wider one where the pieces do not agree


@final
class FastEncoder:
    """Encodes with a tokenizer whose settings do not change any more."""

    def __init__(
        self, tokenizer: tokenizers.Tokenizer, encode: Callable[[list[str]], Sequence[tokenizers.Encoding]]
    ) -> None:
        """``encode`` gives the tokens of texts without those that are added
        automatically.
        """
        self.before, self.after = _added_automatically(tokenizer)
        self._encode = encode
        self._bytes = TokenBytes(tokenizer)
        merges = isinstance(tokenizer.model, tokenizers.models.BPE) and not tokenizer.model.dropout
        self._joins_inside_words = merges and _leaves_whole(tokenizer.pre_tokenizer)

    def encode(self, texts: Sequence[str], *, specials: bool) -> Encodings:
        """Each text as ids; with ``specials``, with the automatically added tokens."""
        short = [text for text in texts if len(text) <= _PIECE]
        bare = self._bytes.encodings(short, self._encode(short))
        if len(short) < len(texts):
            each = iter(bare)
            bare = Encodings.of([next(each) if len(text) <= _PIECE else self._in_pieces(text) for text in texts])
        return bare.framed(self.before, self.after) if specials else bare

    def stream(self, *, specials: bool) -> "GrowingText":
        """A text that comes bit by bit; with ``specials``, with the automatically added
        tokens.
        """
        return GrowingText(self._piece, *((self.before, self.after) if specials else ((), ())))

    def _in_pieces(self, text: str) -> Encoding:
        narrow = np.int32 if 4 * len(text) < 1 << 31 else np.int64
        growing = self.stream(specials=False)
        ids, ends = array("i"), array("i" if narrow is np.int32 else "q")  # which grow without a copy
        for certain in (growing.certain(text), growing.rest()):
            for part in certain:
                ids.frombytes(part.ids.astype(np.int32, copy=False).data.cast("B"))
                ends.frombytes(part.byte_ends.astype(narrow).data.cast("B"))
        return Encoding(np.frombuffer(ids, np.int32), np.frombuffer(ends, narrow))

    def _piece(self, text: str, start: int, start_byte: int) -> "_Piece":
        (encoded,) = self._encode([text])
        (encoding,) = self._bytes.encodings([text], [encoded])
        words = np.arange(len(encoding.ids)) if self._joins_inside_words else np.array(encoded.word_ids)
        return _Piece(
            start=start,
            stop=start + len(text),
            start_byte=start_byte,
            ids=encoding.ids.astype(np.int32),
            end_T=encoding.byte_ends + start_byte,
            joins_T=np.append(words[:-1] != words[1:], False)[: len(words)],
        )


@final
class GrowingText:
    """The tokens of a text that comes bit by bit, each given once it is certain."""

    def __init__(
        self, encoded: Callable[[str, int, int], "_Piece"], before: Sequence[int] = (), after: Sequence[int] = ()
    ) -> None:
        """``encoded`` makes a piece of a text that begins at a character and a byte;
        ``before`` and ``after`` go around all.
        """
        self._encoded = encoded
        self._before, self._after = before, after
        self._text = ""  # what is not certain yet, and what came shortly before
        self._begin = 0  # the place in it where ``_left`` begins
        self._begin_byte = 0
        self._size = _PIECE
        self._left: _Piece | None = None
        self._first = 0  # the first token of ``_left`` that was not given
        self._end = 0  # the byte of the whole at which the last given token ends

    def feed(self, text: str) -> Encoding:
        """The tokens that are certain once ``text`` follows."""
        return self._given(list(self.certain(text)))

    def end(self) -> Encoding:
        """The tokens that are left."""
        own = self._given(list(self.rest()))
        after = np.array(self._after, own.ids.dtype)
        ends = np.full(len(after), self._end, np.int64)
        return Encoding(np.append(own.ids, after), np.append(own.byte_ends, ends))

    def _given(self, parts: Sequence[Encoding]) -> Encoding:
        before, self._before = np.array(self._before, np.int32), ()
        ids = [before, *(part.ids for part in parts)]
        return Encoding(np.concatenate(ids), np.concatenate([0 * before, *(part.byte_ends for part in parts)]))

    def certain(self, text: str) -> Iterator[Encoding]:
        """What :meth:`feed` gives, piece by piece and without the added tokens."""
        self._text = self._text[self._begin :] + text
        self._begin = 0
        while len(self._text) - self._begin >= self._size + _PIECE:
            yield from self._next()

    def rest(self) -> Iterator[Encoding]:
        """What :meth:`end` gives, piece by piece and without the added tokens."""
        while self._begin + self._size < len(self._text):
            yield from self._next()
        if len(self._text) > self._begin:
            yield self._taken(self._grown(), None)

    def _next(self) -> Iterator[Encoding]:
        """The tokens up to where a next piece goes on, if there is one that agrees;
        else the piece grows.
        """
        left = self._grown()
        for overlap in _OVERLAPS:
            begin = self._begin + self._size - overlap
            start_byte = self._begin_byte + len(self._text[self._begin : begin].encode())
            right = self._encoded(self._text[begin : begin + _PIECE], left.stop - overlap, start_byte)
            place_P, apart = _common_ends(left, right)
            if len(place_P) >= _ENOUGH:
                last = int(place_P[len(place_P) // 2]) + 1
                yield self._taken(left, last)
                self._left, self._first = right, last - apart
                self._begin, self._begin_byte, self._size = begin, start_byte, right.stop - right.start
                return
        self._size *= 2

    def _taken(self, left: "_Piece", last: int | None) -> Encoding:
        given = slice(self._first, last)
        self._end = max(self._end, int(left.end_T[given][-1:].sum()))
        return Encoding(left.ids[given], left.end_T[given])

    def _grown(self) -> "_Piece":
        """The piece that was joined last, with as much text as it has by now.

        Raises:
            BadModel: more text changes tokens long before it.
        """
        known, size = self._left, min(self._size, len(self._text) - self._begin)
        if known is not None and known.stop - known.start == size:
            return known
        start = known.start if known else 0
        left = self._encoded(self._text[self._begin : self._begin + size], start, self._begin_byte)
        if known is not None and not np.array_equal(left.ids[: self._first], known.ids[: self._first]):
            raise BadModel(
                "the tokenizer changes its tokens by what follows much later in the text, so a long text has no "
                "tokens that are certain; cut the text into shorter documents"
            )
        self._left = left
        return left


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class _Piece:
    """Characters ``[start, stop)`` of a text, which begin at its byte ``start_byte``.

    ``end_T`` are bytes of the whole text; ``joins_T`` tells after which tokens another
    piece may go on.
    """

    start: int
    stop: int
    start_byte: int
    ids: Integers
    end_T: Integers
    joins_T: Bools


def _common_ends(left: _Piece, right: _Piece) -> tuple[Ints, int]:
    """Tokens of ``left`` after which ``right`` may go on, and how many places earlier
    they stand in it; none unless both agree in the whole middle of their overlap.
    """
    begin, end = right.start_byte, int(left.end_T[-1:].sum())
    middle = [begin + (end - begin) // 4, end - (end - begin) // 4]
    a, b = np.searchsorted(left.end_T, middle, side="right").tolist()
    c, d = np.searchsorted(right.end_T, middle, side="right").tolist()
    pairs = ((left.ids, right.ids), (left.end_T, right.end_T), (left.joins_T, right.joins_T))
    agree = all(np.array_equal(one[a:b], other[c:d]) for one, other in pairs)
    return np.flatnonzero(left.joins_T[a:b] & agree) + a, a - c


def _added_automatically(tokenizer: tokenizers.Tokenizer) -> tuple[list[int], list[int]]:
    """The tokens that are added before a text, and those after it."""
    added = tokenizer.get_added_tokens_decoder()
    own = (token for token, i in tokenizer.get_vocab(with_added_tokens=False).items() if i not in added)
    # one that has a token: not every vocabulary knows the letter a
    for text in chain("a", own):
        bare, full = (tokenizer.encode(text, add_special_tokens=specials).ids for specials in (False, True))
        if bare:
            before = next(i for i in range(len(full)) if full[i : i + len(bare)] == bare)
            return full[:before], full[before + len(bare) :]
    return [], []


def _leaves_whole(pre_tokenizer: tokenizers.pre_tokenizers.PreTokenizer | None) -> bool:
    """Whether a pre-tokenizer cuts nothing."""
    return pre_tokenizer is None or _cuts_nothing(json.loads(pre_tokenizer.__getstate__()))


def _cuts_nothing(rule: dict[str, Any]) -> bool:
    match rule["type"]:
        case "Sequence":
            return all(map(_cuts_nothing, rule["pretokenizers"]))
        case "Metaspace":
            return not rule["split"]
        case "ByteLevel":
            return not rule["use_regex"]
    return False

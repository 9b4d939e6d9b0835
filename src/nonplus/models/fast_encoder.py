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

Pieces that do not agree anywhere, as in a text of one endless word, are given up for
the whole.
"""

import json
from array import array
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, final

import numpy as np
import tokenizers

from nonplus.measure.records import Bools, Encoding, Integers, Ints
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
        self.before, self._after = _added_automatically(tokenizer)
        self._encode = encode
        self._bytes = TokenBytes(tokenizer)
        merges = isinstance(tokenizer.model, tokenizers.models.BPE) and not tokenizer.model.dropout
        self._joins_inside_words = merges and _leaves_whole(tokenizer.pre_tokenizer)

    def encode(self, texts: Sequence[str], *, specials: bool) -> list[Encoding]:
        """Each text as ids; with ``specials``, with the automatically added tokens."""
        short = iter(self._encode([text for text in texts if len(text) <= _PIECE]))
        bare = (
            self._bytes.encoding(text, next(short)) if len(text) <= _PIECE else self._in_pieces(text) for text in texts
        )
        return [self._framed(each) for each in bare] if specials else list(bare)

    def _framed(self, bare: Encoding) -> Encoding:
        ids, ends = bare.ids, bare.byte_ends
        before, after = (np.array(own, ids.dtype) for own in (self.before, self._after))
        nothing, all_ = (np.full(len(own), end, ends.dtype) for own, end in ((before, 0), (after, ends[-1:].sum())))
        return Encoding(np.concatenate([before, ids, after]), np.concatenate([nothing, ends, all_]))

    def _in_pieces(self, text: str) -> Encoding:
        left, first = self._piece(text, 0, 0), 0
        ids, ends = array("i"), array("i" if left.end_T.itemsize == 4 else "q")  # which grow without a copy
        while left.stop < len(text):
            for right in self._next_pieces(text, left):
                place_P, apart = _common_ends(left, right)
                if len(place_P) >= _ENOUGH:
                    break
            else:
                return self._bytes.encoding(text, self._encode([text])[0])
            last = int(place_P[len(place_P) // 2]) + 1
            ids.frombytes(left.ids[first:last].data.cast("B"))
            ends.frombytes(left.end_T[first:last].data.cast("B"))
            left, first = right, last - apart
        ids.frombytes(left.ids[first:].data.cast("B"))
        ends.frombytes(left.end_T[first:].data.cast("B"))
        return Encoding(np.frombuffer(ids, np.int32), np.frombuffer(ends, left.end_T.dtype))

    def _next_pieces(self, text: str, left: "_Piece") -> Iterator["_Piece"]:
        """Pieces that go on from ``left``, with more and more overlap."""
        for overlap in _OVERLAPS:
            start = left.stop - overlap
            yield self._piece(text, start, left.start_byte + len(text[left.start : start].encode()))

    def _piece(self, text: str, start: int, start_byte: int) -> "_Piece":
        own = text[start : start + _PIECE]
        (encoded,) = self._encode([own])
        encoding = self._bytes.encoding(own, encoded)
        words = np.arange(len(encoding.ids)) if self._joins_inside_words else np.array(encoded.word_ids)
        narrow = np.int32 if 4 * len(text) < 1 << 31 else np.int64
        return _Piece(
            start=start,
            stop=start + len(own),
            start_byte=start_byte,
            ids=encoding.ids.astype(np.int32),
            end_T=(encoding.byte_ends + start_byte).astype(narrow),
            joins_T=np.append(words[:-1] != words[1:], False)[: len(words)],
        )


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

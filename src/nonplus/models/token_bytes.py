"""Which bytes of a text each of its tokens covers.

Offsets of the package ``tokenizers`` are in characters, so the tokens of one character
all have the same, and some post-processors leave blanks out of them. The bytes that a
token stands for are exact wherever, end to end, they give the text.

Letters in shapes: T tokens, V vocabulary, C characters, R runs of tokens.
"""

import re
from collections.abc import Sequence
from itertools import chain
from typing import final

import numpy as np
import tokenizers

from nonplus.measure.records import Encodings, Ints, nowhere

_BYTE = re.compile("<0x([0-9A-F]{2})>")  # a token of one byte in vocabularies of SentencePiece
_VISIBLE = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
# The sign of each byte in a byte-level vocabulary: itself if it is visible, else the
# next from U+0100 on (openai/gpt-2, bytes_to_unicode).
SIGNS = {byte: byte for byte in _VISIBLE}
SIGNS |= {256 + place: byte for place, byte in enumerate(sorted({*range(256)} - {*_VISIBLE}))}


@final
class TokenBytes:
    """The bytes that each token of a vocabulary stands for."""

    def __init__(self, tokenizer: tokenizers.Tokenizer) -> None:
        """Of ``tokenizer``, whose settings do not change any more."""
        self._bytes = _spelled(tokenizer)
        self._width_V = np.zeros(max(self._bytes, default=0) + 1, np.int64)
        self._width_V[list(self._bytes)] = list(map(len, self._bytes.values()))

    def encodings(self, texts: Sequence[str], encoded: Sequence[tokenizers.Encoding]) -> Encodings:
        """The ids of texts, which were ``encoded`` without the tokens that are added
        automatically.
        """
        ids, data = [each.ids for each in encoded], [text.encode() for text in texts]
        count_D, length_D = (np.array(list(map(len, each)), np.int64) for each in (ids, data))
        ids_T = np.fromiter(chain.from_iterable(ids), np.int64, int(count_D.sum()))
        done_T, stop_D = np.concatenate([[0], np.cumsum(self._width_V[ids_T])]), np.cumsum(count_D)
        begin_D = done_T[stop_D - count_D]
        before_D = done_T[stop_D] - begin_D - length_D  # a blank that the tokenizer adds, or nothing
        if np.isin(before_D, (0, 1)).all() and self._spell(ids, data, before_D):
            ends_T = np.maximum(done_T[1:] - np.repeat(begin_D + before_D, count_D), 0)
        else:
            ends_T = np.concatenate([nowhere(), *map(self._stops, texts, encoded)])
        return Encodings(ids_T, ends_T, count_D)

    def _spell(self, ids: Sequence[Sequence[int]], data: Sequence[bytes], before_D: Ints) -> bool:
        """Whether tokens give texts, with so many blanks before each."""
        texts = b"".join(b" " * before + text for before, text in zip(before_D.tolist(), data, strict=True))
        return b"".join(map(self._bytes.__getitem__, chain.from_iterable(ids))) == texts

    def _stops(self, text: str, encoded: tokenizers.Encoding) -> Ints:
        """The byte at which each token ends, shape (T,)."""
        data, ids = text.encode(), encoded.ids
        width_T = self._width_V[np.array(ids, np.int64)]
        if gives(data, b"".join(map(self._bytes.__getitem__, ids))):
            return tiles(width_T, len(data))
        return _from_characters(text, np.array(encoded.offsets, np.int64).reshape(-1, 2), width_T)


def gives(data: bytes, spelled: bytes) -> bool:
    """Whether ``spelled`` is the text, perhaps after a blank that a tokenizer adds."""
    return spelled in (data, b" " + data)


def tiles(width_T: Ints, n_bytes: int) -> Ints:
    """Where each token ends (T,) if all give ``n_bytes`` of text after at most a blank,
    which is none of it.
    """
    stop_T = np.cumsum(width_T)
    return np.asarray(np.maximum(stop_T - (stop_T[-1:].sum() - n_bytes), 0))


def _spelled(tokenizer: tokenizers.Tokenizer) -> dict[int, bytes]:
    """The bytes of each token by id."""
    spell = of_signs if is_byte_level(tokenizer) else of_text
    spelled = {i: spell(token) for token, i in tokenizer.get_vocab(with_added_tokens=False).items()}
    return spelled | {i: token.content.encode() for i, token in tokenizer.get_added_tokens_decoder().items()}


def is_byte_level(tokenizer: tokenizers.Tokenizer) -> bool:
    """Whether its vocabulary has a sign for each byte, as GPT-2's."""
    return any(
        part is not None and b'"ByteLevel"' in part.__getstate__()
        for part in (tokenizer.normalizer, tokenizer.pre_tokenizer)
    )


def names_of_bytes(tokenizer: tokenizers.Tokenizer) -> list[str]:
    """What a token of one byte is called in its vocabulary, if it is there, byte by
    byte.
    """
    return list(map(chr, SIGNS)) if is_byte_level(tokenizer) else [f"<0x{byte:02X}>" for byte in range(256)]


def of_signs(token: str) -> bytes:
    """The bytes of a token of a byte-level vocabulary, as GPT-2's."""
    return token.translate(SIGNS).encode("latin-1", "replace")


def of_text(token: str) -> bytes:
    """The bytes of a token of any other vocabulary."""
    byte = _BYTE.fullmatch(token)
    return bytes.fromhex(byte[1]) if byte else token.replace("\N{LOWER ONE EIGHTH BLOCK}", " ").encode()


def _from_characters(text: str, span_T2: Ints, width_T: Ints) -> Ints:
    """The byte at which each token ends where the tokenizer changes the text (T,).

    Tokens that share characters divide their bytes in proportion to their own. Between
    two tokens, marks that the tokenizer dropped go to the first, and all from a blank
    on to the second.
    """
    if not len(span_T2):
        return np.zeros(0, np.int64)
    stop_T = np.maximum.accumulate(span_T2[:, 1])
    next_T = np.append(span_T2[1:, 0], len(text))
    for i in np.flatnonzero(next_T > stop_T).tolist():
        between = text[stop_T[i] : next_T[i]]
        stop_T[i] += next((n for n, character in enumerate(between) if character.isspace()), len(between))
    last_T = next_T >= stop_T  # of a run, which shares no character with the next
    end_R = bytes_before(text)[stop_T[last_T]]
    begin_R = np.concatenate([[0], end_R[:-1]])
    run_T: Ints = np.cumsum(last_T) - last_T
    done_T = np.cumsum(width_T)
    width_R = np.diff(done_T[last_T], prepend=0)
    done_T -= (np.cumsum(width_R) - width_R)[run_T]
    end_T: Ints = begin_R[run_T] + (end_R - begin_R)[run_T] * done_T // np.maximum(width_R, 1)[run_T]
    end_T[last_T] = end_R
    return end_T


def bytes_before(text: str) -> Ints:
    """How many bytes stand before each character, shape (C + 1,)."""
    point_C = np.frombuffer(text.encode("utf-32-le"), np.uint32)
    width_C = 1 + (point_C > 0x7F).astype(np.int64) + (point_C > 0x7FF) + (point_C > 0xFFFF)
    return np.concatenate([[0], np.cumsum(width_C)])

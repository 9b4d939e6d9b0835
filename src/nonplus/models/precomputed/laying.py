"""Which bytes of a text each token covers, from what a tool says of the tokens."""

from collections.abc import Sequence
from itertools import accumulate
from typing import NamedTuple


class Laid(NamedTuple):
    """A text, and the byte of it at which each token ends; neither is exact unless
    ``sized``.
    """

    text: str
    byte_ends: list[int]
    sized: bool


def from_bytes(tokens: Sequence[bytes]) -> Laid:
    """Tokens that came as bytes."""
    data = b"".join(tokens)
    try:
        return Laid(data.decode(), list(accumulate(map(len, tokens))), sized=True)
    except UnicodeDecodeError:  # cut inside a character
        return from_texts([token.decode(errors="replace") for token in tokens])._replace(sized=False)


def from_texts(tokens: Sequence[str], text: str = "", offsets: Sequence[int] = ()) -> Laid:
    """Tokens that came as text, and the text and their offsets if these came too.

    A part of a character has no text of its own: then the offsets tell, and without
    them nobody knows how many bytes there are.
    """
    joined = "".join(tokens)
    if not text or joined == text:
        exact = joined == text or "\N{REPLACEMENT CHARACTER}" not in joined
        return Laid(joined, list(accumulate(len(token.encode(errors="replace")) for token in tokens)), exact)
    ends = _found(tokens, text) or _told(tokens, text, offsets)
    return Laid(text, ends, sized=True) if ends else from_texts(tokens)._replace(sized=False)


def _found(tokens: Sequence[str], text: str) -> list[int]:
    """The ends of tokens that tile the text, but for special ones that it lacks."""
    ends, place = list[int](), 0
    for token in tokens:
        place += len(token) if text.startswith(token, place) else 0
        ends.append(place)
    return _in_bytes(ends, text) if place == len(text) else []


def _told(tokens: Sequence[str], text: str, offsets: Sequence[int]) -> list[int]:
    """Ends by the characters at which tokens begin, if these are in the text."""
    if len(offsets) != len(tokens):
        return []
    begins = [offset - offsets[0] for offset in offsets]
    if begins != sorted(begins) or begins[-1] > len(text):
        return []
    return _in_bytes([*begins[1:], len(text)], text)


def _in_bytes(ends: Sequence[int], text: str) -> list[int]:
    widths = list(accumulate((len(character.encode(errors="replace")) for character in text), initial=0))
    return [widths[end] for end in ends]

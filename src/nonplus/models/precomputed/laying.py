"""Which bytes of a text each token covers, from what a tool says of the tokens."""

from collections.abc import Sequence
from itertools import accumulate
from typing import NamedTuple

from nonplus.models.token_texts import PART, stands

# How vocabularies spell a blank or a newline where a token begins.
_SPELLED = (
    "\N{LOWER ONE EIGHTH BLOCK}",
    "\N{LATIN CAPITAL LETTER G WITH DOT ABOVE}",
    "\N{LATIN CAPITAL LETTER C WITH DOT ABOVE}",
)


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
    them nobody knows how many bytes there are. Nor does anybody where tokens are
    spelled as in a vocabulary.
    """
    joined = "".join(tokens)
    if not text or joined == text:
        exact = joined == text or not (PART in joined or any(token.startswith(_SPELLED) for token in tokens))
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
    """Ends by the characters at which tokens begin, if each stands there in the text.

    A first token that the text lacks may count among the offsets.
    """
    if len(offsets) != len(tokens):
        return []
    for zero in offsets[:2]:
        begins = [max(0, offset - zero) for offset in offsets]
        ends = [*begins[1:], len(text)]
        spans = [text[begin:end] for begin, end in zip(begins, ends, strict=True)]
        if "".join(spans) == text and all(
            not span or stands(token, span) for token, span in zip(tokens, spans, strict=True)
        ):
            return _in_bytes(ends, text)
    return []


def _in_bytes(ends: Sequence[int], text: str) -> list[int]:
    widths = list(accumulate((len(character.encode(errors="replace")) for character in text), initial=0))
    return [widths[end] for end in ends]

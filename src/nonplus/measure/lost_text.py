"""Text that a model does not see as it is written: unknown tokens, special tokens that
are spelled out, and what a tokenizer loses.

Letters in shapes: T tokens, P places.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from nonplus.measure.interfaces import KnownTokens, Tokenizer
from nonplus.measure.records import Bools, Encoding, Ints, TokenizedTexts, nowhere

SAMPLE = 4096  # characters that are tried for what the tokenizer loses
# Not one at an edge: many tokenizers put a blank before a text that has none.
_INNER_BLANKS = re.compile(r"(?<=\S)\s+(?=\S)")


def marked(texts: TokenizedTexts, tokens: KnownTokens) -> TokenizedTexts:
    """The texts with the places of their unknown tokens, and of the special tokens that
    they spell out.
    """
    unknown = tokens.unknown_id
    special = tokens.special_ids - {unknown}
    unknown_P = nowhere() if unknown is None else _of_text(texts, np.flatnonzero(texts.ids == unknown))
    special_P = _of_text(texts, np.flatnonzero(np.isin(texts.ids, [*special]))) if special else nowhere()
    if len(special_P):
        # one that the tokenizer adds stands for no text, or for a blank at an edge
        width_P = texts.byte_ends[special_P] - texts.byte_starts[special_P]
        least = {i: max(1, len(tokens.decode([i]).strip().encode())) for i in np.unique(texts.ids[special_P]).tolist()}
        special_P = special_P[width_P >= [least[i] for i in texts.ids[special_P].tolist()]]
    return replace(texts, unknown=unknown_P, spelled=special_P)


def _of_text(texts: TokenizedTexts, places: Ints) -> Ints:
    """Those of ``places`` that are not in a context."""
    document_P = np.searchsorted(texts.offsets, places, side="right") - 1
    return places[places >= texts.offsets[document_P] + texts.firsts[document_P]]


def losses(texts: Sequence[str], tokenizer: Tokenizer) -> frozenset[str]:
    """What the tokenizer loses of the beginning of ``texts``, in words.

    It loses something if the text has the same ids without it, apart from what is
    unknown to it.
    """
    sample = _beginning(texts)
    variants = {loss: text for loss, text in _variants(sample) if text != sample}
    signs = sorted(sign for sign in set(sample) if not sign.isspace())
    # at once, because it may cost as much to begin as to encode all of them
    own, *others = tokenizer.encode([sample, *variants.values(), *signs], specials=False)
    lost = {loss for loss, other in zip(variants, others, strict=False) if np.array_equal(other.ids, own.ids)}
    unknown_T = own.ids == tokenizer.unknown_id
    if lost and unknown_T.any():
        lost &= losses([_without(sample, own, unknown_T)], tokenizer)
    dropped = any(not len(sign.ids) for sign in others[len(variants) :])
    return frozenset(lost | ({"characters without a token"} if dropped else set()))


def _without(text: str, tokens: Encoding, left_out_T: Bools) -> str:
    """The text without that of some tokens."""
    data, begins = text.encode(), [0, *tokens.byte_ends[:-1].tolist()]
    spans = zip(begins, tokens.byte_ends.tolist(), left_out_T.tolist(), strict=True)
    return b"".join(data[begin:end] for begin, end, left_out in spans if not left_out).decode(errors="ignore")


def _beginning(texts: Sequence[str]) -> str:
    parts: list[str] = []
    room = SAMPLE
    for text in texts:
        parts.append(text[:room])
        room -= len(parts[-1])
        if room <= 0:
            break
    return "".join(parts)


def _variants(text: str) -> Iterator[tuple[str, str]]:
    """The text without its capitals, without its accents, and so on."""
    yield "capitals", text.lower()
    yield "blanks and newlines", _INNER_BLANKS.sub(" ", text)
    if not text.isascii():
        composed, apart = (unicodedata.normalize(form, text) for form in ("NFC", "NFD"))
        yield "ways to write the same character", composed
        others = {
            "accents": unicodedata.normalize("NFC", "".join(c for c in apart if not unicodedata.combining(c))),
            "forms of characters": unicodedata.normalize("NFKC", text),
        }
        yield from ((loss, other) for loss, other in others.items() if other != composed)

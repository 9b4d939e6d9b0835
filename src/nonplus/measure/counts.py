"""What was counted in the texts, for people and for JSON."""

from collections.abc import Iterator
from typing import Any

from nonplus.measure.formatting import counted, first_of, located
from nonplus.measure.statistics.tally import Tally


def count_lines(tally: Tally) -> Iterator[tuple[str, str]]:
    """Rows of a table: how much text was scored, and which tokens are not like the
    others.
    """
    yield "scored", _scored(tally)
    if tally.zeros:
        yield "probability 0", f"{counted(tally.zeros, 'token')}: {located(tally.zero_places)}"
    if tally.nonfinite:
        yield "excluded", f"{counted(tally.nonfinite, 'token')}: {located(tally.nonfinite_places)}"
    if tally.unknown:
        yield "unknown", f"{counted(tally.unknown, 'token')}: {located(tally.unknown_places)}"
    if tally.spelled:
        spelled = f"{counted(tally.spelled, 'special token')} spelled out in the text"
        yield "special", f"{spelled}: {located(tally.spelled_places)}"


def count_phrases(tally: Tally) -> Iterator[str]:
    """The tokens that are not like the others, as parts of a sentence."""
    if tally.zeros:
        yield f"{counted(tally.zeros, 'token')} of probability 0{first_of(tally.zero_places)}"
    if tally.nonfinite:
        yield f"{counted(tally.nonfinite, 'token')} excluded as NaN{first_of(tally.nonfinite_places)}"
    if tally.unknown:
        yield f"{counted(tally.unknown, 'unknown token')}{first_of(tally.unknown_places)}"
    if tally.spelled:
        yield f"{counted(tally.spelled, 'special token')} spelled out{first_of(tally.spelled_places)}"


def counts(tally: Tally) -> dict[str, Any]:
    """All counts for JSON."""
    return {
        "scored_tokens": tally.scored,
        "unscored_tokens": tally.unscored,
        "ignored_tokens": tally.ignored,
        "zero_probability_tokens": tally.zeros,
        "zero_probability_places": [list(place) for place in tally.zero_places],
        "nonfinite_tokens": tally.nonfinite,
        "nonfinite_places": [list(place) for place in tally.nonfinite_places],
        "unknown_tokens": tally.unknown,
        "unknown_places": [list(place) for place in tally.unknown_places],
        "spelled_special_tokens": tally.spelled,
        "spelled_special_places": [list(place) for place in tally.spelled_places],
        "bytes": tally.bytes,
        "normalised_bytes": tally.normalised_bytes or None,
        "words": tally.words,
        "chars": tally.chars,
        "documents": tally.documents,
    }


def _scored(tally: Tally) -> str:
    parts = [counted(tally.scored, "token")]
    parts += [counted(tally.words, "word")] if not tally.unworded else []
    parts += [_bytes(tally)] if not tally.unsized else []
    text = f"{', '.join(parts)} of {counted(tally.documents, 'document')}"
    text += f"; {counted(tally.unscored, 'token')} not scored" if tally.unscored else ""
    return f"{text}; {counted(tally.ignored, 'token')} ignored" if tally.ignored else text


def _bytes(tally: Tally) -> str:
    own = counted(tally.bytes, "byte")
    return f"{own} ({tally.normalised_bytes:,} normalised)" if tally.normalised_bytes else own

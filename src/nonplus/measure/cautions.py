"""Where a text makes a figure misleading, in sentences."""

from collections.abc import Iterator

from nonplus.measure.formatting import counted, first_of
from nonplus.measure.interfaces import StatedProtocol
from nonplus.measure.statistics.tally import Tally


def text_cautions(tally: Tally, lost: frozenset[str], protocol: StatedProtocol) -> Iterator[str]:
    """What of the texts the model did not see as it is written; ``lost`` names what is
    lost before the model sees it.
    """
    if tally.unknown:
        yield (
            f"{counted(tally.unknown, 'token')} of the text {_are(tally.unknown)} unknown to the model"
            f"{first_of(tally.unknown_places)}: the surprisal of an unknown token is not that of its text, so the "
            "figures are not those of the text"
        )
    if tally.spelled:
        yield (
            f"the text spells out {counted(tally.spelled, 'special token')}{first_of(tally.spelled_places)}, read as "
            f"what it spells; {_as_text(protocol)}"
        )
    if lost:
        yield (
            f"{loser(protocol)} loses {', '.join(sorted(lost))} of this text, so bits per byte divides by text that "
            "the model did not see, and is too low"
        )


def loser(protocol: StatedProtocol) -> str:
    """What loses parts of a text: the tokenizer, or a normaliser before it."""
    normalizer = str(protocol.as_dict().get("normalizer", "raw"))
    return "the tokenizer" if normalizer.startswith("raw") else f"the normaliser {normalizer}, or the tokenizer,"


def _as_text(protocol: StatedProtocol) -> str:
    """How special tokens that are spelled out would be read as text."""
    chosen = "special_text" in protocol.as_dict()
    return "use special_text=plain to read it as text" if chosen else "leave such texts out if that is not meant"


def _are(number: int) -> str:
    return "is" if number == 1 else "are"

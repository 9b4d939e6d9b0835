"""All that decides a pseudo-perplexity besides the weights and the text."""

from dataclasses import asdict, dataclass
from typing import Any, Literal, final

from nonplus.measure.interfaces import Quantity
from nonplus.measure.protocol.fingerprint import fingerprint_of
from nonplus.models.masked.rows import Way

_NO_PROBABILITY = (
    "each token is predicted from those on both sides, so this is not the probability of the text; compare it only "
    "with that of masked models that were scored in the same way"
)
_SEEN_PIECES = (
    "the pieces of a word see each other, so that rare words look too probable (Kauf and Ivanova, 2023); without "
    "#original, the later ones are masked, too"
)


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class MaskedProtocol:
    """Which tokens are masked, in how large a window, between which special tokens.

    ``window`` counts the special tokens ``before`` and ``after``.
    """

    way: Way
    window: int
    before: str
    after: str
    dtype: str

    average: Literal["tokens"] = "tokens"
    denominator: Literal["scored"] = "scored"
    quantity: Quantity = "pseudo-perplexity"

    @property
    def signature(self) -> str:
        """The choices in words, short enough to print beside the figure."""
        return "|".join(
            [
                "mlm",
                f"pll:{self.way}",
                f"window:{self.window}(centred)",
                f"between:{self.before or 'none'}…{self.after or 'none'}",
                f"dtype:{self.dtype}",
            ]
        )

    @property
    def fingerprint(self) -> str:
        """Twelve hexadecimal digits that differ whenever a choice does."""
        return fingerprint_of(self.as_dict())

    @property
    def cautions(self) -> tuple[str, ...]:
        """Where the figure misleads."""
        return (_NO_PROBABILITY, _SEEN_PIECES) if self.way == "original" else (_NO_PROBABILITY,)

    def as_dict(self) -> dict[str, Any]:
        """Every choice, for JSON."""
        return {"name": "mlm", **asdict(self)}

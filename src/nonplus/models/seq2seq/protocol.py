"""All that decides a conditional perplexity besides the weights, the text and its
source.
"""

from dataclasses import asdict, dataclass
from typing import Any, Literal, final

from nonplus.measure.interfaces import Quantity
from nonplus.measure.protocol.fingerprint import fingerprint_of

_CONDITIONAL = (
    "a text is scored given its source (its context), and so is the token that ends it; compare it only with that of "
    "encoder-decoder models on the same pairs"
)


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class PairProtocol:
    """What stands around a source, what a decoder is fed before the text, and whether
    the token that ends a text is scored.
    """

    source_before: str
    source_after: str
    target_before: str
    end: str
    dtype: str

    average: Literal["tokens"] = "tokens"
    denominator: Literal["scored"] = "scored"
    quantity: Quantity = "conditional perplexity"

    @property
    def signature(self) -> str:
        """The choices in words, short enough to print beside the figure."""
        return "|".join(
            [
                "seq2seq",
                f"source:{self.source_before}…{self.source_after}",
                f"fed:{self.target_before or 'none'}",
                f"end:{f'{self.end}(scored)' if self.end else 'none'}",
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
        return (_CONDITIONAL,)

    def as_dict(self) -> dict[str, Any]:
        """Every choice, for JSON."""
        return {"name": "seq2seq", **asdict(self)}

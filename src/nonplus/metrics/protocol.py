"""The protocol of a metric: what decides its figure, as far as the metric knows it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal, Self

from nonplus.errors import BadProtocol
from nonplus.measure.interfaces import Quantity
from nonplus.measure.protocol.fingerprint import fingerprint_of


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricProtocol:
    """What was measured: the ``kinds`` of input, and which targets count.

    ``masked`` tells whether there was ever a mask, or a weight of 0, which does the
    same; ``weighted`` whether a token that counts ever had a weight other than 1;
    ``excluding`` whether tokens without a distribution are excluded instead of refused.
    """

    kinds: tuple[str, ...] = ()
    shift: bool = False
    ignore_index: tuple[int, ...] = ()
    masked: bool = False
    weighted: bool = False
    excluding: bool = False

    @property
    def signature(self) -> str:
        """The choices in words, short enough to print beside the figure."""
        words = [" and ".join(self.kinds) or "nothing yet", "shifted" if self.shift else "not shifted"]
        if self.ignore_index:
            words.append(f"ignoring {', '.join(map(str, self.ignore_index))}")
        words += [name for name in ("masked", "weighted") if getattr(self, name)]
        return ", ".join([*words, *(["NaN rows excluded"] if self.excluding else [])])

    @property
    def fingerprint(self) -> str:
        """Twelve hexadecimal digits that differ whenever a choice does."""
        choices = self.as_dict() | {"ignore_index": self._ignored}
        return fingerprint_of(choices)

    @property
    def cautions(self) -> tuple[str, ...]:
        """None: a metric warns when it sees its input."""
        return ()

    @property
    def quantity(self) -> Quantity:
        """Perplexity, whatever the predictions are made from."""
        return "perplexity"

    @property
    def average(self) -> Literal["tokens", "texts"]:
        """Perplexity of the mean over tokens."""
        return "tokens"

    @property
    def denominator(self) -> Literal["scored", "lm-eval"]:
        """Words and bytes of what was scored."""
        return "scored"

    def as_dict(self) -> dict[str, Any]:
        """Every choice, for JSON."""
        return asdict(self) | {"kinds": list(self.kinds), "ignore_index": list(self.ignore_index)}

    @classmethod
    def from_dict(cls, choices: Mapping[str, Any]) -> Self:
        """Inverse of :meth:`as_dict`."""
        ids = {name: tuple(choices[name]) for name in ("kinds", "ignore_index")}
        return cls(**{**choices, **ids})

    def joined(self, other: Self) -> Self:
        """The protocol of both together: the kinds of each, and what was done to any.

        Raises:
            BadProtocol: one shifts or ignores what the other does not, so their sums
                count different tokens.
        """
        if (self.shift, self._ignored) != (other.shift, other._ignored):
            raise BadProtocol(
                f"sums are added only where the same tokens count, got ({self.signature}) and ({other.signature}); "
                f"measure both with the same shift and ignore_index"
            )
        return replace(
            self,
            kinds=tuple(sorted({*self.kinds, *other.kinds})),
            masked=self.masked or other.masked,
            weighted=self.weighted or other.weighted,
            excluding=self.excluding or other.excluding,
        )

    @property
    def _ignored(self) -> list[int]:
        return sorted(set(self.ignore_index))

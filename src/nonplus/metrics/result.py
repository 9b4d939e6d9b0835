"""What an accumulator says: its figures, and the conditions that make them mean something."""

import math
from dataclasses import asdict, dataclass, replace
from typing import Any, Self

from nonplus.errors import BadProtocol
from nonplus.measure.formatting import explained, figure, interval_dict, jsonable, with_interval
from nonplus.measure.statistics.fixed_point import exp, unfixed
from nonplus.measure.statistics.intervals import (
    Interval,
    byte_interval,
    design_effect,
    exponential,
    independent_interval,
    token_interval,
)
from nonplus.measure.statistics.tally import Tally

_LN2 = math.log(2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """How surprisals came to be: ``kinds`` of input, and what was done to the targets.

    ``masked`` says whether a mask ever came, or a weight of zero, which does the same; ``weighted`` whether a weight
    ever was neither zero nor one; ``excluding`` whether tokens without a distribution are left out, not refused.
    """

    kinds: tuple[str, ...] = ()
    shift: bool = False
    ignore_index: tuple[int, ...] = ()
    masked: bool = False
    weighted: bool = False
    excluding: bool = False

    def joined(self, other: Self) -> Self:
        """The conditions of both together: the kinds of each, and what was done to any.

        Raises:
            BadProtocol: one shifts or ignores what the other does not, so that their sums count different tokens.
        """
        mine, theirs = ((c.shift, sorted(set(c.ignore_index))) for c in (self, other))
        if mine != theirs:
            raise BadProtocol(
                f"sums are added where the same tokens count, got ({self}) and ({other}); measure both with the same "
                f"shift and ignore_index"
            )
        return replace(
            self,
            kinds=tuple(sorted({*self.kinds, *other.kinds})),
            masked=self.masked or other.masked,
            weighted=self.weighted or other.weighted,
            excluding=self.excluding or other.excluding,
        )

    def __str__(self) -> str:
        said = [" and ".join(self.kinds) or "nothing yet", "shifted" if self.shift else "not shifted"]
        if self.ignore_index:
            said.append(f"ignoring {', '.join(map(str, self.ignore_index))}")
        return ", ".join([*said, *(name for name in ("masked", "weighted") if getattr(self, name))])


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Perplexity and what belongs beside it. ``float()`` is the perplexity, ``str()`` one line with the conditions.

    Not a number where nothing was scored. An impossible token makes every mean infinite, and ``zero_places`` says where
    the first ones stand: (document, place in its row). Bits per byte and word perplexity are ``None`` unless every
    token came with its bytes or words, and counts as one.
    """

    tally: Tally
    conditions: Conditions
    level: float = 0.95

    def __float__(self) -> float:
        """The perplexity."""
        return self.perplexity

    @property
    def perplexity(self) -> float:
        """Perplexity per token; infinite where it overflows (see ``log_perplexity``) or a token is impossible."""
        return exp(self.log_perplexity)

    @property
    def log_perplexity(self) -> float:
        """Mean surprisal per token in nats; finite even where the perplexity overflows."""
        if not self.tally.tokens:
            return math.nan
        # whole numbers are divided as such: the sum may be larger than a float can hold
        return math.inf if self.tally.zeros else self.tally.nats / self.tally.tokens

    @property
    def bits_per_token(self) -> float:
        """Mean surprisal per token in bits."""
        return self.log_perplexity / _LN2

    @property
    def bits_per_byte(self) -> float | None:
        """Surprisal in bits for each byte of text: comparable between tokenizers."""
        log = self._per(self.tally.bytes, self.tally.unsized)
        return None if log is None else log / _LN2

    @property
    def word_perplexity(self) -> float | None:
        """Perplexity with surprisal divided by words."""
        log = self._per(self.tally.words, self.tally.unworded)
        return None if log is None else exp(log)

    @property
    def interval(self) -> Interval | None:
        """Interval of the perplexity, clustered by document; ``method`` says so where there are too few for that."""
        interval = token_interval(self.tally, level=self.level)
        return None if interval is None else exponential(interval)

    @property
    def independent(self) -> Interval | None:
        """The interval that takes tokens as independent: too narrow, and there to show it."""
        interval = independent_interval(self.tally, level=self.level)
        return None if interval is None else exponential(interval)

    @property
    def design_effect(self) -> float | None:
        """Variance of the clustered mean / variance if tokens were independent."""
        return design_effect(token_interval(self.tally), independent_interval(self.tally))

    @property
    def tokens(self) -> float:
        """The tokens' weight: how many count, where none is weighted."""
        return unfixed(self.tally.tokens) if self.conditions.weighted else self.tally.scored

    @property
    def documents(self) -> int:
        """Documents with at least one token that counts."""
        return self.tally.documents

    @property
    def ignored(self) -> int:
        """Tokens left out by ``ignore_index``, a mask or a weight of zero."""
        return self.tally.ignored

    @property
    def zeros(self) -> int:
        """Tokens of probability zero."""
        return self.tally.zeros

    @property
    def zero_places(self) -> tuple[tuple[str, int], ...]:
        """Where the first tokens of probability zero stand: document, place in its row."""
        return self.tally.zero_places

    @property
    def nonfinite(self) -> int:
        """Tokens left out because nothing could be made of what was predicted for them."""
        return self.tally.nonfinite

    @property
    def nonfinite_places(self) -> tuple[tuple[str, int], ...]:
        """Where the first of those stand: document, place in its row."""
        return self.tally.nonfinite_places

    def __str__(self) -> str:
        said = with_interval(f"perplexity {_figure(self.perplexity)}", self.interval)
        if math.isinf(self.perplexity) and math.isfinite(self.log_perplexity):
            said += f" (e^{_figure(self.log_perplexity)})"
        if self.bits_per_byte is not None:
            said += f", {_figure(self.bits_per_byte)} bits per byte"
        parts = [
            f"{said} over {self.tally.scored:,} tokens of {self.documents:,} documents ({self.conditions})",
            f"interval: {explained(self)}",
        ]
        if self.zeros:
            parts.append(f"{self.zeros:,} impossible{_first(self.zero_places)}")
        if self.nonfinite:
            parts.append(f"{self.nonfinite:,} not a number, left out{_first(self.nonfinite_places)}")
        return "; ".join(parts)

    def as_dict(self) -> dict[str, Any]:
        """One JSON object with every figure unrounded; infinite ones are the string ``"Infinity"``."""
        bytes_interval = byte_interval(self.tally, level=self.level) if self.bits_per_byte is not None else None
        figures = {
            "perplexity": self.perplexity,
            "log_perplexity": self.log_perplexity,
            "bits_per_token": self.bits_per_token,
            "bits_per_byte": self.bits_per_byte,
            "word_perplexity": self.word_perplexity,
            "interval": interval_dict(self.interval),
            "interval_bits_per_byte": interval_dict(bytes_interval, scale=1 / _LN2),
            "interval_if_tokens_were_independent": interval_dict(self.independent),
            "design_effect": self.design_effect,
            "tokens": self.tokens,
            "scored_tokens": self.tally.scored,
            "unscored_tokens": self.tally.unscored,
            "ignored_tokens": self.ignored,
            "zero_probability_tokens": self.zeros,
            "zero_probability_places": [list(place) for place in self.zero_places],
            "nonfinite_tokens": self.nonfinite,
            "nonfinite_places": [list(place) for place in self.nonfinite_places],
            "documents": self.documents,
            "bytes": self.tally.bytes,
            "words": self.tally.words,
            "conditions": {
                key: list(value) if isinstance(value, tuple) else value
                for key, value in asdict(self.conditions).items()
            },
        }
        return {key: jsonable(value) for key, value in figures.items()}

    def _per(self, units: int, unknown: int) -> float | None:
        """Nats for each of ``units`` of text; ``None`` where they are not those of all tokens, each counted once."""
        if not units or unknown or self.conditions.weighted:
            return None
        return math.inf if self.tally.zeros else unfixed(self.tally.nats) / units


def _figure(value: float) -> str:
    return "not a number" if math.isnan(value) else figure(value)


def _first(places: tuple[tuple[str, int], ...]) -> str:
    """Where the first one stands; nothing where only their number was kept."""
    return f", first at place {places[0][1]} of {places[0][0]}" if places else ""

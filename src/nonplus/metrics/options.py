"""The options of a metric."""

from dataclasses import dataclass
from typing import Any, Literal, get_args

from nonplus.errors import BadInput
from nonplus.kernels.targets import ignored_ids
from nonplus.kernels.token_nll import Kind
from nonplus.measure.report import Report
from nonplus.measure.statistics.levels import check_level
from nonplus.metrics.accumulator import Accumulator
from nonplus.metrics.protocol import MetricProtocol

Check = Literal["first", "always", "never"]
OnNonfinite = Literal["raise", "exclude"]
Empty = Literal["raise", "nan"]
NonfiniteBecome = Literal["raise", "nan"]


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricOptions:
    """The options of a metric; ``ignore_index`` is an id, several, or ``None``.

    Raises:
        BadInput: an option has an invalid value.
    """

    kind: Kind = "logits"
    shift: bool = False
    ignore_index: Any = None
    check: Check = "first"
    on_nonfinite: OnNonfinite = "raise"
    empty: Empty = "raise"
    level: float = 0.95

    def __post_init__(self) -> None:
        for name, allowed in (("kind", Kind), ("check", Check), ("on_nonfinite", OnNonfinite), ("empty", Empty)):
            value = getattr(self, name)
            if not isinstance(value, str) or value not in get_args(allowed):
                raise BadInput(f"{name} must be one of {', '.join(get_args(allowed))}; got {value!r}")
        if not isinstance(self.shift, bool):
            raise BadInput(f"shift must be True or False, got {self.shift!r}")
        if self.shift and self.kind == "nll":
            raise BadInput(
                "surprisals are at the place of their own token, so there is nothing to shift; omit shift=True"
            )
        check_level(self.level)
        object.__setattr__(self, "ignore_index", ignored_ids(self.ignore_index))

    @property
    def protocol(self) -> MetricProtocol:
        """The protocol before the first batch."""
        excluding = self.on_nonfinite == "exclude"
        return MetricProtocol(shift=self.shift, ignore_index=self.ignore_index, excluding=excluding)

    @property
    def nonfinite_become(self) -> NonfiniteBecome:
        """What the kernel does with rows that are not a distribution."""
        return "nan" if self.on_nonfinite == "exclude" else "raise"

    def checks(self, *, checked: bool) -> bool:
        """Whether to check the next batch, if one was ``checked`` before or not."""
        return self.check == "always" or (self.check == "first" and not checked)

    def report(self, accumulated: Accumulator) -> Report:
        """The report on what was accumulated.

        Raises:
            BadInput: no token counts, and ``empty`` is ``raise``.
        """
        tally = accumulated.tally
        if not tally.tokens and self.empty == "raise":
            others = f"{tally.ignored + tally.unscored} that do not ({accumulated.protocol.signature})"
            raise BadInput(
                f"a perplexity needs tokens that count, got {others if tally.ignored else 'none'}; "
                f"update with some first, or set empty='nan' for NaN"
            )
        return Report(tally=tally, protocol=accumulated.protocol, level=self.level)

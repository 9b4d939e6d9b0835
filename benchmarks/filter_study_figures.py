"""Parts of texts and areas under ROC curves, with intervals by document.

Texts of one document are alike, and junk is like the text that it was made of. So an
interval comes of documents drawn again, each of which counts in a draw for as much as
an exponential variable says (the Bayesian bootstrap, Rubin 1981): no kind of text is
ever without documents. Every kind counts the same.

Letters in shapes: N texts, S draws, of which the first is the texts as they are.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple, final

import numpy as np
from numpy.typing import NDArray

Values = NDArray[Any]
_DRAWS, _SEED = 2000, 5
_ENDS = (0.025, 0.975)
_ROUNDING = 1e-9


class Told(NamedTuple):
    """A figure, and the ends of its 95 % interval."""

    value: float
    low: float
    high: float

    @classmethod
    def of(cls, found_S: Values) -> "Told":
        """The first is the figure."""
        return cls(float(found_S[0]), *map(float, np.quantile(found_S[1:], _ENDS)))

    def percent(self, digits: int = 0) -> str:
        """In per cent."""
        return f"{100 * self.value:.{digits}f} % [{100 * self.low:.{digits}f}, {100 * self.high:.{digits}f}]"

    def plain(self) -> str:
        """To three digits."""
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"


@final
class Texts:
    """The kinds of texts, and the documents that they are from."""

    def __init__(self, kinds: Sequence[str], documents: Sequence[str]) -> None:
        """Both are of the texts (N,)."""
        self.kinds = np.array(kinds)
        _, own = np.unique(documents, return_inverse=True)
        draw = np.random.default_rng(_SEED)
        drawn = draw.exponential(size=(_DRAWS + 1, int(own.max()) + 1))
        drawn[0] = 1
        self._drawn_SN = drawn[:, own]

    def part(self, chosen: Values, kinds: Sequence[str]) -> Values:
        """The part of the texts of these kinds that is chosen (S,)."""
        return self._weights(kinds) @ chosen

    def area(self, figures: Values, high: Sequence[str], low: Sequence[str]) -> Values:
        """How often a text of the kinds ``high`` has a larger figure than one of the
        others (S,).
        """
        above, below = np.isin(self.kinds, high), np.isin(self.kinds, low)
        order = np.sign(figures[above][:, None] - figures[below]) / 2 + 0.5
        return np.asarray(((self._weights(high)[:, above] @ order) * self._weights(low)[:, below]).sum(axis=1))

    def part_at(self, lost: float, figures: Values, high: Sequence[str], low: Sequence[str]) -> Values:
        """The part of the kinds ``high`` above the bound that no more than ``lost`` of
        the others are above (S,).
        """
        falling = np.argsort(-figures, kind="stable")
        found_SN, lost_SN = (np.cumsum(self._weights(kinds)[:, falling], axis=1) for kinds in (high, low))
        last = np.maximum((lost_SN <= lost + _ROUNDING).sum(axis=1) - 1, 0)
        return np.asarray(found_SN[np.arange(len(last)), last])

    def _weights(self, kinds: Sequence[str]) -> Values:
        """Of each text in each draw (S, N); they add up to 1."""
        weights_SN = np.zeros_like(self._drawn_SN)
        for kind in kinds:
            own = self.kinds == kind
            weights_SN[:, own] = self._drawn_SN[:, own] / self._drawn_SN[:, own].sum(axis=1, keepdims=True)
        return weights_SN / len(kinds)

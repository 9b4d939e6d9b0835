"""The back-off weights by which the probabilities after every history sum to 1.

Letters in shapes: L histories, M n-grams that continue them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import numpy as np

from nonplus.measure.records import Floats
from nonplus.models.ngram.pruning.lower_orders import Lower, lower_orders
from nonplus.models.ngram.trie import Level, Trie

_LEAST = 1e-7  # what float32 leaves of a rest of nothing


@final
@dataclass(frozen=True, slots=True)
class Rests:
    """What n-grams leave to other words: of the probabilities after their history, and
    of those after the history without its oldest word.
    """

    own_L: Floats
    lower_L: Floats

    @classmethod
    def of(cls, level: Level, lower: Lower, size: int) -> "Rests":
        """Those of the n-grams of a level, whose histories are ``size``."""
        own_M, lower_M = 10 ** level.log10_probs_M.astype(np.float64), 10**lower.log10_probs_M
        return cls(
            1 - np.bincount(lower.histories_M, own_M, size).astype(np.float64),
            1 - np.bincount(lower.histories_M, lower_M, size).astype(np.float64),
        )


def renewed(trie: Trie, before: Sequence[Rests]) -> Trie:
    """The same n-grams and probabilities, with other back-off weights where a rest is
    not as ``before``, order by order.

    A weight is the one rest divided by the other. Lower orders come first, since higher
    ones back off to them. A weight that no word can use stays.
    """
    levels = list(trie.levels)
    for order in range(2, len(levels) + 1):
        *_, lower = lower_orders(Trie(trie.words, tuple(levels[:order])))
        above, old = levels[order - 2], before[order - 2]
        now = Rests.of(levels[order - 1], lower, len(above.keys_M))
        changed_L = (now.own_L != old.own_L) | (now.lower_L != old.lower_L)
        changed_L &= (now.own_L > _LEAST) & (now.lower_L > _LEAST)
        backoffs_L = above.log10_backoffs_M.copy()
        backoffs_L[changed_L] = np.log10(now.own_L[changed_L] / now.lower_L[changed_L])
        levels[order - 2] = Level(above.keys_M, above.log10_probs_M, backoffs_L)
    return Trie(trie.words, tuple(levels))

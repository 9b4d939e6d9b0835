"""How much the predictions of a model suffer if n-grams are removed from it.

Stolcke 1998, "Entropy-based pruning of backoff language models": the Kullback-Leibler
divergence of the model without an n-gram from the model with it, whose back-off weight
takes over what the n-gram had. Of a model that is only that much worse on its own text,
the perplexity grows by the factor exp(divergence).

Letters in shapes: L histories, M n-grams that continue them.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray

from nonplus.models.ngram.pruning.backoff_weights import Rests
from nonplus.models.ngram.pruning.frequencies import Frequencies
from nonplus.models.ngram.pruning.lower_orders import Lower
from nonplus.models.ngram.trie import Marks, Trie

Nats = NDArray[np.float64]

_LN10 = np.log(10)
_ZERO = -99  # what ARPA files write for the logarithm of probability 0


@final
@dataclass(frozen=True, slots=True)
class Continuations:
    """The n-grams of one order, as the words that continue each history.

    ``probs_M`` and ``lower_M`` are the probability of the last word after the history,
    and after the history without its oldest word. ``rest_L`` and ``lower_rest_L`` are
    what both leave to all other words, ``log_backoffs_L`` the natural logarithm of the
    back-off weight, and ``frequencies_L`` how often the history comes up.
    """

    histories_M: NDArray[np.int64]
    probs_M: Nats
    lower_M: Nats
    rest_L: Nats
    lower_rest_L: Nats
    log_backoffs_L: Nats
    frequencies_L: Frequencies

    def alone(self) -> Nats:
        """The divergence if each n-gram is removed alone, (M,), in nats per token."""
        rest_M = self.rest_L[self.histories_M]
        backoffs_M = np.log((rest_M + self.probs_M) / (self.lower_rest_L[self.histories_M] + self.lower_M))
        before_M = self.log_backoffs_L[self.histories_M]
        lost_M = self.probs_M * (np.log(self.probs_M) - np.log(self.lower_M) - backoffs_M)
        divergence_M: Nats = lost_M + rest_M * (before_M - backoffs_M)
        return divergence_M * self.frequencies_L[self.histories_M]

    def together(self, removed_M: Marks) -> float:
        """The divergence if all these n-grams are removed, in nats per token."""
        histories = self.histories_M[removed_M]
        probs, lower = self.probs_M[removed_M], self.lower_M[removed_M]
        size = len(self.rest_L)
        more_L, lower_more_L = np.bincount(histories, probs, size), np.bincount(histories, lower, size)
        touched_L = np.bincount(histories, minlength=size) > 0
        new_L = (self.rest_L + more_L)[touched_L] / (self.lower_rest_L + lower_more_L)[touched_L]
        backoffs_L = np.zeros(size)
        backoffs_L[touched_L] = np.log(new_L)
        lost = self.frequencies_L[histories] * probs * (np.log(probs) - np.log(lower) - backoffs_L[histories])
        rest_L = self.frequencies_L * self.rest_L * (self.log_backoffs_L - backoffs_L)
        # It is below 0 only where the probabilities of the model do not sum to 1.
        return max(0.0, float(lost.sum() + rest_L[touched_L].sum()))


def continuations(
    trie: Trie, lower: Sequence[Lower], rests: Sequence[Rests], often: Sequence[Frequencies]
) -> Iterator[Continuations]:
    """Those of order 2, 3, …; ``often`` are the frequencies of histories of order 1, 2,
    …
    """
    for order, (below, rest, frequencies_L) in enumerate(zip(lower, rests, often, strict=True), 2):
        yield Continuations(
            histories_M=below.histories_M,
            probs_M=10 ** np.maximum(trie.levels[order - 1].log10_probs_M.astype(np.float64), _ZERO),
            lower_M=10 ** np.maximum(below.log10_probs_M, _ZERO),
            rest_L=np.maximum(rest.own_L, 0),
            lower_rest_L=np.maximum(rest.lower_L, 0),
            log_backoffs_L=trie.levels[order - 2].log10_backoffs_M.astype(np.float64) * _LN10,
            frequencies_L=frequencies_L,
        )

"""The truth: perplexity in float64, slow and obvious, without nonplus or any peer.

Letters in shapes: B batch, T time, V vocabulary.
"""

from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


def nats(logits: Array, targets: Array) -> Array:
    """Surprisal of each target (B, T) under logits (B, T, V)."""
    found = np.empty(targets.shape)
    for place in np.ndindex(*targets.shape):
        row = logits[place].astype(np.float64)
        top = row.max()
        found[place] = top + np.log(np.exp(row - top).sum()) - row[targets[place]]
    return found


def perplexity(logits: Array, targets: Array, *, keep: Array | None = None) -> float:
    """The exponential of the mean surprisal of the targets that ``keep`` marks."""
    counted = nats(logits, targets)[targets == targets if keep is None else keep.astype(bool)]
    return float(np.exp(counted.sum() / counted.size))


def of_probabilities(probabilities: Array, targets: Array) -> float:
    """The same, of rows of probabilities that sum to one."""
    counted = -np.log(np.take_along_axis(probabilities.astype(np.float64), targets[..., None], axis=-1))
    return float(np.exp(counted.mean()))


def of_batches(batches: list[tuple[Array, Array]]) -> float:
    """The perplexity of all the tokens of several batches together."""
    counted = np.concatenate([nats(logits, targets).ravel() for logits, targets in batches])
    return float(np.exp(counted.sum() / counted.size))

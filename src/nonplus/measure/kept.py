"""The scores of a row as plain numbers, for the answer cache.

Letters in shapes: N targets of a row, k alternatives.
"""

import numpy as np

from nonplus.measure.records import Floats
from nonplus.measure.scores import Readings, Scores


def columns_of(alternatives: int) -> int:
    """How many columns the scores of a row have; without alternatives, nats only."""
    return 3 + 2 * alternatives if alternatives else 1


def row_columns(scores: Scores) -> Floats:
    """Nats, then entropy, rank, the ids of the alternatives and their nats where there
    are readings; shape (N, ``columns_of(k)``).
    """
    read = scores.readings
    if read is None:
        return scores.nats[:, None]
    return np.column_stack([scores.nats, read.entropy, read.rank, read.top_ids, read.top_nats])


def row_scores(columns: Floats) -> Scores:
    """Inverse of :func:`row_columns`."""
    nats, read = columns[:, 0], columns[:, 1:]
    if not read.shape[1]:
        return Scores(nats)
    ids, top_nats = np.split(read[:, 2:], 2, axis=1)
    rank, top_ids = read[:, 1].astype(np.int64), ids.astype(np.int64)
    return Scores(nats, Readings(nats=nats, entropy=read[:, 0], rank=rank, top_ids=top_ids, top_nats=top_nats))

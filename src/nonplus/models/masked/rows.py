"""Which tokens stand in a row, and which of them are masked: integers only.

Letters in shapes: D documents, T tokens of all of them, N tokens to be scored, B rows
of a batch, W tokens of its longest row.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Self, final

import numpy as np

from nonplus.measure.records import Ints, TokenizedTexts
from nonplus.measure.runs import ranges
from nonplus.models.hf.tokenizer import Frame

Way = Literal["within_word_l2r", "original"]


@dataclass(frozen=True, slots=True)
class MaskedBatch:
    """Rows of input, each with one token that is asked for; shapes: ``input_BT`` and
    ``mask_BT`` (B, W), the latter 0 at padding; ``at_N`` (B,) places in the flattened
    input, ascending; ``target_N`` (B,) ids.
    """

    input_BT: Ints
    mask_BT: Ints
    at_N: Ints
    target_N: Ints


@final
@dataclass(frozen=True, slots=True)
class MaskedRows:
    """A row for each token to be scored, as places in the tokens of all texts.

    Row ``n`` is fed ``[start[n], stop[n])``, of which ``[at[n], until[n])`` are masked;
    the first of these is asked for. Shapes (N,).
    """

    ids: Ints
    start: Ints
    stop: Ints
    at: Ints
    until: Ints

    @classmethod
    def of(cls, texts: TokenizedTexts, words: Sequence[Ints] | None, *, room: int) -> Self:
        """Rows of at most ``room`` tokens of a text, those around the one that is asked
        for; at the edges of a text, those next to the edge.

        ``words`` tells for each token of a text the number of its word, whose later
        tokens are masked, too; ``None`` masks each token alone.
        """
        length_D, count_D = np.diff(texts.offsets), np.diff(texts.offsets) - texts.firsts
        at_N = ranges(texts.offsets[:-1] + texts.firsts, count_D)
        begin_N, end_N = (np.repeat(edge_D, count_D) for edge_D in (texts.offsets[:-1], texts.offsets[1:]))
        start_N = np.clip(at_N - room // 2, begin_N, np.maximum(begin_N, end_N - room))
        stop_N = np.minimum(start_N + room, end_N)
        until_N = at_N + 1
        if words is not None:
            number_T, document_T = np.concatenate(words), np.repeat(np.arange(len(texts)), length_D)
            changes = (number_T[1:] != number_T[:-1]) | (document_T[1:] != document_T[:-1])
            word_ends = np.append(np.flatnonzero(changes) + 1, len(number_T))
            until_N = np.minimum(word_ends[np.searchsorted(word_ends, at_N, side="right")], stop_N)
        return cls(texts.ids.astype(np.int64), start_N, stop_N, at_N, until_N)

    def __len__(self) -> int:
        """How many rows."""
        return len(self.at)

    @property
    def lengths(self) -> Ints:
        """How many tokens of a text each is fed, shape (N,)."""
        return self.stop - self.start

    def batch(self, rows: Ints, *, frame: Frame, mask: int, padding: int) -> MaskedBatch:
        """Some rows, padded on the right, each between the tokens of ``frame``."""
        before, after = np.array(frame.before, np.int64), np.array(frame.after, np.int64)
        length_B1 = self.lengths[rows, None]
        column_W = np.arange(int(length_B1.max()) + len(before) + len(after)) - len(before)
        place_BW = self.start[rows, None] + np.clip(column_W, 0, length_B1 - 1)
        masked_BW = (place_BW >= self.at[rows, None]) & (place_BW < self.until[rows, None])
        input_BW = np.where(masked_BW, mask, self.ids[place_BW])
        input_BW[:, : len(before)] = before
        behind_BW = column_W - length_B1
        for place, token in enumerate(after.tolist()):
            input_BW[behind_BW == place] = token
        own_BW = behind_BW < len(after)
        at_B = np.arange(len(rows)) * len(column_W) + len(before) + self.at[rows] - self.start[rows]
        return MaskedBatch(
            input_BT=np.where(own_BW, input_BW, padding),
            mask_BT=own_BW.astype(np.int64),
            at_N=at_B,
            target_N=self.ids[self.at[rows]],
        )

"""Which tokens an encoder and a decoder are fed, and which are scored: integers only.

Letters in shapes: D documents, S tokens of a source, T tokens of a target, B pairs of a
batch, N tokens to be scored.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Self, final

import numpy as np

from nonplus.measure.packing import Lines
from nonplus.measure.records import Ints, TokenizedTexts
from nonplus.measure.runs import ranges

IGNORED = -100  # what transformers takes for no label
_SLACK = 0.85  # tokens of a batch / tokens with padding; below it padding costs more than a batch more


@dataclass(frozen=True, slots=True)
class PairBatch:
    """Sources and targets, padded on the right.

    Shapes: ``source_BS`` and ``mask_BS``, the latter 0 at padding; ``label_BT``,
    ``IGNORED`` at padding; ``at_N`` places in the flattened labels that are asked for,
    ascending; ``target_N`` their ids.
    """

    source_BS: Ints
    mask_BS: Ints
    label_BT: Ints
    at_N: Ints
    target_N: Ints


@final
@dataclass(frozen=True, slots=True)
class Pairs:
    """A source and a target for each document, as places in the tokens of all.

    Source ``d`` are the tokens from ``source[d]`` on, ``n_source[d]`` of them; the
    labels follow, ``n_label[d]`` of them, of which ``n_scored[d]`` are scored, after
    ``n_before[d]`` that are only fed.
    """

    ids: Ints
    source: Ints
    n_source: Ints
    n_label: Ints
    n_before: int
    n_scored: Ints

    @classmethod
    def of(cls, texts: TokenizedTexts, n_source: Ints, *, before: int, unscored: int) -> Self:
        """Those of texts whose context are the source and ``before`` tokens of the
        target; the last ``unscored`` tokens are not scored.
        """
        n_label = np.diff(texts.offsets) - n_source
        return cls(
            ids=texts.ids.astype(np.int64),
            source=texts.offsets[:-1],
            n_source=n_source,
            n_label=n_label,
            n_before=before,
            n_scored=n_label - before - unscored,
        )

    def __len__(self) -> int:
        """How many pairs."""
        return len(self.source)

    @property
    def scored(self) -> Ints:
        """The places of the tokens that are scored, shape (N,)."""
        return ranges(self.source + self.n_source + self.n_before, self.n_scored)

    @property
    def seen(self) -> Ints:
        """How many tokens were fed before each of them: the source, the token that a
        decoder starts with, and those of the target; shape (N,).
        """
        return ranges(self.n_source + 1 + self.n_before, self.n_scored)

    def plan(self, places: Ints, budget: int) -> Iterator[Lines]:
        """Pairs of about equal lengths, longest first, for one batch each.

        A batch has at most ``budget`` tokens, padding included; a pair longer than that
        is a batch alone.
        """
        order = places[np.lexsort((-self.n_source[places], -self.n_label[places]))]
        together: list[int] = []
        width_S = width_T = fed = 0
        for pair in order.tolist():
            own_S, own_T = int(self.n_source[pair]), int(self.n_label[pair])
            room = (len(together) + 1) * (max(width_S, own_S) + max(width_T, own_T))
            if together and (room > budget or fed + own_S + own_T < _SLACK * room):
                yield Lines.of(np.array(together))
                together, width_S, width_T, fed = [], 0, 0, 0
            together.append(pair)
            width_S, width_T, fed = max(width_S, own_S), max(width_T, own_T), fed + own_S + own_T
        if together:
            yield Lines.of(np.array(together))

    def batch(self, pairs: Ints, *, padding: int) -> PairBatch:
        """Some pairs, padded on the right."""
        begin = self.source[pairs]
        source_BS, mask_BS = self._padded(begin, self.n_source[pairs], padding)
        label_BT, _ = self._padded(begin + self.n_source[pairs], self.n_label[pairs], IGNORED)
        at_N = ranges(np.arange(len(pairs)) * label_BT.shape[1] + self.n_before, self.n_scored[pairs])
        return PairBatch(source_BS, mask_BS, label_BT, at_N, label_BT.ravel()[at_N])

    def _padded(self, begin_B: Ints, count_B: Ints, padding: int) -> tuple[Ints, Ints]:
        column = np.arange(int(count_B.max()))
        own = column < count_B[:, None]
        return np.where(own, self.ids[np.where(own, begin_B[:, None] + column, 0)], padding), own.astype(np.int64)


def woven(parts: Sequence[Sequence[Ints]]) -> tuple[Ints, Ints]:
    """The parts of each document end to end, and how many tokens each document has."""
    each = [np.concatenate(own) for own in zip(*parts, strict=True)]
    return np.concatenate(each), np.array(list(map(len, each)), np.int64)

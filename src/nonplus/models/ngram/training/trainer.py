"""A text that was read becomes a model: counts, discounts, estimates.

Letters in shapes: V words, K orders from 2 on.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import final

import numpy as np

from nonplus.measure.records import Ints
from nonplus.models.ngram.ngrams import BEGIN, Block
from nonplus.models.ngram.training import stages
from nonplus.models.ngram.training.discounts import Discounts, discounts
from nonplus.models.ngram.training.estimation import log10, unigrams
from nonplus.models.ngram.training.folder import WorkFolder
from nonplus.models.ngram.training.lmplz import miscounts
from nonplus.models.ngram.training.meter import TrainingMeter
from nonplus.models.ngram.training.options import TrainingOptions
from nonplus.models.ngram.training.partitions import Partition, partitions
from nonplus.models.ngram.training.reading import Text
from nonplus.models.ngram.training.stages import COUNTED, Statistics

FIXED = 120 << 20  # bytes that a training takes beside its n-grams
_PER_NGRAM = 34  # bytes of each order but the first, for each occurrence


@final
@dataclass(frozen=True, slots=True)
class Trained:
    """A model in a work folder, as :class:`~nonplus.models.ngram.ngrams.Ngrams`.

    ``all_counts`` are of each order before pruning, ``counts`` after it.
    """

    words: Sequence[str]
    counts: tuple[int, ...]
    all_counts: tuple[int, ...]
    discounts: tuple[Discounts, ...]
    folder: WorkFolder
    unigrams: Block
    partitions: Sequence[Partition]

    def blocks(self, order: int) -> Iterator[Block]:
        """The n-grams of that order, the same in any memory.

        Those of one context follow each other, and contexts are in order of their last
        word, then of the one before it, and so on.
        """
        if order == 1:
            yield self.unigrams
        else:
            for partition in self.partitions:
                yield stages.block_of(self.folder, partition, order)


def train(text: Text, options: TrainingOptions, meter: TrainingMeter) -> Trained:
    """Estimate a model; what earlier calls finished in the text's folder is used."""
    thresholds, folder, v = options.thresholds, text.folder, len(text.words)
    parts = partitions(text.counts_V, _most_ngrams(options)) if options.order > 1 else []
    meter.begin("counting", len(parts))
    counted = [stages.count_partition(text, part, thresholds=thresholds) for part in meter.each(parts)]
    adjusted_V = _adjusted_unigrams(text, counted)
    found = tuple(discounts(each) for each in _histograms(text, options, adjusted_V, counted))
    prob_V = unigrams(adjusted_V, found[0])
    meter.begin("estimating", len(parts))
    low_P = np.array([part.low for part in parts], np.int64)
    for part in meter.each(parts):
        stages.estimate_partition(folder, part, unigram_V=prob_V, discounts=found, thresholds=thresholds, low_P=low_P)
    if not folder.has("unigrams"):
        folder.write("unigrams", [log10(prob_V), stages.unigram_backoffs(text, parts)])
    meter.begin("putting together", len(parts))
    for part in meter.each(parts):
        stages.finish_partition(text, part, parts, thresholds=thresholds)
    return Trained(
        text.words,
        (v, *(int(sum(each)) for each in zip(*(each.kept_K for each in counted), strict=True))),
        (v, *(int(sum(each)) for each in zip(*(each.all_K for each in counted), strict=True))),
        found,
        folder,
        Block(np.arange(v, dtype=np.int32)[:, None], *folder.arrays("unigrams")),
        parts,
    )


def _most_ngrams(options: TrainingOptions) -> int:
    """How many occurrences of n-grams a partition may have."""
    return max(1 << 16, options.bytes - FIXED) // (_PER_NGRAM * options.order)


def _adjusted_unigrams(text: Text, counted: Sequence[Statistics]) -> Ints:
    """In how many ways each word is extended to the left; where the words are all that
    there is, how often it occurs.
    """
    if not counted:
        adjusted_V = text.counts_V.copy()
        adjusted_V[BEGIN] = 0
        return adjusted_V
    return np.asarray(sum(each.before_V for each in counted) + (text.starts_V > 0))


def _histograms(
    text: Text, options: TrainingOptions, adjusted_V: Ints, counted: Sequence[Statistics]
) -> Sequence[Ints]:
    """How many n-grams of each order have the adjusted count 0, 1, 2, 3, 4."""
    own = np.bincount(np.minimum(adjusted_V, COUNTED), minlength=COUNTED)[:COUNTED]
    n = np.vstack([own, *([sum(each.n_Kj for each in counted)] if counted else [])])
    if options.exact_lmplz:
        digits = len(text.words) + 1
        for order, adjusted, taken in miscounts(text.stretches(options.order), order=options.order, digits=digits):
            for count, change in ((adjusted, -1), (taken, 1)):
                if count < COUNTED:
                    n[order - 1, count] += change
    return list(n)

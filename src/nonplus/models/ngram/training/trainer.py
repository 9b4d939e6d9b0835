"""A text that was read becomes a model: counts, discounts, estimates.

Letters in shapes: V words, K orders from 2 on.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import final

import numpy as np

from nonplus.errors import BadInput
from nonplus.measure.records import Ints
from nonplus.models.ngram.ngrams import BEGIN, Block
from nonplus.models.ngram.training import stages
from nonplus.models.ngram.training.counting import digits_before
from nonplus.models.ngram.training.discounts import Discounts, discounts
from nonplus.models.ngram.training.estimation import log10, unigrams
from nonplus.models.ngram.training.folder import WorkFolder
from nonplus.models.ngram.training.lmplz import miscounts
from nonplus.models.ngram.training.memory import room_beside
from nonplus.models.ngram.training.meter import TrainingMeter
from nonplus.models.ngram.training.options import TrainingOptions
from nonplus.models.ngram.training.partitions import Partition, partitions
from nonplus.models.ngram.training.reading import Text
from nonplus.models.ngram.training.stages import COUNTED, Statistics

_PLAN = "plan"
_MOST_COUNTED = (1 << 32) - 1
_PER_NGRAM = 34  # bytes of each order but the first, for each occurrence
_SMALL = 1 << 20  # occurrences: sorted faster than more at once, but each part reads the whole text
_MOST_PARTS = 16  # where the memory allows larger ones


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
            for partition in (each for each in self.partitions if order in each.orders):
                yield stages.block_of(self.folder, partition, order)


def train(text: Text, options: TrainingOptions, meter: TrainingMeter) -> Trained:
    """Estimate a model; what earlier calls finished in the text's folder is used.

    Raises:
        BadInput: a word is more frequent than can be counted, the memory does not hold
            the words, or a discount of 0 leaves nothing for what was not seen.
    """
    thresholds, folder, v = options.thresholds, text.folder, len(text.words)
    with folder.removed_if_refused():
        _check_counts(text)
        room = room_beside(words=v, options=options)
    parts = _partitions(text, options, room) if options.order > 1 else []
    meter.begin("counting", len(parts))
    counted = Statistics.none(orders=options.order - 1, words=v)
    for part in meter.each(parts[::-1]):
        counted += stages.count_partition(text, part, parts, thresholds=thresholds)
    adjusted_V = _adjusted_unigrams(text, options, counted)
    found = tuple(discounts(each, zero=options.exact_lmplz) for each in _histograms(text, options, adjusted_V, counted))
    prob_V = unigrams(adjusted_V, found[0])
    meter.begin("estimating", len(parts))
    for part in meter.each(parts):
        stages.estimate_partition(folder, part, parts, unigram_V=prob_V, discounts=found, thresholds=thresholds)
    if not folder.has("unigrams"):
        with folder.removed_if_refused():
            log10_prob_V = log10(prob_V)
        folder.write("unigrams", [log10_prob_V, stages.unigram_backoffs(text, parts)])
    meter.begin("putting together", len(parts))
    for part in meter.each(parts):
        stages.finish_partition(text, part, parts, thresholds=thresholds)
    return Trained(
        text.words,
        (v, *counted.kept_K.tolist()),
        (v, *counted.all_K.tolist()),
        found,
        folder,
        Block(np.arange(v, dtype=np.int32)[:, None], *folder.arrays("unigrams")),
        parts,
    )


def _check_counts(text: Text) -> None:
    if (most := int(text.counts_V.max())) > _MOST_COUNTED:
        raise BadInput(
            f"a word occurs {most:,} times, and an n-gram is counted up to {_MOST_COUNTED:,}; train on less of the text"
        )


def _partitions(text: Text, options: TrainingOptions, room: int) -> list[Partition]:
    digits = len(text.words) + 1
    most = _kept_plan(text.folder, _most_ngrams(room, order=options.order, occurrences=int(text.counts_V.sum())))

    def before(context: tuple[int, ...]) -> Ints:
        return digits_before(text.stretches(options.order), context, digits=digits)

    return partitions(text.counts_V, before, order=options.order, most=most)


def _kept_plan(folder: WorkFolder, most: int) -> int:
    """How many occurrences the partitions of earlier calls may have. Where they are too
    many for this call's memory, what those calls counted goes.
    """
    if folder.has(_PLAN):
        [earlier] = next(folder.arrays(_PLAN)).tolist()
        if earlier <= most:
            return int(earlier)
        stages.drop_all(folder)
    folder.write(_PLAN, [np.array([most])])
    return most


def _most_ngrams(room: int, *, order: int, occurrences: int) -> int:
    """How many occurrences of n-grams a partition may have."""
    return min(room // (_PER_NGRAM * order), max(_SMALL, occurrences // _MOST_PARTS))


def _adjusted_unigrams(text: Text, options: TrainingOptions, counted: Statistics) -> Ints:
    """In how many ways each word is extended to the left; where the words are all that
    there is, how often it occurs.
    """
    if options.order == 1:
        adjusted_V = text.counts_V.copy()
        adjusted_V[BEGIN] = 0
        return adjusted_V
    return np.asarray(counted.before_V + (text.starts_V > 0))


def _histograms(text: Text, options: TrainingOptions, adjusted_V: Ints, counted: Statistics) -> Sequence[Ints]:
    """How many n-grams of each order have the adjusted count 0, 1, 2, 3, 4."""
    own = np.bincount(np.minimum(adjusted_V, COUNTED), minlength=COUNTED)[:COUNTED]
    n = np.vstack([own, counted.n_Kj])
    if options.exact_lmplz:
        digits = len(text.words) + 1
        for order, adjusted, taken in miscounts(text.stretches(options.order), order=options.order, digits=digits):
            for count, change in ((adjusted, -1), (taken, 1)):
                if count < COUNTED:
                    n[order - 1, count] += change
    return list(n)

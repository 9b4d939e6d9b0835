"""The stages of a training, one partition at a time: counts, estimates, n-grams.

Each stage reads finished pieces of the work folder and writes others, the last of which
says that it is done. Of each partition, and each order from 2 on, these are:

- ``counts``: a level; then ``statistics`` of the partition
- ``weights``: of each context, by the partition that has it as an n-gram; then
  ``estimates``: the probabilities, and how many weights there are for each partition
- ``ngrams``: the words, probabilities and back-off weights of a model

Letters in shapes: V words, K orders from 2 on, M n-grams of one order, C contexts, P
partitions, W contexts that are n-grams of one partition.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import final

import numpy as np

from nonplus.kernels.native.counting import Level
from nonplus.measure.records import Bools, Floats, Ints
from nonplus.models.ngram.ngrams import Block, Float32s, WordIds
from nonplus.models.ngram.training.counting import count
from nonplus.models.ngram.training.discounts import Discounts
from nonplus.models.ngram.training.estimation import backoffs, estimates, log10
from nonplus.models.ngram.training.folder import WorkFolder
from nonplus.models.ngram.training.partitions import Partition, contexts
from nonplus.models.ngram.training.reading import Text

COUNTED = 5  # adjusted counts 0 to 4 decide the discounts


@final
@dataclass(frozen=True, slots=True)
class Statistics:
    """What is known of a partition without its n-grams.

    ``n_Kj`` (K, COUNTED) is how many n-grams of each order have which adjusted count;
    ``all_K`` how many there are, and ``kept_K`` how many are not pruned; ``before_V``
    in how many bigrams each word is the second.
    """

    n_Kj: Ints
    all_K: Ints
    kept_K: Ints
    before_V: Ints


def count_partition(text: Text, partition: Partition, *, thresholds: Sequence[int]) -> Statistics:
    """The counts of a partition."""
    folder, done = text.folder, f"statistics-{partition.name}"
    if not folder.has(done):
        levels = count(
            text.stretches(len(thresholds)),
            order=len(thresholds),
            digits=len(text.words) + 1,
            low=partition.low + 1,
            size_S=contexts(text.counts_V)[partition.low : partition.high],
            actual=any(thresholds),
        )
        statistics = Statistics(
            np.array([np.bincount(np.minimum(each.counts_M, COUNTED), minlength=COUNTED)[:COUNTED] for each in levels]),
            np.array([len(each.words_M) for each in levels]),
            np.array([np.sum(_kept(*each)) for each in zip(levels, thresholds[1:], strict=True)]),
            np.bincount(levels[0].words_M, minlength=len(text.words)),
        )
        for order, level in enumerate(levels, 2):
            folder.write(_name("counts", partition, order), [getattr(level, each.name) for each in fields(Level)])
        folder.write(done, [getattr(statistics, each.name) for each in fields(Statistics)])
    return Statistics(*folder.arrays(done))


def estimate_partition(
    folder: WorkFolder,
    partition: Partition,
    *,
    unigram_V: Floats,
    discounts: Sequence[Discounts],
    thresholds: Sequence[int],
    low_P: Ints,
) -> None:
    """Estimate the probabilities of a partition, and the weights of its contexts.

    ``low_P`` are the first words of all partitions.
    """
    if folder.has(_name("estimates", partition, len(thresholds))):
        return
    shorter = unigram_V
    second_C: WordIds = np.array((), np.int32)  # the last word but one of each context
    for order in range(2, len(thresholds) + 1):
        level = _level(folder, partition, order)
        found = estimates(level, shorter, discounts[order - 1], threshold=thresholds[order - 1])
        shorter = found.prob_M
        second_C = second_C[level.uppers_C] if order > 3 else level.oldest_C
        # A context of one word is a unigram, which no partition has.
        target_C = np.searchsorted(low_P, second_C, side="right") - 1 if order > 2 else np.zeros_like(second_C)
        with folder.writing(_name("weights", partition, order)) as file:
            file.write(log10(found.weight_C)[np.argsort(target_C, kind="stable")].tobytes())
        sizes_P = np.bincount(target_C, minlength=len(low_P))
        folder.write(_name("estimates", partition, order), [log10(found.prob_M), sizes_P])


def finish_partition(
    text: Text, partition: Partition, others: Sequence[Partition], *, thresholds: Sequence[int]
) -> None:
    """Put together the n-grams of a partition that are not pruned."""
    folder, last = text.folder, len(thresholds)
    if not folder.has(_name("ngrams", partition, last)):
        context_Cm: WordIds = np.empty((0, 0), np.int32)
        for order in range(2, last + 1):
            level = _level(folder, partition, order)
            own_C = level.oldest_C[:, None]
            context_Cm = own_C if order == 2 else np.hstack([own_C, context_Cm[level.uppers_C]])
            ids_Mk = np.hstack([np.repeat(context_Cm, level.sizes_C, axis=0), level.words_M[:, None]])
            log10_prob_M, _ = folder.arrays(_name("estimates", partition, order))
            log10_backoff_M = np.zeros(len(ids_Mk), np.float32)
            if order < last:
                weight_W = np.concatenate([_weights(folder, other, partition, order + 1) for other in others])
                log10_backoff_M = backoffs(level.words_M, weight_W, words=len(text.words))
            kept_M = _kept(level, thresholds[order - 1])
            folder.write(
                _name("ngrams", partition, order), [ids_Mk[kept_M], log10_prob_M[kept_M], log10_backoff_M[kept_M]]
            )
    for order in range(2, last + 1):
        folder.drop(_name("counts", partition, order))


def unigram_backoffs(text: Text, partitions: Sequence[Partition]) -> Float32s:
    """The back-off weight of each word."""
    found_V = np.zeros(len(text.words), np.float32)
    for partition in partitions:
        weight_C = np.fromfile(text.folder.path / _name("weights", partition, 2), np.float32)
        found_V[_level(text.folder, partition, 2).oldest_C] = weight_C
    return found_V


def block_of(folder: WorkFolder, partition: Partition, order: int) -> Block:
    """The n-grams of one order, from 2 on, of a finished partition."""
    return Block(*folder.arrays(_name("ngrams", partition, order)))


def _name(kind: str, partition: Partition, order: int) -> str:
    return f"{kind}-{partition.name}-{order}"


def _level(folder: WorkFolder, partition: Partition, order: int) -> Level:
    return Level(*folder.arrays(_name("counts", partition, order)))


def _weights(folder: WorkFolder, partition: Partition, target: Partition, order: int) -> Float32s:
    """The weights of a partition's contexts of the n-grams of one order that are
    n-grams of another partition.
    """
    _, sizes_P = folder.arrays(_name("estimates", partition, order))
    before, own = int(sizes_P[: target.number].sum()), int(sizes_P[target.number])
    return np.fromfile(folder.path / _name("weights", partition, order), np.float32, own, offset=4 * before)


def _kept(level: Level, threshold: int) -> Bools:
    return level.actual_M > threshold if threshold else np.ones(len(level.words_M), bool)

"""The stages of a training, one partition at a time: counts, estimates, n-grams.

Each stage reads finished pieces of the work folder and writes others, the last of which
says that it is done. Of each partition, and each order from 2 on, these are:

- ``counts``: a level; below a head ``added``, what the partition adds to the head's
  n-grams; then ``statistics`` of the partition
- ``probabilities`` of a head; ``weights`` of each context, by the partition that has it
  as an n-gram; then
  ``estimates``: how many weights there are for each partition, and the probabilities
- ``ngrams``: the words, probabilities and back-off weights of a model

Letters in shapes: V words, K orders from 2 on, M n-grams of one order, C contexts, P
partitions, W contexts that are n-grams of one partition.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from nonplus.kernels.native.counting import Level
from nonplus.measure.records import Bools, Floats, Ints
from nonplus.models.ngram.ngrams import Block, Float32s, WordIds
from nonplus.models.ngram.training.counting import count
from nonplus.models.ngram.training.discounts import Discounts
from nonplus.models.ngram.training.estimation import backoffs, estimates, log10
from nonplus.models.ngram.training.folder import WorkFolder
from nonplus.models.ngram.training.partitions import Partition, below, owners
from nonplus.models.ngram.training.reading import Text

COUNTED = 5  # adjusted counts 0 to 4 decide the discounts

_KINDS = ("ngrams", "estimates", "weights", "probabilities", "statistics", "added", "counts")  # the latest first
_NOTHING = Level(*(np.array((), each) for each in ("i4", "u4", "u4", "u4", "i4", "u4", "u4")))


@final
@dataclass(frozen=True, slots=True)
class Statistics:
    """What is known of partitions without their n-grams.

    ``n_Kj`` (K, COUNTED) is how many n-grams of each order have which adjusted count;
    ``all_K`` how many there are, and ``kept_K`` how many are not pruned; ``before_V``
    in how many bigrams each word is the second.
    """

    n_Kj: Ints
    all_K: Ints
    kept_K: Ints
    before_V: Ints

    @classmethod
    def none(cls, *, orders: int, words: int) -> "Statistics":
        """Of no partition."""
        zeros = (np.zeros(shape, np.int64) for shape in ((orders, COUNTED), orders, orders, words))
        return cls(*zeros)

    def __add__(self, other: "Statistics") -> "Statistics":
        return Statistics(*(getattr(self, each.name) + getattr(other, each.name) for each in fields(Statistics)))


def count_partition(
    text: Text, partition: Partition, others: Sequence[Partition], *, thresholds: Sequence[int]
) -> Statistics:
    """The counts of a partition; the parts below a head are counted before it."""
    folder, done = text.folder, f"statistics-{partition.name}"
    if not folder.has(done):
        level_of = _head_levels(text, partition, others) if partition.heads else _levels(text, partition, thresholds)
        owned = [level_of[k] if k in partition.orders else _NOTHING for k in range(2, len(thresholds) + 1)]
        statistics = Statistics(
            np.array([np.bincount(np.minimum(each.counts_M, COUNTED), minlength=COUNTED)[:COUNTED] for each in owned]),
            np.array([len(each.words_M) for each in owned]),
            np.array([np.sum(_kept(*each)) for each in zip(owned, thresholds[1:], strict=True)]),
            np.bincount(owned[0].words_M, minlength=len(text.words)),
        )
        for k in partition.orders:
            folder.write(_name("counts", partition, k), [getattr(level_of[k], each.name) for each in fields(Level)])
        if partition.part.suffix:
            folder.write(_name("added", partition, partition.first - 1), _added(level_of, partition))
        folder.write(done, [getattr(statistics, each.name) for each in fields(Statistics)])
    return Statistics(*folder.arrays(done))


def _levels(text: Text, partition: Partition, thresholds: Sequence[int]) -> Mapping[int, Level]:
    """The n-grams by their order."""
    order, digits = len(thresholds), len(text.words) + 1
    sizes, actual = partition.sizes, any(thresholds)
    levels = count(text.stretches(order), partition.part, order=order, digits=digits, size_S=sizes, actual=actual)
    return dict(enumerate(levels, 2))


def _head_levels(text: Text, head: Partition, others: Sequence[Partition]) -> Mapping[int, Level]:
    """The n-grams of a head's context: what the parts below it add to them."""
    counts_V, actual_V = np.zeros((2, len(text.words)), np.uint32)
    pruned = False
    for each in below(head, others):
        words_M, counts_M, actual_M = text.folder.arrays(_name("added", each, head.first))
        counts_V[words_M] += counts_M
        pruned = len(actual_M) > 0 or pruned
        actual_V[words_M[: len(actual_M)]] += actual_M
    words_M = np.flatnonzero(counts_V).astype(np.int32)
    return {
        head.first: Level(
            words_M=words_M,
            counts_M=counts_V[words_M],
            actual_M=actual_V[words_M[: len(words_M) if pruned else 0]],
            parents_M=np.arange(len(words_M), dtype=np.uint32),
            oldest_C=np.array([head.part.low - 1], np.int32),
            sizes_C=np.array([len(words_M)], np.uint32),
            uppers_C=np.zeros(1, np.uint32),
        )
    }


def _added(level_of: Mapping[int, Level], partition: Partition) -> Sequence[NDArray[Any]]:
    """The n-grams of a partition without their oldest word: their last words, in how
    many ways they are extended, how often they occur.
    """
    if partition.heads:
        level = level_of[partition.first]
        return [level.words_M, np.ones_like(level.counts_M), level.actual_M]
    level = level_of[partition.first - 1]
    return [level.words_M, level.counts_M, level.actual_M]


def estimate_partition(
    folder: WorkFolder,
    partition: Partition,
    others: Sequence[Partition],
    *,
    unigram_V: Floats,
    discounts: Sequence[Discounts],
    thresholds: Sequence[int],
) -> None:
    """Estimate the probabilities of a partition, and the weights of its contexts.

    A head is estimated before the parts below it.
    """
    if folder.has(_name("estimates", partition, partition.last)):
        return
    shorter = _shorter(folder, partition, others, unigram_V)
    column_Cs = [np.array([digit], np.int64) for digit in partition.part.suffix]  # of contexts, from the last back
    for order in partition.orders:
        level = _level(folder, partition, order)
        found = estimates(level, shorter, discounts[order - 1], threshold=thresholds[order - 1])
        shorter = found.prob_M
        uppers_C = _uppers(level)
        column_Cs = [*(each[uppers_C] for each in column_Cs), level.oldest_C.astype(np.int64) + 1]
        # A context of one word is a unigram, which no partition has.
        target_C = np.zeros(len(uppers_C), np.int64)
        if order > 2:
            target_C = owners(column_Cs[1:], others, order=order - 1)
        with folder.removed_if_refused():
            log10_weight_C, log10_prob_M = log10(found.weight_C), log10(found.prob_M)
        with folder.writing(_name("weights", partition, order)) as file:
            file.write(log10_weight_C[np.argsort(target_C, kind="stable")].tobytes())
        sizes_P = np.bincount(target_C, minlength=len(others))
        if partition.heads:
            folder.write(_name("probabilities", partition, order), [level.words_M, found.prob_M])
        folder.write(_name("estimates", partition, order), [sizes_P, log10_prob_M])


def _shorter(folder: WorkFolder, partition: Partition, others: Sequence[Partition], unigram_V: Floats) -> Floats:
    """The probabilities to which the n-grams of a partition's first order refer."""
    if not partition.part.suffix:
        return unigram_V[_level(folder, partition, 2).words_M] if partition.heads else unigram_V
    head = next(each for each in others if each.heads and each.context == partition.part.suffix)
    word_M, prob_M = folder.arrays(_name("probabilities", head, head.first))
    added_M, *_ = folder.arrays(_name("added", partition, head.first))
    return np.asarray(prob_M[np.searchsorted(word_M, added_M)])


def _uppers(level: Level) -> Ints:
    """Where each context stands without its oldest word: all of one word at 0."""
    return level.uppers_C.astype(np.int64) if len(level.uppers_C) else np.zeros(len(level.oldest_C), np.int64)


def finish_partition(
    text: Text, partition: Partition, others: Sequence[Partition], *, thresholds: Sequence[int]
) -> None:
    """Put together the n-grams of a partition that are not pruned."""
    folder = text.folder
    if not folder.has(_name("ngrams", partition, partition.last)):
        context_Cm: WordIds = np.array([partition.part.suffix[::-1]], np.int32) - 1
        for order in partition.orders:
            level = _level(folder, partition, order)
            context_Cm = np.hstack([level.oldest_C[:, None], context_Cm[_uppers(level)]])
            ids_Mk = np.hstack([np.repeat(context_Cm, level.sizes_C, axis=0), level.words_M[:, None]])
            _, log10_prob_M = folder.arrays(_name("estimates", partition, order))
            log10_backoff_M = np.zeros(len(ids_Mk), np.float32)
            if order < len(thresholds):
                weights = [_weights(folder, each, partition, order + 1) for each in others if order + 1 in each.orders]
                log10_backoff_M = backoffs(level.words_M, np.concatenate(weights), words=len(text.words))
            kept_M = _kept(level, thresholds[order - 1])
            folder.write(
                _name("ngrams", partition, order), [ids_Mk[kept_M], log10_prob_M[kept_M], log10_backoff_M[kept_M]]
            )
    for order in partition.orders:
        folder.drop(_name("counts", partition, order))


def drop_all(folder: WorkFolder) -> None:
    """Remove the pieces of all partitions."""
    for kind in _KINDS:
        folder.drop_all(f"{kind}-*")


def unigram_backoffs(text: Text, partitions: Sequence[Partition]) -> Float32s:
    """The back-off weight of each word."""
    found_V = np.zeros(len(text.words), np.float32)
    for partition in (each for each in partitions if 2 in each.orders):
        weight_C = np.frombuffer((text.folder.path / _name("weights", partition, 2)).read_bytes(), np.float32)
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
    sizes_P = next(folder.arrays(_name("estimates", partition, order)))  # and not the rest, which is long
    before, own = int(sizes_P[: target.number].sum()), int(sizes_P[target.number])
    with (folder.path / _name("weights", partition, order)).open("rb") as file:
        file.seek(4 * before)
        return np.frombuffer(file.read(4 * own), np.float32)


def _kept(level: Level, threshold: int) -> Bools:
    return level.actual_M > threshold if threshold else np.ones(len(level.words_M), bool)

"""Pruning: what the model misses least goes, and what is left is a model."""

import itertools
import math
from random import Random

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from models import bits as bits_of
from models import proper_models, shuffled
from tables import Dictionaries, holed_models

from nonplus.errors import BadInput
from nonplus.models.ngram.ngrams import BEGIN, END, SPECIAL_WORDS, Block, Ngrams, NgramsInMemory
from nonplus.models.ngram.packed.file import packed, unpacked
from nonplus.models.ngram.pruning.backoff_weights import Rests
from nonplus.models.ngram.pruning.entropy import pruned_by_entropy, pruned_to_bytes, pruned_to_ngrams
from nonplus.models.ngram.pruning.frequencies import frequencies
from nonplus.models.ngram.pruning.lower_orders import filled, lower_orders
from nonplus.models.ngram.pruning.relative_entropy import continuations
from nonplus.models.ngram.quantizing import greatest_sum
from nonplus.models.ngram.trie import as_trie

Entries = dict[tuple[int, ...], tuple[float, float]]

thresholds = st.floats(0, 1)


def in_order(ngrams: Ngrams) -> NgramsInMemory:
    trie = as_trie(ngrams)
    return NgramsInMemory(trie.words, tuple(next(trie.blocks(order)) for order in range(1, len(trie.counts) + 1)))


def probability(model: Entries, history: tuple[int, ...], word: int) -> float:
    """That of the definition, where the n-grams have base-10 logarithms."""
    ids = (*history, word)
    if ids in model:
        return 10 ** model[ids][0]
    return 10 ** model.get(history, (0.0, 0.0))[1] * probability(model, history[1:], word)


def sums(model: Entries, size: int, order: int) -> list[float]:
    """The sum of the probabilities of all words after each history there can be."""
    scorable = [word for word in range(size) if word != BEGIN]
    return [
        sum(probability(model, history, word) for word in scorable)
        for length in range(order)
        for history in itertools.product(range(size), repeat=length)
    ]


@given(proper_models(orders=3), thresholds)
def test_the_probabilities_of_a_pruned_model_sum_to_1_after_every_history(
    model: NgramsInMemory, threshold: float
) -> None:
    left = Dictionaries(pruned_by_entropy(model, threshold).ngrams)
    assert sums(left.of, len(model.words), left.order) == pytest.approx(
        [1.0] * len(sums(left.of, len(model.words), left.order)), abs=1e-4
    )


@given(proper_models(orders=3), thresholds, st.integers(2, 8))
def test_the_probabilities_of_a_quantised_model_sum_to_1_within_the_bound_of_its_bins(
    model: NgramsInMemory, threshold: float, bits: int
) -> None:
    whole = pruned_by_entropy(model, threshold).ngrams
    quantised = unpacked(packed(whole, bits=bits), whole.words)
    probs = [0.0, *(errors[0] for errors in quantised.errors)]
    backoffs = [0.0, *(errors[1] for errors in quantised.errors[:-1])][: len(quantised.errors)]
    bound = greatest_sum(probs, backoffs) + 1e-4
    found = sums(Dictionaries(quantised.ngrams).of, len(model.words), len(whole.counts))
    assert max(abs(math.log10(each)) for each in found) <= bound


@given(holed_models(), thresholds)
def test_the_n_grams_left_are_as_they_were_and_so_is_every_history_of_them(
    model: NgramsInMemory, threshold: float
) -> None:
    whole, left = Dictionaries(filled(as_trie(model))), Dictionaries(pruned_by_entropy(model, threshold).ngrams)
    assert {ids: values[0] for ids, values in left.of.items()}.items() <= {
        ids: values[0] for ids, values in whole.of.items()
    }.items()
    assert all(ids[:-1] in left.of for ids in left.of if len(ids) > 1)
    assert {ids for ids in left.of if len(ids) == 1} == {(word,) for word in range(len(model.words))}


@given(proper_models())
def test_a_threshold_of_0_leaves_the_model_as_it_is(model: NgramsInMemory) -> None:
    left = pruned_by_entropy(model, 0.0)
    assert bits_of(in_order(left.ngrams)) == bits_of(in_order(model))
    assert left.divergence == 0.0


@given(proper_models(), thresholds, thresholds)
def test_a_higher_threshold_leaves_a_part_of_what_a_lower_one_leaves(
    model: NgramsInMemory, one: float, other: float
) -> None:
    more, fewer = (set(Dictionaries(pruned_by_entropy(model, each).ngrams).of) for each in sorted([one, other]))
    assert fewer <= more


@given(proper_models(), thresholds, st.randoms(use_true_random=False))
def test_the_order_of_the_n_grams_does_not_matter(model: NgramsInMemory, threshold: float, random: Random) -> None:
    one, other = (pruned_by_entropy(each, threshold) for each in (model, shuffled(model, random)))
    assert packed(one.ngrams) == packed(other.ngrams)
    assert one.divergence == other.divergence


@given(proper_models(), st.data())
def test_as_many_n_grams_are_left_as_are_allowed_or_those_that_score_the_same_are_gone(
    model: NgramsInMemory, data: st.DataObject
) -> None:
    most = data.draw(st.integers(len(model.words), sum(model.counts) + 1))
    left = pruned_to_ngrams(model, most)
    assert sum(left.ngrams.counts) <= most
    assert packed(pruned_by_entropy(model, left.threshold).ngrams) == packed(left.ngrams)
    if left.threshold:
        one_more = pruned_by_entropy(model, float(np.nextafter(left.threshold, 0)))
        assert sum(one_more.ngrams.counts) > most


def without(model: Entries, removed: tuple[int, ...], size: int) -> Entries:
    """The model without one n-gram, its back-off weight so that the sum is 1."""
    left = {ids: values for ids, values in model.items() if ids != removed}
    history = removed[:-1]
    own = [ids[-1] for ids in left if ids[:-1] == history and len(ids) == len(removed)]
    rest = 1 - sum(10 ** left[*history, word][0] for word in own)
    others = [word for word in range(size) if word not in own and word != BEGIN]
    lower = sum(probability(left, history[1:], word) for word in others)
    left[history] = (left[history][0], math.log10(rest / lower))
    return left


@given(proper_models(orders=3), st.data())
def test_the_divergence_is_that_of_the_definition(model: NgramsInMemory, data: st.DataObject) -> None:
    assume(len(model.counts) > 1)
    size, order = len(model.words), data.draw(st.integers(2, len(model.counts)))
    trie = as_trie(model)
    lower = list(lower_orders(trie))
    rests = [Rests.of(trie.levels[k], each, len(trie.levels[k - 1].keys_M)) for k, each in enumerate(lower, 1)]
    often = [each + 1 for each in frequencies(trie, lower)]
    part = list(continuations(trie, lower, rests, often))[order - 2]
    at = data.draw(st.integers(0, trie.counts[order - 1] - 1))
    removed = tuple(trie.ids(order)[at].tolist())
    entries = Dictionaries(model).of
    left = without(entries, removed, size)
    expected = 0.0
    for word in range(size):
        if word != BEGIN:
            before, after = (probability(each, removed[:-1], word) for each in (entries, left))
            expected += before * math.log(before / after)
    expected *= often[order - 2][part.histories_M[at]]
    assert part.alone()[at] == pytest.approx(expected, abs=1e-5)
    alone_M = np.arange(trie.counts[order - 1]) == at
    assert part.together(alone_M) == pytest.approx(expected, abs=1e-5)


@given(proper_models(orders=2))
def test_words_are_as_frequent_as_in_a_long_walk_through_the_bigrams(model: NgramsInMemory) -> None:
    assume(len(model.counts) == 2)
    size, entries = len(model.words), Dictionaries(model).of
    steps = np.array([[probability(entries, (before,), word) for word in range(size)] for before in range(size)])
    steps[:, BEGIN] = 0
    steps[END] = steps[BEGIN]  # what follows the end of a sentence begins the next one
    walk = np.linalg.matrix_power(steps / steps.sum(axis=1, keepdims=True), 4096)[0]
    walk[BEGIN] = walk[END]
    trie = as_trie(model)
    (found,) = frequencies(trie, list(lower_orders(trie)))
    assert found == pytest.approx(walk / walk.sum(), abs=0.01)


def larger() -> NgramsInMemory:
    """Some thousands of bigrams, each as much more probable as its words are odd."""
    random = np.random.default_rng(7)
    words, pairs = 200, np.unique(random.integers(2, 200, (4000, 2)).astype(np.int32), axis=0)
    unigrams = np.full(words, -math.log10(words), np.float32)
    values = np.log10(random.uniform(1, 5, len(pairs)) / words).astype(np.float32)
    blocks = (
        Block(np.arange(words, dtype=np.int32)[:, None], unigrams, np.full(words, -0.05, np.float32)),
        Block(pairs, values, np.zeros_like(values)),
    )
    return NgramsInMemory([*SPECIAL_WORDS, *map(str, range(words - 3))], blocks)


@pytest.mark.parametrize(("most", "bits"), [(5000, 0), (5000, 8), (4000, 4)])
def test_a_model_of_so_many_bytes_fills_them(most: int, bits: int) -> None:
    left = pruned_to_bytes(larger(), most, bits=bits)
    assert 0.95 * most < len(packed(left.ngrams, bits=bits)) <= most


def test_a_model_that_is_small_enough_is_left_as_it_is():
    left = pruned_to_bytes(larger(), 1_000_000)
    assert (left.threshold, left.ngrams.counts) == (0.0, larger().counts)


def test_a_size_that_the_words_alone_exceed_is_refused():
    with pytest.raises(BadInput, match=r"the 200 words alone take [\d,]+ bytes, got to_bytes=100; allow at least"):
        pruned_to_bytes(larger(), 100)
    with pytest.raises(BadInput, match="the model has 200 words, got ngrams=199; allow at least as many"):
        pruned_to_ngrams(larger(), 199)

"""The tree of n-grams: the same model, in which every n-gram is found."""

from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from models import shuffled
from tables import Dictionaries, holed_models

from nonplus.errors import BadModel
from nonplus.models.ngram.ngrams import SPECIAL_WORDS, Block, NgramsInMemory
from nonplus.models.ngram.trie import as_trie


@given(holed_models(), st.randoms(use_true_random=False))
def test_a_tree_has_the_n_grams_of_its_model_in_ascending_order(model: NgramsInMemory, random: Random) -> None:
    trie = as_trie(shuffled(model, random))
    assert Dictionaries(trie).of == Dictionaries(model).of
    assert trie.counts == model.counts
    for order in range(1, len(trie.counts) + 1):
        (block,) = trie.blocks(order)
        assert block.ids_Mk.tolist() == sorted(block.ids_Mk.tolist())


@given(holed_models(), st.data())
def test_the_probability_in_a_tree_is_that_of_the_definition(model: NgramsInMemory, data: st.DataObject) -> None:
    word = st.integers(0, len(model.words) - 1)
    order = data.draw(st.integers(1, len(model.counts)))
    rows = data.draw(st.lists(st.lists(word, min_size=order, max_size=order), min_size=1, max_size=20))
    given_by_tree = as_trie(model).log10_probs(np.array(rows, np.int32))
    assert given_by_tree == pytest.approx([Dictionaries(model).match(row[:-1], row[-1])[0] for row in rows])


def bigrams(ids: list[list[int]]) -> NgramsInMemory:
    def block(rows: list[list[int]]) -> Block:
        values_M = np.zeros(len(rows), np.float32)
        return Block(np.array(rows, np.int32), values_M, values_M)

    return NgramsInMemory([*SPECIAL_WORDS, "a"], (block([[0], [1], [2], [3]]), block(ids)))


def test_a_bigram_that_is_there_twice_is_refused():
    with pytest.raises(BadModel, match="the n-gram '<s> a' is in the model twice; train or export"):
        as_trie(bigrams([[1, 3], [3, 2], [1, 3]]))


def test_a_word_id_without_a_word_is_refused():
    with pytest.raises(BadModel, match="an n-gram has a word id that none of the 4 words has"):
        as_trie(bigrams([[1, 4]]))

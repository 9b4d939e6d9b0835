"""A table scores as its n-grams say, and gives them back."""

import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import final

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tables import MODEL, Dictionaries, block, holed_models, sentences
from tests.native_switch import switched

from nonplus.errors import BadInput, BadModel, BadProtocol
from nonplus.models.ngram.ngrams import BEGIN, SPECIAL_WORDS, Block, NgramsInMemory
from nonplus.models.ngram.table import scoring as table_scoring
from nonplus.models.ngram.table.table import Table, write_table


@pytest.fixture(autouse=True, scope="module", params=["C", "Python"])
def path(request):
    """The code that looks up, which a variable of the environment chooses."""
    with switched(request.param):
        yield request.param


def by_words(model):
    """Every n-gram with the bits of its values, in whatever order they come."""
    return {
        tuple(ids): (prob.tobytes(), (weight + np.float32(0)).tobytes())
        for k in range(1, len(model.counts) + 1)
        for each in model.blocks(k)
        for ids, prob, weight in zip(each.ids_Mk.tolist(), each.log10_probs_M, each.log10_backoffs_M, strict=True)
    }


@given(st.data())
def test_a_table_scores_as_dictionaries_of_its_ngrams_do(data):
    model = data.draw(holed_models())
    ids, starts = data.draw(sentences(len(model.words)))
    matches = Table.in_memory(model).score(ids, starts)
    nats, lengths, weights = Dictionaries(model).score(ids, starts)
    np.testing.assert_allclose(matches.nats_T, nats, rtol=1e-12, atol=1e-12)
    np.testing.assert_array_equal(matches.length_T, lengths)
    np.testing.assert_allclose(matches.backoff_T, weights, rtol=1e-6, atol=1e-6)


@given(model=holed_models())
def test_a_table_gives_its_ngrams_back(model):
    back = Table.in_memory(model).ngrams(model.words)
    assert back.counts == model.counts
    assert by_words(back) == by_words(model)


@given(model=holed_models(), bits=st.integers(2, 16), data=st.data())
def test_a_quantised_table_scores_as_what_it_gives_back(model, bits, data):
    ids, starts = data.draw(sentences(len(model.words)))
    table = Table.in_memory(model, bits=bits)
    nats, lengths, _ = Dictionaries(table.ngrams(model.words)).score(ids, starts)
    matches = table.score(ids, starts)
    np.testing.assert_allclose(matches.nats_T, nats, rtol=1e-12, atol=1e-12)
    np.testing.assert_array_equal(matches.length_T, lengths)


@given(model=holed_models(), bits=st.integers(2, 16))
def test_a_quantised_value_is_as_close_as_the_table_says(model, bits):
    table = Table.in_memory(model, bits=bits)
    before, after = Dictionaries(model).of, Dictionaries(table.ngrams(model.words)).of
    assert after.keys() == before.keys()
    for ids, (prob, weight) in before.items():
        errors = (0.0, 0.0) if len(ids) == 1 else (*table.errors[len(ids) - 2], 0.0)
        assert abs(after[ids][0] - prob) <= errors[0]
        if len(ids) < table.order:
            assert abs(after[ids][1] - weight) <= errors[1]
            assert (after[ids][1] == 0) == (weight == 0)


@given(st.data())
def test_a_distribution_holds_what_each_word_would_have_scored(data):
    model = data.draw(holed_models())
    ids, starts = data.draw(sentences(len(model.words)))
    table = Table.in_memory(model)
    at = np.array(data.draw(st.lists(st.integers(0, len(ids) - 1), max_size=5)) if len(ids) else [], np.int64)
    rows = [row for rows in table.distributions(ids, starts, at) for row in rows]
    assert len(rows) == len(at)
    for position, row in zip(at, rows, strict=True):
        for word in range(table.vocabulary):
            other = ids.copy()
            other[position] = word
            nats = np.inf if word == BEGIN else table.score(other, starts).nats_T[position]
            assert -row[word] == nats


@given(st.data())
def test_c_and_numpy_score_with_the_same_bits(data):
    model = data.draw(holed_models())
    ids, starts = data.draw(sentences(len(model.words)))
    table = Table.in_memory(model, bits=data.draw(st.sampled_from([0, 2, 5, 8, 16])))
    matches = table.score(ids, starts)
    columns = (matches.nats_T, matches.length_T, matches.backoff_T)
    assert [column.tobytes() for column in columns] == [
        column.tobytes() for column in table_scoring.score(table._contents, ids, starts)
    ]


@given(st.data())
def test_sentences_score_the_same_alone_and_together(data):
    model = data.draw(holed_models())
    ids, starts = data.draw(sentences(len(model.words)))
    table = Table.in_memory(model)
    together = table.score(ids, starts)
    for start, stop in pairwise(starts):
        alone = table.score(ids[start:stop], np.array([0, stop - start]))
        np.testing.assert_array_equal(alone.nats_T, together.nats_T[start:stop])


def large(seed=0, n=200_000):
    """A model with many n-grams and tokens drawn alike, so that many are found."""
    draw = np.random.default_rng(seed)
    vocabulary = 500
    orders = [np.arange(vocabulary)[:, None]]
    for k in (2, 3, 4):
        orders.append(np.unique((draw.random((20_000, k)) ** 3 * vocabulary).astype(np.int32), axis=0))
    blocks = [
        Block(ids.astype(np.int32), *(-draw.random((2, len(ids)), np.float32) * np.array([[3], [k < 4]], np.float32)))
        for k, ids in enumerate(orders, 1)
    ]
    ids = (draw.random(n) ** 3 * vocabulary).astype(np.int32)
    starts = np.concatenate([[0], np.sort(draw.integers(0, n + 1, 3000)), [n]])
    return NgramsInMemory([*SPECIAL_WORDS, *map(str, range(vocabulary - 3))], tuple(blocks)), ids, starts


def test_threads_that_share_a_table_score_with_the_same_bits():
    model, ids, starts = large()
    table = Table.in_memory(model)
    one = table.score(ids, starts)
    assert set(one.length_T) == {1, 2, 3, 4}
    with ThreadPoolExecutor(3) as pool:
        for many in pool.map(lambda _: table.score(ids, starts), range(3)):
            np.testing.assert_array_equal(one.nats_T, many.nats_T)
            np.testing.assert_array_equal(one.length_T, many.length_T)
            np.testing.assert_array_equal(one.backoff_T, many.backoff_T)


def test_a_long_sentence_scores_as_its_pieces_with_the_tokens_before():
    model, ids, _ = large(n=50_000)
    table = Table.in_memory(model)
    whole = table.score(ids, np.array([0, len(ids)]))
    for start in range(0, len(ids), 9_973):
        piece = table.score(ids[start:], np.array([0, len(ids) - start]))
        np.testing.assert_array_equal(whole.nats_T[start + 3 :], piece.nats_T[3:])


def test_many_ngrams_score_as_dictionaries_do():
    model, ids, starts = large(n=20_000)
    matches = Table.in_memory(model).score(ids, starts)
    nats, lengths, _ = Dictionaries(model).score(ids, starts)
    np.testing.assert_allclose(matches.nats_T, nats, rtol=1e-12)
    np.testing.assert_array_equal(matches.length_T, lengths)


def test_a_file_is_opened_with_its_sizes(tmp_path):
    write_table(tmp_path / "a.table", MODEL)
    table = Table.open(tmp_path / "a.table")
    assert (table.order, table.counts, table.vocabulary, table.bits) == (3, (5, 3, 2), 5, 0)
    assert table.bytes == (tmp_path / "a.table").stat().st_size


def test_the_longest_ngram_counts_and_the_weights_of_longer_histories():
    """By hand: <s>, a after it, b after both, then </s> after b alone."""
    ids = np.array([1, 3, 4, 2], np.int32)
    matches = Table.in_memory(MODEL).score(ids, np.array([0, 4]))
    np.testing.assert_allclose(matches.nats_T[1:] / np.log(10), [0.125, 0.0625, 1.5])
    assert matches.length_T[1:].tolist() == [2, 3, 2]


def test_an_ngram_is_found_though_its_history_is_none():
    """ "b a" is no n-gram, "b a b" is."""
    ids = np.array([4, 3, 4], np.int32)
    matches = Table.in_memory(MODEL).score(ids, np.array([0, 3]))
    assert matches.length_T.tolist() == [1, 1, 3]
    np.testing.assert_allclose(matches.nats_T[2] / np.log(10), 0.03125)


@given(model=holed_models(), bits=st.sampled_from([0, 3, 8]), seed=st.integers(0, 9))
def test_the_bytes_of_a_file_depend_on_the_model_only(tmp_path_factory, model, bits, seed):
    folder = tmp_path_factory.mktemp("tables")
    shuffled = np.random.default_rng(seed).permutation
    orders = list(model.orders)
    for k, each in enumerate(orders[1:], 1):
        places = shuffled(len(each.ids_Mk))
        orders[k] = Block(each.ids_Mk[places], each.log10_probs_M[places], each.log10_backoffs_M[places])
    write_table(folder / "a", model, bits=bits)
    write_table(folder / "b", NgramsInMemory(model.words, tuple(orders)), bits=bits, memory=256)
    assert (folder / "a").read_bytes() == (folder / "b").read_bytes()
    assert sorted(path.name for path in folder.iterdir()) == ["a", "b"]


@pytest.mark.parametrize(
    ("ids", "starts"),
    [([5], [0, 1]), ([-1], [0, 1]), ([1], [0]), ([1], [1]), ([1], []), ([1, 2], [0, 2, 1, 2]), ([1], [0, 2])],
)
def test_ids_and_starts_that_do_not_fit_are_refused(ids, starts):
    with pytest.raises(BadInput, match=r"; give ids from 0 to 4|must rise from 0"):
        Table.in_memory(MODEL).score(np.array(ids, np.int32), np.array(starts, np.int64))


def orders(*changes):
    """MODEL with other dictionaries for orders 2 and 3."""
    return NgramsInMemory(MODEL.words, (MODEL.orders[0], *map(block, changes)))


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (orders({(1, 5): (-1, 0)}), "an n-gram of order 2 has other than 2 words from 0 to 4"),
        (orders({(1, 3, 4): (-1, 0)}), "an n-gram of order 2 has other than 2 words"),
        (orders({(1, 3): (np.nan, 0)}), "has the logarithm nan; give finite numbers"),
        (orders({(1, 3): (0, np.inf)}), "has the logarithm inf; give finite numbers"),
        (NgramsInMemory(["a"], (block({(0,): (0, 0)}),)), "1 n-grams of order 1 and 1 words"),
        (NgramsInMemory(MODEL.words[:4], MODEL.orders), "5 n-grams of order 1 and 4 words"),
        (NgramsInMemory(MODEL.words, ()), "the model has order 0"),
    ],
)
def test_what_is_no_model_is_refused(model, message):
    with pytest.raises(BadModel, match=message):
        Table.in_memory(model)


def test_an_ngram_that_is_there_twice_is_refused():
    twice = Block(np.array([[1, 3], [1, 3]], np.int32), *np.zeros((2, 2), np.float32))
    with pytest.raises(BadModel, match="an n-gram of order 2 twice"):
        Table.in_memory(NgramsInMemory(MODEL.words, (MODEL.orders[0], twice)))


@pytest.mark.parametrize("bits", [1, 17, -1])
def test_bits_lie_between_2_and_16(bits):
    with pytest.raises(BadProtocol, match=f"bits={bits} is no number of bits"):
        Table.in_memory(MODEL, bits=bits)


@final
class Streamed:
    """More n-grams than the memory that the writer gets, made as they are read."""

    def __init__(self):
        self.words = [*SPECIAL_WORDS, *map(str, range(997))]
        self.counts = (1000, 300_000, 300_000)

    def blocks(self, order):
        """Each word; each with 300 others after it; each of those with one more."""
        for first in range(1000):
            ids = np.full((300 if order > 1 else 1, order), first, np.int32)
            ids[:, 1:2] = np.arange(len(ids))[:, None]
            ids[:, 2:] = (ids[:, 1:2] * 7 + first) % 1000
            yield Block(ids, *np.linspace([-1, 0], [-2, 0], len(ids), dtype=np.float32).T.copy())


def test_writing_takes_about_the_memory_that_it_is_given(tmp_path):
    tracemalloc.start()
    write_table(tmp_path / "table", Streamed(), memory=1 << 19)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1 << 20
    assert (tmp_path / "table").stat().st_size > 8 << 20

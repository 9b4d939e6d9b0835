"""Models in closed form, and the double that other tests rely on."""

import math

import numpy as np
import pytest
from doubles import History
from hypothesis import given
from hypothesis import strategies as st

from nonplus.errors import BadInput, BadModel
from nonplus.measure.readings import readings
from nonplus.measure.records import Batch
from nonplus.models import synthetic
from nonplus.models.synthetic import Bytes, Uniform, Unigram, fitted_unigram

TEXTS = st.text(st.characters(exclude_categories=["Cs"]))


def one_row(ids):
    """Every token of ``ids`` but the first, asked for after those before it."""
    ids = np.asarray(ids)
    places = np.arange(len(ids) - 1)
    return Batch(ids[None, :-1], places[None], places, ids[1:])


@given(TEXTS)
def test_bytes_are_the_bytes_of_the_text_and_give_it_back(text):
    (encoding,) = Bytes().encode([text], specials=True)
    assert encoding.ids.tolist() == list(text.encode())
    assert Bytes().decode(encoding.ids.tolist()) == text


@given(TEXTS)
def test_every_byte_ends_at_itself(text):
    (encoding,) = Bytes().encode([text], specials=False)
    assert encoding.byte_ends.tolist() == [*range(1, len(text.encode()) + 1)]


def test_tokens_that_bytes_add_automatically_cover_no_text():
    tokenizer = Bytes(before=(256,), after=(257,))
    bare, full = (tokenizer.encode(["aé"], specials=own)[0] for own in (False, True))
    assert full.ids.tolist() == [256, *bare.ids, 257]
    assert full.byte_ends.tolist() == [0, *bare.byte_ends.tolist(), 3]


def test_bytes_outside_a_character_show_as_the_replacement_character():
    assert Bytes().decode([0xC3]) == "\N{REPLACEMENT CHARACTER}"
    assert Bytes().decode([256, 97]) == "<256>a"


def test_tokenizers_that_differ_have_different_identities():
    assert Bytes().identity == Bytes().identity != Bytes(before=(256,)).identity


def test_bytes_have_no_chat_template():
    with pytest.raises(BadModel, match="no chat template"):
        Bytes().chat([{"role": "user", "content": "Hi"}])


@given(st.integers(2, 2000), st.data())
def test_a_uniform_model_finds_every_token_equally_surprising(vocabulary, data):
    ids = data.draw(st.lists(st.integers(0, vocabulary - 1), min_size=2))
    batch = one_row(ids)
    read = readings(Uniform(vocabulary).distributions(batch), batch.target_N, top=3)
    for nats in (-Uniform(vocabulary).logprobs(batch), read.nats, read.entropy):
        assert nats.tolist() == pytest.approx([math.log(vocabulary)] * (len(ids) - 1))
    assert set(read.rank) == {1}


@given(st.binary(), st.integers(0, 255))
def test_a_fitted_unigram_gives_each_byte_its_frequency_with_one_added(text, byte):
    model = fitted_unigram(text)
    logprob = model.logprobs(one_row([0, byte]))[0]
    assert logprob == pytest.approx(math.log((text.count(byte) + 1) / (len(text) + 256)))


def test_a_unigram_model_gives_its_distribution_at_every_position(monkeypatch):
    monkeypatch.setattr(synthetic, "_CHUNK_BYTES", 2 * 4 * 8)
    chances = [0.2, 0.5, 0.0, 0.3]
    chunks = list(Unigram(chances).distributions(one_row([0, 3, 2, 1])))
    assert [len(chunk) for chunk in chunks] == [2, 1]
    np.testing.assert_allclose(np.exp(np.concatenate(chunks)), [chances] * 3)


@given(st.lists(st.integers(0, 3), min_size=1), st.lists(st.integers(0, 3)))
def test_a_prefix_changes_nothing_for_a_unigram_model(tokens, continuation):
    model = Unigram([0.2, 0.5, 0.0, 0.3])
    prefix = model.prefix(tokens)
    assert prefix.tokens.tolist() == tokens
    assert prefix.logprobs(continuation).tolist() == model.logprobs(one_row([0, *continuation])).tolist()
    assert prefix.extended(continuation).tokens.tolist() == [*tokens, *continuation]
    np.testing.assert_allclose(np.exp(prefix.distribution()), [0.2, 0.5, 0.0, 0.3])


@pytest.mark.parametrize("use", [lambda model: model.prefix([]), lambda model: model.prefix([5])])
def test_a_prefix_of_a_unigram_model_has_a_token_and_only_known_ones(use):
    with pytest.raises(BadInput, match=r"got none|vocabulary of 5"):
        use(Uniform(5))


@pytest.mark.parametrize("wrong", [[0.5, 0.6], [1.5, -0.5], [], [math.nan, 1]])
def test_a_unigram_model_needs_a_distribution(wrong):
    with pytest.raises(BadModel, match="sum to 1"):
        Unigram(wrong)


def test_a_target_outside_the_vocabulary_is_refused():
    with pytest.raises(BadInput, match="vocabulary of 5"):
        Uniform(5).logprobs(one_row([0, 5]))


@given(st.lists(st.integers(0, 257), min_size=1, max_size=12), st.integers(0, 257))
def test_the_double_is_a_distribution_that_depends_on_all_of_its_history(history, target):
    model = History()
    assert np.exp(model.log_distribution(history)).sum() == pytest.approx(1)
    assert model.log_probability(history, target) == History().log_probability(history, target)
    for other in ([*history, 0], [0, *history], history[1:], [*history[:-1], (history[-1] + 1) % 258]):
        assert model.log_probability(other, target) != model.log_probability(history, target)


def test_the_double_scores_from_the_start_of_its_text_whatever_shares_the_row():
    together = Batch(
        np.array([[256, 1, 2, 256, 3, 0]]), np.array([[0, 1, 2, 0, 1, 2]]), np.array([2, 4]), np.array([7, 8])
    )
    expected = [History().log_probability([256, 1, 2], 7), History().log_probability([256, 3], 8)]
    assert History(packs=True).logprobs(together).tolist() == expected
    with pytest.raises(AssertionError):
        History(packs=False).logprobs(together)


def test_the_double_refuses_more_than_its_context():
    with pytest.raises(AssertionError):
        History(max_context=3).logprobs(one_row(range(5)))


def test_distributions_and_prefixes_of_the_double_hold_its_log_probabilities():
    model, ids = History(vocabulary=32), [1, 2, 3, 5, 8]
    batch = one_row(ids)
    logprob_NV = np.concatenate(list(model.distributions(batch)))
    assert np.allclose(np.exp(logprob_NV).sum(axis=1), 1)
    assert logprob_NV[np.arange(4), batch.target_N].tolist() == model.logprobs(batch).tolist()
    assert model.prefix(ids[:2]).logprobs(ids[2:]).tolist() == model.logprobs(batch)[1:].tolist()
    assert model.prefix(ids[:1]).extended(ids[1:3]).distribution().tolist() == logprob_NV[2].tolist()

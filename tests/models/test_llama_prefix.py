"""A kept prefix scores a continuation as the whole text does, and never changes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_llama import SMALL, TINY, side_by_side, weights_for, write_folder

from nonplus.errors import BadInput
from nonplus.measure.interfaces import HasDistributions, HasPrefixes
from nonplus.models.llama import network
from nonplus.models.llama.model import open_llama

IDS = st.lists(st.integers(0, 28), max_size=20)
SOME_IDS = st.lists(st.integers(0, 28), min_size=1, max_size=20)


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    return open_llama(write_folder(tmp_path_factory.mktemp("models") / "small"))


def state(prefix):
    """All that a prefix holds, as copies."""
    return [
        prefix.tokens.copy(),
        prefix.last_1D.copy(),
        *(array.copy() for layer in prefix.keys_values for array in (layer.key_KCM, layer.value_KMC)),
    ]


def same(one, other, **rounding):
    assert len(one) == len(other)
    for a, b in zip(one, other, strict=True):
        np.testing.assert_allclose(a, b, **rounding)


@given(SOME_IDS, IDS, st.sampled_from([1, 7, 128]))
def test_a_continuation_scores_as_in_the_whole_text(small, tokens, continuation, queries):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(network, "_QUERIES", queries)
        patch.setattr(network, "_FEWEST", 1)
        logprob_M = small.prefix(tokens).logprobs(continuation)
    whole_N = small.logprobs(side_by_side(np.array([*tokens, *continuation, 0])))
    assert logprob_M.dtype == np.float64
    np.testing.assert_allclose(logprob_M, whole_N[len(tokens) - 1 : -1], rtol=1e-5, atol=1e-5)


@given(SOME_IDS, IDS, IDS)
def test_extending_twice_is_extending_once(small, tokens, more, and_more):
    twice = small.prefix(tokens).extended(more).extended(and_more)
    assert twice.tokens.tolist() == [*tokens, *more, *and_more]
    same(state(twice), state(small.prefix([*tokens, *more, *and_more])), rtol=1e-4, atol=1e-5)


@given(SOME_IDS)
def test_the_next_token_has_the_distribution_of_the_whole_text(small, tokens):
    logprob_V = small.prefix(tokens).distribution()
    assert logprob_V.shape == (29,)
    assert np.exp(logprob_V.astype(np.float64)).sum() == pytest.approx(1, abs=1e-6)
    *_, last_MV = small.distributions(side_by_side(np.array([*tokens, 0])))
    np.testing.assert_allclose(logprob_V, last_MV[-1], rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(small.prefix(tokens).logprobs([7]), [logprob_V[7]], rtol=1e-5, atol=1e-5)


@given(SOME_IDS, SOME_IDS, SOME_IDS)
def test_a_prefix_never_changes(small, tokens, one, other):
    prefix = small.prefix(tokens)
    before = state(prefix)
    prefix.logprobs(one)
    prefix.distribution()[:] = 0
    longer = prefix.extended(one)
    kept = state(longer)
    prefix.extended(other).logprobs(one)
    same(state(prefix), before, rtol=0)
    same(state(longer), kept, rtol=0)
    with pytest.raises(ValueError, match="read-only"):
        prefix.tokens[0] = 1


@pytest.mark.parametrize("parts", [[60, 4], [1] * 64, [33, 31]])
def test_a_prefix_is_as_long_as_the_context_at_most(small, parts):
    ids = np.arange(66) % 29
    prefix = small.prefix(ids[: parts[0]])
    for part in parts[1:]:
        prefix = prefix.extended(ids[len(prefix.tokens) :][:part])
    whole = small.prefix(ids[:64])
    same(state(prefix), state(whole), rtol=1e-4, atol=1e-5)
    assert prefix.logprobs([1]).shape == (1,)  # its last token is not fed
    for too_much in (lambda: prefix.logprobs([1, 2]), lambda: prefix.extended([1]), lambda: small.prefix(ids[:65])):
        with pytest.raises(BadInput, match="at most 64 tokens, got 65"):
            too_much()


@pytest.mark.parametrize("wrong", [-1, 29])
def test_an_unknown_token_is_refused_wherever_it_comes(small, wrong):
    prefix = small.prefix([1])
    uses = [
        lambda: small.prefix([1, wrong]),
        lambda: prefix.extended([wrong]),
        lambda: prefix.logprobs([wrong]),
        lambda: prefix.logprobs([wrong, 1]),
    ]
    for use in uses:
        with pytest.raises(BadInput, match=rf"token id {wrong} .*vocabulary of 29"):
            use()


@pytest.mark.parametrize("wrong", [[1.0, 2.5], np.array([1.0]), [True], ["1"], [[1, 2]], 5, None])
def test_what_is_no_token_id_is_refused_and_never_rounded(small, wrong):
    prefix = small.prefix(np.array([1], np.int32))
    for use in (small.prefix, prefix.extended, prefix.logprobs):
        with pytest.raises(BadInput, match="token ids are whole numbers, one after the other, got"):
            use(wrong)


def test_a_prefix_has_at_least_one_token(small):
    with pytest.raises(BadInput, match="at least one token, got none"):
        small.prefix([])


def test_a_llama_has_both_capabilities(small):
    assert isinstance(small, HasDistributions)
    assert isinstance(small, HasPrefixes)


def peer_distributions(folder, parts):
    """ln P of every id after each part, by transformers with a cache, in float64."""
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    peer = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float64)
    cache = transformers.DynamicCache(config=peer.config)
    with torch.no_grad():
        for part in parts:
            output = peer(torch.tensor([part]), past_key_values=cache, use_cache=True)
            yield output.logits[0, -1].log_softmax(-1).numpy()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["bundled/tiny", "random with biases"])
def test_a_prefix_extended_in_parts_is_that_of_transformers_with_a_cache(tmp_path, name):
    folder = TINY
    if name != "bundled/tiny":
        config = SMALL | {"attention_bias": True, "mlp_bias": True, "architectures": ["LlamaForCausalLM"]}
        folder = write_folder(tmp_path / "model", config=config, weights=weights_for(config, biases=True))
    ids = np.random.default_rng(3).integers(0, 29, 40).tolist()
    parts = [ids[:20], ids[20:21], ids[21:22], ids[22:]]
    prefix = open_llama(folder).prefix(parts[0])
    for number, expected_V in enumerate(peer_distributions(folder, parts)):
        prefix = prefix.extended(parts[number]) if number else prefix
        np.testing.assert_allclose(prefix.distribution(), expected_V, rtol=1e-5, atol=2e-5)

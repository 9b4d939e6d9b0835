"""``nonplus.perplexity``: a float with its sums, from numbers in any container."""

import copy
import math
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as nps

import nonplus
from nonplus.errors import BadInput, BadProbability
from nonplus.metrics.functional import (
    Perplexity,
    perplexity,
    token_nats_from_logits,
    token_nats_from_logprobs,
    token_nats_from_probs,
)

PROBABILITIES = st.lists(st.floats(1e-9, 1), min_size=1, max_size=20)


def test_the_textbook_example():
    # (0.5 * 0.3 * 0.2) ** (-1 / 3), by hand
    assert perplexity(probs=[0.5, 0.3, 0.2]) == pytest.approx(3.21829794868, abs=1e-11)


def test_ten_equal_chances_have_perplexity_ten():
    assert perplexity(probs=[0.1] * 3) == pytest.approx(10)


@given(st.integers(1, 500), st.integers(1, 9))
def test_equal_logits_have_the_perplexity_of_their_number(vocabulary, tokens):
    assert perplexity(logits=np.zeros((tokens, vocabulary)), targets=[0] * tokens) == pytest.approx(vocabulary)


@given(PROBABILITIES)
def test_it_is_the_geometric_mean_of_the_inverse_probabilities(probs):
    assert perplexity(probs=probs) == pytest.approx(math.prod(p ** (-1 / len(probs)) for p in probs))


@given(PROBABILITIES, st.sampled_from([2, math.e, 10]))
def test_the_base_of_log_probabilities_does_not_change_the_perplexity(probs, base):
    from_logprobs = perplexity(logprobs=[math.log(p, base) for p in probs], base=base)
    assert from_logprobs == pytest.approx(perplexity(probs=probs))


@given(PROBABILITIES, st.sampled_from([2, math.e, 10]))
def test_its_logarithm_has_the_chosen_base(probs, base):
    found = perplexity(probs=probs, base=base)
    assert found.log == found.log_in(base) == pytest.approx(math.log(found, base), abs=1e-12)


def test_nats_and_bits_do_not_depend_on_the_base():
    found = perplexity(logprobs=[-1, -3], base=2)
    assert found.bits_per_token == found.log == 2
    assert found.nats == pytest.approx(4 * math.log(2))
    assert found.tokens == 2


@given(PROBABILITIES.flatmap(lambda p: st.tuples(st.just(p), st.permutations(p))))
def test_the_order_of_tokens_does_not_matter_to_the_last_bit(orders):
    assert perplexity(probs=orders[0]) == perplexity(probs=orders[1])


def test_tokens_of_probability_zero_are_located():
    found = perplexity(probs=[[0.5, 0.0], [0.1, 0.0]])
    assert found.zeros == (1, 3)
    assert found == found.log == math.inf


def test_an_overflow_shows_in_the_perplexity_and_not_in_its_logarithm():
    found = perplexity(logprobs=[-1e5, -1e4])
    assert found == math.inf
    assert found.log == 55_000
    assert found.zeros == ()


def test_it_is_a_float():
    found = perplexity(probs=[0.25])
    assert isinstance(found, float)
    assert f"{found:.2f}" == "4.00"
    assert found + 1 == 5


def test_its_repr_shows_the_number_of_tokens_and_zeros():
    assert repr(perplexity(probs=[0.5, 0.3, 0.2])) == "Perplexity(3.2183, tokens=3)"
    assert repr(perplexity(probs=[0.5, 0])) == "Perplexity(inf, tokens=2, zeros=1)"


@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, lambda p: pickle.loads(pickle.dumps(p))])
def test_it_can_be_copied_and_pickled(again):
    found = Perplexity(nats=2.0, tokens=4, zeros=(1,), base=10)
    twin = again(found)
    assert (twin, twin.nats, twin.tokens, twin.zeros, twin.base) == (found, 2.0, 4, (1,), 10)


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({}, "got none"),
        ({"probs": [1], "logits": [[1]]}, "got probs= and logits="),
        ({"logits": [[1.0]]}, "got logits= without targets="),
        ({"probs": [1], "targets": [0]}, "got probs= with targets="),
        ({"probs": [1], "base": 1}, "above 1, got 1"),
    ],
)
def test_exactly_one_kind_of_input_is_accepted(inputs, message):
    with pytest.raises(BadInput, match=message):
        perplexity(**inputs)


def test_it_is_a_public_name():
    assert nonplus.perplexity is perplexity


# --------------------------------------------------------------------------- inputs

TINY_PROBABILITIES = st.lists(st.floats(1e-300, 1), min_size=1, max_size=20)


@given(TINY_PROBABILITIES)
def test_surprisal_is_minus_the_logarithm(values):
    assert token_nats_from_probs(values).tolist() == pytest.approx([-math.log(p) for p in values])


@given(TINY_PROBABILITIES, st.floats(1.01, 100))
def test_a_log_probability_to_any_base_means_the_same(values, base):
    logprobs = [math.log(p) / math.log(base) for p in values]
    expected = token_nats_from_probs(values)
    np.testing.assert_allclose(token_nats_from_logprobs(logprobs, base), expected, rtol=1e-9, atol=1e-12)


@given(nps.arrays(np.float64, (2, 3, 7), elements=st.floats(-50, 50)), st.data())
def test_logits_of_any_shape_are_read_row_by_row(logits, data):
    targets = data.draw(nps.arrays(np.int64, (2, 3), elements=st.integers(0, 6)))
    expected = [
        math.log(sum(math.exp(x - logits[place].max()) for x in logits[place]))
        + logits[place].max()
        - logits[place][targets[place]]
        for place in np.ndindex(2, 3)
    ]
    np.testing.assert_allclose(token_nats_from_logits(logits, targets), expected, atol=1e-12)


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64])
def test_logits_are_not_changed(kind):
    logits = np.arange(12).reshape(3, 4).astype(kind)
    token_nats_from_logits(logits, [0, 1, 2])
    assert np.array_equal(logits, np.arange(12).reshape(3, 4))


def test_float64_logits_are_summed_in_float64():
    logits = np.array([[0.0, 1e-12]])
    assert token_nats_from_logits(logits, [0])[0] - token_nats_from_logits(logits, [1])[0] == pytest.approx(
        1e-12, rel=1e-3
    )


def test_many_rows_give_what_each_gives():
    random = np.random.default_rng(0)
    logits, targets = random.standard_normal((300, 20_000), np.float32), random.integers(0, 20_000, 300)
    each = [token_nats_from_logits(row, target)[0] for row, target in zip(logits, targets, strict=True)]
    np.testing.assert_allclose(token_nats_from_logits(logits, targets), each, atol=1e-6)


def test_one_row_is_one_token():
    assert token_nats_from_logits([0.0, 0.0], 1).tolist() == [math.log(2)]


def test_integers_are_accepted():
    assert token_nats_from_probs([1]).tolist() == [0.0]
    assert token_nats_from_logits([[0, 0, 0, 0]], [1]).tolist() == [math.log(4)]


def test_probability_0_is_infinite_surprisal():
    assert token_nats_from_probs([0.5, 0.0]).tolist() == [math.log(2), math.inf]
    assert token_nats_from_logprobs([-math.inf]).tolist() == [math.inf]
    assert token_nats_from_logits([[0.0, -math.inf]], [1]).tolist() == [math.inf]


def test_a_certain_token_has_no_negative_zero():
    nats = [token_nats_from_probs([1.0]), token_nats_from_logprobs([0.0]), token_nats_from_logits([[3.0]], [0])]
    assert [math.copysign(1, n[0]) for n in nats] == [1, 1, 1]


def test_rounding_above_certainty_is_certainty():
    assert token_nats_from_probs([1.0000005]).tolist() == [0.0]
    assert token_nats_from_logprobs([5e-7]).tolist() == [0.0]


@pytest.mark.parametrize("kind", ["bfloat16", "float16", "float32", "float64"])
def test_a_torch_tensor_gives_what_its_numbers_give(kind):
    torch = pytest.importorskip("torch")
    torch.manual_seed(0)
    logits = torch.randn(3, 5, 11).to(getattr(torch, kind)).requires_grad_()
    targets = torch.randint(11, (3, 5))
    plain = token_nats_from_logits(logits.detach().double().numpy(), targets.numpy())
    np.testing.assert_allclose(token_nats_from_logits(logits, targets), plain, atol=1e-6)
    probs = torch.rand(4).to(getattr(torch, kind))
    np.testing.assert_allclose(token_nats_from_probs(probs), -np.log(probs.double().numpy()), atol=1e-6)


def test_logits_agree_with_the_cross_entropy_of_torch():
    torch = pytest.importorskip("torch")
    logits, targets = torch.randn(40, 300, generator=torch.Generator().manual_seed(0)), torch.arange(40)
    peer = torch.nn.functional.cross_entropy(logits, targets, reduction="none")
    np.testing.assert_allclose(token_nats_from_logits(logits, targets), peer.numpy(), atol=2e-6)


def test_shifted_slices_of_a_tensor_need_no_copy_to_be_read():
    torch = pytest.importorskip("torch")
    logits = torch.randn(2, 6, 5)
    targets = torch.randint(5, (2, 6))
    shifted = token_nats_from_logits(logits[:, :-1], targets[:, 1:])
    np.testing.assert_allclose(shifted, token_nats_from_logits(logits[:, :-1].numpy(), targets[:, 1:].numpy()), 1e-6)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([0.5, -0.1], r"probs at \[1\]: -0.1 is negative.* use logprobs="),
        ([[0.5, 0.1], [1.5, 0.1]], r"probs at \[1, 0\]: 1.5 is more than 1.* use logits="),
        ([0.5, math.nan], r"probs at \[1\]: nan is NaN"),
    ],
)
def test_an_invalid_probability_is_located(values, message):
    with pytest.raises(BadProbability, match=message):
        token_nats_from_probs(values)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([0.2, 0.9], r"logprobs at \[0\]: 0.2 is more than 0; .*probabilities, use probs="),
        ([-1, 2.5], r"logprobs at \[1\]: 2.5 is more than 0; .*surprisals, pass their negatives"),
        ([-1, math.inf], r"logprobs at \[1\]: inf is more than 0"),
        ([math.nan], r"logprobs at \[0\]: nan is NaN"),
    ],
)
def test_an_invalid_log_probability_is_located(values, message):
    with pytest.raises(BadProbability, match=message):
        token_nats_from_logprobs(values)


@pytest.mark.parametrize("row", [[0, math.nan, 0], [0, math.inf, 0], [-math.inf] * 3])
def test_logits_that_leave_no_distribution_are_located(row):
    with pytest.raises(BadProbability, match=r"logits at \[0, 1\]"):
        token_nats_from_logits([[[0, 0, 0], row]], [[0, 0]])


@pytest.mark.parametrize("wrong", [-100, 3])
def test_a_target_outside_the_vocabulary_is_located(wrong):
    with pytest.raises(BadInput, match=rf"target {wrong} at \[1\] is .* the vocabulary of 3"):
        token_nats_from_logits(np.zeros((2, 3)), [0, wrong])


def test_the_error_on_shapes_that_do_not_fit_has_both():
    with pytest.raises(BadInput, match=r"got \(2, 5, 3\) and \(2, 6\); one of them looks shifted"):
        token_nats_from_logits(np.zeros((2, 5, 3)), np.zeros((2, 6), int))


def test_targets_must_be_integers():
    with pytest.raises(BadInput, match=r"integers, got float64"):
        token_nats_from_logits(np.zeros((2, 3)), [0.0, 1.0])


@pytest.mark.parametrize("base", [1, 0, -2, 0.5, math.inf, math.nan, "2", None, 2j])
def test_a_base_must_be_above_1(base):
    with pytest.raises(BadInput, match="above 1"):
        token_nats_from_logprobs([-1], base)


@pytest.mark.parametrize("values", [[], np.empty((0, 3)), "0.5", [None], [[1], [1, 2]], [True], (x for x in [1])])
def test_inputs_without_numbers_are_refused(values):
    with pytest.raises(BadInput):
        token_nats_from_probs(values)


def test_a_single_logit_is_refused():
    with pytest.raises(BadInput, match="last axis"):
        token_nats_from_logits(1.0, 0)

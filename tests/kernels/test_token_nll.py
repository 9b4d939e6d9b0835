"""Which tokens have a surprisal, and which input is refused."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nonplus.errors import BadInput, BadProbability
from nonplus.kernels.token_nll import token_nll


def random_case(seed=0, shape=(2, 5), vocabulary=7):
    random = np.random.default_rng(seed)
    return random.normal(0, 3, (*shape, vocabulary)), random.integers(0, vocabulary, shape)


def slow_nats(row, target):
    """One token's surprisal from the definition."""
    return math.log(math.fsum(math.exp(score) for score in row)) - row[target]


def test_each_surprisal_lies_under_its_target():
    logits, targets = random_case()
    result = token_nll(logits, targets)
    expected = [[slow_nats(logits[b, t], targets[b, t]) for t in range(5)] for b in range(2)]
    np.testing.assert_allclose(result.nats, expected, rtol=1e-12)
    assert result.kept.all()


def test_a_shift_pairs_each_prediction_with_the_next_token():
    logits, ids = random_case()
    result = token_nll(logits, ids, shift=True)
    expected = [[slow_nats(logits[b, t - 1], ids[b, t]) for t in range(1, 5)] for b in range(2)]
    np.testing.assert_allclose(result.nats[:, 1:], expected, rtol=1e-12)
    assert result.kept.tolist() == [[False, True, True, True, True]] * 2
    assert (result.nats[:, 0] == 0).all()


@given(pads=st.integers(0, 4), side=st.sampled_from(["left", "right"]), seed=st.integers(0, 99))
def test_padding_on_either_side_does_not_count_under_a_shift(pads, side, seed):
    random = np.random.default_rng(seed)
    logits, ids = random_case(seed, (6,))
    around = (pads, 0) if side == "left" else (0, pads)
    padded = np.pad(logits, (around, (0, 0)), constant_values=random.normal())
    padded_ids = np.pad(ids, around, constant_values=3)  # 3 also occurs as a real token
    mask = np.pad(np.ones(6, int), around)
    with_mask = token_nll(padded, padded_ids, shift=True, mask=mask)
    alone = token_nll(logits, ids, shift=True)
    np.testing.assert_allclose(with_mask.nats[with_mask.kept], alone.nats[alone.kept], rtol=1e-12)


def test_several_ids_may_be_ignored():
    logits, targets = random_case()
    targets[0, 1], targets[1, 2] = -100, 6
    result = token_nll(logits, targets, ignore_index=[-100, 6])
    np.testing.assert_array_equal(result.kept, (targets != -100) & (targets != 6))
    assert (result.nats[~result.kept] == 0).all()


def test_an_ignored_id_may_be_a_numpy_integer():
    logits, targets = random_case()
    assert not token_nll(logits, targets, ignore_index=targets[0, 0]).kept[0, 0]


def test_mask_and_ignored_ids_combine():
    logits, targets = random_case()
    mask = np.array([[1, 1, 1, 0, 0], [1, 1, 1, 1, 1]])
    result = token_nll(logits, targets, ignore_index=int(targets[0, 0]), mask=mask)
    np.testing.assert_array_equal(result.kept, (targets != targets[0, 0]) & (mask == 1))


@given(seed=st.integers(0, 99), constant=st.floats(-50, 50))
def test_a_constant_added_to_a_row_changes_nothing(seed, constant):
    logits, targets = random_case(seed)
    np.testing.assert_allclose(token_nll(logits + constant, targets).nats, token_nll(logits, targets).nats, atol=1e-12)


def test_logprobs_probs_and_logits_of_one_distribution_agree():
    logits, targets = random_case()
    logprobs = logits - np.log(np.exp(logits).sum(-1, keepdims=True))
    expected = token_nll(logits, targets).nats
    np.testing.assert_allclose(token_nll(logprobs, targets, kind="logprobs").nats, expected, rtol=1e-12)
    np.testing.assert_allclose(token_nll(np.exp(logprobs), targets, kind="probs").nats, expected, rtol=1e-12)
    np.testing.assert_allclose(token_nll(3 * np.exp(logprobs), targets, kind="probs").nats, expected, rtol=1e-12)
    np.testing.assert_array_equal(token_nll(expected, kind="nll").nats, expected)


def test_precomputed_surprisals_are_shifted_and_masked_too():
    nats, ids = np.arange(1.0, 6.0), np.array([4, -100, 2, 3, 4])
    result = token_nll(nats, ids, kind="nll", shift=True, ignore_index=-100)
    assert result.nats.tolist() == [0, 0, 2, 3, 4]
    assert result.kept.tolist() == [False, False, True, True, True]


def test_a_token_of_probability_0_has_infinite_surprisal():
    logits, targets = random_case()
    logits[1, 2, targets[1, 2]] = -np.inf
    result = token_nll(logits, targets)
    assert np.argwhere(np.isinf(result.nats)).tolist() == [[1, 2]]


def test_a_difference_that_underflows_in_a_softmax_is_exact():
    assert token_nll(np.array([[0.0, 110.0]], np.float32), [0]).nats == [110.0]


def test_lists_are_accepted():
    np.testing.assert_allclose(token_nll([[0.0, 0.0]], [1]).nats, [math.log(2)])


def test_an_empty_batch_gives_no_surprisals():
    assert token_nll(np.zeros((0, 4, 7)), np.zeros((0, 4), int)).nats.shape == (0, 4)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda x, t: (x.swapaxes(1, 2), t), r"look like \(B, V, T\)"),
        (lambda x, t: (x[:, :-1], t), "one of them looks shifted and the other not"),
        (lambda x, t: (x, t[:, :3]), "give one target for each prediction"),
        (lambda x, t: (x, t + 7), r"target \d+ at \[0, 0\] is outside the vocabulary of 7"),
        (lambda x, t: (x, np.where(t == t[1, 1], -1, t)), "ignore_index=-1 or a mask"),
        (lambda x, t: (x, t + 0.5), "whole numbers"),
        (lambda x, t: (x > 0, t), "scores must be real numbers"),
        (lambda x, t: (x, None), "logits need targets, got None"),
        (lambda x, t: (x[..., :0], t), "got \\(2, 5, 0\\)"),
        (lambda x, t: ("text", t), "x must be an array"),
    ],
)
def test_input_that_does_not_fit_is_refused_with_a_remedy(change, says):
    with pytest.raises(BadInput, match=says):
        token_nll(*change(*random_case()))


@pytest.mark.parametrize("mask", [[0.0, -np.inf], [0.0, np.finfo(np.float32).min], [1, -1], [2, 0]])
def test_an_additive_mask_is_refused(mask):
    with np.errstate(invalid="ignore"), pytest.raises(BadInput, match="a mask is 1 where a token counts"):
        token_nll(np.zeros((1, 2, 3)), [[1, 2]], mask=np.array([mask]))


@pytest.mark.parametrize("kind", ["logits", "probs"])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_nan_or_infinity_beside_the_target_is_refused(kind, value):
    with np.errstate(invalid="ignore"), pytest.raises(BadProbability, match=r"\[0, 1\] are invalid"):
        token_nll(np.array([[[0.5, 0.5, 1.0], [1.0, value, 0.2]]]), [[0, 0]], kind=kind)


@pytest.mark.parametrize(
    ("values", "kind"),
    [([0.5, -0.3, 0.8], "probs"), ([0, 0, 0], "probs"), ([0.2, -1, -2], "logprobs"), ([np.inf, 0, 0], "logprobs")],
)
def test_invalid_probabilities_are_refused(values, kind):
    with np.errstate(all="ignore"), pytest.raises(BadProbability, match=f"the {kind} at .* are invalid"):
        token_nll(np.array([values], float), [0], kind=kind)


@pytest.mark.parametrize("value", [-0.2, -np.inf, np.nan])
def test_a_negative_surprisal_is_refused(value):
    with pytest.raises(BadProbability, match="a surprisal is negative or NaN"):
        token_nll(np.array([1.0, value]), kind="nll")


def test_rounding_by_others_is_accepted():
    """A log-probability just above 0, and probabilities just below."""
    assert token_nll(np.array([[1e-5, -20.0]]), [0], kind="logprobs").nats.tolist() == [0.0]
    assert token_nll(np.array([-1e-2, 1.0]), kind="nll").nats.tolist() == [0.0, 1.0]
    dusty = np.array([[0.5, 0.5, -1e-9]] * 2)
    np.testing.assert_allclose(token_nll(dusty, [0, 2], kind="probs").nats, [math.log(2), np.inf], rtol=1e-8)


def test_a_tensor_with_a_lazy_minus_sign_is_read_with_it():
    torch = pytest.importorskip("torch")
    logits, targets = random_case()
    turned = torch._neg_view(torch.as_tensor(-logits))
    np.testing.assert_allclose(token_nll(turned, targets).nats, token_nll(logits, targets).nats, rtol=1e-12)


@pytest.mark.parametrize("dtype", ["bool", "complex64"])
def test_boolean_and_complex_tensors_are_refused(dtype):
    torch = pytest.importorskip("torch")
    with pytest.raises(BadInput, match="scores must be real numbers"):
        token_nll(torch.ones(2, 3).to(getattr(torch, dtype)), [0, 1])


def test_ids_too_large_for_jax_are_outside_the_vocabulary():
    jnp = pytest.importorskip("jax.numpy")
    with pytest.raises(BadInput, match="outside the vocabulary of 3"):
        token_nll(jnp.ones((1, 2, 3)), np.array([[2**32 + 1, 0]]))


def test_ignored_ids_may_be_in_any_collection():
    torch = pytest.importorskip("torch")
    logits, targets = random_case()
    for ids in ([1, 2], (1, 2), {1, 2}, np.array([1, 2]), torch.tensor([1, 2]), range(1, 3), iter([1, 2])):
        np.testing.assert_array_equal(
            token_nll(logits, targets, ignore_index=ids).kept, (targets != 1) & (targets != 2)
        )
    assert token_nll(logits, targets, ignore_index=torch.tensor(1)).kept.sum() == (targets != 1).sum()
    assert token_nll(logits, targets, ignore_index=[]).kept.all()


def test_under_a_shift_an_error_states_the_position_of_the_target():
    logits, ids = random_case()
    ids[1, 3] = 9
    with pytest.raises(BadInput, match=r"target 9 at \[1, 3\]"):
        token_nll(logits, ids, shift=True)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_row_that_is_not_a_distribution_is_refused_with_its_position(value):
    logits, targets = random_case()
    logits[1, 2, 0] = value
    with pytest.raises(BadProbability, match=r"\[1, 2\] are invalid \(rows affected: 1\)"):
        token_nll(logits, targets)


def test_a_row_that_is_not_kept_may_hold_nan():
    logits, targets = random_case()
    logits[1, 2, 0] = np.nan
    targets[1, 2] = -100
    assert np.isfinite(token_nll(logits, targets, ignore_index=-100).nats).all()


@pytest.mark.parametrize("ignore", [True, "a", 1.5, [1, None]])
def test_an_ignored_id_is_a_whole_number(ignore):
    with pytest.raises(BadInput, match="ignore_index"):
        token_nll(*random_case(), ignore_index=ignore)


def test_an_unknown_kind_is_refused():
    with pytest.raises(BadInput, match="kind is one of logits, logprobs, probs, nll, got 'odds'"):
        token_nll(*random_case(), kind="odds")

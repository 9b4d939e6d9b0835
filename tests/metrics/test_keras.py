"""Perplexity as a Keras metric; other backends are tested in their own processes."""

import math
import os
import re
import subprocess
import sys
from importlib.util import find_spec
from unittest import mock

import numpy as np
import pytest
from example_counts import examples
from hypothesis import given
from hypothesis import strategies as st

# read once, when Keras is imported
os.environ["KERAS_BACKEND"] = os.environ.get("KERAS_BACKEND") or ("torch" if find_spec("torch") else "numpy")

pytest.importorskip("keras")

import keras

from nonplus.errors import BadInput, BadProtocol, SuspectInput
from nonplus.kernels.backends import keras as keras_backend
from nonplus.metrics.int32_sums import FACTOR_WIDTH, carried, counts, digits_of, floating, product_sums, row_sums, whole
from nonplus.metrics.keras import Perplexity
from nonplus.metrics.perplexity import Perplexity as Plain

# of Keras 3.15, where it brings a variable to NumPy 2.4
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

BACKENDS = ("torch", "jax", "numpy", "tensorflow")
BACKEND = keras.backend.backend()

# The inputs of keras_hub's tests of its own metric. Figures of keras_hub were made by
# keras_hub 0.32.0 on Keras 3.15.1 and jax 0.10.2:
# float(keras_hub.metrics.Perplexity(from_logits=…, mask_token_id=…)(targets, scores,
# weights)). It was installed without its TensorFlow: pip install --no-deps keras-hub,
# then its other dependencies.
TARGETS = np.array([[1, 3, 0], [2, 1, 3]])
LOGITS = np.array(
    [
        [[1.034, 4.797, 2.82, 1.154], [2.258, 1.591, 1.811, 1.852], [3.216, 1.037, 0.3662, 2.7]],
        [[1.363, 1.726, 1.898, 2.582], [1.163, 1.943, 1.761, 1.497], [2.766, 1.453, 2.61, 2.805]],
    ],
    np.float32,
)
WEIGHTS = np.array([[0.5, 0.1, 0.9], [1, 0.7, 0.5]], np.float32)
MORE_TARGETS = np.array([[2, 0, 0], [1, 2, 3]])
MORE_LOGITS = np.array(
    [
        [[2.887, 0.885, 2.973, 2.582], [0.3838, 2.629, 1.91, 1.802], [0.2578, 1.081, 1.125, 2.773]],
        [[1.623, 2.784, 0.2109, 2.66], [2.395, 2.01, 0.252, 1.828], [0.4482, 2.629, 0.9697, 0.998]],
    ],
    np.float32,
)


def of_logits(**options):
    return Perplexity(from_logits=True, check="never", **options)


def softmax(logits):
    shares = np.exp(logits - logits.max(-1, keepdims=True))
    return shares / shares.sum(-1, keepdims=True)


def some_batches(seed=0, rows=(3, 5, 2), vocabulary=11):
    random = np.random.default_rng(seed)
    for n in rows:
        targets = random.integers(0, vocabulary, (n, 4))
        targets[random.random(targets.shape) < 0.2] = -100
        logits = random.normal(size=(n, 4, vocabulary)).astype(np.float32)
        yield targets, logits, (random.integers(0, 5, targets.shape) / 4).astype(np.float32)


def measured(batches, **options):
    metric = of_logits(ignore_index=-100, **options)
    for targets, logits, weights in batches:
        metric.update_state(targets, logits, weights)
    return metric


def measured_once(*batch):
    metric = of_logits()
    metric.update_state(*batch)
    return metric.report()


@pytest.mark.slow
@pytest.mark.parametrize("backend", BACKENDS)
def test_this_file_passes_on_each_backend(backend):
    if backend == BACKEND:
        pytest.skip("asked in this process")
    if find_spec(backend) is None:
        pytest.skip(f"{backend} is not installed")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", __file__, "-k", "not each_backend"]
    run = subprocess.run(command, env={**os.environ, "KERAS_BACKEND": backend}, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout[-4000:]


@pytest.mark.parametrize(("from_logits", "expected"), [(False, 14.352535), (True, 10.655224)])
def test_the_example_in_the_docstring_of_keras_hub_gives_its_figure(from_logits, expected):
    np.random.seed(42)
    targets, scores = np.random.randint(10, size=[2, 5]), np.random.uniform(size=(2, 5, 10))
    metric = Perplexity(from_logits=from_logits, check="never")
    assert float(metric(targets, scores)) == pytest.approx(expected, rel=1e-6)


CASES_OF_KERAS_HUB = [
    ({}, None, 2.654184),
    ({}, (TARGETS != 0).astype(np.int32), 2.87889),
    ({"mask_token_id": 0}, None, 2.87889),
    ({"mask_token_id": 0}, WEIGHTS, 2.944225),
]


@pytest.mark.parametrize(("options", "weights", "expected"), CASES_OF_KERAS_HUB)
@pytest.mark.parametrize("from_logits", [True, False])
def test_figures_are_those_of_keras_hub(options, weights, expected, from_logits):
    metric = Perplexity(from_logits=from_logits, check="never", **options)
    value = metric(TARGETS, LOGITS if from_logits else softmax(LOGITS), weights)
    assert float(value) == pytest.approx(expected, rel=1e-6)


def test_a_second_batch_counts_by_its_tokens_as_in_keras_hub():
    metric = of_logits(mask_token_id=0)
    metric.update_state(TARGETS, LOGITS)
    assert float(metric(MORE_TARGETS, MORE_LOGITS)) == pytest.approx(3.856336, rel=1e-6)


def test_ragged_batches_of_a_larger_vocabulary_are_those_of_keras_hub():
    random = np.random.default_rng(20)
    targets, logits = random.integers(0, 50, (6, 9)), random.normal(size=(6, 9, 50)).astype(np.float32)
    weights = random.random((6, 9)).astype(np.float32)
    metric = of_logits(mask_token_id=3)
    for rows in (slice(2), slice(2, 6)):
        metric.update_state(targets[rows], logits[rows], weights[rows])
    assert float(metric.result()) == pytest.approx(95.16122, rel=1e-6)
    assert float(Perplexity(check="never")(targets, softmax(logits))) == pytest.approx(78.84013, rel=1e-6)


@pytest.mark.peers
@pytest.mark.parametrize(("options", "weights", "expected"), CASES_OF_KERAS_HUB)
def test_keras_hub_still_gives_these_figures(options, weights, expected):
    theirs = pytest.importorskip("keras_hub").metrics.Perplexity(from_logits=True, **options)
    assert float(theirs(TARGETS, LOGITS, weights)) == pytest.approx(expected, rel=1e-6)


def test_batches_of_unequal_size_count_by_their_tokens():
    metric = Perplexity(mask_token_id=0, check="never")
    for rows, share in ((1, 0.5), (3, 0.125)):
        scores = np.zeros((rows, 1, 3), np.float32)
        scores[..., 1], scores[..., 2] = share, 1 - share
        metric.update_state(np.ones((rows, 1), int), scores)
    assert float(metric.result()) == pytest.approx((2 * 8**3) ** 0.25, rel=1e-6)


def test_sums_are_those_of_the_plain_accumulator():
    metric, plain = measured(some_batches()), Plain(ignore_index=-100, check="never", on_nonfinite="exclude")
    for targets, logits, weights in some_batches():
        plain.update(keras.ops.convert_to_tensor(logits), targets, weights=weights)
    here, there = metric.report(), plain.compute()
    assert (here.tokens, here.tally.documents, here.tally.ignored) == (
        there.tokens,
        there.tally.documents,
        there.tally.ignored,
    )
    assert here.tally.scored == there.tally.scored
    assert here.tally.tokens_tokens == there.tally.tokens_tokens
    for name in ("nats", "nats_nats", "nats_tokens"):
        assert getattr(here.tally, name) == pytest.approx(getattr(there.tally, name), rel=1e-7)
    assert here.tally.squares == pytest.approx(there.tally.squares, rel=1e-6)
    assert here.protocol == there.protocol


def test_the_interval_is_clustered_by_row():
    metric, plain = of_logits(), Plain(check="never")
    random = np.random.default_rng(5)
    logits = random.normal(size=(40, 6, 7)).astype(np.float32)
    targets = np.repeat(random.integers(0, 7, (40, 1)), 6, axis=1)
    metric.update_state(targets, logits)
    plain.update(logits, targets)
    here, there = metric.report().interval, plain.compute().interval
    assert here.method == "documents"
    assert here.clusters == 40
    assert (here.low, here.high) == pytest.approx((there.low, there.high), rel=1e-6)
    assert metric.report(level=0.5).interval.high < here.high


def test_any_order_and_split_gives_the_same_bits():
    batches = list(some_batches())
    whole_metric, one, other = measured(batches), measured(batches[2:]), measured(batches[:2][::-1])
    one.merge_state([other])
    assert one.report() == whole_metric.report()


def test_metrics_that_count_other_tokens_do_not_merge():
    with pytest.raises(BadProtocol, match="same tokens count"):
        of_logits(ignore_index=-100).merge_state([of_logits()])


def test_metrics_of_logits_and_of_probabilities_do_not_merge():
    one, other, third = of_logits(), Perplexity(check="never"), of_logits()
    for metric in (one, third):
        metric.update_state(TARGETS, LOGITS)
    before = one.report()
    with pytest.raises(BadProtocol, match="logits and probs; make both metrics with the same from_logits"):
        one.merge_state([third, other])
    assert one.report() == before


def test_tokens_beyond_16_million_are_counted_exactly():
    metric = of_logits()
    update = metric.stateless_update_state
    if BACKEND == "jax":
        import jax

        update = jax.jit(update)
    metric.update_state(np.zeros((1, 1), int), np.zeros((1, 1, 4), np.float32))
    for _ in range(25):
        metric.merge_state([metric])
    state = [keras.ops.convert_to_tensor(each) for each in metric.variables]
    for _ in range(3):
        state = update(state, np.zeros((1, 1), int), np.zeros((1, 1, 4), np.float32))
    for variable, value in zip(metric.variables, state, strict=True):
        variable.assign(value)
    report = metric.report()
    assert report.tokens == report.tally.documents == 2**25 + 3
    assert report.log_perplexity == pytest.approx(math.log(4), rel=1e-7)
    assert float(metric.result()) == pytest.approx(4, rel=1e-6)


def test_reset_removes_all_batches():
    metric = measured(some_batches())
    metric.reset_state()
    assert math.isnan(float(metric.result()))
    with pytest.raises(BadInput, match="tokens that count"):
        metric.report()


@pytest.mark.parametrize("dtype", ["bfloat16", "float16", "float32"])
def test_the_dtype_does_not_round_token_ids(dtype):
    logits = np.random.default_rng(0).normal(size=(1, 3, 5000)).astype(np.float32)
    targets = np.array([[257, 4097, 1001]])
    metric, plain = (of_logits(dtype=d, mask_token_id=1000) for d in (dtype, None))
    assert float(metric(targets, logits)) == float(plain(targets, logits))
    assert metric.report().tokens == 3


def test_token_ids_may_be_floating_point_or_lists():
    plain = float(of_logits()(TARGETS, LOGITS))
    assert float(of_logits()(TARGETS.astype(np.float32), LOGITS)) == plain
    assert float(of_logits()(TARGETS.tolist(), LOGITS)) == plain
    assert float(of_logits()(TARGETS[..., None], LOGITS)) == plain


def test_one_prediction_in_each_row_is_a_row_of_one():
    for targets in (TARGETS.ravel(), TARGETS.reshape(-1, 1)):
        metric = of_logits()
        metric.update_state(targets, LOGITS.reshape(-1, 4), WEIGHTS.ravel())
        assert float(metric.result()) == pytest.approx(float(of_logits()(TARGETS, LOGITS, WEIGHTS)), rel=1e-6)
        assert metric.report().tally.documents == 6


def test_a_weight_may_be_for_a_row():
    by_row, by_token = of_logits(), of_logits()
    by_row.update_state(TARGETS, LOGITS, np.array([0.5, 2]))
    by_token.update_state(TARGETS, LOGITS, np.repeat([[0.5], [2]], 3, axis=1))
    assert by_row.report() == by_token.report()
    assert by_row.report().protocol.weighted
    assert by_row.report().tokens == 7.5


@pytest.mark.parametrize(
    ("weights", "masked", "weighted"),
    [(None, False, False), ([1, 1, 1], False, False), ([0, 1, 1], True, False), ([0.5, 1, 1.5], False, True)],
)
def test_the_protocol_states_whether_any_weight_was_neither_1_nor_0(weights, masked, weighted):
    protocol = measured_once(TARGETS, LOGITS, None if weights is None else np.array([weights] * 2)).protocol
    assert (protocol.masked, protocol.weighted) == (masked, weighted)


@pytest.mark.parametrize("weights", [-1.0, np.nan, np.inf])
def test_an_invalid_weight_is_refused(weights):
    with pytest.raises(BadInput, match="weights must be finite"):
        of_logits().update_state(TARGETS, LOGITS, np.full(TARGETS.shape, weights))


@pytest.mark.parametrize("scale", [2.0**-16, 2.0**17])
def test_large_weights_and_small_ones_give_the_same_perplexity(scale):
    plain, scaled = (measured_once(TARGETS, 40 * LOGITS, factor * WEIGHTS) for factor in (1, scale))
    assert scaled.perplexity == pytest.approx(plain.perplexity, rel=1e-5)
    assert scaled.tally.squares == pytest.approx(scale * plain.tally.squares, rel=1e-5)
    assert scaled.tally.tokens_tokens == pytest.approx(scale**2 * plain.tally.tokens_tokens, rel=1e-5)


@pytest.mark.parametrize(
    ("weight", "direction"), [("1e+12", "down"), ("2e+06", "down"), ("1e-10", "up"), ("9e-07", "up")]
)
def test_a_weight_that_would_lose_precision_is_refused(weight, direction):
    with pytest.raises(BadInput, match=f"between .* got {re.escape(weight)}; scale all {direction}"):
        of_logits().update_state(TARGETS, LOGITS, np.float32([[1, 1, 1], [0, 1, float(weight)]]))


@pytest.mark.parametrize("weight", [1e12, 1e-10, -1, np.nan])
def test_a_weight_outside_its_range_gives_nan_in_compiled_code(weight):
    jax = pytest.importorskip("jax")
    if BACKEND != "jax":
        pytest.skip("this backend compiles nothing")
    metric = of_logits()
    state = [v.value for v in metric.variables]
    state = jax.jit(metric.stateless_update_state)(state, TARGETS, LOGITS, np.float32([[1, 1, 1], [0, 1, weight]]))
    assert math.isnan(metric.stateless_result(state))


def test_a_surprisal_of_2_to_the_30_nats_counts_as_probability_0():
    logits = np.array([[[0, -1e12], [0, -(2.0**29)]]], np.float32)
    report = measured_once(np.array([[1, 1]]), logits)
    assert (report.tally.zeros, report.tokens, report.perplexity) == (1, 2, math.inf)


@pytest.mark.parametrize("shape", [(2, 4), (3,), (2, 3, 2), (2, 3, 1, 1)])
def test_weights_that_do_not_fit_are_refused(shape):
    with pytest.raises(BadInput, match=rf"the targets' shape \(2, 3\); got {re.escape(str(shape))}"):
        of_logits().update_state(TARGETS, LOGITS, np.ones(shape))


def test_weights_may_have_a_last_axis_of_one_as_targets_may():
    here = measured_once(TARGETS[..., None], LOGITS, WEIGHTS[..., None])
    assert here == measured_once(TARGETS, LOGITS, WEIGHTS)


def test_small_probabilities_are_not_clipped():
    scores = np.array([[[1.0, 1e-12]]], np.float32)
    assert float(Perplexity(check="never")(np.array([[1]]), scores)) == pytest.approx(1e12, rel=1e-5)


def test_probabilities_are_divided_by_their_sum():
    one, other = (Perplexity(check="never") for _ in range(2))
    scores = softmax(LOGITS)
    assert float(one(TARGETS, scores)) == pytest.approx(float(other(TARGETS, 7 * scores)), rel=1e-6)


def test_a_token_of_probability_0_makes_the_perplexity_infinite_and_is_counted():
    metric = of_logits()
    logits = np.array([[[0, -np.inf, 0], [0, -np.inf, 0]]], np.float32)
    assert float(metric(np.array([[0, 1]]), logits)) == math.inf
    report = metric.report()
    assert (report.tally.zeros, report.tokens) == (1, 2)
    assert "1 token of probability 0" in repr(report)


def test_a_perplexity_that_overflows_has_a_finite_logarithm():
    metric = of_logits()
    assert float(metric(np.array([[1, 1]]), np.array([[[1e4, 0], [1e6, 0]]], np.float32))) == math.inf
    assert metric.report().log_perplexity == pytest.approx(505_000, rel=1e-7)


def test_a_row_that_leaves_no_distribution_shows_in_the_result_and_is_counted():
    metric = of_logits()
    logits = np.array([[[0.0, 0], [np.nan, 0], [0, 0]]], np.float32)
    assert math.isnan(float(metric(np.array([[0, 0, 1]]), logits)))
    report = metric.report()
    assert (report.tally.nonfinite, report.tokens, report.perplexity) == (1, 2, pytest.approx(2))
    assert "1 token excluded as NaN" in repr(report)


NO_DISTRIBUTIONS = np.array([[[1, np.inf, 0.2], [0.5, 0.6, -0.1], [0, 0, 0], [np.nan, 1, 1], [2, 1, 1]]], np.float32)


def test_invalid_probabilities_leave_no_distribution():
    metric = Perplexity(check="never")
    assert math.isnan(float(metric(np.zeros((1, 5), int), NO_DISTRIBUTIONS)))
    report = metric.report()
    assert (report.tally.nonfinite, report.tally.zeros, report.tokens, report.perplexity) == (4, 0, 1, pytest.approx(2))


def test_the_operations_of_keras_refuse_what_the_kernel_of_the_backend_refuses():
    scores = keras.ops.convert_to_tensor(NO_DISTRIBUTIONS)
    targets = keras.ops.zeros((1, 5), dtype="int32")
    with np.errstate(all="ignore"):  # where NumPy is the backend
        nats = keras_backend.nll(scores, targets, targets == 0, "probs")
    assert keras.ops.convert_to_numpy(nats != nats).tolist() == [[True, True, True, True, False]]
    surprisals = keras.ops.convert_to_tensor(np.float32([[-0.5, -1e-8, 0.5]]))
    for answer in (
        keras_backend.checked_nats(surprisals, surprisals == surprisals),
        keras_backend.nll(-surprisals[..., None], keras.ops.zeros((1, 3), dtype="int32"), surprisals < 1, "logprobs"),
    ):
        assert np.array_equal(keras.ops.convert_to_numpy(answer), np.float32([[np.nan, 0, 0.5]]), equal_nan=True)


def test_a_target_outside_the_vocabulary_is_refused_with_its_place():
    with pytest.raises(BadInput, match=r"target 4 at \[1, 2\] is outside the vocabulary of 4"):
        of_logits().update_state(TARGETS + (TARGETS == 3) * (np.arange(6) == 5).reshape(2, 3), LOGITS)


def test_a_target_outside_the_vocabulary_gives_nan_in_compiled_code():
    jax = pytest.importorskip("jax")
    if BACKEND != "jax":
        pytest.skip("this backend compiles nothing")
    metric = of_logits()
    state = jax.jit(metric.stateless_update_state)([v.value for v in metric.variables], TARGETS + 1, LOGITS)
    assert math.isnan(metric.stateless_result(state))


def test_logits_passed_as_probabilities_are_suspected_once():
    random = np.random.default_rng(0)
    targets, logits = random.integers(0, 9, (4, 8)), 1 + random.random((4, 8, 9)).astype(np.float32)
    metric = Perplexity()
    with pytest.warns(SuspectInput, match="if they are logits"):
        metric.update_state(targets, logits)
    metric.update_state(targets, logits)  # a second warning would be an error
    Perplexity(check="never").update_state(targets, logits)


def test_an_untrained_model_is_not_suspected():
    Perplexity(from_logits=True).update_state(np.ones((4, 8), int), np.zeros((4, 8, 9), np.float32))


def model_of(layers, **compiled):
    model = keras.Sequential(layers)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer="sgd", loss=loss, **compiled)
    return model


def data(seed=0):
    random = np.random.default_rng(seed)
    return random.normal(size=(50, 8, 4)).astype(np.float32), random.integers(0, 11, (50, 8))


def test_evaluate_gives_the_exponential_of_the_loss():
    metric = Perplexity(from_logits=True)
    model = model_of([keras.Input((8, 4)), keras.layers.Dense(11)], metrics=[metric])
    x, y = data()
    seen = model.evaluate(x, y, batch_size=7, verbose=0, return_dict=True)
    assert seen["perplexity"] == pytest.approx(math.exp(seen["loss"]), rel=1e-5)
    assert metric.report().tally.documents == 50


def test_tokens_that_the_models_mask_excludes_do_not_count():
    metric = Perplexity(from_logits=True, check="never")
    model = model_of([keras.Input((8,)), keras.layers.Embedding(11, 4, mask_zero=True), keras.layers.Dense(11)])
    x = np.random.default_rng(1).integers(0, 4, (20, 8))
    metric.update_state(x, model(x))
    plain = Plain(check="never")
    plain.update(keras.ops.convert_to_numpy(model(x)), x, mask=x != 0)
    if BACKEND == "numpy":
        pytest.skip("arrays of NumPy carry no mask")
    assert metric.report().log_perplexity == pytest.approx(plain.compute().log_perplexity, rel=1e-6)
    assert metric.report().protocol.masked


def test_targets_masked_in_a_masked_array_do_not_count():
    hidden = np.array([[1, 1, 0], [1, 0, 1]])
    found, plain = of_logits(), of_logits()
    found.update_state(np.ma.array(np.where(hidden, TARGETS, 77), mask=hidden == 0), LOGITS)
    plain.update_state(TARGETS, LOGITS, hidden.astype(np.float32))
    assert float(found.result()) == float(plain.result())
    assert found.report().protocol.masked
    with pytest.raises(BadInput, match="sample_weight cannot be a masked array"):
        found.update_state(TARGETS, LOGITS, np.ma.array(WEIGHTS, mask=hidden == 0))


def test_fit_trains_with_the_metric():
    if BACKEND == "numpy":
        pytest.skip("the numpy backend does not train")
    x, y = data()
    metrics = {"metrics": [Perplexity(from_logits=True)], "weighted_metrics": [Perplexity(True, name="weighted")]}
    model = model_of([keras.Input((8, 4)), keras.layers.Dense(11)], **metrics)
    history = model.fit(x, y, sample_weight=np.ones((50, 8)), validation_split=0.2, epochs=2, verbose=0).history
    assert history["perplexity"][1] < history["perplexity"][0]
    assert history["weighted"] == pytest.approx(history["perplexity"])
    assert history["val_perplexity"] == pytest.approx(np.exp(history["val_loss"]), rel=1e-5)


def test_a_compiled_model_is_saved_and_loaded_with_its_metric(tmp_path):
    layers = [keras.Input((8, 4)), keras.layers.Dense(11)]
    model = model_of(layers, metrics=[Perplexity(from_logits=True, mask_token_id=3, ignore_index=(4, 5), name="p")])
    x, y = data()
    seen = model.evaluate(x, y, verbose=0, return_dict=True)
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    assert again.evaluate(x, y, verbose=0, return_dict=True)["p"] == pytest.approx(seen["p"], rel=1e-6)


def test_a_configuration_has_the_keys_of_keras_hub_and_ours_only_where_they_differ_from_the_default():
    config = {"from_logits": True, "mask_token_id": 0, "dtype": "float32", "name": "mine"}
    assert Perplexity(**config).get_config() == config  # golden: keras_hub 0.32, perplexity_test.py
    assert Perplexity(**config, check="first", ignore_index=None, empty="nan").get_config() == config
    with pytest.raises(BadInput, match="empty must be one of nan, zero; got 0"):
        Perplexity(empty=0)


def test_where_no_token_counted_the_result_is_nan_or_as_in_keras_hub_0():
    for options, expected in (({}, math.nan), ({"empty": "nan"}, math.nan), ({"empty": "zero"}, 0.0)):
        metric = of_logits(mask_token_id=0, **options)
        np.testing.assert_equal(float(metric.result()), expected)
        metric.update_state(np.zeros((2, 3), int), LOGITS)
        np.testing.assert_equal(float(metric.result()), expected)
        metric.update_state(TARGETS, LOGITS)
        assert float(metric.result()) == pytest.approx(2.8789, abs=1e-4)
        metric.reset_state()
        np.testing.assert_equal(float(metric.result()), expected)
        metric.update_state(TARGETS, np.full_like(LOGITS, np.nan))
        assert math.isnan(float(metric.result())), "there were tokens, and no distribution"


def test_a_configuration_makes_the_same_metric():
    config = {
        "from_logits": True,
        "mask_token_id": 0,
        "dtype": "float32",
        "name": "mine",
        "ignore_index": [-100, 1],
        "check": "never",
        "empty": "zero",
    }
    assert Perplexity.from_config(config).get_config() == config
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(Perplexity.from_config(config)))
    assert again.get_config() == config


def test_invalid_options_are_refused():
    with pytest.raises(BadInput, match="check must be one of"):
        Perplexity(check="sometimes")
    with pytest.raises(BadInput, match="ignore_index is an id"):
        Perplexity(mask_token_id=0.5)


def test_the_operations_of_keras_give_what_the_kernel_of_the_backend_gives():
    expected = measured(some_batches())
    with (
        mock.patch("nonplus.metrics.keras.backend_of", return_value=keras_backend),
        mock.patch("nonplus.kernels.token_nll.backend_of", return_value=keras_backend),
    ):
        answer = measured(some_batches())
        odd = of_logits()
        odd.update_state(np.array([[1, 0, 0]]), np.array([[[0, 110], [-np.inf, 0], [np.nan, 0]]], np.float32))
        sums = Perplexity(check="never")
        sums.update_state(TARGETS, 3 * softmax(LOGITS))
        with pytest.raises(BadInput, match="target 4"):
            of_logits().update_state(TARGETS + 1, LOGITS)
        with pytest.raises(BadInput, match="whole numbers"):
            of_logits().update_state(TARGETS + 0.5, LOGITS)
    assert answer.report().log_perplexity == pytest.approx(expected.report().log_perplexity, rel=1e-6)
    assert answer.report().tally.tokens_tokens == expected.report().tally.tokens_tokens
    assert (odd.report().tally.zeros, odd.report().tally.nonfinite) == (1, 1)
    assert float(sums.result()) == pytest.approx(float(of_logits()(TARGETS, LOGITS)), rel=1e-6)


def test_neither_keras_hub_nor_tensorflow_is_needed():
    if BACKEND == "tensorflow":
        pytest.skip("TensorFlow was asked for")
    script = "import sys, nonplus.metrics.keras; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert not {"keras_hub", "tensorflow"} & set(run.stdout.split())


def test_without_keras_the_error_has_the_install_line():
    script = "import sys; sys.modules['keras'] = None; import nonplus.metrics.keras"
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert "pip install 'nonplus[keras]'" in run.stderr


VALUES = st.floats(0, 2**30, width=32) | st.floats(0, 2**79, width=32)


@given(st.lists(VALUES, min_size=1, max_size=8))
@examples(30)
def test_digits_are_those_of_values_rounded_to_their_unit(values):
    padded = np.array([*values, *[0] * (8 - len(values))], np.float32)
    digits = keras.ops.convert_to_numpy(digits_of(keras.ops.convert_to_tensor(padded)))
    exact = [round(float(value) * 2**40) for value in padded]
    assert [whole(each) for each in digits] == exact
    row = keras.ops.convert_to_numpy(row_sums(keras.ops.convert_to_tensor(digits[None])))[0]
    assert whole(row) == sum(exact)
    assert float(floating(row)) == pytest.approx(sum(exact) / 2**40, rel=1e-6, abs=1e-12)


@given(st.lists(st.tuples(VALUES, VALUES), min_size=1, max_size=5))
@examples(30)
def test_sums_of_products_are_exact(pairs):
    padded = np.array(pairs + [(0, 0)] * (5 - len(pairs)), np.float32)
    columns = (keras.ops.convert_to_tensor(column[None, :, None]) for column in padded.T)
    one, other = (row_sums(digits_of(column))[..., :FACTOR_WIDTH] for column in columns)
    exact = sum(round(float(a) * 2**40) * round(float(b) * 2**40) for a, b in padded)
    assert whole(keras.ops.convert_to_numpy(product_sums(one, other))[0]) == exact


def test_digits_of_31_bits_are_carried():
    full = np.full((2, 24), 2**31 - 1, np.int64)
    full[:, 3:] = 0
    digits = keras.ops.convert_to_numpy(carried(keras.ops.convert_to_tensor(full.astype(np.int32))))
    assert [whole(each) for each in digits] == [whole(each) for each in full]
    assert digits.max() <= 1026


def test_there_is_room_for_the_products_of_65536_rows_of_the_largest_digits():
    full = keras.ops.convert_to_tensor(np.full((1, 2**16, FACTOR_WIDTH), 1023, np.int32))
    total = keras.ops.convert_to_numpy(carried(product_sums(full, full)))[0]
    assert whole(total) == 2**16 * (2**120 - 1) ** 2


def test_marks_are_counted():
    marked = [keras.ops.convert_to_tensor(np.ones(shape, bool)) for shape in ((70, 80), (3,))]
    assert [whole(each) for each in keras.ops.convert_to_numpy(counts(marked))] == [5600, 3]


def test_rows_may_have_several_axes():
    metric = of_logits()
    metric.update_state(TARGETS[:, None], LOGITS[:, None], WEIGHTS[:, None])
    assert metric.report() == measured_once(TARGETS, LOGITS, WEIGHTS)

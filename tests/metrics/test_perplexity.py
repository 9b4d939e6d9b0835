"""Perplexity in any loop: inputs and results, for every kind of array."""

import importlib
import json
import math
import pickle
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nonplus.errors import BadInput, BadProbability, BadProtocol
from nonplus.metrics import Perplexity, token_nll

Arrays = Callable[[Any], Any]


@pytest.fixture(params=["numpy", "torch", "jax", "mlx"])
def arrays(request: pytest.FixtureRequest) -> Arrays:
    """Functions that make an array of each kind."""
    if request.param == "numpy":
        return np.asarray
    made_by = {"torch": ("torch", "as_tensor"), "jax": ("jax.numpy", "asarray"), "mlx": ("mlx.core", "array")}
    module, name = made_by[request.param]
    make = getattr(pytest.importorskip(module), name)
    return lambda values: make(np.asarray(values, np.float32) if np.asarray(values).dtype == float else values)


def slow_nats(logits: Any, targets: Any) -> Any:
    """Surprisals in float64, one by one."""
    nats = np.zeros(targets.shape)
    for place in np.ndindex(*targets.shape):
        row = [float(score) for score in logits[place]]
        most = max(row)
        nats[place] = math.log(math.fsum(math.exp(score - most) for score in row)) + most - row[targets[place]]
    return nats


@given(st.integers(1, 4), st.integers(2, 6), st.integers(2, 9), st.booleans(), st.integers(0, 2**32 - 1))
def test_a_shifted_masked_batch_equals_slow_arithmetic(b: int, t: int, v: int, pad_left: bool, seed: int) -> None:
    random = np.random.default_rng(seed)
    logits, targets = random.normal(0, 3, (b, t, v)), random.integers(0, v, (b, t))
    mask = np.arange(t)[None] < random.integers(2, t + 1, (b, 1))
    if pad_left:
        mask = mask[:, ::-1]
    metric = Perplexity(shift=True, check="never")
    metric.update(logits, targets, mask=mask)
    by_hand = [
        slow_nats(logits[row, i - 1], targets[row, i])
        for row in range(b)
        for i in range(1, t)
        if mask[row, i] and mask[row, i - 1]
    ]
    found = metric.compute()
    assert found.log_perplexity == pytest.approx(np.mean(by_hand), rel=1e-9, abs=1e-11)
    assert (found.tokens, found.tally.ignored) == (len(by_hand), b * t - b - len(by_hand))
    assert found.protocol.shift
    assert found.protocol.masked


def test_arrays_of_every_kind_give_the_same(arrays: Arrays) -> None:
    random = np.random.default_rng(0)
    logits, targets = random.normal(0, 3, (3, 7, 11)).astype(np.float32), random.integers(0, 11, (3, 7))
    targets[0, 3:] = -100
    metric, expected = (Perplexity(shift=True, ignore_index=-100, check="never") for _ in range(2))
    extras = {
        "mask": [[1] * 7, [0, 0, *[1] * 5], [1] * 7],
        "weights": [[0.5] * 7, [1.0] * 7, [2.0] * 7],
        "n_bytes": [20, 30, 40],
        "doc_ids": [1, 2, 1],
    }
    metric.update(arrays(logits), arrays(targets), **{name: arrays(values) for name, values in extras.items()})
    expected.update(logits.astype(np.float64), targets, **extras)
    found, truth = metric.compute(), expected.compute()
    assert found.log_perplexity == pytest.approx(truth.log_perplexity, abs=2e-7)
    assert found.to_dict().keys() == truth.to_dict().keys()
    for name in ("scored_tokens", "ignored_tokens", "unscored_tokens", "documents", "bytes", "tokens"):
        assert found.to_dict()[name] == truth.to_dict()[name]


def test_every_kind_of_scores_gives_the_same_perplexity() -> None:
    random = np.random.default_rng(0)
    logits, targets = random.normal(0, 2, (2, 30, 5)), random.integers(0, 5, (2, 30))
    probs = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    inputs = {"logits": logits, "probs": probs, "logprobs": np.log(probs), "nll": slow_nats(logits, targets)}
    found = []
    for kind, x in inputs.items():
        metric = Perplexity(kind=kind)
        metric.update(x, targets)
        found.append(metric.compute().perplexity)
        assert metric.compute().protocol.signature == f"{kind}, not shifted"
    assert found == pytest.approx([found[0]] * 4, rel=1e-9)


@given(st.data())
def test_split_merge_and_json_end_in_the_same_bits(data: st.DataObject) -> None:
    random = np.random.default_rng(data.draw(st.integers(0, 99)))
    logits, targets = random.normal(0, 3, (6, 4, 5)), random.integers(0, 5, (6, 4))
    cuts = sorted(data.draw(st.lists(st.integers(0, 6), min_size=2, max_size=2)))
    whole, parts = Perplexity(check="never"), [Perplexity(check="never") for _ in range(3)]
    whole.update(logits, targets)
    for part, rows in zip(parts, np.split(np.arange(6), cuts), strict=True):
        part.update(logits[rows], targets[rows])
    merged = Perplexity.from_json(parts[0].to_json())
    merged.merge(pickle.loads(pickle.dumps(parts[1])), Perplexity.from_json(parts[2].to_json()))
    assert merged.tally == whole.tally
    assert merged.compute() == whole.compute()
    merged.reset()
    merged.merge(whole)
    assert merged.compute() == whole.compute()


def test_surprisals_of_token_nll_can_be_added_without_a_shift() -> None:
    random = np.random.default_rng(0)
    logits, targets = random.normal(0, 2, (2, 9, 5)), random.integers(0, 5, (2, 9))
    direct, by_hand = Perplexity(shift=True), Perplexity(shift=True)
    direct.update(logits, targets)
    nats, kept = token_nll(logits, targets, shift=True)
    by_hand.update_nll(nats, mask=kept)
    assert by_hand.compute().perplexity == direct.compute().perplexity
    by_hand.merge(direct)
    assert by_hand.compute().protocol.signature == "logits and nll, shifted, masked"


def test_the_result_of_token_nll_states_which_tokens_count(arrays: Arrays) -> None:
    random = np.random.default_rng(0)
    logits, targets = random.normal(0, 2, (2, 9, 5)), random.integers(0, 5, (2, 9))
    targets[0, 5:] = -100
    mask = np.ones_like(targets)
    mask[1, :3] = 0
    logits, targets, mask = arrays(logits), arrays(targets), arrays(mask)
    direct, whole = (Perplexity(shift=True, ignore_index=-100) for _ in range(2))
    direct.update(logits, targets, mask=mask)
    whole.update_nll(token_nll(logits, targets, shift=True, ignore_index=-100, mask=mask))
    assert whole.tally == direct.tally
    assert whole.compute().protocol.signature == "nll, shifted, ignoring -100, masked"
    with pytest.raises(BadInput, match="pass the mask to token_nll"):
        whole.update_nll(token_nll(logits, targets, ignore_index=-100), mask=mask)


@pytest.mark.parametrize("options", [{"ignore_index": -100}, {"shift": True}])
def test_surprisals_without_a_mask_are_refused_where_some_do_not_count(options: dict[str, Any]) -> None:
    with pytest.raises(BadInput, match=r"update_nll\(nats, mask=kept\)"):
        Perplexity(**options).update_nll(np.ones((2, 3)))
    Perplexity(**options).update_nll(np.ones((2, 3)), mask=np.ones((2, 3)))


def test_a_pair_that_does_not_come_from_token_nll_is_refused() -> None:
    with pytest.raises(BadInput, match=r"got a tuple of 2; pass the array"):
        Perplexity().update_nll((np.ones((2, 3)), np.ones((2, 3))))


def test_the_result_of_a_compiled_token_nll_can_be_added() -> None:
    jax = pytest.importorskip("jax")
    logits, targets = np.random.default_rng(0).normal(size=(2, 5, 4)), np.array([[0, 1, -1, 2, 3], [1, 1, 1, -1, -1]])
    metric, direct = (Perplexity(ignore_index=-1, shift=True) for _ in range(2))
    metric.update_nll(jax.jit(lambda x, y: token_nll(x, y, ignore_index=-1, shift=True))(logits, targets))
    direct.update(jax.numpy.asarray(logits), targets)
    assert metric.tally.scored == direct.tally.scored == 5
    assert float(metric.compute()) == pytest.approx(float(direct.compute()), rel=1e-6)


def test_an_invalid_weight_is_refused_in_arrays_of_every_kind(arrays: Arrays) -> None:
    for wrong, message in ((math.nan, "got nan"), (-1.0, "got -1.0"), (math.inf, "got inf")):
        with pytest.raises(BadInput, match=f"finite and not negative, {message}"):
            Perplexity().update(np.zeros((1, 3, 5)), np.zeros((1, 3), int), weights=arrays([[1.0, wrong, 1.0]]))


@pytest.mark.parametrize("kind", ["bfloat16", "float16", "float64", "int32", "bool"])
def test_weights_may_have_any_dtype_and_require_gradients(kind: str) -> None:
    torch = pytest.importorskip("torch")
    weights = torch.tensor([[1, 0, 1]]).to(getattr(torch, kind))
    if weights.is_floating_point():
        weights.requires_grad_()
    metric = Perplexity(check="never")
    metric.update(torch.zeros(1, 3, 5), torch.zeros(1, 3, dtype=torch.long), weights=weights)
    assert (metric.compute().tokens, metric.compute().tally.ignored) == (2, 1)


def test_weights_and_bytes_inside_a_traced_computation_are_refused() -> None:
    jax = pytest.importorskip("jax")
    metric, x, y = Perplexity(), np.zeros((1, 3, 5)), np.zeros((1, 3), int)
    for extra in ("weights", "n_bytes"):
        with pytest.raises(BadInput, match="inside a traced computation"):
            jax.jit(lambda values, name=extra: metric.update(x, y, **{name: values}))(np.ones((1, 3)))
        with pytest.raises(BadInput, match="inside a traced computation"):
            jax.jit(lambda values, name=extra: metric.update(x, y, **{name: values}))(np.ones((1, 3), int))


def test_weighted_tokens_have_no_bits_per_byte_even_if_the_weights_add_up() -> None:
    x, y = np.zeros((2, 3, 5)), np.zeros((2, 3), int)
    one, other = Perplexity(check="never"), Perplexity(check="never")
    one.update(x, y, n_bytes=[6, 6], weights=[0.5, 1.5])
    other.update(x, y, n_bytes=[6, 6])
    assert one.compute().bits_per_byte is None
    other.merge(Perplexity.from_json(one.to_json()))
    assert other.compute().bits_per_byte is None
    assert other.compute().protocol.weighted


def test_weights_of_zero_and_one_are_a_mask() -> None:
    x, y, weights = np.zeros((2, 3, 5)), np.zeros((2, 3), int), [[1, 1, 0], [1, 0, 0]]
    weighted, masked = Perplexity(check="never"), Perplexity(check="never")
    weighted.update(x, y, n_bytes=[6, 6], weights=weights)
    masked.update(x, y, n_bytes=[6, 6], mask=weights)
    assert weighted.compute() == masked.compute()


def test_documents_that_share_a_row_do_not_predict_each_other() -> None:
    random = np.random.default_rng(0)
    logits, targets = random.normal(0, 2, (2, 8, 5)), random.integers(0, 5, (2, 8))
    names = [["a"] * 3 + ["b"] * 5, ["b"] * 4 + ["a"] * 4]
    packed, apart = (Perplexity(shift=True, check="never") for _ in range(2))
    packed.update(logits, targets, doc_ids=names, n_bytes=np.full((2, 8), 2))
    for row, cut in ((0, slice(0, 3)), (0, slice(3, 8)), (1, slice(0, 4)), (1, slice(4, 8))):
        cut_names = names[row][cut]
        apart.update(
            logits[row : row + 1, cut], targets[row : row + 1, cut], doc_ids=[cut_names], n_bytes=[[2] * len(cut_names)]
        )
    assert packed.tally == apart.tally
    assert (packed.tally.scored, packed.tally.unscored, packed.tally.ignored) == (12, 4, 0)
    again = Perplexity(shift=True, check="never")
    again.update_nll(token_nll(logits, targets, shift=True), doc_ids=names, n_bytes=np.full((2, 8), 2))
    assert again.tally == packed.tally


def test_a_separator_with_the_next_documents_name_predicts_its_first_token() -> None:
    metric = Perplexity(shift=True, check="never")
    metric.update(np.zeros((1, 6, 5)), [[1, 2, 0, 3, 4, 1]], doc_ids=[["a", "a", "b", "b", "b", "b"]])
    assert (metric.tally.scored, metric.tally.unscored) == (1 + 3, 2)


def test_metrics_of_other_kinds_can_be_merged_and_the_protocol_states_both() -> None:
    x, y = np.zeros((1, 3, 5)), np.zeros((1, 3), int)
    one, other = Perplexity(check="never"), Perplexity(kind="probs", check="never", on_nonfinite="exclude")
    one.update(x, y)
    other.update(x + 0.2, y)
    one.merge(other)
    assert one.compute().protocol.kinds == ("logits", "probs")
    assert one.compute().protocol.excluding


def test_a_head_is_measured_without_its_logits(arrays: Arrays) -> None:
    random = np.random.default_rng(0)
    hidden, weight = random.normal(0, 1, (2, 20, 8)), random.normal(0, 1, (30, 8))
    targets, bias = random.integers(0, 30, (2, 20)), random.normal(0, 1, 30)
    targets[0, :4] = -100
    by_head, by_logits = (Perplexity(shift=True, ignore_index=-100) for _ in range(2))
    made = [arrays(values) for values in (hidden, weight, targets)]
    by_head.update_head(*made, bias=arrays(bias), scale=0.5, softcap=5.0)
    by_logits.update(5 * np.tanh((hidden @ weight.T + bias) * 0.5 / 5), targets)
    found, truth = by_head.compute(), by_logits.compute()
    assert found.log_perplexity == pytest.approx(truth.log_perplexity, abs=1e-5)
    assert (found.tokens, found.tally.ignored) == (truth.tokens, truth.tally.ignored)
    assert found.protocol.kinds == ("head",)


def test_a_row_that_leaves_no_distribution_is_refused_or_excluded_and_counted() -> None:
    logits, targets = np.zeros((2, 3, 4)), np.zeros((2, 3), int)
    logits[1, 0, 2] = math.nan
    with pytest.raises(BadProbability, match=r"\[1, 0\]"):
        Perplexity().update(logits, targets)
    metric = Perplexity(on_nonfinite="exclude", shift=True)
    metric.update(logits, targets)
    found = metric.compute()
    assert (found.perplexity, found.tokens, found.tally.nonfinite) == (pytest.approx(4), 3, 1)
    assert found.tally.nonfinite_places == (("row 1", 1),), "the place is that of the target"
    assert "1 token excluded as NaN, the first token 1 of row 1" in repr(found)


def test_a_hidden_state_of_nan_is_excluded_and_counted() -> None:
    hidden = np.ones((1, 3, 2))
    hidden[0, 1] = math.nan
    metric = Perplexity(on_nonfinite="exclude")
    metric.update_head(hidden, np.zeros((5, 2)), np.zeros((1, 3), int))
    assert (metric.compute().perplexity, metric.compute().tally.nonfinite) == (pytest.approx(5), 1)
    with pytest.raises(BadProbability, match="hidden states"):
        Perplexity().update_head(hidden, np.zeros((5, 2)), np.zeros((1, 3), int))


def test_a_metric_without_counted_tokens_raises_unless_empty_is_nan() -> None:
    with pytest.raises(BadInput, match="got none; update with some"):
        Perplexity().compute()
    metric = Perplexity(ignore_index=-100, check="never")
    metric.update(np.zeros((1, 3, 4)), np.full((1, 3), -100))
    with pytest.raises(BadInput, match=r"got 3 that do not .*ignoring -100"):
        metric.compute()
    assert "nothing counted" in repr(metric)
    assert math.isnan(float(Perplexity(empty="nan").compute()))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"kind": "logit"}, "kind must be one of logits, logprobs, probs, nll; got 'logit'"),
        ({"shift": 1}, "shift must be True or False, got 1"),
        ({"kind": "nll", "shift": True}, "nothing to shift"),
        ({"ignore_index": True}, "ignore_index is an id or several, got True"),
        ({"check": "sometimes"}, "check must be one of first, always, never"),
        ({"on_nonfinite": "nan"}, "on_nonfinite must be one of raise, exclude"),
        ({"empty": 0}, "empty must be one of raise, nan"),
        ({"level": 95}, "a number between 0 and 1, got 95"),
    ],
)
def test_an_invalid_option_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(BadInput, match=message):
        Perplexity(**options)


@pytest.mark.parametrize(
    ("x", "targets", "message"),
    [
        (np.zeros((2, 5, 3)), np.zeros((2, 3), int), "move the vocabulary to the end"),
        (np.zeros((2, 3, 5)), np.zeros((2, 2), int), "looks shifted and the other not"),
        (np.zeros((2, 3, 5)), np.full((2, 3), 5), "outside the vocabulary of 5"),
        (np.zeros((2, 3, 5)), np.full((2, 3), -1), "ignore_index=-1"),
        (np.zeros((2, 3, 5)), None, "logits need targets, got none"),
        ("logits", np.zeros((2, 3), int), "must be an array"),
    ],
)
def test_scores_and_targets_that_do_not_fit_are_refused(x: Any, targets: Any, message: str) -> None:
    with pytest.raises(BadInput, match=message):
        Perplexity().update(x, targets)


def test_metrics_that_count_other_tokens_are_not_merged() -> None:
    with pytest.raises(BadProtocol, match="same shift and ignore_index"):
        Perplexity(ignore_index=0).merge(Perplexity())


def test_a_heads_weight_may_be_a_list() -> None:
    metric = Perplexity()
    metric.update_head(np.ones((1, 3, 2)), np.zeros((5, 2)).tolist(), [[0, 1, 2]])
    assert float(metric.compute()) == pytest.approx(5)


@pytest.mark.parametrize("line", ["", "[]", "{}", '{"options": {"kinds": 1}}', '{"options": {}, "sums": {}}'])
def test_a_line_that_to_json_did_not_write_is_refused(line: str) -> None:
    with pytest.raises(BadInput, match=r"line of to_json\(\)|as_json\(\) returned"):
        Perplexity.from_json(line)


def test_the_json_is_one_line_that_other_tools_can_read() -> None:
    metric = Perplexity(shift=True, ignore_index=[0, 2])
    metric.update(np.zeros((1, 3, 4)), np.ones((1, 3), int))
    line = metric.to_json()
    assert "\n" not in line
    assert json.loads(line)["sums"]["closed"]["scored"] == 2


def test_an_update_inside_a_traced_computation_is_refused() -> None:
    jax = pytest.importorskip("jax")
    metric = Perplexity()
    with pytest.raises(BadInput, match="outside of traced computations"):
        jax.jit(lambda x: metric.update(x, np.zeros((1, 2), int)))(jax.numpy.zeros((1, 2, 3)))


def test_importing_the_metrics_loads_no_framework() -> None:
    heavy = "{'torch', 'jax', 'keras', 'mlx', 'torchmetrics'}"
    code = f"import sys, nonplus.metrics as m; m.Perplexity; print(sorted({heavy} & set(sys.modules)))"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert ran.stdout.strip() == "[]"


def test_the_public_names_can_be_imported() -> None:
    metrics = importlib.import_module("nonplus.metrics")
    assert all(getattr(metrics, name) for name in dir(metrics))
    with pytest.raises(AttributeError, match="no attribute 'Perplexities'"):
        metrics.Perplexities  # noqa: B018


class Column:
    """A column of a table: an array only on request."""

    def __init__(self, values: list[object]) -> None:
        self._values = values

    def __array__(self, dtype: object = None, copy: object = None) -> np.ndarray:
        return np.array(self._values, dtype=object)


@pytest.mark.parametrize("ids", [["a", "b", "a"], [4, 5, 4]])
def test_doc_ids_may_be_the_column_of_a_table(ids: list[object]) -> None:
    logits, targets = np.random.default_rng(0).normal(size=(3, 4, 9)), np.ones((3, 4), int)
    one, other = Perplexity(check="never"), Perplexity(check="never")
    one.update(logits, targets, doc_ids=ids, n_bytes=[4, 5, 6])
    other.update(logits, targets, doc_ids=Column(ids), n_bytes=range(4, 7))
    assert one.compute() == other.compute()
    assert one.compute().tally.documents == 2

"""Perplexity in a loop of one's own: what comes in, what comes out, whatever the arrays are."""

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
    """What makes an array of a kind."""
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
def test_a_shifted_masked_batch_is_what_slow_arithmetic_says(b: int, t: int, v: int, pad_left: bool, seed: int) -> None:
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
    beside = {
        "mask": [[1] * 7, [0, 0, *[1] * 5], [1] * 7],
        "weights": [[0.5] * 7, [1.0] * 7, [2.0] * 7],
        "n_bytes": [20, 30, 40],
        "doc_ids": [1, 2, 1],
    }
    metric.update(arrays(logits), arrays(targets), **{name: arrays(values) for name, values in beside.items()})
    expected.update(logits.astype(np.float64), targets, **beside)
    found, truth = metric.compute(), expected.compute()
    assert found.log_perplexity == pytest.approx(truth.log_perplexity, abs=2e-7)
    assert found.as_dict().keys() == truth.as_dict().keys()
    for name in ("scored_tokens", "ignored_tokens", "unscored_tokens", "documents", "bytes", "tokens"):
        assert found.as_dict()[name] == truth.as_dict()[name]


def test_surprisals_logprobs_and_probabilities_are_taken_as_such() -> None:
    random = np.random.default_rng(0)
    logits, targets = random.normal(0, 2, (2, 30, 5)), random.integers(0, 5, (2, 30))
    probs = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    given_as = {"logits": logits, "probs": probs, "logprobs": np.log(probs), "nll": slow_nats(logits, targets)}
    found = []
    for kind, x in given_as.items():
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


def test_surprisals_from_the_kernel_go_in_again_unshifted() -> None:
    random = np.random.default_rng(0)
    logits, targets = random.normal(0, 2, (2, 9, 5)), random.integers(0, 5, (2, 9))
    direct, by_hand = Perplexity(shift=True), Perplexity(shift=True)
    direct.update(logits, targets)
    nats, kept = token_nll(logits, targets, shift=True)
    by_hand.update_nll(nats, mask=kept)
    assert by_hand.compute().perplexity == direct.compute().perplexity
    by_hand.merge(direct)
    assert by_hand.compute().protocol.signature == "logits and nll, shifted, masked"


def test_what_the_kernel_gave_says_itself_what_counts(arrays: Arrays) -> None:
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
    with pytest.raises(BadInput, match="give the mask to token_nll"):
        whole.update_nll(token_nll(logits, targets, ignore_index=-100), mask=mask)


@pytest.mark.parametrize("options", [{"ignore_index": -100}, {"shift": True}])
def test_surprisals_that_do_not_say_what_counts_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(BadInput, match=r"update_nll\(nats, mask=kept\)"):
        Perplexity(**options).update_nll(np.ones((2, 3)))
    Perplexity(**options).update_nll(np.ones((2, 3)), mask=np.ones((2, 3)))


def test_a_pair_that_is_not_the_kernels_is_refused() -> None:
    with pytest.raises(BadInput, match=r"got a tuple of 2; give the array"):
        Perplexity().update_nll((np.ones((2, 3)), np.ones((2, 3))))


def test_surprisals_of_a_compiled_function_go_in_whole() -> None:
    jax = pytest.importorskip("jax")
    logits, targets = np.random.default_rng(0).normal(size=(2, 5, 4)), np.array([[0, 1, -1, 2, 3], [1, 1, 1, -1, -1]])
    metric, direct = (Perplexity(ignore_index=-1, shift=True) for _ in range(2))
    metric.update_nll(jax.jit(lambda x, y: token_nll(x, y, ignore_index=-1, shift=True))(logits, targets))
    direct.update(jax.numpy.asarray(logits), targets)
    assert metric.tally.scored == direct.tally.scored == 5
    assert float(metric.compute()) == pytest.approx(float(direct.compute()), rel=1e-6)


def test_a_weight_that_is_no_number_is_refused_in_arrays_of_every_kind(arrays: Arrays) -> None:
    for wrong, said in ((math.nan, "got nan"), (-1.0, "got -1.0"), (math.inf, "got inf")):
        with pytest.raises(BadInput, match=f"finite and not negative, {said}"):
            Perplexity().update(np.zeros((1, 3, 5)), np.zeros((1, 3), int), weights=arrays([[1.0, wrong, 1.0]]))


@pytest.mark.parametrize("kind", ["bfloat16", "float16", "float64", "int32", "bool"])
def test_weights_may_be_of_any_format_and_have_a_history(kind: str) -> None:
    torch = pytest.importorskip("torch")
    weights = torch.tensor([[1, 0, 1]]).to(getattr(torch, kind))
    if weights.is_floating_point():
        weights.requires_grad_()
    metric = Perplexity(check="never")
    metric.update(torch.zeros(1, 3, 5), torch.zeros(1, 3, dtype=torch.long), weights=weights)
    assert (metric.compute().tokens, metric.compute().tally.ignored) == (2, 1)


def test_what_comes_beside_a_batch_has_values() -> None:
    jax = pytest.importorskip("jax")
    metric, x, y = Perplexity(), np.zeros((1, 3, 5)), np.zeros((1, 3), int)
    for beside in ("weights", "n_bytes"):
        with pytest.raises(BadInput, match="outside of traced computations"):
            jax.jit(lambda values, name=beside: metric.update(x, y, **{name: values}))(np.ones((1, 3)))
        with pytest.raises(BadInput, match="outside of traced computations"):
            jax.jit(lambda values, name=beside: metric.update(x, y, **{name: values}))(np.ones((1, 3), int))


def test_bits_per_byte_are_not_said_of_weighted_tokens_whatever_the_weights_add_up_to() -> None:
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


def test_metrics_of_other_kinds_are_merged_and_say_both() -> None:
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


def test_a_row_that_leaves_no_distribution_is_refused_or_left_out_and_counted() -> None:
    logits, targets = np.zeros((2, 3, 4)), np.zeros((2, 3), int)
    logits[1, 0, 2] = math.nan
    with pytest.raises(BadProbability, match=r"\[1, 0\]"):
        Perplexity().update(logits, targets)
    metric = Perplexity(on_nonfinite="exclude", shift=True)
    metric.update(logits, targets)
    found = metric.compute()
    assert (found.perplexity, found.tokens, found.tally.nonfinite) == (pytest.approx(4), 3, 1)
    assert found.tally.nonfinite_places == (("row 1", 1),), "the place is that of the target"
    assert "1 token excluded as NaN, first token 1 of row 1" in repr(found)


def test_a_broken_hidden_state_is_left_out_and_counted() -> None:
    hidden = np.ones((1, 3, 2))
    hidden[0, 1] = math.nan
    metric = Perplexity(on_nonfinite="exclude")
    metric.update_head(hidden, np.zeros((5, 2)), np.zeros((1, 3), int))
    assert (metric.compute().perplexity, metric.compute().tally.nonfinite) == (pytest.approx(5), 1)
    with pytest.raises(BadProbability, match="hidden states"):
        Perplexity().update_head(hidden, np.zeros((5, 2)), np.zeros((1, 3), int))


def test_nothing_that_counts_is_refused_unless_asked_otherwise() -> None:
    with pytest.raises(BadInput, match="got none; update with some"):
        Perplexity().compute()
    metric = Perplexity(ignore_index=-100, check="never")
    metric.update(np.zeros((1, 3, 4)), np.full((1, 3), -100))
    with pytest.raises(BadInput, match=r"got 3 that do not .*ignoring -100"):
        metric.compute()
    assert "nothing counted" in repr(metric)
    assert math.isnan(float(Perplexity(empty="nan").compute()))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"kind": "logit"}, "kind is one of logits, logprobs, probs, nll, got 'logit'"),
        ({"shift": 1}, "shift is True or False, got 1"),
        ({"kind": "nll", "shift": True}, "nothing is to shift"),
        ({"ignore_index": True}, "ignore_index is an id or several, got True"),
        ({"check": "sometimes"}, "check is one of first, always, never"),
        ({"on_nonfinite": "nan"}, "on_nonfinite is one of raise, exclude"),
        ({"empty": 0}, "empty is one of raise, nan"),
        ({"level": 95}, "level is the part of intervals"),
    ],
)
def test_an_option_that_there_is_not_is_refused(options: dict[str, Any], said: str) -> None:
    with pytest.raises(BadInput, match=said):
        Perplexity(**options)


@pytest.mark.parametrize(
    ("x", "targets", "said"),
    [
        (np.zeros((2, 5, 3)), np.zeros((2, 3), int), "move the vocabulary to the end"),
        (np.zeros((2, 3, 5)), np.zeros((2, 2), int), "looks shifted and the other not"),
        (np.zeros((2, 3, 5)), np.full((2, 3), 5), "outside the vocabulary of 5"),
        (np.zeros((2, 3, 5)), np.full((2, 3), -1), "ignore_index=-1"),
        (np.zeros((2, 3, 5)), None, "logits predict targets, and none came"),
        ("logits", np.zeros((2, 3), int), "must be an array"),
    ],
)
def test_what_does_not_fit_is_refused(x: Any, targets: Any, said: str) -> None:
    with pytest.raises(BadInput, match=said):
        Perplexity().update(x, targets)


def test_metrics_that_count_other_tokens_are_not_merged() -> None:
    with pytest.raises(BadProtocol, match="same shift and ignore_index"):
        Perplexity(ignore_index=0).merge(Perplexity())


def test_a_heads_weight_may_be_a_list() -> None:
    metric = Perplexity()
    metric.update_head(np.ones((1, 3, 2)), np.zeros((5, 2)).tolist(), [[0, 1, 2]])
    assert float(metric.compute()) == pytest.approx(5)


@pytest.mark.parametrize("line", ["", "[]", "{}", '{"options": {"kinds": 1}}', '{"options": {}, "sums": {}}'])
def test_json_that_is_not_ours_is_refused(line: str) -> None:
    with pytest.raises(BadInput, match=r"to_json\(\) wrote|as_json\(\) gave"):
        Perplexity.from_json(line)


def test_json_is_a_line_that_other_tools_can_read() -> None:
    metric = Perplexity(shift=True, ignore_index=[0, 2])
    metric.update(np.zeros((1, 3, 4)), np.ones((1, 3), int))
    line = metric.to_json()
    assert "\n" not in line
    assert json.loads(line)["sums"]["closed"]["scored"] == 2


def test_a_traced_computation_is_told_where_to_go() -> None:
    jax = pytest.importorskip("jax")
    metric = Perplexity()
    with pytest.raises(BadInput, match="outside of traced computations"):
        jax.jit(lambda x: metric.update(x, np.zeros((1, 2), int)))(jax.numpy.zeros((1, 2, 3)))


def test_importing_the_metrics_loads_no_framework() -> None:
    heavy = "{'torch', 'jax', 'keras', 'mlx', 'torchmetrics'}"
    code = f"import sys, nonplus.metrics as m; m.Perplexity; print(sorted({heavy} & set(sys.modules)))"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert ran.stdout.strip() == "[]"


def test_the_public_names_are_there() -> None:
    metrics = importlib.import_module("nonplus.metrics")
    assert all(getattr(metrics, name) for name in dir(metrics))
    with pytest.raises(AttributeError, match="no attribute 'Perplexities'"):
        metrics.Perplexities  # noqa: B018


class Column:
    """As a table gives it: an array only for those who ask."""

    def __init__(self, values: list[object]) -> None:
        self._values = values

    def __array__(self, dtype: object = None, copy: object = None) -> np.ndarray:
        return np.array(self._values, dtype=object)


@pytest.mark.parametrize("ids", [["a", "b", "a"], [4, 5, 4]])
def test_what_comes_beside_a_batch_may_be_the_column_of_a_table(ids: list[object]) -> None:
    logits, targets = np.random.default_rng(0).normal(size=(3, 4, 9)), np.ones((3, 4), int)
    one, other = Perplexity(check="never"), Perplexity(check="never")
    one.update(logits, targets, doc_ids=ids, n_bytes=[4, 5, 6])
    other.update(logits, targets, doc_ids=Column(ids), n_bytes=range(4, 7))
    assert one.compute() == other.compute()
    assert one.compute().tally.documents == 2

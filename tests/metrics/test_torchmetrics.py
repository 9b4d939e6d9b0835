"""The torchmetrics class: equal to torchmetrics' own where that is right."""

import copy
import json
import math
import pickle
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

torch = pytest.importorskip("torch")
torchmetrics = pytest.importorskip("torchmetrics")

from torchmetrics.text import Perplexity as Peer  # noqa: E402

from nonplus.errors import BadInput, BadProbability, BadProtocol, SuspectInput  # noqa: E402
from nonplus.metrics import Perplexity as Plain  # noqa: E402
from nonplus.metrics.torchmetrics import Perplexity  # noqa: E402


def batch(seed: int = 0, *, b: int = 3, t: int = 6, v: int = 7) -> tuple[Any, Any]:
    random = torch.Generator().manual_seed(seed)
    return torch.randn(b, t, v, generator=random) * 2, torch.randint(v, (b, t), generator=random)


def truth(logits: Any, target: Any) -> float:
    """In float64, one token at a time."""
    nats = []
    for row, aim in zip(logits.double().reshape(-1, logits.shape[-1]).tolist(), target.ravel().tolist(), strict=True):
        most = max(row)
        nats.append(math.log(math.fsum(math.exp(score - most) for score in row)) + most - row[aim])
    return math.exp(math.fsum(nats) / len(nats))


# ----------------------------------------------------------------------------- figures


def test_the_example_of_torchmetrics_gives_its_figure() -> None:
    # golden: docstring of torchmetrics 1.9.0, text/perplexity.py; its doctests begin
    # with seed 42
    torch.manual_seed(42)
    preds, target = torch.rand(2, 8, 5), torch.randint(5, (2, 8))
    target[0, 6:] = -100
    assert f"{Perplexity(ignore_index=-100)(preds, target):.4f}" == "5.8540"


_PAIR = [[[0.3659, 0.7025, 0.3104]], [[0.0097, 0.6577, 0.1947]]]
_OTHER_PAIR = [[[0.5659, 0.0025, 0.0104]], [[0.9097, 0.0577, 0.7947]]]
_ROWS = [
    [[0.3633, 0.7777, 0.3111, 0.1134], [0.5543, 0.4387, 0.8176, 0.4565], [0.1324, 0.1465, 0.2822, 0.6654]],
    [[0.0956, 0.6523, 0.8914, 0.3653], [0.3289, 0.7254, 0.8121, 0.4196], [0.3233, 0.7775, 0.8731, 0.4001]],
]


@pytest.mark.parametrize(
    ("preds", "target", "ignored", "figure"),
    [
        # golden: torcheval 0.0.7, tests/metrics/functional/text/test_perplexity.py and
        # the docstring of the class
        (_PAIR, [[2], [1]], None, "2.7593"),
        (_PAIR, [[2], [100]], 100, "3.5372"),
        (_ROWS, [[2, 1, 3], [1, 0, 1]], None, "3.9444"),
        (_ROWS, [[2, 1, 3], [1, 0, 1]], 1, "4.0531"),
        (_PAIR + _OTHER_PAIR, [[2], [1], [2], [1]], None, "3.5257"),
        (_PAIR + _OTHER_PAIR, [[2], [1], [2], [1]], 1, "3.6347"),
        (_OTHER_PAIR, [[2], [1]], None, "4.5051"),
    ],
)
def test_the_examples_of_torcheval_give_their_figures(preds: Any, target: Any, ignored: Any, figure: str) -> None:
    assert f"{Perplexity(ignored)(torch.tensor(preds), torch.tensor(target)):.4f}" == figure


@given(st.integers(1, 4), st.integers(1, 6), st.integers(2, 9), st.integers(0, 2**31), st.booleans())
def test_it_equals_torchmetrics_where_that_is_right(b: int, t: int, v: int, seed: int, ignoring: bool) -> None:
    preds, target = batch(seed, b=b, t=t, v=v)
    if ignoring:
        target[0, 0] = 0
        if bool((target == 0).all()):
            return
    ignore_index = 0 if ignoring else None
    ours, theirs = Perplexity(ignore_index, check="never"), Peer(ignore_index)
    assert float(ours(preds, target)) == pytest.approx(float(theirs(preds, target)), rel=1e-5)
    ours.update(preds * 2, target)
    theirs.update(preds * 2, target)
    assert float(ours.compute()) == pytest.approx(float(theirs.compute()), rel=1e-5)


# --------------------------------------------------------- where torchmetrics is wrong


@pytest.mark.parametrize(("dtype", "gap"), [(torch.float32, 110.0), (torch.bfloat16, 110.0), (torch.float16, 30.0)])
def test_one_improbable_token_does_not_make_the_corpus_infinite(dtype: Any, gap: float) -> None:
    preds, target = batch(b=1, t=64, v=50)
    preds[0, 3] = 0
    preds[0, 3, target[0, 3]] = -gap
    preds = preds.to(dtype)
    theirs, ours = Peer(), Perplexity()
    theirs.update(preds, target)
    ours.update(preds, target)
    assert math.isinf(theirs.compute())
    assert float(ours.compute()) == pytest.approx(truth(preds, target), rel=1e-6)


def test_logits_in_bfloat16_lose_no_further_precision() -> None:
    preds, target = batch(b=4, t=256, v=500)
    preds = preds.to(torch.bfloat16)
    theirs, ours = Peer(), Perplexity()
    theirs.update(preds, target)
    ours.update(preds, target)
    exact = truth(preds, target)
    assert abs(float(theirs.compute()) / exact - 1) > 1e-3
    assert float(ours.compute()) == pytest.approx(exact, rel=1e-6)


def test_counts_go_beyond_two_to_the_24() -> None:
    theirs = Peer()
    theirs.count += 2**24
    theirs.count += 1
    assert int(theirs.count) == 2**24
    ours = Perplexity()
    ours.update_nll(torch.full((16, 16), 2.0))
    for _ in range(16):
        ours.merge_state(ours)
    ours.update_nll(torch.full((1, 1), 3.0))
    assert ours.tally.scored == 2**24 + 1
    assert float(ours.compute()) == math.exp((2 * 2**24 + 3) / (2**24 + 1))


def test_a_cast_to_bfloat16_does_not_change_the_sums() -> None:
    theirs, ours = Peer().to(torch.bfloat16), Perplexity().to(torch.bfloat16)
    uniform, target = torch.arange(8.0).expand(1, 2, 8), torch.zeros(1, 2, dtype=torch.long)
    for _ in range(300):
        theirs.update(uniform, target)
        ours.update(uniform, target)
    assert int(theirs.count) < 600
    assert ours.tally.scored == 600
    assert ours.compute().dtype == torch.float64


def test_a_merge_after_compute_changes_the_next_compute() -> None:
    for kind, is_right in ((Peer, False), (Perplexity, True)):
        one, other = kind(), kind()
        one.update(*batch(0))
        other.update(*batch(1))
        before = float(one.compute())
        one.merge_state(other)
        assert (float(one.compute()) != before) is is_right


def test_a_negative_id_is_refused_unless_ignored() -> None:
    preds, target = batch()
    target[1, 2] = -1
    theirs = Peer()
    theirs.update(preds, target)  # takes the last word of the vocabulary
    with pytest.raises(BadInput, match=r"target -1 at \[1, 2\] is not a token id.*ignore_index=-1"):
        Perplexity().update(preds, target)
    with pytest.raises(BadInput, match="outside the vocabulary of 7"):
        Perplexity().update(preds, target + 7)
    Perplexity(ignore_index=(-1, -100)).update(preds, target)


def test_ids_may_have_any_integer_dtype() -> None:
    preds, target = batch()
    with pytest.raises(TypeError, match="int64"):
        Peer().update(preds, target.int())
    assert Perplexity()(preds, target.int()) == Perplexity()(preds, target)


@pytest.mark.filterwarnings("ignore:The ..compute.. method of metric:UserWarning")
def test_a_metric_without_counted_tokens_raises_unless_empty_is_nan() -> None:
    assert math.isnan(Peer().compute())
    with pytest.raises(BadInput, match="a perplexity needs tokens that count, got none"):
        Perplexity().compute()
    assert math.isnan(Perplexity(empty="nan").compute())


def test_a_batch_without_tokens_has_the_value_nan_and_changes_no_sum() -> None:
    preds, target = batch()
    metric = Perplexity(ignore_index=-100, check="never")
    assert math.isnan(metric(preds, torch.full_like(target, -100)))
    assert metric(preds, target) == metric.compute()


def test_a_first_batch_is_checked() -> None:
    preds, target = batch(b=4, t=40)
    with pytest.warns(SuspectInput, match="use kind='probs'") as caught:
        Perplexity().update(preds.softmax(-1), target)
    assert caught[0].filename == __file__
    with pytest.warns(SuspectInput, match="use shift=True"):
        Perplexity()(8.0 * torch.nn.functional.one_hot(target.roll(-1, 1), 7), target)


# ------------------------------------------------------------------ what it knows more


def test_shift_mask_weights_bytes_and_documents_are_those_of_the_plain_class() -> None:
    preds, target = batch(b=4, t=9)
    mask = torch.ones(4, 9, dtype=torch.long)
    mask[1, :3] = 0
    extras = {"n_bytes": torch.full((4, 9), 3), "doc_ids": ["a", "b", "a", "c"]}
    ours, plain = Perplexity(shift=True), Plain(shift=True)
    ours.update(preds, target, attention_mask=mask, **extras)
    plain.update(preds, target, mask=mask, **extras)
    assert ours.report() == plain.compute()
    assert ours.report().bits_per_byte is not None
    assert ours.report().tally.documents == 3
    ours.update(preds, target, sample_weight=torch.tensor([1, 0.5, 0, 1]).bfloat16())
    plain.update(preds, target, weights=[1, 0.5, 0, 1])
    assert ours.tally == plain.tally


def test_surprisals_and_hidden_states_can_be_added() -> None:
    random = torch.Generator().manual_seed(0)
    hidden, weight = torch.randn(2, 9, 5, generator=random), torch.randn(11, 5, generator=random)
    target = torch.randint(11, (2, 9), generator=random)
    by_logits, by_head, by_nats = Perplexity(shift=True), Perplexity(shift=True), Perplexity(shift=True)
    by_logits.update(hidden @ weight.T, target)
    by_head.update_head(hidden, weight, target)
    nats = torch.nn.functional.cross_entropy((hidden @ weight.T)[:, :-1].mT, target[:, 1:], reduction="none")
    all_of_them = torch.ones_like(nats)
    by_nats.update_nll(nats, attention_mask=all_of_them)
    assert by_head.update_count == by_nats.update_count == 1
    assert float(by_head.compute()) == pytest.approx(float(by_logits.compute()), rel=1e-5)
    assert float(by_nats.compute()) == pytest.approx(float(by_logits.compute()), rel=1e-5)
    by_nats.update_nll(nats * 2, attention_mask=all_of_them)
    assert by_nats.compute() != by_logits.compute(), "a value computed before is not returned again"


def test_wrong_options_are_refused() -> None:
    with pytest.raises(ValueError, match="ignore_index is an id or several"):
        Perplexity("pad")
    with pytest.raises(ValueError, match="kind must be one of"):
        Perplexity(kind="softmax")
    with pytest.raises(ValueError, match="Unexpected keyword arguments: `mask_token_id`"):
        Perplexity(mask_token_id=0)


# -------------------------------------------------------------- what torchmetrics does


@given(st.data())
def test_any_split_over_updates_forwards_and_merges_gives_the_same_bits(data: st.DataObject) -> None:
    preds, target = batch(1, b=8)
    names = data.draw(st.one_of(st.none(), st.lists(st.sampled_from("abc"), min_size=8, max_size=8)))
    whole, parts = Perplexity(check="never"), [Perplexity(check="never") for _ in range(2)]
    whole.update(preds, target, doc_ids=names)
    values = []
    for row in range(8):
        part = parts[data.draw(st.integers(0, 1))]
        named = None if names is None else names[row : row + 1]
        if data.draw(st.booleans()):
            part.update(preds[row : row + 1], target[row : row + 1], doc_ids=named)
        else:
            values.append(part(preds[row : row + 1], target[row : row + 1], doc_ids=named))
            alone = truth(preds[row], target[row])
            assert float(values[-1]) == pytest.approx(alone, rel=1e-6)
    parts[0].merge_state(parts[1])
    assert parts[0].report() == whole.report()
    assert parts[0].compute() == whole.compute()


def test_the_state_does_not_grow_with_the_batches() -> None:
    metric, sizes = Perplexity(check="never"), []
    for _ in range(120):
        metric(*batch())
        sizes.append(sum(map(len, metric.sums)))
    assert sizes[-1] < 1.05 * sizes[60]  # once as many documents are kept as ever will be


def test_copies_pickles_and_states_hold_every_bit() -> None:
    metric = Perplexity(shift=True, ignore_index=3)
    metric.update(*batch(), doc_ids=["a", "b", "a"])
    metric.persistent(True)
    loaded = Perplexity(shift=True, ignore_index=3)
    loaded.persistent(True)
    loaded.load_state_dict(metric.state_dict())
    loaded._update_count = 1  # as torchmetrics leaves it, it would warn that nothing was updated
    for other in (pickle.loads(pickle.dumps(metric)), copy.deepcopy(metric), metric.clone(), loaded):
        other.update(*batch(1), doc_ids=["b", "c", "c"])
        once_more = metric.clone()
        once_more.update(*batch(1), doc_ids=["b", "c", "c"])
        assert other.report() == once_more.report()
    assert Perplexity().state_dict() == {}


def test_reset_removes_all_batches() -> None:
    metric, fresh = Perplexity(), Perplexity()
    metric.update(*batch(0))
    metric.compute()
    metric.reset()
    for each in (metric, fresh):
        each.update(*batch(1))
    assert metric.report() == fresh.report()


def test_no_conversion_of_the_module_changes_the_sums() -> None:
    expected = Perplexity()
    expected.update(*batch())
    for convert in (
        lambda m: m.to(torch.bfloat16),
        lambda m: m.half(),
        lambda m: m.bfloat16(),
        lambda m: m.double(),
        lambda m: m.set_dtype(torch.float16),
        lambda m: m.set_dtype(torch.bfloat16),
        lambda m: torch.nn.ModuleDict({"metric": m}).to(torch.bfloat16)["metric"],
        lambda m: torch.nn.ModuleDict({"metric": m}).half()["metric"],
    ):
        metric = convert(Perplexity())
        value = metric(*batch())
        assert convert(metric).report() == expected.report()
        assert metric.compute() == expected.compute() == value
        assert convert(metric).compute().dtype == torch.float64
        assert metric.compute() == expected.compute(), "what was computed before keeps its precision"


def test_metrics_of_one_collection_keep_to_their_own_options() -> None:
    preds, target = batch(v=7)
    target[target == 0] = 1
    metrics = torchmetrics.MetricCollection({"all": Perplexity(), "some": Perplexity(0), "same": Perplexity()})
    metrics.update(preds, target)  # no target is 0: torchmetrics' own would share one state from here on
    later = batch(1)
    metrics.update(*later, attention_mask=torch.ones_like(later[1]))
    alone = {"all": Perplexity(), "some": Perplexity(0), "same": Perplexity()}
    for metric in alone.values():
        metric.update(preds, target)
        metric.update(*later, attention_mask=torch.ones_like(later[1]))
    assert metrics.compute() == {name: metric.compute() for name, metric in alone.items()}
    metrics.reset()
    assert metrics(preds, target)["all"] == Perplexity()(preds, target)


def test_a_tracker_prefers_lower_values() -> None:
    tracker = torchmetrics.MetricTracker(Perplexity(check="never"), maximize=None)
    for scale in (3.0, 0.1, 2.0):
        tracker.increment()
        preds, target = batch()
        tracker.update(preds * scale, target)
    assert tracker.best_metric(return_step=True)[1] == 1


def test_a_state_of_other_tokens_is_not_merged() -> None:
    one, other = Perplexity(), Perplexity(shift=True)
    one.update(*batch())
    other.update(*batch())
    before = one.report()
    with pytest.raises(BadProtocol, match="same shift and ignore_index"):
        one.merge_state(other)
    assert one.report() == before
    one.merge_state(one.metric_state)
    assert one.report().tokens == 2 * before.tokens


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        (None, "got NoneType; pass one of them"),
        (torchmetrics.MeanMetric(), "got MeanMetric; pass one of them"),
        ({"count": 1}, r"got dict of \['count'\]"),
        ({"sums": None}, "are tensors, got None"),
        ({"sums": [5]}, r"are tensors, got \[5\]"),
        ({"sums": torch.tensor([1.0, 2.0])}, "lines of JSON as bytes"),
        ({"sums": [torch.tensor([200, 201], dtype=torch.uint8)]}, "lines of JSON as bytes"),
        ({"sums": [torch.tensor(list(b'{"closed": {}}'), dtype=torch.uint8)]}, "sums are read from what as_json"),
    ],
)
def test_a_wrong_state_is_not_merged(state: Any, reason: str) -> None:
    metric = Perplexity()
    metric.update(*batch())
    before = metric.report()
    with pytest.raises(BadInput, match=reason):
        metric.merge_state(state)
    assert metric.report() == before


def test_a_state_of_another_kind_can_be_merged_and_the_protocol_states_both() -> None:
    preds, target = batch()
    one, other = Perplexity(check="never"), Perplexity(kind="probs", on_nonfinite="exclude", check="never")
    one.update(preds, target)
    other.update(preds.softmax(-1), target)
    one.merge_state(other)
    assert one.report().protocol.kinds == ("logits", "probs")
    assert one.report().protocol.excluding


def test_one_that_refuses_shares_no_state_with_one_that_excludes() -> None:
    preds, target = batch()
    options = {"a": {"on_nonfinite": "exclude"}, "b": {}, "c": {"level": 0.5}}
    both = torchmetrics.MetricCollection({name: Perplexity(check="never", **its) for name, its in options.items()})
    both.update(preds, target)
    assert sorted(map(sorted, both.compute_groups.values())) == [["a"], ["b", "c"]]
    preds[0, 0] = math.nan
    with pytest.raises(BadProbability):
        both.update(preds, target)


def test_a_batch_that_is_refused_does_not_change_the_sums() -> None:
    preds, target = batch()
    metric = Perplexity(check="never", compute_on_cpu=True)
    metric(preds, target)
    before = metric.report()
    for _ in range(2):
        with pytest.raises(BadInput, match="outside the vocabulary"):
            metric(preds, torch.full_like(target, 99))
        assert metric.report() == before
    metric(preds, target)
    assert metric.report().tokens == 2 * before.tokens
    assert metric.update_count == 2
    assert metric.compute_on_cpu


def test_it_works_where_gradients_are_recorded_or_forbidden() -> None:
    preds, target = batch()
    preds.requires_grad_()
    metric = Perplexity()
    assert not metric(preds * 2, target).requires_grad
    with torch.inference_mode():
        metric.update(preds * 2, target)
    metric.update(preds * 2, target)
    assert metric.report().tokens == 3 * target.numel()


def test_plots_are_drawn() -> None:
    pyplot = pytest.importorskip("matplotlib.pyplot")
    metric = Perplexity()
    values = [metric(*batch(seed)) for seed in range(3)]
    metric.plot()
    _, axes = metric.plot([*values, torch.tensor(math.inf)])
    assert axes.get_ylabel() == "Perplexity"
    pyplot.close("all")


# ------------------------------------------------------------------- several processes


def _process(rank: int, folder: str) -> None:
    """One of two processes: ragged rows, shared documents, a metric without a batch."""
    torch.distributed.init_process_group("gloo", init_method=f"file://{folder}/meet", rank=rank, world_size=2)
    results = {}
    for case, rows in (("ragged", [[0, 1], [2]]), ("named", [[0, 1], [2]]), ("lonely", [[0, 1, 2], []])):
        metric = Perplexity(shift=True, ignore_index=-100, check="never")
        for row in rows[rank]:
            length = (9, 5, 7)[row]
            preds, target = batch(row, b=1, t=length)
            names = [f"text {row % 2}"] if case == "named" else None
            if row:
                metric.update(preds, target, doc_ids=names, n_bytes=[length])
            else:
                metric(preds, target, doc_ids=names, n_bytes=[length])
        if case == "lonely" and rank:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # that nothing was updated here
                value = metric.compute()
        else:
            value = metric.compute()
        own = metric.tally.scored
        results[case] = {"value": float(value), "figures": metric.report().to_dict(), "own": own}
    on_step = Perplexity(shift=True, check="never", dist_sync_on_step=True)
    results["on step"] = float(on_step(*batch(rank, b=1, t=4 + rank)))
    Path(folder, f"{rank}.json").write_text(json.dumps(results), encoding="utf-8")
    torch.distributed.destroy_process_group()


def _after_errors(rank: int, folder: str) -> None:
    """One of two processes: no token counts, or different ones; then both continue."""
    torch.distributed.init_process_group("gloo", init_method=f"file://{folder}/meet", rank=rank, world_size=2)
    warnings.simplefilter("ignore")
    preds, target = batch(rank, b=1, t=4)
    seen = []
    for ask in ("compute", "report"):
        for ignored, first in ((-100, torch.full_like(target, -100)), (rank, target)):
            metric = Perplexity(ignore_index=ignored, check="never")
            metric.update(preds, first)
            try:
                getattr(metric, ask)()
            except (BadInput, BadProtocol) as error:
                seen.append(type(error).__name__)
            metric.update(preds, target)
            seen.append(metric.tally.scored)
            if ignored == -100:
                seen.append(metric.report().tokens)
    Path(folder, f"{rank}.json").write_text(json.dumps(seen), encoding="utf-8")
    torch.distributed.destroy_process_group()


@pytest.mark.slow
def test_processes_continue_after_an_error(tmp_path: Path) -> None:
    torch.multiprocessing.spawn(_after_errors, args=(str(tmp_path),), nprocs=2)
    for rank in range(2):
        seen = json.loads((tmp_path / f"{rank}.json").read_text(encoding="utf-8"))
        own = 2 * int((batch(rank, b=1, t=4)[1] != rank).sum())
        assert seen == ["BadInput", 4, 8, "BadProtocol", own] * 2


@pytest.mark.slow
def test_two_processes_with_ragged_batches_give_the_pooled_truth(tmp_path: Path) -> None:
    torch.multiprocessing.spawn(_process, args=(str(tmp_path),), nprocs=2)
    both = [json.loads((tmp_path / f"{rank}.json").read_text(encoding="utf-8")) for rank in range(2)]
    for case, scored in (("ragged", (12, 6)), ("named", (12, 6)), ("lonely", (18, 0))):
        pooled = Perplexity(shift=True, ignore_index=-100, check="never")
        for row, length in enumerate((9, 5, 7)):
            names = [f"text {row % 2}"] if case == "named" else None
            pooled.update(*batch(row, b=1, t=length), doc_ids=names, n_bytes=[length])
        for rank, results in enumerate(both):
            assert results[case]["value"] == float(pooled.compute())
            assert results[case]["figures"] == json.loads(json.dumps(pooled.report().to_dict()))
            assert results[case]["own"] == scored[rank], "the sums of this process are kept"
        assert pooled.report().tally.documents == (2 if case == "named" else 3)
    pooled = Perplexity(shift=True, check="never")
    for rank in range(2):
        pooled.update(*batch(rank, b=1, t=4 + rank))
    assert [results["on step"] for results in both] == [float(pooled.compute())] * 2


# --------------------------------------------------------------------------- Lightning


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_lightning_in_bfloat16_logs_the_exact_figure() -> None:
    lightning = pytest.importorskip("lightning")

    class Module(lightning.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.head = torch.nn.Linear(4, 7)
            self.perplexity = Perplexity(check="never")
            self.seen = []

        def validation_step(self, batch: Any, index: int) -> None:
            logits = self.head(batch[0])
            self.seen.append((logits, batch[1]))
            self.perplexity(logits, batch[1])
            self.log("val_ppl", self.perplexity, on_epoch=True, on_step=False)

        def configure_optimizers(self) -> None:
            return None

    random = np.random.default_rng(0)
    features = torch.tensor(random.normal(size=(10, 5, 4)), dtype=torch.float32)
    targets = torch.tensor(random.integers(0, 7, (10, 5)))
    trainer = lightning.Trainer(
        accelerator="cpu",
        precision="bf16-true",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    module = Module()
    loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(features, targets), batch_size=3)
    (logged,) = trainer.validate(module, loader, verbose=False)
    logits, aims = (torch.cat(each) for each in zip(*module.seen, strict=True))
    assert logits.dtype == torch.bfloat16
    assert logged["val_ppl"] == pytest.approx(truth(logits, aims), rel=1e-6)

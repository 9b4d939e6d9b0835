"""What torchmetrics' own class tests ask of a metric, asked of ours beside its.

Of torchmetrics 1.9.0, tests/unittests/_helpers/testers.py: a class that passes there
can be scripted, cloned and pickled, agrees with cross entropy batch by batch, over all
batches and over two processes, and works in half and double precision.
"""

import copy
import pickle
from functools import partial
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")
torchmetrics = pytest.importorskip("torchmetrics")

from torchmetrics import wrappers  # noqa: E402
from torchmetrics.text import Perplexity as Peer  # noqa: E402

from nonplus.metrics.torchmetrics import Perplexity  # noqa: E402

B, T, V, IGNORED = 2, 8, 5, -100
CASES = [(dtype, ignored) for dtype in (torch.float32, torch.float64) for ignored in (None, IGNORED)]


def batches(dtype: Any = torch.float32, ignored: int | None = None, *, count: int = 4) -> list[tuple[Any, Any]]:
    random = torch.Generator().manual_seed(0)
    found = []
    for _ in range(count):
        preds, target = torch.randn(B, T, V, generator=random, dtype=dtype), torch.randint(V, (B, T), generator=random)
        if ignored is not None:
            target[0, 1:3], target[1, -2:] = ignored, ignored
        found.append((preds, target))
    return found


def reference(*found: tuple[Any, Any]) -> Any:
    preds, target = (torch.cat([each.flatten(0, 1) for each in column]) for column in zip(*found, strict=True))
    return torch.nn.functional.cross_entropy(preds.double(), target, ignore_index=IGNORED).exp()


close = partial(torch.testing.assert_close, rtol=1e-6, atol=1e-8, check_dtype=False)


@pytest.mark.filterwarnings("ignore:.torch.jit.script. is deprecated:DeprecationWarning")
@pytest.mark.filterwarnings("ignore:This property will be removed in 2:DeprecationWarning")  # read by the script
def test_it_can_be_scripted_before_and_after_a_batch() -> None:
    """It could not: all 8 failures among the 24 tests of torchmetrics."""
    metric = Perplexity()
    torch.jit.script(metric)
    metric.update(*batches()[0])
    torch.jit.script(metric)
    close(metric.compute(), reference(batches()[0]))


@pytest.mark.parametrize(("dtype", "ignored"), CASES)
def test_it_agrees_with_cross_entropy_in_each_batch_and_over_all(dtype: Any, ignored: int | None) -> None:
    metric: Any = pickle.loads(pickle.dumps(Perplexity(ignored)))
    twin = copy.deepcopy(metric)
    for found in batches(dtype, ignored):
        close(metric(*found), reference(found))
        twin.update(*found)
    close(metric.compute(), reference(*batches(dtype, ignored)))
    assert twin.compute() == metric.compute()
    assert metric.state_dict() == {}
    assert hash(metric)
    clone = metric.clone()
    assert (clone is metric, type(clone), clone.compute()) == (False, Perplexity, metric.compute())


@pytest.mark.parametrize("name", ["is_differentiable", "higher_is_better"])
def test_what_the_class_states_cannot_be_changed_in_a_metric(name: str) -> None:
    metric = Perplexity()
    with pytest.raises(RuntimeError):
        setattr(metric, name, True)


@pytest.mark.parametrize("dtype", [torch.half, torch.bfloat16, torch.double])
def test_a_batch_and_a_module_may_have_any_precision(dtype: Any) -> None:
    preds, target = batches()[0]
    metric = Perplexity().to(dtype)
    close(metric(preds.to(dtype), target), reference((preds.to(dtype), target)))


def test_its_value_has_no_gradient_as_it_states() -> None:
    preds, target = batches()[0]
    metric = Perplexity()
    assert metric(preds.requires_grad_(), target).requires_grad == metric.is_differentiable


def _wrapped(kind: Any, name: str) -> Any:
    metric = kind(IGNORED)
    return {
        "MetricCollection": lambda: torchmetrics.MetricCollection({"one": metric, "two": kind()}),
        "MinMaxMetric": lambda: wrappers.MinMaxMetric(metric),
        "Running": lambda: wrappers.Running(metric, window=2),
        "BootStrapper": lambda: wrappers.BootStrapper(
            metric, num_bootstraps=5, raw=True, sampling_strategy="multinomial"
        ),
        "LambdaInputTransformer": lambda: wrappers.LambdaInputTransformer(metric, transform_pred=lambda x: 2 * x),
        "MultitaskWrapper": lambda: wrappers.MultitaskWrapper({"a": metric, "b": kind()}),
        "MultioutputWrapper": lambda: wrappers.MultioutputWrapper(metric, num_outputs=2, remove_nans=False),
    }[name]()


def _asked(name: str, preds: Any, target: Any) -> tuple[Any, Any]:
    if name == "MultitaskWrapper":
        return {"a": preds, "b": preds}, {"a": target, "b": target}
    if name == "MultioutputWrapper":
        return torch.stack([preds, 3 * preds], dim=-1), torch.stack([target, target], dim=-1)
    return preds, target


@pytest.mark.parametrize(
    "name",
    [
        "MetricCollection",
        "MinMaxMetric",
        "Running",
        "BootStrapper",
        "LambdaInputTransformer",
        "MultitaskWrapper",
        "MultioutputWrapper",
    ],
)
@pytest.mark.parametrize("way", ["forward", "update"])
def test_in_each_wrapper_of_torchmetrics_it_gives_what_theirs_gives(name: str, way: str) -> None:
    ours, theirs = _wrapped(Perplexity, name), _wrapped(Peer, name)
    for _ in range(2):
        for found in batches():
            values = []
            for wrapper in (ours, theirs):
                torch.manual_seed(0)  # of the bootstrap
                values.append(getattr(wrapper, way)(*_asked(name, *found)))
            if way == "forward":
                close(*values, rtol=1e-5)
        close(copy.deepcopy(ours).compute(), theirs.compute(), rtol=1e-5)
        ours.reset()
        theirs.reset()


def test_a_tracker_holds_the_value_of_each_step() -> None:
    tracker = wrappers.MetricTracker(Perplexity(), maximize=False)
    for found in batches():
        tracker.increment()
        tracker.update(*found)
    close(tracker.compute_all(), torch.stack([reference(found) for found in batches()]))
    close(torch.tensor(tracker.best_metric()), min(reference(found) for found in batches()))


def _process(rank: int, folder: str) -> None:
    torch.distributed.init_process_group("gloo", init_method=f"file://{folder}/meet", rank=rank, world_size=2)
    for dtype, ignored in CASES:
        found = batches(dtype, ignored)
        for on_step in (False, True):
            metric = pickle.loads(pickle.dumps(Perplexity(ignored, dist_sync_on_step=on_step)))
            for i in (0, 2):
                value = metric(*found[i + rank])
                close(value, reference(*(found[i : i + 2] if on_step else [found[i + rank]])))
            close(metric.compute(), reference(*found))
    torch.distributed.destroy_process_group()


@pytest.mark.slow
def test_two_processes_agree_with_cross_entropy_over_the_batches_of_both(tmp_path: Path) -> None:
    torch.multiprocessing.spawn(_process, args=(str(tmp_path),), nprocs=2)

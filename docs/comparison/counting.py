"""Cases about what is kept between batches: counts, sums, states, weights, ids."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
from docs.comparison import oracle
from docs.comparison.peers import ask, shown
from docs.comparison.record import Cases, Line

COUNTING = Cases()


def _uniform(vocabulary: int, rows: int = 1, length: int = 4) -> tuple[np.ndarray, np.ndarray]:
    """A batch in which every token has probability 1 / vocabulary."""
    return np.zeros((rows, length, vocabulary), np.float32), np.zeros((rows, length), np.int64)


@COUNTING.add(
    "float32-counts",
    "Counts in float32",
    packages=("torchmetrics", "keras-hub", "google-metrax"),
    unit="tokens counted",
    threads=(
        "[torchmetrics #187](https://github.com/Lightning-AI/torchmetrics/issues/187), on float32 states in general",
        "[torcheval #123](https://github.com/meta-pytorch/torcheval/pull/123), which moved other sums of it to float64",
    ),
    backends=("jax", "torch"),
)
def float32_counts() -> Iterator[Line]:
    """Float32 counts exactly up to 2^24, about 16.8 million; beyond, adding 1 has no
    effect.

    Here 2^24 tokens are followed by 100 batches of one token. With larger batches, the
    part below the last bit of the count is lost; if their size is divisible by a high
    power of two, nothing is lost for a long time. The sum of surprisals loses its lower
    bits in the same way. In most evaluations the effect on the perplexity is small; it
    grows with the length of the run.
    """
    large, one = _uniform(2, 16, 1 << 16), _uniform(2, 1, 1)
    batches = [large] * 16 + [one] * 100
    yield Line("2^24 tokens, then 100 more", float((1 << 24) + 100), _counters(batches))


def _counters(batches: list[tuple[np.ndarray, np.ndarray]]) -> dict[str, Any]:
    def torchmetrics() -> float:
        import torch
        from torchmetrics.text import Perplexity

        metric = Perplexity()
        for logits, targets in batches:
            metric.update(torch.as_tensor(logits), torch.as_tensor(targets))
        return float(metric.count)

    def keras_hub() -> float:
        from keras_hub.metrics import Perplexity

        metric = Perplexity(from_logits=True)
        for logits, targets in batches:
            metric.update_state(targets, logits)
        return float(metric.variables[1])

    def nonplus() -> float:
        from nonplus.metrics import Perplexity

        metric = Perplexity()
        for logits, targets in batches:
            metric.update(logits, targets)
        return float(metric.compute().tokens)

    return {"torchmetrics": torchmetrics, shown("keras_hub"): keras_hub, "nonplus": nonplus}


def moved_to_bfloat16(metric: Any) -> float:
    """600 tokens of uniform logits with a vocabulary of 8, in 75 batches."""
    import torch

    metric = metric.to(torch.bfloat16)
    for _ in range(75):
        metric.update(torch.zeros(1, 8, 8), torch.zeros(1, 8, dtype=torch.int64))
    return float(metric.compute())


@COUNTING.add(
    "state-in-bfloat16",
    "A metric that is moved to bfloat16",
    shows=(moved_to_bfloat16,),
    packages=("torchmetrics", "torch"),
)
def state_in_bfloat16() -> Iterator[Line]:
    """For a metric inside a module, `module.to(torch.bfloat16)` converts its state.

    torchmetrics protects its states from `.half()` and `.bfloat16()`, also of the
    module around it. It does not protect them from `.to(dtype)`, which Lightning's
    `bf16-true` uses. bfloat16 holds whole numbers exactly up to 256. Ours stores bytes,
    which torch does not convert.
    """
    yield Line("600 tokens, each of probability 1/8", 8.0, _both_torchmetrics(moved_to_bfloat16))


def read_and_merged(first: Any, second: Any) -> float:
    """Compute the first metric, then merge the second into it."""
    import torch

    targets = torch.zeros(1, 4, dtype=torch.int64)
    first.update(torch.zeros(1, 4, 5), targets)
    second.update(torch.zeros(1, 4, 20), targets)
    first.compute()
    first.merge_state(second)
    return float(first.compute())


@COUNTING.add(
    "merge-after-compute",
    "Merging after compute",
    shows=(read_and_merged,),
    packages=("torchmetrics",),
)
def merge_after_compute() -> Iterator[Line]:
    """`compute()` caches its result until the next update.

    `merge_state()` does not clear the cache. The merged sums are right, but the cached
    result is returned. To avoid this, merge before the first `compute()`.
    """
    yield Line("perplexity 5, read, then 20 merged into it", 10.0, _both_torchmetrics(read_and_merged, pair=True))


def in_one_collection(logits: np.ndarray, targets: np.ndarray, perplexity: Any, **options: Any) -> dict[str, Any]:
    """Two metrics over all rows, with one row per batch."""
    import torch
    from torchmetrics import MetricCollection

    metrics = MetricCollection({"all tokens": perplexity(), "all but 0": perplexity(ignore_index=0)}, **options)
    for row in range(len(targets)):
        metrics.update(torch.as_tensor(logits[row : row + 1]), torch.as_tensor(targets[row : row + 1]))
    return metrics.compute()


@COUNTING.add(
    "one-collection",
    "Metrics in one collection",
    shows=(in_one_collection,),
    packages=("torchmetrics",),
    threads=(
        "[torchmetrics #2596](https://github.com/Lightning-AI/torchmetrics/issues/2596)",
        "[torchmetrics #2916](https://github.com/Lightning-AI/torchmetrics/issues/2916)",
    ),
)
def one_collection() -> Iterator[Line]:
    """A `MetricCollection` lets metrics share one state if their states are close after
    the first `update`.

    This saves work, and is right for metrics that count the same. Two metrics that
    ignore different ids have equal states if the first batch has none of these ids.
    From then on, both count as one of them does. The documentation names the remedy,
    `compute_groups=False`. A collection that is called as a function forms no groups.
    """
    rng = np.random.default_rng(0)
    logits = rng.standard_normal((2, 4, 8), np.float32) * 2
    targets = np.array([[1, 2, 3, 4], [5, 6, 0, 0]])
    truths = oracle.perplexity(logits, targets), oracle.perplexity(logits, targets, keep=targets != 0)
    for name, truth in zip(("all tokens", "all but 0"), truths, strict=True):
        yield Line(name, truth, _of_collection(logits, targets, name))


def _of_collection(logits: np.ndarray, targets: np.ndarray, name: str) -> dict[str, Any]:
    def theirs(**options: Any) -> float:
        from torchmetrics.text import Perplexity

        return float(in_one_collection(logits, targets, Perplexity, **options)[name])

    def ours() -> float:
        from nonplus.metrics.torchmetrics import Perplexity

        return float(in_one_collection(logits, targets, Perplexity)[name])

    return {
        "torchmetrics": theirs,
        "torchmetrics, compute_groups=False": partial(theirs, compute_groups=False),
        "nonplus.torchmetrics": ours,
    }


def _both_torchmetrics(use: Any, *, pair: bool = False) -> dict[str, Any]:
    def theirs() -> float:
        from torchmetrics.text import Perplexity

        return float(use(Perplexity(), Perplexity()) if pair else use(Perplexity()))

    def ours() -> float:
        from nonplus.metrics.torchmetrics import Perplexity

        return float(use(Perplexity(), Perplexity()) if pair else use(Perplexity()))

    return {"torchmetrics": theirs, "nonplus.torchmetrics": ours}


@COUNTING.add(
    "ids-in-bfloat16",
    "Token ids in the metric's dtype",
    packages=("keras-hub",),
    backends=("jax", "torch"),
)
def ids_in_bfloat16() -> Iterator[Line]:
    """keras_hub converts targets to the `dtype` of the metric; bfloat16 rounds ids
    above 256.

    A rounded id is another token, and it may also become equal to the masked id. The
    default, float32, holds every id below 2^24 exactly.
    """
    logits = np.zeros((1, 4, 1024), np.float32)
    targets = np.array([[257, 259, 261, 263]])
    logits[0, range(4), targets[0]] = 10
    names = ("keras_hub", "nonplus.keras")
    truth = oracle.perplexity(logits, targets)
    yield Line('"float32"', truth, ask([(logits, targets)], *names))
    yield Line('"bfloat16"', truth, ask([(logits, targets)], *names, dtype="bfloat16"))
    near = np.array([[5, 7, 1001, 1002]])
    logits[0, range(4), near[0]] = 10, 10, 0, 0
    truth = oracle.perplexity(logits, near)
    asked = ask([(logits, near)], *names, dtype="bfloat16", ignore_index=1000)
    yield Line('"bfloat16", where 1000 is masked and 1001 and 1002 are not', truth, asked)


def masking_model(tokens: np.ndarray, words: np.ndarray) -> Any:
    """A bigram model with fixed weights; inputs of 0 are padding."""
    import keras

    embedding = keras.layers.Embedding(*tokens.shape, mask_zero=True)
    head = keras.layers.Dense(words.shape[1], use_bias=False)
    model = keras.Sequential([keras.Input((None,), dtype="int32"), embedding, head])
    model.set_weights([tokens, words])
    return model


@COUNTING.add(
    "mask-of-the-model",
    "A mask from the model",
    shows=(masking_model,),
    packages=("keras-hub", "keras"),
    backends=("jax", "torch"),
)
def mask_of_the_model() -> Iterator[Line]:
    """A Keras layer such as `Embedding(mask_zero=True)` marks padding on the model's
    output.

    Losses of Keras skip the marked positions. keras_hub sums with such a loss but
    counts all positions, so its mean is too low. `mask_token_id` or `sample_weight`
    lowers the count too. No model that comes with keras_hub uses this mask (by
    reading); models built from Keras layers may.
    """
    rng = np.random.default_rng(3)
    tokens, words = rng.standard_normal((12, 8), np.float32), rng.standard_normal((8, 12), np.float32)
    inputs, targets = np.array([[5, 9, 3, 0]]), np.array([[9, 3, 1, 0]])
    truth = oracle.perplexity(tokens[inputs] @ words, targets, keep=inputs != 0)
    yield Line("3 tokens of 4", truth, _of_model(tokens, words, inputs, targets))


def _of_model(tokens: np.ndarray, words: np.ndarray, inputs: np.ndarray, targets: np.ndarray) -> dict[str, Any]:
    def asked(metric: Any) -> float:
        metric.update_state(targets, masking_model(tokens, words)(inputs))
        return float(metric.result())

    def theirs(**options: Any) -> float:
        from keras_hub.metrics import Perplexity

        return asked(Perplexity(from_logits=True, **options))

    def ours() -> float:
        from nonplus.metrics.keras import Perplexity

        return asked(Perplexity(from_logits=True))

    return {
        shown("keras_hub"): theirs,
        f"{shown('keras_hub')}, mask_token_id=0": partial(theirs, mask_token_id=0),
        shown("nonplus.keras"): ours,
    }


@COUNTING.add(
    "rows-as-weights",
    "Batches weighted by their rows",
    packages=("google-metrax", "keras-hub"),
    fixed="keras_hub had the same formula, and has counted tokens since "
    "[#2958](https://github.com/keras-team/keras-hub/pull/2958), which is in 0.32.0.",
    backends=("jax", "torch"),
)
def rows_as_weights() -> Iterator[Line]:
    """metrax weights the mean surprisal of a batch by its sequences, not by its tokens.

    The average is right if all batches have the same number of real tokens. If padding
    leaves some batches with fewer, their tokens weigh more.
    """
    logits = np.zeros((1, 4, 16), np.float32)
    logits[..., 0] = 3
    full, short = np.zeros((1, 4), np.int64), np.full((1, 4), 15)
    short[0, 0] = 1
    batches = [(logits, full), (logits, short)]
    keep = np.concatenate([full, short], axis=1) != 15
    truth = oracle.perplexity(np.concatenate([logits] * 2, axis=1), np.concatenate([full, short], axis=1), keep=keep)
    names = ("metrax", "keras_hub", "nonplus", "nonplus.keras")
    yield Line("4 tokens in one batch, 1 in the next", truth, ask(batches, *names, ignore_index=15))


@COUNTING.add(
    "memory-for-choosing",
    "Memory for selecting the targets' probabilities",
    packages=("torcheval", "torchmetrics", "torch"),
    unit="largest tensor, in megabytes",
    threads=(
        "[torchmetrics #2337](https://github.com/Lightning-AI/torchmetrics/issues/2337)",
        "[torcheval #206](https://github.com/meta-pytorch/torcheval/pull/206), on float64 and MPS",
    ),
    fixed="torchmetrics had the same line until [#2346](https://github.com/Lightning-AI/torchmetrics/pull/2346).",
)
def memory_for_choosing() -> Iterator[Line]:
    """torcheval makes N × N numbers for N tokens and keeps only the diagonal.

    It selects every target's column for every token. The figure is right, but the
    memory limits the size of a batch. `compute()` ends with a conversion to float64,
    which Apple's MPS does not have, so it fails there (according to its issue; we had
    no such device).
    """
    batch = np.zeros((4, 1024, 16), np.float32), np.zeros((4, 1024), np.int64)
    asked = ask([batch], "torchmetrics", "torcheval", "nonplus.torchmetrics")
    largest = {who: lambda get=get: _largest_tensor(get) for who, get in asked.items()}
    yield Line("4,096 tokens, vocabulary 16 (the logits: 0.26 MB)", None, largest)


def _largest_tensor(run: Any) -> float:
    """The size in megabytes of the largest tensor that ``run`` creates."""
    import torch
    from torch.utils._python_dispatch import TorchDispatchMode

    class Watch(TorchDispatchMode):
        largest = 0

        def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            made = function(*args, **(kwargs or {}))
            for each in made if isinstance(made, tuple | list) else (made,):
                if isinstance(each, torch.Tensor):
                    self.largest = max(self.largest, each.untyped_storage().nbytes())
            return made

    with Watch() as watch:
        run()
    return watch.largest / 1e6

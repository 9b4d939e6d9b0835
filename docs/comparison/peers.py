"""How each metric is called: batches of NumPy arrays in, the figure a user reads out.

A batch is logits (or probabilities) of shape (B, T, V) with targets (B, T); B batch, T
time, V vocabulary. Every peer is called as its documentation says. Packages are
imported where they are used, so that without one of them only its own figures are
missing.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from docs.comparison.record import Figure

Array = np.ndarray[Any, Any]
Batches = list[tuple[Array, Array]]


def by_torchmetrics(batches: Batches, *, dtype: str = "float32", ignore_index: int | None = None) -> Figure:
    """``torchmetrics.text.Perplexity``."""
    from torchmetrics.text import Perplexity

    return _updated(Perplexity(ignore_index=ignore_index), batches, dtype)


def by_nonplus_torchmetrics(batches: Batches, *, dtype: str = "float32", ignore_index: int | None = None) -> Figure:
    """Ours with the interface of torchmetrics."""
    from nonplus.metrics.torchmetrics import Perplexity

    return _updated(Perplexity(ignore_index=ignore_index), batches, dtype)


def by_torcheval(batches: Batches, *, dtype: str = "float32", ignore_index: int | None = None) -> Figure:
    """``torcheval.metrics.Perplexity``."""
    from torcheval.metrics import Perplexity

    return _updated(Perplexity(ignore_index=ignore_index), batches, dtype)


def by_ignite(batches: Batches, *, dtype: str = "float32", ignore_index: int | None = None) -> float:
    """``ignite.metrics.Perplexity``, whose vocabulary is axis 1."""
    from ignite.metrics.nlp import Perplexity

    metric = Perplexity() if ignore_index is None else Perplexity(ignore_index=ignore_index)
    for scores, targets in batches:
        metric.update((_torch(scores, dtype).transpose(1, 2), _torch(targets)))
    return float(metric.compute())


def by_cross_entropy(batches: Batches, *, dtype: str = "float32", ignore_index: int | None = None) -> float:
    """``F.cross_entropy(...).mean().exp()`` over all tokens, as in many loops."""
    from torch.nn import functional

    scores, targets = (np.concatenate([batch[i] for batch in batches]) for i in (0, 1))
    ignored = -100 if ignore_index is None else ignore_index
    loss = functional.cross_entropy(
        _torch(scores, dtype).flatten(0, -2), _torch(targets).flatten(), ignore_index=ignored
    )
    return float(loss.exp())


def by_keras_hub(
    batches: Batches, *, dtype: str = "float32", ignore_index: int | None = None, from_logits: bool = True
) -> float:
    """``keras_hub.metrics.Perplexity``; ``dtype`` is the metric's, as in Keras."""
    from keras_hub.metrics import Perplexity

    metric = Perplexity(from_logits=from_logits, mask_token_id=ignore_index, dtype=dtype)
    return _keras_updated(metric, batches)


def by_nonplus_keras(
    batches: Batches, *, dtype: str = "float32", ignore_index: int | None = None, from_logits: bool = True
) -> float:
    """Ours with the interface of keras_hub."""
    from nonplus.metrics.keras import Perplexity

    metric = Perplexity(from_logits=from_logits, mask_token_id=ignore_index, dtype=dtype)
    return _keras_updated(metric, batches)


def by_metrax(
    batches: Batches, *, dtype: str = "float32", ignore_index: int | None = None, from_logits: bool = True
) -> float:
    """``metrax.Perplexity``; weights of zero exclude tokens."""
    import jax.numpy as jnp
    from metrax import Perplexity

    metric = Perplexity.empty()
    for scores, targets in batches:
        weights = None if ignore_index is None else jnp.asarray(targets != ignore_index, jnp.float32)
        seen = Perplexity.from_model_output(
            jnp.asarray(scores, dtype), jnp.asarray(targets), weights, from_logits=from_logits
        )
        metric = metric.merge(seen)
    return float(metric.compute())


def by_nonplus(
    batches: Batches, *, dtype: str = "float32", ignore_index: int | None = None, from_logits: bool = True
) -> float:
    """Ours for any loop, with NumPy arrays for float32, else torch tensors."""
    from nonplus.metrics import Perplexity

    metric = Perplexity(ignore_index=ignore_index, kind="logits" if from_logits else "probs")
    for scores, targets in batches:
        metric.update(scores if dtype == "float32" else _torch(scores, dtype), targets)
    return float(metric.compute())


PEERS: dict[str, Callable[..., Figure]] = {
    "torchmetrics": by_torchmetrics,
    "torcheval": by_torcheval,
    "ignite": by_ignite,
    "F.cross_entropy": by_cross_entropy,
    "metrax": by_metrax,
    "keras_hub": by_keras_hub,
    "nonplus": by_nonplus,
    "nonplus.torchmetrics": by_nonplus_torchmetrics,
    "nonplus.keras": by_nonplus_keras,
}
OURS = ("nonplus", "nonplus.torchmetrics", "nonplus.keras")
OF_TORCH = ("torchmetrics", "torcheval", "ignite", "F.cross_entropy")
_HAVE_BACKENDS = ("keras_hub", "nonplus.keras")


def ask(batches: Batches, *names: str, **options: Any) -> dict[str, Callable[[], Figure]]:
    """How to get the figure of each of ``names``, by its name on the page."""
    return {shown(name): partial(PEERS[name], batches, **options) for name in names}


def ask_logarithm(batches: Batches) -> dict[str, Callable[[], Figure]]:
    """How to get the logarithm of the perplexity, from the classes that give it."""

    def plain() -> float:
        from nonplus.metrics import Perplexity

        metric = Perplexity()
        for scores, targets in batches:
            metric.update(scores, targets)
        return float(metric.compute().log_perplexity)

    def torchmetrics() -> float:
        from nonplus.metrics.torchmetrics import Perplexity

        metric = Perplexity()
        _updated(metric, batches, "float32")
        return float(metric.report().log_perplexity)

    def keras() -> float:
        from nonplus.metrics.keras import Perplexity

        metric = Perplexity(from_logits=True)
        _keras_updated(metric, batches)
        return float(metric.report().log_perplexity)

    return {"nonplus": plain, "nonplus.torchmetrics": torchmetrics, shown("nonplus.keras"): keras}


def shown(name: str) -> str:
    """The name on the page, with the backend if the class has several."""
    if name not in _HAVE_BACKENDS:
        return name
    import keras

    return f"{name} ({keras.backend.backend()})"


def _updated(metric: Any, batches: Batches, dtype: str) -> Figure:
    for scores, targets in batches:
        metric.update(_torch(scores, dtype), _torch(targets))
    found = metric.compute()
    return "an empty tensor" if found.shape == (0,) else float(found)


def _keras_updated(metric: Any, batches: Batches) -> float:
    for scores, targets in batches:
        metric.update_state(targets, scores)
    return float(metric.result())


def _torch(values: Array, dtype: str | None = None) -> Any:
    import torch

    tensor = torch.as_tensor(values)
    return tensor if dtype is None else tensor.to(getattr(torch, dtype))

"""Ordinary input, on which all agree with the truth, and invalid input."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
from docs.comparison import oracle
from docs.comparison.peers import OF_TORCH, OURS, ask
from docs.comparison.record import Cases, Figure, Line

AGREEMENT = Cases()
ANSWERS = Cases()
_ALL = (*OF_TORCH, "metrax", "keras_hub", *OURS)
_PACKAGES = ("torchmetrics", "torcheval", "pytorch-ignite", "torch", "google-metrax", "keras-hub", "keras", "jax")


def _usual(seed: int, vocabulary: int = 1_000) -> tuple[np.ndarray, np.ndarray]:
    """Logits like those of a trained model, and their targets."""
    rng = np.random.default_rng(seed)
    logits = rng.standard_normal((4, 32, vocabulary), np.float32) * 2
    targets = rng.integers(1, vocabulary, (4, 32))
    np.put_along_axis(logits, targets[..., None], rng.normal(6, 2, (4, 32, 1)).astype(np.float32), axis=-1)
    return logits, targets


@AGREEMENT.add("agreement", "Ordinary input", packages=_PACKAGES, unit="deviation", backends=("jax", "torch"))
def agreement() -> Iterator[Line]:
    """float32 logits like a trained model's: 128 tokens, vocabulary of 1,000."""
    logits, targets = _usual(0)
    yield Line("one batch", oracle.perplexity(logits, targets), ask([(logits, targets)], *_ALL))
    four = [_usual(seed) for seed in range(4)]
    joined = tuple(np.concatenate([batch[i] for batch in four]) for i in (0, 1))
    yield Line("four batches", oracle.perplexity(*joined), ask(four, *_ALL))
    padded = targets.copy()
    padded[:, 20:] = 0
    truth = oracle.perplexity(logits, padded, keep=padded != 0)
    yield Line("an id ignored", truth, ask([(logits, padded)], *_ALL, ignore_index=0))
    probabilities = np.exp(logits.astype(np.float64))
    probabilities = (probabilities / probabilities.sum(-1, keepdims=True)).astype(np.float32)
    names = ("metrax", "keras_hub", "nonplus", "nonplus.keras")
    truth = oracle.of_probabilities(probabilities.astype(np.float64), targets)
    yield Line("probabilities", truth, ask([(probabilities, targets)], *names, from_logits=False))


@ANSWERS.add("answers", "Invalid input", packages=_PACKAGES, unit="answer", backends=("jax", "torch"))
def answers() -> Iterator[Line]:
    """Four tokens, each with ten equally likely vocabulary entries: a perplexity of 10.

    Each line changes the input in one way. A name in code font is the error that was
    raised; a dash means that the class does not take such input. ignite and
    F.cross_entropy ignore -100 by default.
    """
    logits, targets = np.zeros((1, 4, 10), np.float32), np.array([[1, 2, 3, 4]])
    wrong: dict[str, tuple[Any, Any, dict[str, Any]]] = {
        "a target of 10": (logits, np.array([[1, 2, 3, 10]]), {}),
        "a target of -1": (logits, np.array([[1, 2, 3, -1]]), {}),
        "a target of -100": (logits, np.array([[1, 2, 3, -100]]), {}),
        "every token ignored": (logits, np.ones((1, 4), np.int64), {"ignore_index": 1}),
        "one logit NaN": (np.where(np.arange(10) == 3, np.nan, logits).astype(np.float32), targets, {}),
    }
    for label, (scores, ids, options) in wrong.items():
        yield Line(label, None, _in_words(ask([(scores, ids)], *_ALL, **options)))
    yield Line("no batch at all", None, _in_words(ask([], *(name for name in _ALL if name != "F.cross_entropy"))))
    half = np.full((1, 4, 10), 0.1, np.float32)
    half[..., 1:5] = 0.15
    half[..., 5:] = 0.06
    yield Line("probabilities passed as logits (right: 6.67)", None, _in_words(ask([(half, targets)], *_ALL)))
    takers = ("metrax", "keras_hub", "nonplus", "nonplus.keras")
    doubled = np.full((1, 4, 10), 0.2, np.float32)
    asked = ask([(doubled, targets)], *takers, from_logits=False)
    yield Line("probabilities that sum to 2", None, _in_words(asked))
    rising = np.arange(40, dtype=np.float32).reshape(1, 4, 10) - 5
    asked = ask([(rising, targets)], *takers, from_logits=False)
    yield Line("logits passed as probabilities", None, _in_words(asked))


def _in_words(asked: dict[str, Callable[[], Figure]]) -> dict[str, Callable[[], Figure]]:
    return {who: partial(_answer, get) for who, get in asked.items()}


def _answer(get: Callable[[], Figure]) -> Figure:
    """The figure, and whether there was a warning; or the name of the error."""
    import warnings

    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        try:
            found = get()
        except ImportError:
            raise
        except Exception as error:  # noqa: BLE001  whatever a user would see
            return type(error).__name__
    told = [each for each in said if not issubclass(each.category, DeprecationWarning | FutureWarning)]
    shown = found if isinstance(found, str) else f"{found:.6g}"
    return f"{shown} and a warning" if told else shown

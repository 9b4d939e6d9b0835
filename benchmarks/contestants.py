"""The contestants: each takes texts and returns their nats, tokenising included."""

import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from types import SimpleNamespace
from typing import Any

import torch
from lm_eval.models import huggingface
from minicons.scorer import IncrementalLMScorer

import nonplus
from nonplus.measure.interfaces import WindowModel

Scorer = Callable[[Sequence[str]], list[float]]

BATCH_SIZES = (1, 4, 16, 64)  # of lm-eval


def scored(model: WindowModel) -> Scorer:
    """Through nonplus's public function, under lm-eval's protocol."""
    return lambda texts: [float(s.nats.sum()) for s in nonplus.score(texts, model=model, protocol="lm-eval")]


def reported(model: WindowModel) -> Scorer:
    """The whole measurement of nonplus, with sums and intervals; returns its total."""
    return lambda texts: [nonplus.evaluate(texts, model=model, protocol="lm-eval").nats]


def lm_eval(model: Any, tokenizer: Any, *, batch: int, context: int) -> Scorer:
    """Its rolling log-likelihood, with the optional float32 softmax."""
    device = str(model.device)
    huggingface.tqdm = _NoBar  # it draws one for every batch, which costs time
    harness = huggingface.HFLM(
        pretrained=model,
        tokenizer=tokenizer,
        batch_size=batch,
        device=device,
        max_length=context,
        softmax_dtype="float32",
    )

    def score(texts: Sequence[str]) -> list[float]:
        requests: Any = [SimpleNamespace(args=(text,)) for text in texts]
        return [-float(found) for found in harness.loglikelihood_rolling(requests, disable_tqdm=True)]

    return score


class _NoBar:
    """A progress bar that draws nothing."""

    def __init__(self, every: Iterable[Any] = (), **_: Any) -> None:
        self._every = every

    def __iter__(self) -> Iterator[Any]:
        return iter(self._every)

    def update(self, _: int) -> None:
        """Draw nothing."""

    def close(self) -> None:
        """Do nothing."""


def minicons(model: Any, tokenizer: Any, *, batch: int) -> Scorer:
    """Batches as in its README; it has no windows, so only for short texts."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        scorer = IncrementalLMScorer(model, str(model.device), tokenizer=tokenizer)

    def score(texts: Sequence[str]) -> list[float]:
        batches = [list(texts[start : start + batch]) for start in range(0, len(texts), batch)]
        found = [scorer.sequence_score(b, reduction=lambda x: -x.sum(0).item(), bos_token=True) for b in batches]
        return [nats for part in found for nats in part]

    return score


def naive(model: Any, tokenizer: Any, *, context: int) -> Scorer:
    """The obvious first version: one window at a time, a log-softmax of all logits."""

    def score(texts: Sequence[str]) -> list[float]:
        return [_text_nats(model, [tokenizer.bos_token_id, *tokenizer(text).input_ids], context) for text in texts]

    return score


@torch.inference_mode()
def _text_nats(model: Any, fed: list[int], context: int) -> float:
    """Windows as in lm-eval: disjoint, but the last one reaches back to be full."""
    total, done = 0.0, 1
    while done < len(fed):
        stop = min(len(fed), done + context)
        ids = torch.tensor([fed[max(0, stop - 1 - context) : stop]], device=model.device)
        logprobs = torch.log_softmax(model(ids[:, :-1]).logits, dim=-1, dtype=torch.float32)
        total -= float(logprobs.gather(2, ids[:, 1:, None])[0, done - stop :].sum())
        done = stop
    return total

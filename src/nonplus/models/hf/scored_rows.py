"""Scores of rows that a text scorer of ``transformers`` makes of its texts: computed in
batches, given in the order of the rows.

Letters in shapes: D documents, R rows, N targets, V vocabulary.
"""

from collections.abc import Callable, Iterable, Iterator

import numpy as np
import torch
from torch import Tensor, nn

from nonplus.kernels.torch_head import distributions, logprobs
from nonplus.measure.readings import readings
from nonplus.measure.records import Ints, TokenizedTexts
from nonplus.measure.runs import ranges
from nonplus.measure.scores import Scores, joined_scores
from nonplus.models.hf.evaluating import evaluating, within_memory
from nonplus.models.hf.inner import device_of, inner_model
from nonplus.models.hf.nan_logits import nan_logits

BATCHES = 32  # of one size, that are sorted together


def parts_of(texts: TokenizedTexts, fed_D: Ints, *, least: int) -> Iterator[TokenizedTexts]:
    """The texts in parts, each ended by the one with which ``least`` tokens are fed."""
    before_D = np.concatenate([[0], np.cumsum(fed_D)])
    begin = 0
    while begin < len(texts):
        end = min(len(texts), int(np.searchsorted(before_D, before_D[begin] + least)))
        yield texts.part(begin, max(end, begin + 1))
        begin = max(end, begin + 1)


def in_order(batches: Iterable[tuple[Ints, Scores]], count_R: Ints) -> Scores:
    """The scores of all rows end to end; ``count_R`` says how many each has."""
    if not len(count_R):
        return Scores(np.empty(0))
    rows, scores = zip(*batches, strict=True)
    order_R = np.concatenate(rows)
    begin_R = np.cumsum(count_R) - count_R
    return joined_scores(scores).at(np.argsort(ranges(begin_R[order_R], count_R[order_R])))


def read(
    model: nn.Module, logits: Callable[[], Iterator[Tensor]], target_N: Ints, *, alternatives: int, name: str
) -> Scores:
    """Surprisals of targets, and with ``alternatives`` their readings.

    Raises:
        BadModel: a logit is NaN.
        MemoryError: the batch does not fit; a smaller one may.
    """
    with evaluating(model):
        scores = within_memory(lambda: _scores(model, logits(), target_N, alternatives))
    if np.isnan(scores.nats).any():
        raise nan_logits(model, name)
    return scores


def _scores(model: nn.Module, logits: Iterator[Tensor], target_N: Ints, alternatives: int) -> Scores:
    if alternatives:
        found = readings(distributions(logits), target_N, top=alternatives)
        return Scores(found.nats, found)
    return Scores(0.0 - logprobs(logits, tensor(model, target_N)))


def tensor(model: nn.Module, ids: Ints) -> Tensor:
    """Ids on the device of a model."""
    return torch.tensor(ids, device=device_of(inner_model(model)))

"""The logits of masked tokens by two paths, of which the faster one is checked when a
model is opened.

Letters in shapes: B rows, T tokens, N positions asked for, M positions of a chunk,
V vocabulary.
"""

from collections.abc import Iterator
from typing import Any, final

import torch
from torch import Tensor, nn

from nonplus.errors import BadModel
from nonplus.models.hf.bitsandbytes_layers import mixes_tokens, unmixed
from nonplus.models.hf.inner import inner_model
from nonplus.models.hf.logits import LogitsPath, OwnHead, TensorBatch, run
from nonplus.models.hf.nan_logits import nan_logits
from nonplus.models.hf.self_check import MIXED, bodies, fault_of, notice, probe_ids, relative_distance, rounding_of

_LENGTHS = (8, 5)


@final
class RowByRow:
    """The whole model, one row at a time without padding: slow, and always right."""

    def __init__(self, model: nn.Module) -> None:
        self._model = model

    def logits(self, batch: TensorBatch) -> Iterator[Tensor]:
        """A chunk for each row."""
        lengths = [batch.input_BT.shape[1]] * len(batch.input_BT)
        if batch.mask_BT is not None:
            lengths = batch.mask_BT.sum(1).tolist()
        row_N, column_N = batch.at_N // batch.input_BT.shape[1], batch.at_N % batch.input_BT.shape[1]
        for row, length in enumerate(lengths):
            output = run(self._model, batch.input_BT[row, None, :length], None)
            if getattr(output, "logits", None) is None:
                raise BadModel(
                    f"{type(self._model).__name__} gives no logits, as the body of a model without its head does; open "
                    "it as a masked model, with AutoModelForMaskedLM"
                )
            logits_TV = output.logits[0]
            yield logits_TV[column_N[row_N == row].to(logits_TV.device)]


def logits_width(model: nn.Module, *, name: str) -> int:
    """The number of ids that have a logit.

    Raises:
        BadModel: no token sees the ones after it, or a logit is NaN.
    """
    ids_T = probe_ids(model, max(_LENGTHS))
    with unmixed(model):
        before_TV = _alone(model, ids_T)
        after_TV = _alone(model, torch.cat([ids_T[:-1], ids_T[:1]]))
    if before_TV.isnan().any():
        raise nan_logits(model, name)
    if relative_distance(before_TV[:-1], after_TV[:-1]) <= rounding_of(model):
        raise BadModel(
            f"{type(inner_model(model)).__name__} is causal: no token sees the ones after it, and mlm: opens masked "
            "models, which see both sides; open it with hf:"
        )
    return before_TV.shape[1]


def fastest_path(model: nn.Module, *, vocabulary: int, name: str) -> LogitsPath:
    """All rows at once and the head at the masked tokens only, if that gives the logits
    of the whole model; else the whole model, row by row.

    Warns with FallbackNotice of the latter.
    """
    inner: Any = inner_model(model)
    if mixes_tokens(model):
        notice(name, MIXED, "it is run one row at a time, which takes several times as long")
        return RowByRow(model)
    fault = "its body cannot be separated from its head"
    for body in bodies(inner):
        own = OwnHead(inner, body, vocabulary)
        fault = _fault(model, own)
        if not fault:
            return own
    notice(name, fault, "the whole model is run one row at a time, which takes several times as long")
    return RowByRow(model)


def _fault(model: nn.Module, own: OwnHead) -> str:
    """What is wrong if body and head run apart, on two rows of which one is padded."""
    long_T, short_T = (probe_ids(model, length) for length in _LENGTHS)
    padding = len(long_T) - len(short_T)
    rows_BT = torch.stack([long_T, nn.functional.pad(short_T, (0, padding))])
    mask_BT = torch.stack([torch.ones_like(long_T), nn.functional.pad(torch.ones_like(short_T), (0, padding))])
    at_N = torch.arange(sum(_LENGTHS), device=rows_BT.device)
    batch = TensorBatch(rows_BT, None, at_N, mask_BT)
    expected_NV = torch.cat([_alone(model, long_T), _alone(model, short_T)])
    return fault_of(lambda: own.logits(batch), expected_NV, rounding_of(model))


def _alone(model: nn.Module, ids_T: Tensor) -> Tensor:
    """The whole model's logits for one row, in float64, shape (T, V)."""
    (logits_TV,) = RowByRow(model).logits(TensorBatch(ids_T[None], None, torch.arange(len(ids_T))))
    return logits_TV.double()

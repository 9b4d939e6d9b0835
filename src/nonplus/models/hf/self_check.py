"""The fastest path that gives a model's own logits, found when the model is opened.

Letters in shapes: B rows, T tokens, N positions asked for, M positions of a chunk,
V vocabulary.
"""

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from nonplus.cautions import warn
from nonplus.errors import BadModel, FallbackNotice
from nonplus.models.hf.bitsandbytes_layers import mixes_tokens, unmixed
from nonplus.models.hf.inner import device_of, inner_model, is_quantized, n_embedded
from nonplus.models.hf.logits import HeadProduct, LogitsPath, OwnHead, TensorBatch, WholeModel
from nonplus.models.hf.nan_logits import nan_logits

# How far logits may lie apart through rounding alone, as a root mean square relative to
# their spread.
_ROUNDING = {torch.float64: 1e-6, torch.float32: 1e-4}
_ROUNDING_OF_HALF = 0.05  # also of quantised weights
_LOUD = 200.0  # logits at which every soft cap in use, 15 to 50, shows
_LENGTHS = (8, 5)

# What configurations call the steps between a head's product and the logits: only
# quoted in messages.
_STEPS = ("logits_scaling", "logit_scale", "final_logit_softcapping")

# Why layers of 8 bits take a row at a time.
MIXED = "its layers of 8 bits (llm_int8_threshold) let all tokens of a pass change each other, later ones too"

# What a model may raise when its body and head are run apart.
FAULTS = (AttributeError, IndexError, KeyError, RuntimeError, TypeError, ValueError)


def logits_width(model: nn.Module, *, name: str) -> int:
    """The number of ids that have a logit.

    Raises:
        BadModel: a token sees those after it, or a logit is NaN.
    """
    ids_T = probe_ids(model, max(_LENGTHS))
    with unmixed(model):
        before_TV = _whole(model, ids_T)
        after_TV = _whole(model, torch.cat([ids_T[:-1], ids_T[:1]]))
    if before_TV.isnan().any():
        raise nan_logits(model, name)
    if relative_distance(before_TV[:-1], after_TV[:-1]) > rounding_of(model):
        raise BadModel(
            f"{type(inner_model(model)).__name__} is not causal: a token sees the ones after it, so its output is not "
            "the probability of a continuation; open it with mlm: if it was trained on masked text, else open a "
            "causal model, or one with is_decoder=True in its config"
        )
    return before_TV.shape[1]


def fastest_path(model: nn.Module, *, vocabulary: int, name: str) -> LogitsPath:
    """The fastest of the three paths that gives the logits of the whole model.

    Warns with FallbackNotice if it is not the first.
    """
    inner: Any = inner_model(model)
    if mixes_tokens(model):
        notice(name, MIXED, "it is run one row at a time, which takes longer for short texts")
        return WholeModel(model)
    fault = "its body cannot be separated from its head"
    for body in bodies(inner):
        own = OwnHead(inner, body, vocabulary)
        fault = _fault_of_parts(model, own)
        if not fault:
            break
    if fault:
        notice(name, fault, "the whole model is run one row at a time, which takes several times as long")
        return WholeModel(model)
    head = inner.get_output_embeddings()
    if fault := _fault_of_product(model, own, head):
        notice(name, fault, "its own head is used, which takes a little more time and memory")
        return own
    return HeadProduct(own, head)


def packs(model: nn.Module, path: LogitsPath) -> bool:
    """Whether texts that share a row have the same logits as each alone.

    The positions of each begin at 0.
    """
    long_T, short_T = (probe_ids(model, length) for length in _LENGTHS)
    rows_BT = torch.stack([torch.cat([long_T, short_T]), torch.cat([short_T, long_T])])
    counts = [torch.arange(length, device=rows_BT.device) for length in _LENGTHS]
    position_BT = torch.stack([torch.cat(counts), torch.cat(counts[::-1])])
    batch = TensorBatch(rows_BT, position_BT, torch.arange(rows_BT.numel(), device=rows_BT.device))
    alone = [_whole(model, ids_T) for ids_T in (long_T, short_T, short_T, long_T)]
    return not fault_of(lambda: path.logits(batch), torch.cat(alone), rounding_of(model))


def bodies(inner: Any) -> list[PreTrainedModel]:
    """Modules that may be the model without its head; their names differ by family."""
    candidates = [inner.get_decoder(), *inner.children()]
    return [body for body in candidates if isinstance(body, PreTrainedModel) and body is not inner][:2]


def _fault_of_parts(model: nn.Module, own: OwnHead) -> str:
    """What is wrong if body and head run apart, on two rows of which one is padded.

    Empty if nothing is wrong.
    """
    long_T, short_T = (probe_ids(model, length) for length in _LENGTHS)
    rows_BT = torch.stack([long_T, nn.functional.pad(short_T, (0, len(long_T) - len(short_T)))])
    at_N = torch.arange(sum(_LENGTHS), device=rows_BT.device)
    expected_NV = torch.cat([_whole(model, long_T), _whole(model, short_T)])
    batch = TensorBatch(rows_BT, None, at_N)
    return fault_of(lambda: own.logits(batch), expected_NV, rounding_of(model))


def fault_of(logits: Callable[[], Iterator[Tensor]], expected_NV: Tensor, rounding: float) -> str:
    """What is wrong with logits that are to be the expected ones; empty if nothing."""
    try:
        logits_NV = torch.cat([logits_MV.to(torch.float64, copy=True) for logits_MV in logits()])
        apart = relative_distance(logits_NV, expected_NV)
    except torch.OutOfMemoryError:
        raise
    except FAULTS as fault:
        return f"its body and head cannot be run apart ({fault})"
    if apart <= rounding:
        return ""
    return f"its body and head run apart give other logits than the whole model, off by {apart:.2g} of their spread"


def _fault_of_product(model: nn.Module, own: OwnHead, head: Any) -> str:
    """Why the head is more than a product with its weight; empty if it is not.

    Product and head get the same states, once unchanged and once scaled so that a soft
    cap shows.
    """
    if type(head) is not nn.Linear:
        return f"its head is a {type(head).__name__}, not a plain linear layer"
    output = own.body(TensorBatch(probe_ids(model, max(_LENGTHS))[None], None, torch.empty(0)))
    hidden_TH = output.last_hidden_state[0]
    if head.weight.is_meta or head.weight.dtype != hidden_TH.dtype:
        return "its head is not in memory, or its dtype is not that of the body"
    loud = _LOUD / max(float(own.head(output, hidden_TH).abs().max()), 1e-3 * _LOUD)  # float16 ends at 65,504
    for states_TH in (hidden_TH, hidden_TH * loud):
        product_TV = nn.functional.linear(states_TH.to(head.weight.device), head.weight, head.bias)
        apart = relative_distance(product_TV, own.head(output, states_TH))
        if not apart <= rounding_of(model):
            return f"its head does more than multiply{_steps(model)}: logits differ by {apart:.2g} of their spread"
    return ""


def _steps(model: nn.Module) -> str:
    config = inner_model(model).config.get_text_config().to_dict()
    steps = [f"{step}={config[step]}" for step in _STEPS if config.get(step) is not None]
    return f" ({', '.join(steps)})" if steps else ""


def notice(name: str, fault: str, remedy: str) -> None:
    """Warn that a slower path is taken."""
    warn(f"{name}: {fault}; {remedy}. The figures are the same.", FallbackNotice)


def probe_ids(model: nn.Module, length: int) -> Tensor:
    """Ids spread over the vocabulary, shape (T,): the same on every call."""
    inner = inner_model(model)
    return torch.arange(1, 1 + length, device=device_of(inner)) * 7919 % n_embedded(inner)


def _whole(model: nn.Module, ids_T: Tensor) -> Tensor:
    """The model's own logits in float64, shape (T, V)."""
    at_T = torch.arange(len(ids_T), device=ids_T.device)
    (logits_TV,) = WholeModel(model).logits(TensorBatch(ids_T[None], None, at_T))
    return logits_TV.double()


def relative_distance(a_NV: Tensor, b_NV: Tensor) -> float:
    """Root mean square of the difference, relative to the spread of the logits."""
    a_NV, b_NV = a_NV.double(), b_NV.to(a_NV.device).double()
    spread = (b_NV - b_NV.mean(1, keepdim=True)).square().mean().sqrt()
    return float((a_NV - b_NV).square().mean().sqrt() / spread.clamp(min=torch.finfo(torch.float64).tiny))


def rounding_of(model: nn.Module) -> float:
    """How far logits may lie apart through rounding alone, relative to their spread."""
    inner = inner_model(model)
    return _ROUNDING_OF_HALF if is_quantized(inner) else _ROUNDING.get(inner.dtype, _ROUNDING_OF_HALF)

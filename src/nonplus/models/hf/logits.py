"""From input ids to logits by three paths, from the safest to the fastest.

Letters in shapes: B rows, T tokens, N positions asked for, M positions of a chunk,
H channels of a hidden state, V vocabulary.
"""

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Protocol, final

import torch
from torch import Tensor, nn

from nonplus.errors import BadModel
from nonplus.kernels.chunks import chunks
from nonplus.kernels.torch_head import chunk_rows, head_logits

_CPU_BYTES = 128 << 20  # what head_logits needs to come within a tenth of a product of any size
_DEVICE_BYTES = 512 << 20


@dataclass(frozen=True, slots=True)
class TensorBatch:
    """A :class:`~nonplus.measure.records.Batch` as tensors, without its targets.

    ``position_BT`` is ``None`` if each row is one text: the model then counts them.
    ``mask_BT`` is 0 at padding; a causal model needs none.
    """

    input_BT: Tensor
    position_BT: Tensor | None
    at_N: Tensor
    mask_BT: Tensor | None = None


class LogitsPath(Protocol):
    """One path to a model's logits."""

    def logits(self, batch: TensorBatch) -> Iterator[Tensor]:
        """The logits at the positions asked for, as chunks (M, V) in their order.

        The next chunk may overwrite one, and so may whoever reads it.
        """
        ...


@final
class WholeModel:
    """The model as it is, one row at a time without padding: slow, and always right."""

    def __init__(self, model: nn.Module) -> None:
        self._model = model

    def logits(self, batch: TensorBatch) -> Iterator[Tensor]:
        """A chunk for each row."""
        width = batch.input_BT.shape[1]
        for row, together in groupby(batch.at_N.tolist(), key=lambda at: at // width):
            column_M = torch.tensor([at % width for at in together])
            length = int(column_M.max()) + 1
            position_1T = None if batch.position_BT is None else batch.position_BT[row, None, :length]
            output = run(self._model, batch.input_BT[row, None, :length], position_1T)
            if getattr(output, "logits", None) is None:
                raise BadModel(
                    f"{type(self._model).__name__} gives no logits, as the body of a model without its head does; open "
                    "it as a causal model, with AutoModelForCausalLM"
                )
            logits_TV = output.logits[0]
            # from the end, because prompt tuning adds positions before a row
            yield logits_TV[-length:][column_M.to(logits_TV.device)]


@final
class OwnHead:
    """The body for all rows at once, then the model's own head, chunk by chunk."""

    def __init__(self, model: nn.Module, body: nn.Module, vocabulary: int) -> None:
        self._model = model
        self._body = body
        self._vocabulary = vocabulary

    def logits(self, batch: TensorBatch) -> Iterator[Tensor]:
        """Chunks small enough for the copies that the head makes of them."""
        output = self.body(batch)
        hidden_NH = output.last_hidden_state.flatten(0, 1)[batch.at_N.to(output.last_hidden_state.device)]
        step = chunk_rows(len(hidden_NH), self._vocabulary, like=hidden_NH, cap_bytes=cap_bytes(hidden_NH) // 4)
        return (self.head(output, hidden_NH[chunk]) for chunk in chunks(len(hidden_NH), step))

    def body(self, batch: TensorBatch) -> Any:
        """The body's output; its ``last_hidden_state`` has shape (B, T, H)."""
        return run(self._body, batch.input_BT, batch.position_BT, mask_BT=batch.mask_BT)

    def head(self, output: Any, hidden_MH: Tensor) -> Tensor:
        """The model's own logits (M, V) for ``hidden_MH`` in place of the states in
        ``output``.
        """
        replaced = type(output)(**{**output, "last_hidden_state": hidden_MH[None]})
        shell = standing_in(self._model, self._body, replaced)
        nothing_1M = torch.zeros((1, len(hidden_MH)), dtype=torch.int64, device=hidden_MH.device)
        logits_MV: Tensor = run(shell, nothing_1M, None).logits[0]
        return logits_MV


@final
class HeadProduct:
    """The body for all rows at once, then a product with the output embeddings, for a
    head that does no more.
    """

    def __init__(self, own: OwnHead, head: nn.Linear) -> None:
        self._own = own
        self._head = head

    def logits(self, batch: TensorBatch) -> Iterator[Tensor]:
        """See :func:`~nonplus.kernels.torch_head.head_logits`."""
        hidden_NH = self._hidden(batch).to(self._head.weight.device)
        return head_logits(hidden_NH, self._head.weight, self._head.bias, cap_bytes=cap_bytes(hidden_NH))

    def _hidden(self, batch: TensorBatch) -> Tensor:
        hidden_BTH: Tensor = self._own.body(batch).last_hidden_state
        return hidden_BTH.flatten(0, 1)[batch.at_N.to(hidden_BTH.device)]


@final
class _StandIn(nn.Module):
    """Takes the place of a body and returns a fixed output."""

    def __init__(self, body: nn.Module, output: Any) -> None:
        super().__init__()
        self.body = body
        self._output = output

    def forward(self, *_: Any, **__: Any) -> Any:
        return self._output

    def __getattr__(self, name: str) -> Any:  # heads read constants off their bodies
        own = {**self.__dict__["_modules"], **self.__dict__}
        return own[name] if name in own else getattr(own["body"], name)


def standing_in(model: nn.Module, body: nn.Module, output: Any) -> nn.Module:
    """A shell of ``model`` with the same weights, in which ``body`` returns ``output``
    whatever it is fed.
    """
    path = next(name for name, module in model.named_modules() if module is body)
    return _with_module(model, path.split("."), _StandIn(body, output))


def _with_module(model: nn.Module, path: list[str], module: nn.Module) -> nn.Module:
    """A shell of ``model`` with the same weights and another ``module`` at ``path``."""
    name, *rest = path
    shell = copy.copy(model)
    for bound in ("forward", "_original_forward"):  # where accelerate bound the original's
        shell.__dict__.pop(bound, None)
    child = _with_module(model.get_submodule(name), rest, module) if rest else module
    shell._modules = {**model._modules, name: child}
    return shell


def run(module: nn.Module, input_BT: Tensor, position_BT: Tensor | None, *, mask_BT: Tensor | None = None) -> Any:
    """The output of a module of ``transformers``; it is not told what is ``None``."""
    if "_original_forward" in vars(module):  # what accelerate wrapped in autocast
        original = vars(module)["_original_forward"]
        module = copy.copy(module)
        module.forward = original
    optional = {"position_ids": position_BT, "attention_mask": mask_BT}
    given = {name: tensor for name, tensor in optional.items() if tensor is not None}
    return module(input_ids=input_BT, use_cache=False, return_dict=True, **given)


def cap_bytes(hidden: Tensor) -> int:
    """Bytes that the logits of a chunk may take on the device of ``hidden``."""
    return _CPU_BYTES if hidden.device.type == "cpu" else _DEVICE_BYTES

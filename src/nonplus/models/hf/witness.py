"""What torch does inside a forward pass: the tables it looks up, the dtype of its
products.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, final

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from nonplus.models.hf.inner import inner_model
from nonplus.models.hf.logits import run
from nonplus.models.hf.self_check import probe_ids

_aten = torch.ops.aten
_PRODUCTS = (_aten.mm, _aten.addmm, _aten.bmm, _aten.baddbmm)
_OF_INTEGERS = (_aten._weight_int4pack_mm, _aten._weight_int4pack_mm_for_cpu, _aten._weight_int8pack_mm)
_TORCHS = ("aten", "prim", "prims", "profiler")
_TOKENS = 8


@dataclass(frozen=True, slots=True)
class Lookup:
    """The number of rows of a table, and the rows that were looked up, in order."""

    rows: int
    ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ForwardPass:
    """What happened while these tokens were fed, none of which is padding."""

    fed: tuple[int, ...]
    lookups: tuple[Lookup, ...]
    products: frozenset[torch.dtype]


def forward_pass(model: nn.Module, feed: Callable[[Tensor], Any] | None = None) -> ForwardPass:
    """What a model does with a few tokens; ``feed`` runs it on a row of them, where
    that takes more than input ids.
    """
    padding = inner_model(model).config.get_text_config().to_dict().get("pad_token_id")
    fed_T = probe_ids(model, 2 * _TOKENS)
    fed_T = fed_T[fed_T != (-1 if padding is None else padding)][:_TOKENS]
    with _Witness() as witness:
        feed(fed_T[None]) if feed else run(model, fed_T[None], None)
    return ForwardPass(tuple(fed_T.tolist()), tuple(witness.lookups), frozenset(witness.products))


def body_dtype(model: nn.Module, products: frozenset[torch.dtype]) -> str:
    """The dtype in which a model's body computes: that of its weights, or a narrower
    one of the ``products`` that were seen.
    """
    return str(narrowest(inner_model(model).dtype, *products)).removeprefix("torch.")


def narrowest(*dtypes: torch.dtype) -> torch.dtype:
    """The one with the fewest bits; the first of several."""
    return min(dtypes, key=lambda dtype: torch.finfo(dtype).bits)


@final
class _Witness(TorchDispatchMode):  # type: ignore[no-untyped-call]
    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.lookups: list[Lookup] = []
        self.products: set[torch.dtype] = set()

    def __torch_dispatch__(
        self, operation: Any, types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        if operation.overloadpacket is _aten.embedding:
            table, ids = args[:2]
            self.lookups.append(Lookup(len(table), tuple(ids.flatten().tolist())))
        elif operation.overloadpacket in _PRODUCTS:
            right = args[-1]
            # an outer product, as of positions and frequencies, adds nothing up
            if right.is_floating_point() and right.shape[-2] > 1:
                self.products.add(right.dtype)
        elif _of_quantised_layer(operation) and isinstance(args[0], Tensor) and args[0].is_floating_point():
            self.products.add(args[0].dtype)  # what it multiplies with its weights
        return operation(*args, **(kwargs or {}))


def _of_quantised_layer(operation: Any) -> bool:
    """Whether it multiplies packed weights: an operation of torch for that, or of
    another library.
    """
    return operation.overloadpacket in _OF_INTEGERS or operation.namespace not in _TORCHS

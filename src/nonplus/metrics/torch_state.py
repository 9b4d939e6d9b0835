"""The state of the torchmetrics class: each accumulator as a line of JSON, in bytes."""

import json
from collections.abc import Iterable, Iterator
from typing import Any

import torch
from torch import Tensor

from nonplus.errors import BadInput
from nonplus.metrics.accumulator import Accumulator


def line_of(accumulated: Accumulator, *, device: torch.device) -> Tensor:
    """The sums as a line, one uint8 for each byte."""
    line = bytearray(json.dumps(accumulated.as_json(), separators=(",", ":")).encode("ascii") + b"\n")
    return torch.frombuffer(line, dtype=torch.uint8).to(device)


def tensors(sums: Any) -> list[Tensor]:
    """The state as a list, also where torchmetrics has gathered it into one tensor.

    Raises:
        BadInput: it is something else.
    """
    held = [sums] if isinstance(sums, Tensor) else sums
    if not (isinstance(held, list) and all(isinstance(each, Tensor) for each in held)):
        raise BadInput(f"the sums of a metric are tensors, got {sums!r:.40}; pass metric_state as it was")
    return list(held)


def accumulators(lines: Iterable[Tensor]) -> Iterator[Accumulator]:
    """What was written with :func:`line_of`; a tensor may hold several lines.

    Raises:
        BadInput: they were not written so, or were changed since.
    """
    for tensor in lines:
        for line in tensor.to("cpu", torch.uint8).numpy().tobytes().splitlines():
            try:
                held = json.loads(line)
            except ValueError:
                raise BadInput(
                    f"the sums of a metric are lines of JSON as bytes, got {line[:20]!r}; pass metric_state as it was"
                ) from None
            yield Accumulator.from_json(held)

"""Models that read a row differently beside a longer one: where they begin to, and a
path that then runs only rows of one length together.

Some rotary embeddings are scaled by the largest position of the whole batch, among them
``dynamic`` and ``longrope`` of ``transformers``. Letters in shapes: T tokens,
V vocabulary.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import final

import torch
from torch import Tensor, nn

from nonplus.models.hf.inner import inner_model
from nonplus.models.hf.logits import LogitsPath, TensorBatch, run
from nonplus.models.hf.self_check import FAULTS, probe_ids, relative_distance

_PROBE = 8  # tokens of a probe, whatever the length it stands for
_BEYOND_NOISE = 4.0


@final
@dataclass(frozen=True, slots=True)
class RowsOfOneLength:
    """Another path, with no longer row beside one that would be read differently.

    ``free`` is the length up to which rows do not disturb each other.
    """

    path: LogitsPath
    model: nn.Module
    free: int

    def logits(self, batch: TensorBatch) -> Iterator[Tensor]:
        """Chunks as of the other path, for neighbours of one length at a time."""
        width = batch.input_BT.shape[1]
        last_of = {row: at for row, at in ((at // width, at) for at in batch.at_N.tolist())}
        lengths = {row: last % width + 1 for row, last in last_of.items()}
        for _, together in groupby(lengths, key=lambda row: max(self.free, lengths[row])):
            # some embeddings keep the scale of a longer row until they meet a short one
            run(self.model, batch.input_BT[:1, :1], None)
            yield from self.path.logits(_part(batch, list(together), lengths))


def _part(batch: TensorBatch, rows: list[int], lengths: dict[int, int]) -> TensorBatch:
    """Some rows of a batch, cut after the last position asked for."""
    width, longest = batch.input_BT.shape[1], max(lengths[row] for row in rows)
    chosen = torch.tensor(rows, device=batch.at_N.device)
    row_N, column_N = batch.at_N // width, batch.at_N % width
    own = torch.isin(row_N, chosen)
    at_N = torch.searchsorted(chosen, row_N[own]) * longest + column_N[own]
    return TensorBatch(batch.input_BT[chosen, :longest], None, at_N)


def undisturbed_length(model: nn.Module, *, context: int) -> int:
    """The length up to which a row is read the same beside any other of at most that
    length; ``context`` if there is no such limit.

    Rows of eight tokens stand for rows of any length: only their positions are large.
    """
    inner = inner_model(model)
    try:
        if context <= _PROBE or not _disturbs(inner, seen=_PROBE, far=context):
            return context
    except FAULTS:  # it takes no positions, so that none of another row can reach it
        return context
    free, known = _PROBE, context  # rows of `free` tokens are undisturbed, of `known` are not
    while 2 * free < known and not _disturbs(inner, seen=free, far=2 * free):
        free *= 2
    seen, known = free, min(known, 2 * free)
    while known - free > 1:
        middle = (free + known) // 2
        if _disturbs(inner, seen=seen, far=middle):
            known = middle
        else:
            free = middle
    return free


def _disturbs(inner: nn.Module, *, seen: int, far: int) -> bool:
    """Whether a row of ``seen`` tokens is read differently beside one of ``far``.

    Other tokens in the second row may change the first one's rounding, where experts
    share their work; more than that is a disturbance.
    """
    usual_TV = _beside(inner, seen=seen, far=seen, shift=0)
    rounding = relative_distance(_beside(inner, seen=seen, far=seen, shift=1), usual_TV)
    return relative_distance(_beside(inner, seen=seen, far=far, shift=0), usual_TV) > _BEYOND_NOISE * rounding


def _beside(inner: nn.Module, *, seen: int, far: int, shift: int) -> Tensor:
    """Logits (T, V) of a row whose positions reach ``seen``, beside one that reaches
    ``far``.
    """
    ids_T = probe_ids(inner, _PROBE)
    spread_T = torch.linspace(0, seen - 1, _PROBE, device=ids_T.device).long()
    end_T = torch.arange(far - _PROBE, far, device=ids_T.device)
    run(inner, ids_T[None, :1], None)
    # a mask, because rows whose positions leap are else taken for several texts
    output = run(
        inner,
        torch.stack([ids_T, ids_T.roll(shift)]),
        torch.stack([spread_T, end_T]),
        mask_BT=torch.ones((2, _PROBE), dtype=torch.int64, device=ids_T.device),
    )
    logits_TV: Tensor = output.logits[0]
    return logits_TV.double()

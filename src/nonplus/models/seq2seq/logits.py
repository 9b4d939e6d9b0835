"""The logits of a decoder given sources, by two paths, of which the faster one is
checked when a model is opened.

Letters in shapes: B pairs, S tokens of a source, T of a target, N positions asked for,
M positions of a chunk, H channels of a hidden state, V vocabulary.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol, final

import torch
from torch import Tensor, nn

from nonplus.kernels.chunks import chunks
from nonplus.kernels.torch_head import chunk_rows
from nonplus.models.hf.bitsandbytes_layers import mixes_tokens
from nonplus.models.hf.inner import inner_model
from nonplus.models.hf.logits import cap_bytes, standing_in
from nonplus.models.hf.nan_logits import nan_logits
from nonplus.models.hf.self_check import MIXED, fault_of, notice, probe_ids, rounding_of
from nonplus.models.seq2seq.pairs import IGNORED

_LENGTHS = ((8, 5), (5, 7))  # source and target of two pairs


@dataclass(frozen=True, slots=True)
class TensorPairs:
    """A :class:`~nonplus.models.seq2seq.pairs.PairBatch` as tensors, without its
    targets.
    """

    source_BS: Tensor
    mask_BS: Tensor
    label_BT: Tensor
    at_N: Tensor


class PairLogits(Protocol):
    """One path to a model's logits."""

    def logits(self, batch: TensorPairs) -> Iterator[Tensor]:
        """The logits at the labels asked for, as chunks (M, V) in their order."""
        ...


@final
class PairByPair:
    """The whole model, one pair at a time without padding, with labels as in training:
    slow, and always right.
    """

    def __init__(self, model: nn.Module) -> None:
        self._model = model

    def logits(self, batch: TensorPairs) -> Iterator[Tensor]:
        """A chunk for each pair."""
        width = batch.label_BT.shape[1]
        row_N, column_N = batch.at_N // width, batch.at_N % width
        sources = batch.mask_BS.sum(1).tolist()
        targets = (batch.label_BT != IGNORED).sum(1).tolist()
        for row, (s, t) in enumerate(zip(sources, targets, strict=True)):
            logits_TV = unpadded(self._model, batch.source_BS[row, None, :s], batch.label_BT[row, None, :t])
            yield logits_TV[column_N[row_N == row]]


def unpadded(model: nn.Module, source_1S: Tensor, label_1T: Tensor) -> Tensor:
    """The whole model's logits for one pair, with labels as in training; (T, V)."""
    output = model(input_ids=source_1S, labels=label_1T, use_cache=False, return_dict=True)
    logits_TV: Tensor = output.logits[0]
    return logits_TV


@final
class OwnDecoderHead:
    """The encoder and the decoder for all pairs at once, then the model's own head,
    chunk by chunk.
    """

    def __init__(self, model: Any, vocabulary: int) -> None:
        self._model = model
        self._encoder, self._decoder = model.get_encoder(), model.get_decoder()
        self._vocabulary = vocabulary

    def logits(self, batch: TensorPairs) -> Iterator[Tensor]:
        """Chunks small enough for the copies that the head makes of them."""
        source = self._encoder(input_ids=batch.source_BS, attention_mask=batch.mask_BS, return_dict=True)
        output = self._decoder(
            input_ids=self._model.prepare_decoder_input_ids_from_labels(labels=batch.label_BT),
            encoder_hidden_states=source.last_hidden_state,
            encoder_attention_mask=batch.mask_BS,
            use_cache=False,
            return_dict=True,
        )
        hidden_NH = output.last_hidden_state.flatten(0, 1)[batch.at_N]
        step = chunk_rows(len(hidden_NH), self._vocabulary, like=hidden_NH, cap_bytes=cap_bytes(hidden_NH) // 4)
        return (self._head(source, output, hidden_NH[chunk]) for chunk in chunks(len(hidden_NH), step))

    def _head(self, source: Any, output: Any, hidden_MH: Tensor) -> Tensor:
        """The model's own logits (M, V) for ``hidden_MH`` in place of the states of its
        decoder.
        """
        replaced = type(output)(**{**output, "last_hidden_state": hidden_MH[None]})
        one = type(source)(last_hidden_state=source.last_hidden_state[:1])
        nothing_1M = torch.zeros((1, len(hidden_MH)), dtype=torch.int64, device=hidden_MH.device)
        shell = standing_in(self._model, self._decoder, replaced)
        answer = shell(encoder_outputs=one, decoder_input_ids=nothing_1M, use_cache=False, return_dict=True)
        logits_MV: Tensor = answer.logits[0]
        return logits_MV


def logits_width(model: nn.Module, *, name: str) -> int:
    """The number of ids that have a logit.

    Raises:
        BadModel: a logit is NaN.
    """
    logits_NV = torch.cat(list(PairByPair(model).logits(_probe(model))))
    if logits_NV.isnan().any():
        raise nan_logits(model, name)
    return logits_NV.shape[1]


def fastest_path(model: nn.Module, *, vocabulary: int, name: str) -> PairLogits:
    """All pairs at once, padded on both sides, if that gives the logits of each alone;
    else the whole model, pair by pair.

    Warns with FallbackNotice of the latter.
    """
    batch, slow = _probe(model), PairByPair(model)
    if mixes_tokens(model):
        notice(name, MIXED, "it is run one pair at a time, which takes several times as long")
        return slow
    own = OwnDecoderHead(inner_model(model), vocabulary)
    fault = fault_of(lambda: own.logits(batch), torch.cat(list(slow.logits(batch))).double(), rounding_of(model))
    if not fault:
        return own
    notice(name, fault, "the whole model is run one pair at a time, which takes several times as long")
    return slow


def _probe(model: nn.Module) -> TensorPairs:
    """Two pairs: the source of the one is padded, and the target of the other."""
    sources, targets = zip(*_LENGTHS, strict=True)
    ids = [probe_ids(model, length) for length in (*sources, *targets)]
    device = ids[0].device
    label_BT = _stacked(ids[2:], IGNORED)
    return TensorPairs(
        source_BS=_stacked(ids[:2], 0),
        mask_BS=_stacked([torch.ones_like(own) for own in ids[:2]], 0),
        label_BT=label_BT,
        at_N=torch.nonzero(label_BT.flatten() != IGNORED).flatten().to(device),
    )


def _stacked(rows: list[Tensor], padding: int) -> Tensor:
    return nn.utils.rnn.pad_sequence(rows, batch_first=True, padding_value=padding)

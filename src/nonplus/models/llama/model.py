"""Llama in NumPy: what a small model needs to run where torch is not installed.

The texts of a batch are taken out of their rows and laid end to end, so that no filling is computed and several
texts in a row cost what they cost alone. The rows of a batch are shared out among the processors, a thread each: NumPy
lets go of the interpreter's lock wherever time is spent.

Letters in shapes: B rows of a batch, T tokens of a row, M tokens laid end to end, D channels of the body, F of the
feed-forward layer, A query heads, K key heads, G = A / K query heads per key head, C channels of a head, V vocabulary,
N places asked for.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import final

import numpy as np
from numpy.typing import NDArray

from nonplus.errors import BadInput, BadModel
from nonplus.kernels.numpy_head import check_ids, head_logprobs, head_readings
from nonplus.kernels.threads import in_threads, processors
from nonplus.measure.records import Batch, Floats, Ints, Readings, joined
from nonplus.models.llama.tokenizer import FileTokenizer, json_file
from nonplus.models.llama.weights import Layer, layer_of, shape_of, tensors_of
from nonplus.models.loading import Loading, loaded_as_is

Array = NDArray[np.float32]

_LOGITS = 1 << 22  # bytes of logits that a thread holds at once
_SCORES = 1 << 23  # bytes of attention scores that a thread holds at once, about
_QUERIES = 128  # tokens that attend together, at most
_FEWEST = 16  # and at least, however much the others hold
_TOKENS = 1024  # of a batch for each processor
_SHARE = 128  # and fewest, below which a thread of its own costs more than it saves


@dataclass(frozen=True, slots=True)
class Block:
    """Tokens ``[start, stop)`` attend to ``[first, stop)``; ``mask_QQ`` is what each adds to the scores of its own."""

    start: int
    stop: int
    first: int
    mask_QQ: Array


@final
class Llama:
    """A model of the Llama family, read from a folder in the layout of ``transformers``."""

    dtype = "float32"
    packs = True

    def __init__(self, folder: Path) -> None:
        """Read configuration, weights and tokenizer.

        Raises:
            BadModel: something is missing, broken, or not a Llama.
        """
        config = json_file(folder / "config.json")
        self._shape = shape = shape_of(config, folder)
        tensors, weights_digest = tensors_of(folder)
        self.name = folder.name
        self.identity = hashlib.sha256(f"{weights_digest} {sorted(config.items())}".encode()).hexdigest()
        self.tokenizer = FileTokenizer(folder)
        self.special = self.tokenizer.special(config)
        self.vocabulary = shape.vocab_size
        self.budget = _TOKENS * processors()
        self.max_context = min(shape.max_position_embeddings, self.tokenizer.max_length)
        try:
            self._embedding_VD = tensors["model.embed_tokens.weight"]
            self._layers = [layer_of(tensors, f"model.layers.{n}.", shape) for n in range(shape.num_hidden_layers)]
            self._norm_D = tensors["model.norm.weight"]
            tied = shape.tie_word_embeddings
            self._head_DV = (self._embedding_VD if tied else tensors["lm_head.weight"]).T
        except KeyError as missing:
            raise BadModel(f"{folder} has no weights named {missing}; its config.json calls for them") from None

    def logprobs(self, batch: Batch) -> Floats:
        """Natural log-probability of each target, shape (N,)."""

        def answer(share: Batch) -> Floats:
            return head_logprobs(self._hidden(share), self._head_DV, share.target_N, cap_bytes=_LOGITS)

        return np.concatenate(in_threads(answer, _shares(batch)))

    def readings(self, batch: Batch, *, top: int) -> Readings:
        """The same answer with the rest of the distribution beside it."""

        def answer(share: Batch) -> Readings:
            return head_readings(self._hidden(share), self._head_DV, share.target_N, top=top, cap_bytes=_LOGITS)

        return joined(in_threads(answer, _shares(batch)))

    def _hidden(self, batch: Batch) -> Array:
        """The body's answer at the places asked for, shape (N, D)."""
        fed_M, start_M = _laid_out(batch)
        ids_M = batch.input_BT.reshape(-1)[fed_M]
        check_ids(ids_M, self.vocabulary)
        x_MD = self._embedding_VD[ids_M]
        turn_M1c = self._turns(batch.position_BT.reshape(-1)[fed_M])
        blocks = list(_blocks(start_M, self._queries(start_M)))
        for layer in self._layers:
            x_MD += layer.attention_out(self._attend(layer, x_MD, turn_M1c, blocks))
            x_MD += layer.feed_out(_feed(layer.gate_up(self._normed(x_MD, layer.feed_norm_D))))
        return self._normed(x_MD[np.searchsorted(fed_M, batch.at_N)], self._norm_D)

    def _normed(self, x_MD: Array, gain_D: Array) -> Array:
        """Root mean square 1, times the gain (Zhang and Sennrich 2019, arXiv:1910.07467)."""
        square_M = np.einsum("md,md->m", x_MD, x_MD) / np.float32(x_MD.shape[1])
        y_MD: Array = x_MD * (1 / np.sqrt(square_M + np.float32(self._shape.rms_norm_eps)))[:, None]
        y_MD *= gain_D
        return y_MD

    def _turns(self, position_M: Ints) -> NDArray[np.complex64]:
        """Rotations by position as unit complex numbers (Su et al. 2021, arXiv:2104.09864), shape (M, 1, C / 2)."""
        exponent_c = np.arange(0, self._shape.head_dim, 2, dtype=np.float32) / np.float32(self._shape.head_dim)
        frequency_c = 1 / np.float32(self._shape.rope_theta) ** exponent_c
        angle_Mc = position_M.astype(np.float32)[:, None] * frequency_c
        turn_Mc = np.empty(angle_Mc.shape, np.complex64)
        turn_Mc.real, turn_Mc.imag = np.cos(angle_Mc), np.sin(angle_Mc)
        return turn_Mc[:, None]

    def _queries(self, start_M: Ints) -> int:
        """How many tokens may attend together without holding too many scores."""
        longest = int((np.arange(len(start_M)) - start_M).max(initial=0)) + 1
        return max(_FEWEST, min(_QUERIES, _SCORES // (4 * self._shape.num_attention_heads * longest)))

    def _attend(self, layer: Layer, x_MD: Array, turn_M1c: NDArray[np.complex64], blocks: list[Block]) -> Array:
        """What the heads gathered, shape (M, A * C)."""
        k, c = self._shape.num_key_value_heads, self._shape.head_dim
        a, m = self._shape.num_attention_heads, len(x_MD)
        both = layer.query_key_value(self._normed(x_MD, layer.attention_norm_D)).reshape(m, a + k + k, c)
        turned = both[:, : a + k].view(np.complex64)
        turned *= turn_M1c
        query_MKGC, key_MKC, value_MKC = both[:, :a].reshape(m, k, a // k, c), both[:, a : a + k], both[:, a + k :]
        gathered_MKGC = np.empty((m, k, a // k, c), np.float32)
        for block in blocks:
            own, seen, q = slice(block.start, block.stop), slice(block.first, block.stop), block.stop - block.start
            query_KRC = query_MKGC[own].transpose(1, 2, 0, 3).reshape(k, -1, c)  # R = G * Q
            score_KRS = query_KRC @ key_MKC[seen].transpose(1, 2, 0)  # S tokens seen
            score_KRS.reshape(k, -1, q, score_KRS.shape[2])[..., -q:] += block.mask_QQ
            score_KRS -= score_KRS.max(axis=2, keepdims=True)
            np.exp(score_KRS, out=score_KRS)
            mixed_KRC = score_KRS @ value_MKC[seen].transpose(1, 0, 2)
            mixed_KRC /= score_KRS.sum(axis=2, keepdims=True)
            gathered_MKGC[own] = mixed_KRC.reshape(k, -1, q, c).transpose(2, 0, 1, 3)
        return gathered_MKGC.reshape(m, a * c)


def _shares(batch: Batch) -> Iterator[Batch]:
    """The rows of a batch shared out evenly among the processors."""
    if (np.diff(batch.at_N) < 0).any():
        raise BadInput("a batch asks for places in ascending order, and these are not; sort them and their targets")
    n_rows, length = batch.input_BT.shape
    count = max(1, min(processors(), n_rows, batch.input_BT.size // _SHARE))
    for first, stop in pairwise(n_rows * i // count for i in range(count + 1)):
        begin, end = np.searchsorted(batch.at_N, [first * length, stop * length])
        at_N, target_N = batch.at_N[begin:end] - first * length, batch.target_N[begin:end]
        yield Batch(batch.input_BT[first:stop], batch.position_BT[first:stop], at_N, target_N)


def _laid_out(batch: Batch) -> tuple[Ints, Ints]:
    """Which places of the flattened input are fed, and where in that list each one's text begins; shapes (M,).

    What comes after a text's last place asked for is left out: nobody looks at it.
    """
    begins_BT = batch.position_BT == 0
    begins_BT[:, 0] = True
    text = np.cumsum(begins_BT.reshape(-1)) - 1
    last = np.full(int(text[-1]) + 1 if text.size else 0, -1)
    np.maximum.at(last, text[batch.at_N], batch.at_N)
    fed_M = np.flatnonzero(np.arange(text.size) <= last[text])
    start_M = np.searchsorted(text[fed_M], text[fed_M])
    return fed_M, start_M


def _blocks(start_M: Ints, queries: int) -> Iterator[Block]:
    """Blocks of at most ``queries`` tokens: whole texts together, or a part of a long one."""
    texts = [*np.unique(start_M).tolist(), len(start_M)]
    cuts = [0]
    for start, stop in pairwise(texts):
        if stop - cuts[-1] > queries:
            cuts.append(start)
        if stop - start > queries:
            cuts += [*range(start + queries, stop, queries), stop]
    for start, stop in pairwise([*cuts, len(start_M)]):
        if start < stop:
            place_Q = np.arange(start, stop)
            visible_QQ = (place_Q <= place_Q[:, None]) & (place_Q >= start_M[start:stop, None])
            mask_QQ = np.where(visible_QQ, np.float32(0), np.float32(-np.inf))
            yield Block(start, stop, int(start_M[start]), mask_QQ)


def _feed(both_MF2: Array) -> Array:
    """SwiGLU (Shazeer 2020, arXiv:2002.05202): ``gate * sigmoid(gate) * up``, from both side by side; shape (M, F)."""
    half = both_MF2.shape[1] // 2
    gate_MF, up_MF = both_MF2[:, :half], both_MF2[:, half:]
    inverse_MF = np.negative(gate_MF)
    with np.errstate(over="ignore"):  # an infinite divisor gives the right limit, 0
        np.exp(inverse_MF, out=inverse_MF)
    inverse_MF += 1
    np.divide(gate_MF, inverse_MF, out=inverse_MF)
    inverse_MF *= up_MF
    return inverse_MF


def open_llama(folder: str | Path, loading: Loading = Loading()) -> Llama:  # noqa: B008
    """``llama:FOLDER``: any Llama in the layout of ``transformers``, without torch."""
    return loaded_as_is(Llama(Path(folder)), loading)

"""The layers of a Llama in NumPy, for tokens of one or many texts laid end to end.

Letters in shapes: M tokens laid end to end, Q tokens of a block, S tokens that a block
sees, D channels of the body, F of the feed-forward layer, V vocabulary, A query heads,
K key heads, H = A + 2 K, G = A / K query heads per key head, C channels of a head,
c = C / 2, N positions asked for.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import final

import numpy as np
from numpy.typing import NDArray

from nonplus.kernels.numpy_layers import causal_exponentials, swiglu
from nonplus.kernels.targets import check_ids
from nonplus.measure.records import Ints
from nonplus.models.llama.weights import Array, Layer, Shape, layer_of

_SCORES = 1 << 23  # bytes of attention scores that a thread holds at once, about
_QUERIES = 64  # tokens that attend together, at most
_FEWEST = 16  # and at least, however many scores that makes


@dataclass(frozen=True, slots=True)
class KeyValues:
    """What later tokens attend to in one layer: a key and a value for each token.

    Each head's lie together, and its keys channel by channel: BLAS is a fifth faster on
    that than on strides.
    """

    key_KCM: Array
    value_KMC: Array

    def followed_by(self, later: "KeyValues") -> "KeyValues":
        """Those of both, as a copy."""
        return KeyValues(
            np.concatenate([self.key_KCM, later.key_KCM], axis=2),
            np.concatenate([self.value_KMC, later.value_KMC], axis=1),
        )


@dataclass(frozen=True, slots=True)
class _Block:
    """Tokens ``[start, stop)`` attend to ``[first, stop)``.

    ``begin_Q`` is where the text of each begins, counted from ``first``.
    """

    start: int
    stop: int
    first: int
    begin_Q: Ints


@dataclass(frozen=True, slots=True)
class Stream:
    """Tokens between two layers; each layer changes ``x_MD`` in place."""

    x_MD: Array
    turn_M1c: NDArray[np.complex64]
    blocks: list[_Block]


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """A Llama's weights, and how tokens go through them."""

    shape: Shape
    embedding_VD: Array
    layers: tuple[Layer, ...]
    norm_D: Array
    head_DV: Array

    def no_keys_values(self) -> tuple[KeyValues, ...]:
        """Those of each layer before the first token."""
        k, c = self.shape.num_key_value_heads, self.shape.head_dim
        nothing = KeyValues(np.empty((k, c, 0), np.float32), np.empty((k, 0, c), np.float32))
        return (nothing,) * len(self.layers)

    def stream(self, ids_M: Ints, position_M: Ints, start_M: Ints) -> Stream:
        """Embedded tokens; ``start_M`` is the index at which the text of each begins.

        Raises:
            BadInput: an id that the model does not know.
        """
        check_ids(ids_M, self.shape.vocab_size)
        longest = int(position_M.max(initial=0)) + 1
        queries = max(_FEWEST, min(_QUERIES, _SCORES // (4 * self.shape.num_attention_heads * longest)))
        return Stream(self.embedding_VD[ids_M], self._turns(position_M), list(_blocks(start_M, queries)))

    def through(self, layer: Layer, stream: Stream) -> None:
        """Run a layer on the stream."""
        self._attend(layer, stream)
        self._feed(layer, stream)

    def continued(self, layer: Layer, stream: Stream, past: KeyValues) -> KeyValues:
        """Run a layer on the stream, which is one text that continues ``past``.

        Returns the keys and values of ``past`` and of the stream.
        """
        keys_values = self._attend(layer, stream, past)
        self._feed(layer, stream)
        return keys_values

    def hidden(self, stream: Stream, at_N: Ints) -> Array:
        """The states before the head at some tokens of the stream, shape (N, D)."""
        return self._normed(stream.x_MD[at_N], self.norm_D)

    def _attend(self, layer: Layer, stream: Stream, past: KeyValues | None = None) -> KeyValues:
        """Attention; returns the keys and values of ``past`` and of the stream."""
        a, k, c = self.shape.num_attention_heads, self.shape.num_key_value_heads, self.shape.head_dim
        x_MD, m = stream.x_MD, len(stream.x_MD)
        all_MHC = layer.query_key_value(self._normed(x_MD, layer.attention_norm_D)).reshape(m, a + k + k, c)
        turned = all_MHC[:, : a + k].view(np.complex64)
        turned *= stream.turn_M1c
        keys_values = KeyValues(
            np.ascontiguousarray(all_MHC[:, a : a + k].transpose(1, 2, 0)),
            np.ascontiguousarray(all_MHC[:, a + k :].transpose(1, 0, 2)),
        )
        if past is not None:
            keys_values = past.followed_by(keys_values)
        query_MKGC = all_MHC[:, :a].reshape(m, k, a // k, c)
        x_MD += layer.attention_out(_attended(query_MKGC, keys_values, stream.blocks))
        return keys_values

    def _feed(self, layer: Layer, stream: Stream) -> None:
        x_MD = stream.x_MD
        x_MD += layer.feed_out(swiglu(layer.gate_up(self._normed(x_MD, layer.feed_norm_D))))

    def _normed(self, x_MD: Array, gain_D: Array) -> Array:
        """Root mean square 1, times the gain (Zhang and Sennrich, arXiv:1910.07467)."""
        square_M = np.einsum("md,md->m", x_MD, x_MD) / np.float32(x_MD.shape[1])
        y_MD: Array = x_MD * (1 / np.sqrt(square_M + np.float32(self.shape.rms_norm_eps)))[:, None]
        y_MD *= gain_D
        return y_MD

    def _turns(self, position_M: Ints) -> NDArray[np.complex64]:
        """Rotations by position as unit complex numbers, shape (M, 1, c).

        After Su et al. 2021, arXiv:2104.09864.
        """
        exponent_c = np.arange(0, self.shape.head_dim, 2, dtype=np.float32) / np.float32(self.shape.head_dim)
        frequency_c = 1 / np.float32(self.shape.rope_theta) ** exponent_c
        angle_Mc = position_M.astype(np.float32)[:, None] * frequency_c
        turn_Mc = np.empty(angle_Mc.shape, np.complex64)
        turn_Mc.real, turn_Mc.imag = np.cos(angle_Mc), np.sin(angle_Mc)
        return turn_Mc[:, None]


def _attended(query_MKGC: Array, keys_values: KeyValues, blocks: list[_Block]) -> Array:
    """The heads' outputs side by side, shape (M, A * C).

    The queries are those of the last M tokens that have keys.
    """
    m, k, g, c = query_MKGC.shape
    past = keys_values.key_KCM.shape[2] - m
    gathered_MKGC = np.empty((m, k, g, c), np.float32)
    for block in blocks:
        own, seen, q = slice(block.start, block.stop), slice(block.first, past + block.stop), block.stop - block.start
        query_KRC = query_MKGC[own].transpose(1, 2, 0, 3).reshape(k, -1, c)  # R = G * Q
        score_KRS = query_KRC @ keys_values.key_KCM[:, :, seen]
        sum_KR = causal_exponentials(score_KRS, block.begin_Q)
        mixed_KRC = score_KRS @ keys_values.value_KMC[:, seen]
        mixed_KRC /= sum_KR[:, :, None]
        gathered_MKGC[own] = mixed_KRC.reshape(k, -1, q, c).transpose(2, 0, 1, 3)
    return gathered_MKGC.reshape(m, k * g * c)


def _blocks(start_M: Ints, queries: int) -> Iterator[_Block]:
    """Blocks of at most ``queries`` tokens: several texts, or a part of a long one."""
    texts = [*np.unique(start_M).tolist(), len(start_M)]
    cuts = [0]
    for start, stop in pairwise(texts):
        if stop - cuts[-1] > queries:
            cuts.append(start)
        if stop - start > queries:
            cuts += [*range(start + queries, stop, queries), stop]
    for start, stop in pairwise([*cuts, len(start_M)]):
        if start < stop:
            first = int(start_M[start])
            yield _Block(start, stop, first, start_M[start:stop] - first)


def network_of(tensors: dict[str, Array], shape: Shape) -> Network:
    """The weights under the names that ``transformers`` gives them.

    Raises:
        KeyError: one of them is missing.
    """
    embedding_VD = tensors["model.embed_tokens.weight"]
    return Network(
        shape=shape,
        embedding_VD=embedding_VD,
        layers=tuple(layer_of(tensors, f"model.layers.{n}.", shape) for n in range(shape.num_hidden_layers)),
        norm_D=tensors["model.norm.weight"],
        head_DV=(embedding_VD if shape.tie_word_embeddings else tensors["lm_head.weight"]).T,
    )

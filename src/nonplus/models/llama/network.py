"""The layers of a Llama in NumPy, for tokens of one or many texts laid end to end.

Letters in shapes: M tokens laid end to end, Q tokens of a block, S tokens that a block
sees, D channels of the body, F of the feed-forward layer, V vocabulary, A query heads,
K key heads, H = A + 2 K, G = A / K query heads per key head, C channels of a head,
c = C / 2, N positions asked for.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Self, final

import numpy as np
from numpy.typing import NDArray

from nonplus.kernels.numpy_layers import causal_exponentials, swiglu
from nonplus.kernels.targets import check_ids
from nonplus.measure.records import Ints
from nonplus.models.llama.weights import Array, Layer, Shape, layer_of
from nonplus.threads import Each

_SCORES = 1 << 23  # bytes of attention scores that a thread holds at once, about
_QUERIES = 64  # tokens that attend together, at most
_FEWEST = 16  # and at least, however many scores that makes
_ATTENTION = 4  # products for each token seen and channel, at half the rate of others


@dataclass(frozen=True, slots=True)
class KeyValues:
    """What later tokens attend to in one layer: a key and a value for each token.

    Each head's lie together, and its keys channel by channel: BLAS is a fifth faster on
    that than on strides.
    """

    key_KCM: Array
    value_KMC: Array

    @classmethod
    def room(cls, shape: Shape, tokens: int) -> Self:
        """Memory for those of some tokens, not yet written."""
        k, c = shape.num_key_value_heads, shape.head_dim
        return cls(np.empty((k, c, tokens), np.float32), np.empty((k, tokens, c), np.float32))

    def followed_by(self, later: "KeyValues") -> "KeyValues":
        """Those of both, as a copy."""
        return KeyValues(
            np.concatenate([self.key_KCM, later.key_KCM], axis=2),
            np.concatenate([self.value_KMC, later.value_KMC], axis=1),
        )


@dataclass(frozen=True, slots=True)
class _Block:
    """Tokens ``[start, stop)`` of a part attend to those of the stream from ``first``.

    ``begin_Q`` is where the text of each begins, counted from ``first``.
    """

    start: int
    stop: int
    first: int
    begin_Q: Ints


@dataclass(frozen=True, slots=True)
class Part:
    """The work of one thread: tokens ``own`` of a stream, which attend in blocks."""

    own: slice
    blocks: list[_Block]


@dataclass(frozen=True, slots=True)
class Stream:
    """Tokens between two layers; each layer changes ``x_MD`` in place.

    A part reads keys and values of those before it, and changes nothing but its own.
    """

    x_MD: Array
    turn_M1c: NDArray[np.complex64]
    parts: list[Part]


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
        return (KeyValues.room(self.shape, 0),) * len(self.layers)

    def stream(self, ids_M: Ints, position_M: Ints, start_M: Ints, *, parts: int = 1) -> Stream:
        """Embedded tokens; ``start_M`` is the index at which the text of each begins.

        The parts take about equally long.

        Raises:
            BadInput: an id that the model does not know.
        """
        check_ids(ids_M, self.shape.vocab_size)
        longest = int(position_M.max(initial=0)) + 1
        queries = max(_FEWEST, min(_QUERIES, _SCORES // (4 * self.shape.num_attention_heads * longest)))
        cuts = self._cuts(start_M, parts)
        own = [Part(slice(a, b), list(_blocks(start_M, a, b, queries))) for a, b in pairwise(cuts)]
        return Stream(self.embedding_VD[ids_M], self._turns(position_M), own)

    def through(self, stream: Stream, each: Each) -> None:
        """Run all layers on the stream, each part in a thread."""
        for layer in self.layers:
            keys_values = KeyValues.room(self.shape, len(stream.x_MD))
            queries = list(each(partial(self._project, layer, stream, keys_values), stream.parts))
            list(each(partial(self._attend, layer, stream, keys_values), stream.parts, queries))

    def continued(self, layer: Layer, stream: Stream, past: KeyValues) -> KeyValues:
        """Run a layer on the stream, which is one part of a text that continues
        ``past``.

        Returns the keys and values of ``past`` and of the stream.
        """
        (part,) = stream.parts
        later = KeyValues.room(self.shape, len(stream.x_MD))
        query_MKGC = self._project(layer, stream, later, part)
        keys_values = past.followed_by(later)
        self._attend(layer, stream, keys_values, part, query_MKGC)
        return keys_values

    def hidden(self, stream: Stream, at_N: Ints) -> Array:
        """The states before the head at some tokens of the stream, shape (N, D)."""
        return self._normed(stream.x_MD[at_N], self.norm_D)

    def _project(self, layer: Layer, stream: Stream, room: KeyValues, part: Part) -> Array:
        """The queries of a part, (M, K, G, C); keys and values go to ``room``."""
        a, k, c = self.shape.num_attention_heads, self.shape.num_key_value_heads, self.shape.head_dim
        x_MD = self._normed(stream.x_MD[part.own], layer.attention_norm_D)
        all_MHC = layer.query_key_value(x_MD).reshape(len(x_MD), a + k + k, c)
        turned = all_MHC[:, : a + k].view(np.complex64)
        turned *= stream.turn_M1c[part.own]
        room.key_KCM[:, :, part.own] = all_MHC[:, a : a + k].transpose(1, 2, 0)
        room.value_KMC[:, part.own] = all_MHC[:, a + k :].transpose(1, 0, 2)
        return all_MHC[:, :a].reshape(len(x_MD), k, a // k, c)

    def _attend(self, layer: Layer, stream: Stream, keys_values: KeyValues, part: Part, query_MKGC: Array) -> None:
        """The rest of the layer, for a part."""
        x_MD = stream.x_MD[part.own]
        past = keys_values.key_KCM.shape[2] - len(stream.x_MD)
        x_MD += layer.attention_out(_attended(query_MKGC, keys_values, part, past))
        x_MD += layer.feed_out(swiglu(layer.gate_up(self._normed(x_MD, layer.feed_norm_D))))

    def _cuts(self, start_M: Ints, parts: int) -> list[int]:
        """Where to cut tokens into parts that take equally long."""
        layer, heads = self.layers[0], self.shape.num_attention_heads
        products = (layer.query_key_value, layer.attention_out, layer.gate_up, layer.feed_out)
        seen_M = np.arange(len(start_M)) - start_M
        cost_M = sum(each.weight_IO.size for each in products) + _ATTENTION * heads * self.shape.head_dim * seen_M
        until_M = np.cumsum(cost_M)
        inner = np.searchsorted(until_M, cost_M.sum() * np.arange(1, parts) / parts)
        return [0, *inner.tolist(), len(start_M)]

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


def _attended(query_MKGC: Array, keys_values: KeyValues, part: Part, past: int) -> Array:
    """The heads' outputs side by side, shape (M, A * C), of a part's queries.

    ``past`` is how many keys are before the first token of the stream.
    """
    m, k, g, c = query_MKGC.shape
    gathered_MKGC = np.empty((m, k, g, c), np.float32)
    for block in part.blocks:
        own, seen = slice(block.start, block.stop), slice(block.first, past + part.own.start + block.stop)
        q = block.stop - block.start
        query_KRC = query_MKGC[own].transpose(1, 2, 0, 3).reshape(k, -1, c)  # R = G * Q
        score_KRS = query_KRC @ keys_values.key_KCM[:, :, seen]
        sum_KR = causal_exponentials(score_KRS, block.begin_Q)
        mixed_KRC = score_KRS @ keys_values.value_KMC[:, seen]
        mixed_KRC /= sum_KR[:, :, None]
        gathered_MKGC[own] = mixed_KRC.reshape(k, -1, q, c).transpose(2, 0, 1, 3)
    return gathered_MKGC.reshape(m, k * g * c)


def _blocks(start_M: Ints, begin: int, end: int, queries: int) -> Iterator[_Block]:
    """Blocks of at most ``queries`` of the tokens from ``begin`` to ``end``: several
    texts, or a part of a long one.
    """
    texts = [*np.unique(np.maximum(start_M[begin:end], begin)).tolist(), end]
    cuts = [begin]
    for start, stop in pairwise(texts):
        if stop - cuts[-1] > queries:
            cuts.append(start)
        if stop - start > queries:
            cuts += [*range(start + queries, stop, queries), stop]
    for start, stop in pairwise([*cuts, end]):
        if start < stop:
            first = int(start_M[start])
            yield _Block(start - begin, stop - begin, first, start_M[start:stop] - first)


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

"""A Llama's state after some tokens, which scores continuations without feeding those
again.

Letters in shapes: P tokens so far, M tokens more, D channels of the body, V vocabulary.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar, final

import numpy as np

from nonplus.errors import BadInput
from nonplus.kernels.numpy_head import head_logprobs, logits_to_logprobs
from nonplus.kernels.targets import as_ids
from nonplus.measure.records import Floats, Ints
from nonplus.models.llama.network import KeyValues, Network
from nonplus.models.llama.weights import Array
from nonplus.threads import in_threads

_LOGITS = 1 << 22  # bytes of logits held at once

Part = TypeVar("Part")
Result = TypeVar("Result")


@final
@dataclass(frozen=True, slots=True, eq=False, repr=False)
class LlamaPrefix:
    """The tokens, their keys and values in each layer, the last one's hidden state."""

    network: Network
    max_context: int
    tokens: Ints
    keys_values: tuple[KeyValues, ...]
    last_1D: Array

    def distribution(self) -> Array:
        """Log-probabilities of the next token, shape (V,)."""
        logits_1V = _in_one_thread(lambda last_1D: last_1D @ self.network.head_DV, self.last_1D)
        logprob_V: Array = logits_to_logprobs(logits_1V)[0]
        return logprob_V

    def logprobs(self, continuation: Sequence[int]) -> Floats:
        """Natural log-probability of each token after all before it, shape (M,).

        Raises:
            BadInput: there are too many tokens, or one that the model does not know.
        """
        return _in_one_thread(self._logprobs, as_ids(continuation))

    def extended(self, tokens: Sequence[int]) -> "LlamaPrefix":
        """The state after ``tokens`` more.

        Raises:
            BadInput: there are too many tokens, or one that the model does not know.
        """
        ids_M = as_ids(tokens)
        keys_values, state_MD = _in_one_thread(self._fed, ids_M)
        tokens_P = np.concatenate([self.tokens, ids_M])
        tokens_P.flags.writeable = False
        last_1D = np.concatenate([self.last_1D, state_MD])[-1:]
        return LlamaPrefix(self.network, self.max_context, tokens_P, keys_values, last_1D)

    def _logprobs(self, target_M: Ints) -> Floats:
        _, state_MD = self._fed(target_M[:-1])
        hidden_MD = np.concatenate([self.last_1D, state_MD])[: len(target_M)]
        return head_logprobs(hidden_MD, self.network.head_DV, target_M, cap_bytes=_LOGITS)

    def _fed(self, ids_M: Ints) -> tuple[tuple[KeyValues, ...], Array]:
        """Keys and values after ``ids_M`` more, and hidden states of these (M, D)."""
        before, more = len(self.tokens), len(ids_M)
        if not more:
            return self.keys_values, self.last_1D[:0]
        if before + more > self.max_context:
            raise BadInput(
                f"the model takes at most {self.max_context} tokens, got {before + more}"
                f"{f', {before} of them in the prefix' if before else ''}; feed it fewer"
            )
        stream = self.network.stream(ids_M, before + np.arange(more), np.zeros(more, np.int64))
        keys_values = tuple(
            self.network.continued(layer, stream, past)
            for layer, past in zip(self.network.layers, self.keys_values, strict=True)
        )
        return keys_values, self.network.hidden(stream, np.arange(more))


def prefix_of(network: Network, tokens: Sequence[int], *, max_context: int) -> LlamaPrefix:
    """The state after ``tokens``.

    Raises:
        BadInput: there is no token, or more than ``max_context``, or one that the model
            does not know.
    """
    if not len(as_ids(tokens)):
        raise BadInput("a prefix has at least one token, got none; begin with the model's BOS token")
    no_token, no_state = np.empty(0, np.int64), np.empty((0, len(network.norm_D)), np.float32)
    return LlamaPrefix(network, max_context, no_token, network.no_keys_values(), no_state).extended(tokens)


def _in_one_thread(work: Callable[[Part], Result], part: Part) -> Result:
    # so that BLAS starts no threads of its own: see in_threads
    (result,) = in_threads(work, [part])
    return result

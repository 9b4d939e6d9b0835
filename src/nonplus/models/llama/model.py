"""Llama in NumPy: what a small model needs to run where torch is not installed.

The texts of a batch are laid end to end, without padding, so that a text costs the same
alone and in a shared row. The tokens are split among the processors, a thread each,
also within a text: NumPy releases the interpreter's lock wherever time is spent.

Letters in shapes: B rows of a batch, T tokens of a row, M tokens laid end to end,
D channels of the body, V vocabulary, N positions asked for.
"""

import hashlib
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any, final

import numpy as np

from nonplus.errors import BadModel
from nonplus.kernels.numpy_head import head_distributions, head_logprobs
from nonplus.kernels.targets import check_ids
from nonplus.measure.records import Batch, Floats, Ints
from nonplus.models.llama.network import Stream, network_of
from nonplus.models.llama.prefix import LlamaPrefix, prefix_of
from nonplus.models.llama.tokenizer import FileTokenizer, json_file
from nonplus.models.llama.weights import Array, check_rows, shape_of, tensors_of
from nonplus.models.loading import Loading, loaded_as_is, reopened
from nonplus.threads import Each, processors, threads

_LOGITS = 1 << 24  # bytes of logits that a thread holds at once
_TOKENS = 1024  # of a batch for each processor
_SHARE = 128  # tokens below which a thread of its own costs more than it saves


@final
class Llama:
    """A Llama, read from a folder in the layout of ``transformers``."""

    dtype = "float32"
    packs = True

    def __init__(self, folder: Path) -> None:
        """Read configuration, weights and tokenizer.

        Raises:
            BadModel: something is missing, broken, or not a Llama.
        """
        config = json_file(folder / "config.json")
        shape = shape_of(config, folder)
        tensors, weights_digest = tensors_of(folder)
        check_rows(tensors, shape, folder)
        self.name, self._folder = folder.name, folder.absolute()
        self.identity = hashlib.sha256(f"{weights_digest} {sorted(config.items())}".encode()).hexdigest()
        self.tokenizer = FileTokenizer(folder)
        self.special = self.tokenizer.special(config)
        self.vocabulary = shape.vocab_size
        self.budget = _TOKENS * processors()
        self.max_context = min(shape.max_position_embeddings, self.tokenizer.max_length)
        try:
            self._network = network_of(tensors, shape)
        except KeyError as missing:
            raise BadModel(f"{folder} has no weights named {missing}; its config.json calls for them") from None

    def __reduce__(self) -> tuple[Any, ...]:
        """A pickle has the folder, not the weights."""
        return reopened, (partial(open_llama, self._folder), self.identity)

    def logprobs(self, batch: Batch) -> Floats:
        """Natural log-probability of each target, shape (N,)."""
        with threads(_count(batch)) as each:
            stream, at_N = self._fed(batch, each)

            def scored(part: slice) -> Floats:
                hidden_ND = self._network.hidden(stream, at_N[part])
                return head_logprobs(hidden_ND, self._network.head_DV, batch.target_N[part], cap_bytes=_LOGITS)

            return np.concatenate(list(each(scored, _even(len(at_N), len(stream.parts)))))

    def distributions(self, batch: Batch) -> Iterator[Array]:
        """Log-probabilities at the positions asked for, as chunks (M, V)."""
        check_ids(batch.target_N, self.vocabulary)
        with threads(_count(batch)) as each:
            hidden_ND = self._network.hidden(*self._fed(batch, each))
        yield from head_distributions(hidden_ND, self._network.head_DV, cap_bytes=_LOGITS * processors())

    def prefix(self, tokens: Sequence[int]) -> LlamaPrefix:
        """The state after ``tokens``.

        Raises:
            BadInput: there is no token, or more than ``max_context``, or one that the
                model does not know.
        """
        return prefix_of(self._network, tokens, max_context=self.max_context)

    def _fed(self, batch: Batch, each: Each) -> tuple[Stream, Ints]:
        """The batch after all layers, and where in it the positions asked for are."""
        fed_M, start_M = _laid_out(batch)
        ids_M, position_M = batch.input_BT.reshape(-1)[fed_M], batch.position_BT.reshape(-1)[fed_M]
        stream = self._network.stream(ids_M, position_M, start_M, parts=_count(batch))
        self._network.through(stream, each)
        return stream, np.searchsorted(fed_M, batch.at_N)


def _count(batch: Batch) -> int:
    """The number of threads for a batch."""
    return max(1, min(processors(), batch.input_BT.size // _SHARE))


def _even(n: int, count: int) -> Iterator[slice]:
    """Slices of ``n`` things, ``count`` of them, as equal as possible."""
    return (slice(begin, stop) for begin, stop in pairwise(n * i // count for i in range(count + 1)))


def _laid_out(batch: Batch) -> tuple[Ints, Ints]:
    """Which positions of the flattened input are fed, and for each the index in that
    list at which its text begins; shapes (M,).

    What comes after the last position asked for of a text is not fed: no score depends
    on it.
    """
    begins_BT = batch.position_BT == 0
    begins_BT[:, 0] = True
    text = np.cumsum(begins_BT.reshape(-1)) - 1
    last = np.full(int(text[-1]) + 1 if text.size else 0, -1)
    np.maximum.at(last, text[batch.at_N], batch.at_N)
    fed_M = np.flatnonzero(np.arange(text.size) <= last[text])
    start_M = np.searchsorted(text[fed_M], text[fed_M])
    return fed_M, start_M


def open_llama(folder: str | Path, loading: Loading = Loading()) -> Llama:  # noqa: B008
    """``llama:FOLDER``: any Llama in the layout of ``transformers``, without torch."""
    try:
        model = Llama(Path(folder))
    except OSError as fault:
        raise BadModel(
            f"the model {folder} cannot be read: {fault.strerror}; give a folder that this user may read"
        ) from None
    return loaded_as_is(model, loading)

"""Causal language models of ``transformers``: from a folder, from the hub, in memory.

Letters in shapes: N positions asked for, M positions of a chunk, V vocabulary.
"""

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice
from typing import Any, TypeVar, final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from nonplus.errors import BadInput, BadModel, FallbackNotice
from nonplus.kernels.targets import check_ids
from nonplus.kernels.torch_head import distributions, logprobs
from nonplus.measure.records import Batch, Floats, Ints
from nonplus.models.hf.identity import identity
from nonplus.models.hf.inner import device_of, inner_model, n_embedded
from nonplus.models.hf.loading import loaded_model, loaded_tokenizer
from nonplus.models.hf.logits import TensorBatch
from nonplus.models.hf.self_check import fastest_path, logits_width, packs
from nonplus.models.hf.tokenizer import HFTokenizer
from nonplus.models.loading import Loading

Answer = TypeVar("Answer")

# What configurations call the most tokens that the model accepts.
_CONTEXT = (
    "max_position_embeddings",
    "n_positions",
    "n_ctx",
    "max_seq_len",
    "max_sequence_length",
    "seq_length",
    "context_length",
)
_NO_LIMIT = 1 << 20  # a recurrent model, or one with relative positions, accepts any number of tokens
_SANE_LIMIT = 1 << 30  # tokenizers without a limit state 10**30

_CPU_BUDGET = 1024  # 512 to 4,096 tokens are equally fast within 5 %; fewer leave more of the cache
_DEVICE_BUDGET = 16384

_OUT_OF_MEMORY = ("can't allocate memory", "not enough memory", "CUBLAS_STATUS_ALLOC_FAILED")


def open_hf(name: str, loading: Loading = Loading()) -> "HFModel":  # noqa: B008
    """The model and tokenizer of a folder or of the hub.

    With ``dtype="auto"``, weights keep the dtype in which they are stored, except for
    float16 on a CPU, which becomes float32: a CPU multiplies float16 slowly and sums it
    badly. ``device="auto"`` is the first GPU, else the CPU.

    Raises:
        BadModel: it cannot be loaded, or weights are missing, or it is not causal.
        MissingExtra: ``peft`` is needed for an adapter.
    """
    if not name:
        raise BadModel("the name of the model is empty; give a folder, or a name on the hub as in hf:gpt2")
    model = _within_memory(lambda: loaded_model(name, loading))
    tokenizer = HFTokenizer(loaded_tokenizer(name, loading))
    named = f"{name}+{loading.adapter}" if loading.adapter else name
    return HFModel(model, tokenizer, name=named, packing=loading.packing)


def from_object(model: Any, tokenizer: Any) -> "HFModel":
    """A model in memory with its tokenizer.

    It may have adapters, quantised weights and several devices. It runs in evaluation
    mode and is left as it was found, so training may continue in between.

    Raises:
        BadModel: it is not causal.
    """
    if not isinstance(model, nn.Module):
        raise BadModel(f"a model is a torch module made by transformers, got {type(model).__name__}")
    config = inner_model(model).config
    named = config.name_or_path or type(inner_model(model)).__name__
    return HFModel(model, HFTokenizer(tokenizer), name=named, packing=False)


@final
class HFModel:
    """A causal language model of ``transformers``.

    Texts share rows (``packs``) on a GPU or with ``packing``, if a check at opening
    finds the same logits as for each alone.
    """

    def __init__(self, model: nn.Module, tokenizer: HFTokenizer, *, name: str, packing: bool) -> None:
        """Find the fastest path that gives the model's own logits on a small window."""
        self._model = model
        inner = inner_model(model)
        config = inner.config.get_text_config()
        self._embedded = n_embedded(inner)
        self._on_cpu = device_of(inner).type == "cpu"
        with _evaluating(model):
            self.vocabulary = logits_width(model)
            self._path = fastest_path(model, vocabulary=self.vocabulary, name=name)
            self.packs = (packing or not self._on_cpu) and packs(model, self._path)
        if packing and not self.packs:
            warnings.warn(
                f"{name}: texts that share a row do not get the figures of each alone; each gets its own row",
                FallbackNotice,
                stacklevel=3,
            )
        self.name = name
        self.tokenizer = tokenizer
        self.special = tokenizer.special(config, vocabulary=self._embedded)
        self.max_context = _max_context(config, tokenizer)

    @property
    def identity(self) -> str:
        """A digest of the weights as they are now, since training may continue.

        8 GB take about a second.
        """
        return identity(self._model)

    @property
    def dtype(self) -> str:
        """The dtype in which the body computes."""
        return str(inner_model(self._model).dtype).removeprefix("torch.")

    @property
    def budget(self) -> int:
        """Tokens of a batch that keep this device busy."""
        return _CPU_BUDGET if self._on_cpu else _DEVICE_BUDGET

    def logprobs(self, batch: Batch) -> Floats:
        """Natural log-probability of each target, shape (N,).

        Raises:
            BadInput: an id that the model does not know.
            BadModel: a log-probability is NaN.
            MemoryError: the batch does not fit; a smaller one may.
        """
        logits = self._logits(batch)
        with _evaluating(self._model):
            logprob_N = _within_memory(lambda: logprobs(logits, self._tensor(batch.target_N)))
        self._check_numbers(logprob_N)
        return logprob_N

    def distributions(self, batch: Batch) -> Iterator[NDArray[np.floating[Any]]]:
        """Log-probabilities of all tokens at the positions asked for, as chunks (M, V).

        Raises:
            BadInput: an id that the model does not know.
            BadModel: a log-probability is NaN.
            MemoryError: the batch does not fit; a smaller one may.
        """
        chunks = distributions(self._logits(batch))
        while True:
            # left between chunks, so that their reader finds torch and the model as
            # they were
            with _evaluating(self._model):
                step = _within_memory(lambda: list(islice(chunks, 1)))
            if not step:
                return
            self._check_numbers(step[0][:, 0])  # where one is NaN, its whole row is
            yield step[0]

    def _logits(self, batch: Batch) -> Iterator[Tensor]:
        """Chunks of logits; nothing is computed before the first is asked for."""
        check_ids(batch.input_BT, self._embedded)
        check_ids(batch.target_N, self.vocabulary)
        width = batch.input_BT.shape[1]
        shared = bool((batch.position_BT.flat[batch.at_N] != batch.at_N % width).any())
        if shared and not self.packs:
            raise BadInput(f"{self.name} is not known to keep texts in one row apart; give each its own row")
        position_BT = self._tensor(batch.position_BT) if shared else None
        yield from self._path.logits(TensorBatch(self._tensor(batch.input_BT), position_BT, self._tensor(batch.at_N)))

    def _check_numbers(self, logprobs: NDArray[np.floating[Any]]) -> None:
        if np.isnan(logprobs).any():
            raise BadModel(
                f"{self.name} gives NaN as a log-probability in {self.dtype}; open it with dtype=float32 or "
                "dtype=bfloat16, whose range is as wide; float16 ends at 65,504"
            )

    def _tensor(self, ids: Ints) -> Tensor:
        return torch.tensor(ids, device=device_of(inner_model(self._model)))


def _max_context(config: Any, tokenizer: HFTokenizer) -> int:
    """The limit in the configuration or in the tokenizer, whichever is less.

    2**20 if neither has one.
    """
    settings = config.to_dict()
    limits = [settings[key] for key in _CONTEXT if isinstance(settings.get(key), int) and settings[key] > 0][:1]
    limits += [tokenizer.max_length] if 0 < tokenizer.max_length < _SANE_LIMIT else []
    return min(limits, default=_NO_LIMIT)


@contextmanager
def _evaluating(model: nn.Module) -> Iterator[None]:
    """Evaluation mode without gradients inside; each module's own mode afterwards."""
    training = [module for module in model.modules() if module.training]
    if training:
        model.eval()
    try:
        # no_grad, because buffers filled in inference_mode cannot be trained on, and it
        # saves 1 % at most
        with torch.no_grad():
            yield
    finally:
        for module in training:
            module.training = True


def _within_memory(step: Callable[[], Answer]) -> Answer:
    """What ``step`` returns.

    Raises:
        MemoryError: it ran out of memory, which is free again.
    """
    try:
        return step()
    except RuntimeError as fault:
        if not isinstance(fault, torch.OutOfMemoryError) and not any(sign in str(fault) for sign in _OUT_OF_MEMORY):
            raise
    # outside the handler, where nothing refers to the tensors of the frames that failed
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    raise MemoryError("the batch does not fit into the memory of the device; a smaller one may")

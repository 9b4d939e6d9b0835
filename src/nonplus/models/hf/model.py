"""Any causal language model of ``transformers``: by folder, by name on the hub, or as an object in memory.

Letters in shapes: N places asked for.
"""

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar, final

import numpy as np
import torch
from torch import Tensor, nn

from nonplus.errors import BadInput, BadModel, FallbackNotice
from nonplus.kernels.numpy_head import check_ids
from nonplus.kernels.torch_head import Logits, logprobs, readings
from nonplus.measure.records import Batch, Floats, Ints, Readings
from nonplus.models.hf.identity import identity
from nonplus.models.hf.inner import device_of, ids_known, inner_model
from nonplus.models.hf.loading import loaded_model, loaded_tokenizer
from nonplus.models.hf.logits import Places
from nonplus.models.hf.self_check import fastest_way, logits_wide, packs
from nonplus.models.hf.tokenizer import HFTokenizer
from nonplus.models.loading import Loading

Answer = TypeVar("Answer")

# What configurations call the most tokens that the model was made for.
_CONTEXT = (
    "max_position_embeddings",
    "n_positions",
    "n_ctx",
    "max_seq_len",
    "max_sequence_length",
    "seq_length",
    "context_length",
)
_NO_LIMIT = 1 << 20  # a recurrent model, or one that only sees distances, can be fed any number of tokens
_SANE_LIMIT = 1 << 30  # tokenizers that know of no limit say 10**30

_CPU_BUDGET = 1024  # 512 to 4,096 tokens are equally fast within 5 %; fewer leave more of the cache
_DEVICE_BUDGET = 16384

_OUT_OF_MEMORY = ("can't allocate memory", "not enough memory", "CUBLAS_STATUS_ALLOC_FAILED")


def open_hf(name: str, loading: Loading = Loading()) -> "HFModel":  # noqa: B008
    """The model and tokenizer of a folder or of the hub.

    With ``auto``, weights stay in the number format in which they are stored, but for float16 on a CPU, which
    multiplies it slowly and sums it badly: it becomes float32. An automatic device is the first GPU, else the CPU.

    Raises:
        BadModel: it cannot be loaded whole, or does not continue text.
        MissingExtra: ``peft`` is needed for an adapter.
    """
    if not name:
        raise BadModel("the name of the model is empty; give a folder, or a name on the hub as in hf:gpt2")
    model = _within_memory(lambda: loaded_model(name, loading))
    tokenizer = HFTokenizer(loaded_tokenizer(name, loading))
    named = f"{name}+{loading.adapter}" if loading.adapter else name
    return HFModel(model, tokenizer, name=named, packing=loading.packing)


def from_object(model: Any, tokenizer: Any) -> "HFModel":
    """A model in memory, also with adapters, quantised or spread over devices, with its tokenizer.

    It is read in evaluation mode and left as it was found, so it may go on learning in between.

    Raises:
        BadModel: it does not continue text.
    """
    if not isinstance(model, nn.Module):
        raise BadModel(f"a model is a torch module that transformers has made, got {type(model).__name__}")
    config = inner_model(model).config
    named = config.name_or_path or type(inner_model(model)).__name__
    return HFModel(model, HFTokenizer(tokenizer), name=named, packing=False)


@final
class HFModel:
    """A causal language model of ``transformers``.

    Texts share rows (``packs``) on a GPU or where asked for, if they are found to have the figures of each alone.
    """

    def __init__(self, model: nn.Module, tokenizer: HFTokenizer, *, name: str, packing: bool) -> None:
        """Try ``model`` out on one window, and find the fastest way to its logits that changes nothing."""
        self._model = model
        inner = inner_model(model)
        config = inner.config.get_text_config()
        self._embedded = ids_known(inner)
        self._on_cpu = device_of(inner).type == "cpu"
        with _reading(model):
            self.vocabulary = logits_wide(model)
            self._way = fastest_way(model, vocabulary=self.vocabulary, name=name)
            self.packs = (packing or not self._on_cpu) and packs(model, self._way)
        if packing and not self.packs:
            warnings.warn(
                f"{name}: texts that share a row do not have the figures that each has alone; each has its own row",
                FallbackNotice,
                stacklevel=3,
            )
        self.name = name
        self.tokenizer = tokenizer
        self.special = tokenizer.special(config, vocabulary=self._embedded)
        self.max_context = _max_context(config, tokenizer)

    @property
    def identity(self) -> str:
        """A digest of the weights as they are now, since a model in memory may go on learning; 8 GB take a second."""
        return identity(self._model)

    @property
    def dtype(self) -> str:
        """The number format in which the body computes."""
        return str(inner_model(self._model).dtype).removeprefix("torch.")

    @property
    def budget(self) -> int:
        """Tokens that keep this device busy."""
        return _CPU_BUDGET if self._on_cpu else _DEVICE_BUDGET

    def logprobs(self, batch: Batch) -> Floats:
        """Natural log-probability of each target, shape (N,).

        Raises:
            BadInput: an id that the model does not know.
            BadModel: the model answers with what is no number.
            MemoryError: the batch does not fit; a smaller one may.
        """
        return self._numbers(batch, lambda target_N: logprobs(self._logits(batch), target_N), lambda answer: answer)

    def readings(self, batch: Batch, *, top: int) -> Readings:
        """The same answer with the rest of the distribution beside it.

        Raises:
            BadInput: an id that the model does not know.
            BadModel: the model answers with what is no number.
            MemoryError: the batch does not fit; a smaller one may.
        """
        return self._numbers(
            batch,
            lambda target_N: readings(self._logits(batch), target_N, top=top),
            lambda answer: answer.nats,
        )

    def _numbers(self, batch: Batch, ask: Callable[[Tensor], Answer], nats: Callable[[Answer], Floats]) -> Answer:
        check_ids(batch.input_BT, self._embedded)
        check_ids(batch.target_N, self.vocabulary)
        with _reading(self._model):
            answer = _within_memory(lambda: ask(self._tensor(batch.target_N)))
        if np.isnan(nats(answer)).any():
            raise BadModel(
                f"{self.name} answers in {self.dtype} with what is no number, so there is no probability to report; "
                "open it with dtype=float32, or bfloat16, whose range is as wide; float16 ends at 65,504"
            )
        return answer

    def _logits(self, batch: Batch) -> Iterator[Logits]:
        width = batch.input_BT.shape[1]
        shared = bool((batch.position_BT.flat[batch.at_N] != batch.at_N % width).any())
        if shared and not self.packs:
            raise BadInput(f"{self.name} is not known to keep texts in one row apart; give each its own row")
        position_BT = self._tensor(batch.position_BT) if shared else None
        return self._way.logits(Places(self._tensor(batch.input_BT), position_BT, self._tensor(batch.at_N)))

    def _tensor(self, ids: Ints) -> Tensor:
        return torch.tensor(ids, device=device_of(inner_model(self._model)))


def _max_context(config: Any, tokenizer: HFTokenizer) -> int:
    """What the configuration says, or the tokenizer if that is less; 2**20 where neither names a limit."""
    said = config.to_dict()
    limits = [said[field] for field in _CONTEXT if isinstance(said.get(field), int) and said[field] > 0][:1]
    limits += [tokenizer.max_length] if 0 < tokenizer.max_length < _SANE_LIMIT else []
    return min(limits, default=_NO_LIMIT)


@contextmanager
def _reading(model: nn.Module) -> Iterator[None]:
    """Evaluation mode without gradients inside; each module's own mode afterwards."""
    learning = [module for module in model.modules() if module.training]
    if learning:
        model.eval()
    try:
        # no_grad, since what inference_mode leaves in a model's buffers could not be trained on, and saves 1 % at most
        with torch.no_grad():
            yield
    finally:
        for module in learning:
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
    # outside the handler, where nothing holds on to the tensors of the frames that failed
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    raise MemoryError("the batch does not fit into the memory of the device; a smaller one may")

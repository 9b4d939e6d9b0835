"""Causal language models of ``transformers``: from a folder, from the hub, in memory.

Letters in shapes: N positions asked for, M positions of a chunk, V vocabulary.
"""

from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice
from typing import Any, final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from nonplus.cautions import warn
from nonplus.errors import BadInput, BadModel, FallbackNotice
from nonplus.kernels.targets import check_ids
from nonplus.kernels.torch_head import distributions, logprobs
from nonplus.measure.records import Batch, Floats, Ints
from nonplus.models.hf.context import max_context
from nonplus.models.hf.evaluating import evaluating, within_memory
from nonplus.models.hf.identity import identity
from nonplus.models.hf.inner import device_of, inner_model, n_embedded, usual_budget
from nonplus.models.hf.kinds import CAUSAL, check_kind
from nonplus.models.hf.loading import loaded_model, loaded_tokenizer
from nonplus.models.hf.logits import LogitsPath, TensorBatch
from nonplus.models.hf.nan_logits import nan_logits
from nonplus.models.hf.quantization import stated
from nonplus.models.hf.row_lengths import RowsOfOneLength, undisturbed_length
from nonplus.models.hf.self_check import fastest_path, logits_width, packs
from nonplus.models.hf.tokenizer import HFTokenizer
from nonplus.models.hf.witness import body_dtype, forward_pass
from nonplus.models.loading import Loading, reopened


def open_hf(name: str, loading: Loading = Loading(), *, here: bool = False) -> "HFModel":  # noqa: B008
    """The model and tokenizer of a folder or of the hub, which is not asked if they are
    ``here``.

    With ``dtype="auto"``, weights keep the dtype in which they are stored, except for
    float16 on a CPU, which becomes float32: a CPU multiplies float16 slowly and sums it
    badly. ``device="auto"`` is the first GPU, else the CPU.

    Raises:
        BadModel: it cannot be loaded, or weights are missing, or it is not causal.
        MissingExtra: ``peft`` is needed for an adapter.
    """
    model = within_memory(lambda: loaded_model(name, loading, here=here))
    tokenizer = HFTokenizer(loaded_tokenizer(name, loading, here=here))
    named = f"{name}+{loading.adapter}" if loading.adapter else name
    opens = partial(open_hf, name, loading, here=here)
    return HFModel(model, tokenizer, name=named, packing=loading.packing, opens=opens)


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
    check_kind(config, CAUSAL, named)
    opens = partial(from_object, model, tokenizer)
    return HFModel(model, HFTokenizer(tokenizer), name=named, packing=False, opens=opens)


@final
class HFModel:
    """A causal language model of ``transformers``.

    Texts share rows (``packs``) on a GPU or with ``packing``, if a check at opening
    finds the same logits as for each alone.
    """

    def __init__(
        self, model: nn.Module, tokenizer: HFTokenizer, *, name: str, packing: bool, opens: Callable[[], "HFModel"]
    ) -> None:
        """Find the fastest path that gives the model's own logits on a small window.

        ``opens`` is what opens the same model again, from a pickle.
        """
        self._model, self._opens = model, opens
        inner = inner_model(model)
        config = inner.config.get_text_config()
        self._embedded = n_embedded(inner)
        self._on_cpu = device_of(inner).type == "cpu"
        with evaluating(model):
            self.vocabulary = logits_width(model, name=name)
            path = fastest_path(model, vocabulary=self.vocabulary, name=name)
            seen = forward_pass(model)
            self._products = seen.products
            self.max_context = max_context(config, tokenizer_limit=tokenizer.max_length, seen=seen)
            free = undisturbed_length(model, context=self.max_context)
            undisturbed = free == self.max_context
            self.packs = (packing or not self._on_cpu) and undisturbed and packs(model, path)
        self._path: LogitsPath = path if undisturbed else RowsOfOneLength(path, model, free)
        if packing and not self.packs:
            warn(
                f"{name}: texts that share a row do not get the figures of each alone; each gets its own row",
                FallbackNotice,
            )
        self.name = stated(name, inner)
        self.tokenizer = tokenizer
        self.special = tokenizer.special(config, vocabulary=self._embedded)

    def __reduce__(self) -> tuple[Any, ...]:
        """A pickle has the name and how it was loaded; of a model in memory, all."""
        return reopened, (self._opens, self.identity)

    @property
    def identity(self) -> str:
        """A digest of the weights as they are now, since training may continue.

        In C, 4 GB take about a second of one core.
        """
        return identity(self._model, computed_in=self.dtype)

    @property
    def dtype(self) -> str:
        """The dtype in which the body computes: that of its weights, or a narrower one
        to which a wrapper casts them.
        """
        return body_dtype(self._model, self._products)

    @property
    def budget(self) -> int:
        """Tokens of a batch that keep this device busy."""
        return usual_budget(inner_model(self._model))

    def logprobs(self, batch: Batch) -> Floats:
        """Natural log-probability of each target, shape (N,).

        Raises:
            BadInput: an id that the model does not know.
            BadModel: a log-probability is NaN.
            MemoryError: the batch does not fit; a smaller one may.
        """
        logits = self._logits(batch)
        with evaluating(self._model):
            logprob_N = within_memory(lambda: logprobs(logits, self._tensor(batch.target_N)))
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
            with evaluating(self._model):
                step = within_memory(lambda: list(islice(chunks, 1)))
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
            raise nan_logits(self._model, self.name)

    def _tensor(self, ids: Ints) -> Tensor:
        return torch.tensor(ids, device=device_of(inner_model(self._model)))

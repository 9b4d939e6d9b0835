"""A function from token ids to logits as a model.

Letters in shapes: B rows of a batch, T time, V vocabulary, N positions asked for, M of
them in a chunk.
"""

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from nonplus.errors import BadInput, BadModel
from nonplus.kernels.chunks import chunks
from nonplus.kernels.dispatch import backend_of
from nonplus.kernels.numpy_head import logits_to_logprobs
from nonplus.kernels.token_nll import token_nll
from nonplus.measure.checks import Check
from nonplus.measure.conformance import examine
from nonplus.measure.interfaces import Special, Tokenizer, WindowModel
from nonplus.measure.records import Batch, Floats, Ints
from nonplus.models.any_tokenizer import named_token, tokenizer_of

# From ids (B, T), int64 in NumPy, to logits (B, T, V) of any array library.
LogitsFunction = Callable[[Ints], Any]

_LOGITS = 1 << 28  # bytes of float32 logits that a batch has, unless one row has more
_CHUNK = 1 << 22  # bytes of log-probabilities that are given at once
_OF_BFLOAT16 = 0.3  # nats by which a body in bfloat16 may be off
_LONGEST = 64  # tokens of a row with which a new model is tried
_TO_DO = {
    "repeatable": "switch off dropout and whatever else is random",
    "padding": "rows may not see each other, nor zeros to their right",
    "order": "rows may not see each other",
    "memory": "each call begins with a fresh state",
    "causality": "a token may see only those before it: give the model a causal mask",
}


def wrap(
    logits_fn: LogitsFunction,
    *,
    tokenizer: Any,
    context: int,
    name: str = "wrapped model",
    weights: Mapping[str, Any] | str = "",
    bos: int | str | None = "auto",
    eos: int | str | None = "auto",
    dtype: str = "auto",
) -> WindowModel:
    """A model of anything that gives logits: Keras, JAX, MLX, NumPy, torch.

    ``logits_fn`` takes token ids (B, T), int64 in NumPy, and returns logits (B, T, V)
    in an array of any of these libraries, in which the surprisals are then computed.
    Rows are padded on the right with id 0, which a causal model does not see.
    ``tokenizer`` is one of the packages ``tokenizers`` or ``transformers``, or one in
    the sense of :mod:`nonplus.measure.interfaces`; ``context`` the most tokens that the
    model takes at once. ``bos`` and ``eos`` are ``auto``, which asks the tokenizer, an
    id, a token, or ``None`` for none; ``dtype`` is that of the model's body, by default
    that of its logits.

    ``weights`` identify the model, as arrays by name or as a text; without them nothing
    tells it from the same model after more training, so no run with it can be resumed.

    The model is tried at once on a few short rows.

    Raises:
        BadModel: what it gives are no logits of a causal model with this tokenizer, or
            ``weights`` are empty; the message says what is wrong.
    """
    own, special, size = tokenizer_of(tokenizer)
    model = Wrapped(logits_fn, own, context=context, name=name, identity=_identity(weights), dtype=dtype)
    if model.vocabulary < size:
        raise BadModel(
            f"{name} gives logits of {model.vocabulary} tokens, and its tokenizer has {size}; pass the tokenizer that "
            "it was trained with"
        )
    model.special = Special(
        bos=named_token(own, bos, special.bos, vocabulary=model.vocabulary),
        eos=named_token(own, eos, special.eos, vocabulary=model.vocabulary),
    )
    for check in examine(model, longest=_LONGEST):
        if not check.passed:
            raise BadModel(_failure(model, check))
    return model


@final
class Wrapped:
    """A function that gives logits, with all that a model states about itself."""

    packs = False

    def __init__(
        self, logits_fn: LogitsFunction, tokenizer: Tokenizer, *, context: int, name: str, identity: str, dtype: str
    ) -> None:
        """Call the function once, to know its vocabulary and dtype; no token is special
        yet.

        Raises:
            BadModel: it gives no logits.
        """
        if context < 2:
            raise BadModel(f"a context has at least two tokens, one to predict another, got context={context}")
        self._fn = logits_fn
        self.name, self.identity, self.tokenizer = name, identity, tokenizer
        self.max_context = context
        self.special = Special(bos=None, eos=None)
        try:
            logits = self._called(np.zeros((1, 2), np.int64))
        except TypeError as fault:
            raise BadModel(
                f"{name} does not take ids as an array of NumPy ({fault}); convert them in the function, as in "
                "lambda ids: model(torch.from_numpy(ids))"
            ) from fault
        _refuse_probabilities(logits, name)
        self.vocabulary = int(logits.shape[-1])
        self.dtype = _dtype(logits) if dtype == "auto" else dtype
        self.budget = max(1, _LOGITS // (4 * self.vocabulary))

    def logprobs(self, batch: Batch) -> Floats:
        """Natural log-probability of each target, shape (N,).

        Raises:
            BadModel: the function does not give logits.
        """
        logits = self._logits(batch)
        target_BT, wanted_BT = np.zeros_like(batch.input_BT), np.zeros(batch.input_BT.shape, bool)
        target_BT.ravel()[batch.at_N], wanted_BT.ravel()[batch.at_N] = batch.target_N, True
        nats_BT = token_nll(logits, target_BT, mask=wanted_BT, on_nonfinite="nan").nats
        logprob_N: Floats = 0.0 - _in_numpy(nats_BT).ravel()[batch.at_N].astype(np.float64)
        return logprob_N

    def distributions(self, batch: Batch) -> Iterator[NDArray[np.floating[Any]]]:
        """Log-probabilities of all tokens, as chunks (M, V)."""
        logits_BTV = _in_numpy(self._logits(batch))
        logits_KV = logits_BTV.reshape(-1, self.vocabulary)
        wide = np.float64 if logits_KV.dtype == np.float64 else np.float32
        for positions in chunks(len(batch.at_N), max(1, _CHUNK // (4 * self.vocabulary))):
            yield logits_to_logprobs(logits_KV[batch.at_N[positions]].astype(wide))

    def _logits(self, batch: Batch) -> Any:
        logits = self._called(batch.input_BT)
        if logits.shape[-1] != self.vocabulary:
            raise BadModel(
                f"{self.name} gives logits of {logits.shape[-1]} tokens, and gave those of {self.vocabulary} before; "
                "return those of the whole vocabulary"
            )
        return logits

    def _called(self, ids_BT: Ints) -> Any:
        """Logits of one call, which may have any vocabulary.

        Raises:
            BadModel: they are no logits of these ids.
        """
        given = self._fn(ids_BT)
        try:
            logits = backend_of(given).scores(given)
        except BadInput as wrong:
            raise BadModel(
                f"{self.name} gives no logits for ids of shape {ids_BT.shape}: {wrong}; return an array (B, T, V) of "
                "them"
            ) from None
        shape = tuple(map(int, logits.shape))
        if len(shape) != 3 or shape[:2] != ids_BT.shape or not shape[2]:
            raise BadModel(
                f"{self.name} gives logits of shape {shape} for ids of shape {ids_BT.shape}; return those of all "
                "positions, in the shape (B, T, V)"
            )
        return logits


def _in_numpy(array: Any) -> NDArray[Any]:
    values = backend_of(array).concrete(array)
    if values is None:
        raise BadModel("logits inside of a compiled function have no values yet; wrap the function that calls it")
    return values


def _identity(weights: Mapping[str, Any] | str) -> str:
    """A text as it is, arrays as a digest of names, shapes, dtypes and values.

    Raises:
        BadModel: there is no array.
    """
    if isinstance(weights, str):
        return weights
    if not weights:
        raise BadModel(
            "weights={} has no array, which tells no model from another; give the model's arrays, or omit it"
        )
    digest = hashlib.sha256()
    for name in sorted(weights):
        array = weights[name]
        values = _in_numpy(array)
        digest.update(f"{name}\0{values.shape}\0{_dtype(array)}\0".encode())
        digest.update(np.ascontiguousarray(values).tobytes())
    return digest.hexdigest()


def _dtype(array: Any) -> str:
    """The name that its dtype has in NumPy, whatever its library calls it."""
    found = re.search(r"[a-z]+\d+\w*", str(array.dtype))
    return found[0] if found else str(array.dtype)


def _refuse_probabilities(logits: Any, name: str) -> None:
    """Refuse what was through a softmax already, which would flatten it."""
    row_TV = _in_numpy(logits)[0].astype(np.float64)
    uneven = row_TV.min() < row_TV.max()
    if uneven and row_TV.min() >= 0 and np.allclose(row_TV.sum(axis=-1), 1, atol=1e-2):
        raise BadModel(
            f"{name} gives probabilities: at each position, numbers from 0 on that add up to 1; return logits, as "
            "before the softmax, or the logarithm of the probabilities"
        )


def _failure(model: Wrapped, check: Check) -> str:
    if check.measured is None:
        return f"{model.name} fails the check {check.name}: {check.fault}"
    to_do = _TO_DO.get(check.name, "see what the function computes")
    if check.bound < check.measured <= _OF_BFLOAT16 and check.bound:
        to_do += "; or, if its body computes in fewer bits than its logits have, say so, as in dtype=bfloat16"
    return (
        f"{model.name} fails the check {check.name}, that {check.claim} ({check.measured:.2g} {check.unit}; at most "
        f"{check.bound:g}): {to_do}"
    )

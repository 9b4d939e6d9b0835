"""Models whose probabilities are known in closed form, for tests and for teaching.

Letters in shapes: V vocabulary, N positions asked for, M of them in a chunk, T tokens.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import final

import numpy as np

from nonplus.errors import BadInput, BadModel
from nonplus.kernels.chunks import chunks
from nonplus.kernels.targets import check_ids
from nonplus.measure.interfaces import NO_LIMIT, Message, Special, SpecialText, Tokenizer
from nonplus.measure.records import Batch, Encodings, Floats, Integers, Ints
from nonplus.measure.runs import count_up
from nonplus.models.loading import Loading, loaded_as_is

_BYTES = 256
_CHUNK_BYTES = 1 << 22  # of log-probabilities, as an array of its own would have


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Bytes:
    """A tokenizer whose ids are the bytes of the text in UTF-8.

    ``before`` and ``after`` are the ids that it adds automatically.
    """

    before: tuple[int, ...] = ()
    after: tuple[int, ...] = ()

    @property
    def identity(self) -> str:
        """The rule in words."""
        return f"bytes {self.before} {self.after}"

    @property
    def special_ids(self) -> frozenset[int]:
        """None that a text could spell out."""
        return frozenset()

    @property
    def unknown_id(self) -> None:
        """There is a token for every byte."""
        return None

    def encode(self, texts: Sequence[str], *, specials: bool, special_text: SpecialText = "parsed") -> Encodings:
        """Each text as its bytes; none of them spells a special token."""
        data = [text.encode() for text in texts]
        count_D = np.array(list(map(len, data)), np.int64)
        ids_T = np.frombuffer(b"".join(data), np.uint8).astype(np.int32)
        ends_T: Integers = np.empty(len(ids_T), np.int32 if len(ids_T) < 1 << 31 else np.int64)
        count_up(ends_T, np.cumsum(count_D) - count_D, np.ones_like(count_D), count_D)
        bare = Encodings(ids_T, ends_T, count_D)
        return bare.framed(self.before, self.after) if specials else bare

    def decode(self, ids: Sequence[int]) -> str:
        """The bytes as text; ids above 255 show as numbers in angle brackets."""
        return b"".join(bytes([i]) if i < _BYTES else b"<%d>" % i for i in ids).decode(errors="replace")

    def chat(self, messages: Sequence[Message]) -> str:
        """Not possible: bytes have no chat template.

        Raises:
            BadModel: always.
        """
        raise BadModel(
            "a model of bytes has no chat template, and a conversation needs one; open a chat model with hf:, or omit "
            "messages=… and score a field of text"
        )


@final
class Unigram:
    """A model that gives every id a fixed probability, whatever came before it."""

    dtype = "float64"
    max_context = NO_LIMIT
    budget = 1 << 16
    packs = True

    def __init__(
        self,
        probabilities: Sequence[float] | Floats,
        *,
        name: str = "unigram",
        tokenizer: Tokenizer = Bytes(),
        special: Special = Special(bos=None, eos=None),  # noqa: B008
    ) -> None:
        """``probabilities`` (V,) of the ids 0, 1, …

        Raises:
            BadModel: they are negative or do not sum to 1.
        """
        chance_V = np.asarray(probabilities, np.float64)
        if not (chance_V.ndim == 1 and np.all(chance_V >= 0) and abs(chance_V.sum() - 1) < 1e-9):
            raise BadModel(
                f"the probabilities of a unigram model are at least 0 and sum to 1; these {chance_V.size} sum to "
                f"{chance_V.sum():g}: divide them by their sum"
            )
        with np.errstate(divide="ignore"):
            self._logprob_V = np.log(chance_V)
        self.name = name
        self.tokenizer = tokenizer
        self.special = special
        self.vocabulary = len(chance_V)
        self.identity = hashlib.sha256(chance_V.tobytes()).hexdigest()

    def logprobs(self, batch: Batch) -> Floats:
        """Natural log-probability of each target, shape (N,)."""
        check_ids(batch.target_N, self.vocabulary)
        logprob_N: Floats = self._logprob_V[batch.target_N]
        return logprob_N

    def distributions(self, batch: Batch) -> Iterator[Floats]:
        """The same distribution at every position, as chunks (M, V)."""
        check_ids(batch.target_N, self.vocabulary)
        step = max(1, _CHUNK_BYTES // self._logprob_V.nbytes)
        for chunk in chunks(len(batch.target_N), step):
            yield np.broadcast_to(self._logprob_V, (chunk.stop - chunk.start, self.vocabulary))

    def prefix(self, tokens: Sequence[int]) -> "UnigramPrefix":
        """The state after ``tokens``: nothing but them."""
        if not len(tokens):
            raise BadInput("a prefix has at least one token, got none; begin with any token")
        return UnigramPrefix(self._logprob_V, np.empty(0, np.int64)).extended(tokens)


@final
@dataclass(frozen=True, slots=True, eq=False)
class UnigramPrefix:
    """Some tokens, and the distribution that does not depend on them."""

    logprob_V: Floats
    tokens: Ints

    def distribution(self) -> Floats:
        """Log-probabilities of the next token, shape (V,)."""
        return self.logprob_V.copy()

    def logprobs(self, continuation: Sequence[int]) -> Floats:
        """Natural log-probability of each token of ``continuation``."""
        target_M = np.asarray(continuation, np.int64)
        check_ids(target_M, len(self.logprob_V))
        logprob_M: Floats = self.logprob_V[target_M]
        return logprob_M

    def extended(self, tokens: Sequence[int]) -> "UnigramPrefix":
        """The state after ``tokens`` more."""
        ids_M = np.asarray(tokens, np.int64)
        check_ids(ids_M, len(self.logprob_V))
        return UnigramPrefix(self.logprob_V, np.concatenate([self.tokens, ids_M]))


def Uniform(
    vocabulary: int = _BYTES,
    *,
    tokenizer: Tokenizer = Bytes(),
    special: Special = Special(bos=None, eos=None),  # noqa: B008
) -> Unigram:
    """A model in which all ids are equally probable.

    Its perplexity is ``vocabulary`` on any text.
    """
    if vocabulary < 1:
        raise BadModel(f"a vocabulary has at least one token, got {vocabulary}; uniform:256 covers every byte")
    chance_V = np.full(vocabulary, 1 / vocabulary)
    return Unigram(chance_V, name=f"uniform:{vocabulary}", tokenizer=tokenizer, special=special)


def fitted_unigram(text: bytes, *, name: str = "unigram") -> Unigram:
    """The frequencies of the bytes of ``text``, each count increased by one."""
    count_V = 1 + np.bincount(np.frombuffer(text, np.uint8), minlength=_BYTES)
    return Unigram(count_V / count_V.sum(), name=name)


def open_uniform(size: str, loading: Loading = Loading()) -> Unigram:  # noqa: B008
    """``uniform:`` is uniform over bytes, ``uniform:1000`` over a thousand ids."""
    if size and not (size.isdecimal() and len(size) < 9):
        raise BadModel(f"uniform: takes the size of a vocabulary, got {size[:20]!r}; write e.g. uniform:256")
    return loaded_as_is(Uniform(int(size or _BYTES)), loading)


def open_unigram(file: str, loading: Loading = Loading()) -> Unigram:  # noqa: B008
    """``unigram:FILE`` is fitted on the bytes of that file."""
    if not Path(file).is_file():
        raise BadModel(f"unigram: takes the text file to fit, and there is no file {file!r}; check the path")
    return loaded_as_is(fitted_unigram(Path(file).read_bytes(), name=f"unigram:{file}"), loading)

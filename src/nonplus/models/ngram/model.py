"""An n-gram model as a scorer of whole texts, many documents at a time.

Letters in shapes: D documents, S sentences of all of them, T tokens of all of them,
K those that are not a first ``<s>``, N those of them that are scored, C the others, M
of a chunk, V words.
"""

import hashlib
import math
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from functools import cached_property
from threading import Event
from types import MappingProxyType
from typing import Any, Protocol, TypeVar, final

import numpy as np
from numpy.typing import NDArray

from nonplus.errors import BadInput, BadModel
from nonplus.kernels.native import framing as native
from nonplus.measure.contract import ROUNDING, possible
from nonplus.measure.lost_text import marked
from nonplus.measure.readings import readings
from nonplus.measure.records import Document, Floats, Integers, Ints, TokenizedTexts
from nonplus.measure.scores import Matches, ScoredTexts
from nonplus.measure.surprisals import Surprisals
from nonplus.measure.tokenizing import narrow, slices
from nonplus.measure.utf8_texts import Utf8Texts
from nonplus.models.loading import reopened
from nonplus.models.ngram.ngrams import BEGIN, END, UNKNOWN, Float32s, WordIds
from nonplus.models.ngram.normalizers.aligned import Unit
from nonplus.models.ngram.normalizers.named import Normalizer
from nonplus.models.ngram.protocol import NgramProtocol
from nonplus.models.ngram.text.rules import Rules, joined
from nonplus.models.ngram.text.tokenizer import RulesTokenizer
from nonplus.threads import processors

Chunk = TypeVar("Chunk")

_LN10 = math.log(10)


class Found(Protocol):
    """How each token was scored, given those before it in its sentence: its surprisal,
    the length of the n-gram that was found, and the natural logarithm of the back-off
    weights.
    """

    @property
    def nats_T(self) -> Floats: ...  # noqa: D102

    @property
    def length_T(self) -> NDArray[np.uint8]: ...  # noqa: D102

    @property
    def backoff_T(self) -> Float32s: ...  # noqa: D102


class Lookup(Protocol):
    """The n-grams of a model, however they are kept."""

    @property
    def order(self) -> int:
        """The words of the longest n-grams."""
        ...

    @property
    def vocabulary(self) -> int:
        """The number of words."""
        ...

    def score(self, ids_T: WordIds, starts: Ints) -> Found:
        """Each token given all that are before it in its sentence, which is
        ``[starts[s], starts[s + 1])``.
        """
        ...

    def distributions(self, ids_T: WordIds, starts: Ints, at_N: Ints) -> Iterator[Floats]:
        """Log-probabilities (M, V) of every word at the positions ``at_N``, some at a
        time.
        """
        ...


@final
class NgramModel:
    """N-grams, with the rules by which a text becomes their words.

    A token is scored given the tokens before it in its sentence, ``<s>`` included and
    at most ``order`` - 1; ``</s>`` is scored as any token, ``<s>`` is not one of the
    text.
    """

    dtype = "float32"

    def __init__(
        self,
        rules: Rules,
        lookup: Lookup,
        *,
        name: str,
        identity: str,
        opens: "Callable[[], NgramModel] | None" = None,
        quantiles: Mapping[str, Mapping[str, float]] = MappingProxyType({}),
    ) -> None:
        """``identity``: digest of n-grams and rules; ``opens`` opens a file again;
        ``quantiles`` are those of a manifest.
        """
        self.name = name
        self.quantiles = quantiles
        self.identity = identity
        self.order = lookup.order
        self.vocabulary = lookup.vocabulary - 1  # nothing predicts <s>
        self.tokenizer = RulesTokenizer(rules)
        self._rules = rules
        self._lookup = lookup
        self._opens = opens

    def __reduce__(self) -> tuple[Any, ...]:
        """A pickle has what opens the model, not its n-grams.

        Raises:
            BadModel: it is in memory only.
        """
        if self._opens is None:
            raise BadModel(f"{self.name} is in no file that a pickle could name; write a bundle and open that")
        return reopened, (self._opens, self.identity)

    @cached_property
    def protocol(self) -> NgramProtocol:
        """How it turns a text into tokens and a figure."""
        return NgramProtocol.of(self.order, self._rules)

    def read_by(self, normalizer: Normalizer, unit: Unit) -> "NgramModel":
        """The same n-grams for texts that are read in another way, into the same
        tokens: with that normaliser, and each sentence between ``<s>`` and ``</s>``.
        """
        rules = Rules(normalizer, self._rules.splitter, unit=unit)
        identity = hashlib.sha256(f"{self.identity} {rules.identity}".encode()).hexdigest()
        return NgramModel(rules, self._lookup, name=self.name, identity=identity)

    def score(self, documents: Iterable[Document], *, alternatives: int) -> Iterator[ScoredTexts]:
        """Documents with the surprisal of each token, in order, many at a time.

        They are read a few slices ahead, each of which is scored in a thread. Whoever
        breaks off, by Ctrl-C or by asking for no more, does not wait for all of them.

        Raises:
            BadInput: a text has no token.
        """
        workers, unwanted = processors(), Event()
        with ThreadPoolExecutor(workers) as pool:
            ahead: deque[Future[ScoredTexts]] = deque()
            try:
                for together in slices(documents):
                    ahead.append(pool.submit(self._scored, together, alternatives, unwanted))
                    if len(ahead) > workers:
                        yield ahead.popleft().result()
                while ahead:
                    yield ahead.popleft().result()
            finally:
                unwanted.set()

    def surprisals(self, texts: Utf8Texts) -> Surprisals:
        """The surprisal of each token of texts without a context, and no more, in the
        thread that calls.

        A text that the rules leave no word of has no token.

        Raises:
            BadModel: a probability is no number, or above 1.
        """
        framed = self._rules.sentences_of(texts)
        found = self._lookup.score(framed.ids_T, framed.starts)
        if not found.nats_T.min(initial=0.0) >= -ROUNDING:
            at_K = _own_tokens(framed.ids_T, framed.starts)
            self._check_possible(found.nats_T.take(at_K), found.backoff_T.take(at_K), framed.ids_T.take(at_K))
            possible(found.nats_T.take(at_K), self)
        scored = plain_scored if native.functions() is None else native.scored
        columns = native.Framed(framed.ids_T, framed.byte_ends_T, found.nats_T, framed.starts, framed.documents)
        return scored(columns, begin=BEGIN, end=END, unknown=UNKNOWN)

    def _scored(self, documents: Sequence[Document], alternatives: int, unwanted: Event) -> ScoredTexts:
        _check_wanted(unwanted)
        cut = self._rules.cut(Utf8Texts.of([document.context + document.text for document in documents]))
        splits = list(_wanted(self._rules.splits(cut), unwanted))
        texts = self._rules.framed(cut, joined(splits))
        _check_wanted(unwanted)
        found = self._lookup.score(texts.ids_T, texts.starts)
        at_K = _own_tokens(texts.ids_T, texts.starts)
        offsets = np.searchsorted(at_K, texts.starts[texts.documents])
        ends_K, firsts_D = _in_text(documents, texts.byte_ends_T.take(at_K), offsets)
        counts_D = np.diff(offsets) - firsts_D
        if not counts_D.all():
            raise BadInput(
                f"{self.name} finds no token in {documents[int(counts_D.argmin())].id}; a text needs at least one"
            )
        tokens = TokenizedTexts(
            documents=tuple(documents),
            ids=texts.ids_T.take(at_K),
            byte_ends=ends_K,
            offsets=offsets,
            firsts=firsts_D,
            normalised_bytes=self._normalised_bytes(documents, texts.normalised_bytes_D),
        )
        index_N = _after_context(offsets, firsts_D)
        at_N = at_K if len(index_N) == len(at_K) else at_K[index_N]
        nats_N = found.nats_T.take(at_N)
        self._check_possible(nats_N, found.backoff_T.take(at_N), texts.ids_T.take(at_N))
        read = None
        if alternatives:
            chunks = self._lookup.distributions(texts.ids_T, texts.starts, at_N)
            read = readings(_wanted(chunks, unwanted), texts.ids_T[at_N].astype(np.int64), top=alternatives)
        return ScoredTexts.complete(
            marked(tokens, self.tokenizer),
            index=narrow(index_N),
            nats=nats_N,
            seen=np.minimum(_places(at_N, texts.starts), self.order - 1),
            readings=read,
            matches=Matches(found.length_T.take(at_N), 0.0 - found.backoff_T.take(at_N).astype(np.float64)),
        )

    def _check_possible(self, nats_N: Floats, backoffs_N: Float32s, ids_N: WordIds) -> None:
        """Refuse a probability above 1, which back-off weights above 1 can make of one
        that is not.

        Raises:
            BadModel: there is one; the message names the word and the weights.
        """
        if not nats_N.min(initial=0.0) < -ROUNDING:  # nor where it is no number, of which others speak
            return
        worst = int(nats_N.argmin())
        word = self.tokenizer.decode([int(ids_N[worst])])
        raise BadModel(
            f"{self.name} gives the word {word!r} a probability of 10^{-nats_N[worst] / _LN10:.3g} in one place, and "
            f"none is above 1: the back-off weights of the words before it are 10^{backoffs_N[worst] / _LN10:.3g} "
            "together, so the model is not normalised; make it again with the tool that it is from, or train one with "
            "nonplus ngram train"
        )

    def _normalised_bytes(self, documents: Sequence[Document], bytes_D: Ints) -> Ints | None:
        """Those that came from each text, not from its context; ``None`` if the texts
        are as they were.
        """
        if self._rules.normalizer.name == "raw":
            return None
        if not any(document.context for document in documents):
            return bytes_D
        whole = [document.context + document.text for document in documents]
        return self._rules.normalizer.normalize(whole, self._rules.unit).bytes_from(_context_bytes(documents))


def plain_scored(all_: native.Framed, *, begin: int, end: int, unknown: int) -> Surprisals:
    """:func:`nonplus.kernels.native.framing.scored` in NumPy."""
    first_S = all_.starts[:-1][np.diff(all_.starts) > 0]
    own_T = np.ones(len(all_.ids_T), np.bool_)
    own_T[first_S] = all_.ids_T[first_S] != begin
    bounds_D1 = all_.starts[all_.documents_D1]
    words = np.flatnonzero(own_T & (all_.ids_T != end))
    worded_D = np.diff(np.searchsorted(words, bounds_D1)) > 0
    own_T &= np.repeat(worded_D, np.diff(bounds_D1))
    begins_T = np.roll(all_.ends_T, 1)
    begins_T[bounds_D1[:-1][worded_D]] = 0
    at_K = np.flatnonzero(own_T)
    return Surprisals(
        nats=np.maximum(all_.nats_T[at_K], 0.0),
        begins=begins_T[at_K],
        ends=all_.ends_T[at_K],
        offsets=np.searchsorted(at_K, bounds_D1),
        unknown=np.diff(np.searchsorted(at_K[all_.ids_T[at_K] == unknown], bounds_D1)),
    )


def _wanted(chunks: Iterator[Chunk], unwanted: Event) -> Iterator[Chunk]:
    for chunk in chunks:
        _check_wanted(unwanted)
        yield chunk


def _check_wanted(unwanted: Event) -> None:
    """End the work of a thread whose result nobody waits for."""
    if unwanted.is_set():
        raise CancelledError


def _own_tokens(ids_T: WordIds, starts: Ints) -> Ints:
    """The places of the tokens that are not a ``<s>`` at the beginning of a sentence,
    shape (K,).
    """
    first_S = starts[:-1][np.diff(starts) > 0]
    own_T = np.ones(len(ids_T), np.bool_)
    own_T[first_S] = ids_T[first_S] != BEGIN
    return np.flatnonzero(own_T)


def _places(at_N: Ints, starts: Ints) -> Integers:
    """The place of each token in its sentence, shape (N,)."""
    counts_S = np.diff(np.searchsorted(at_N, starts))
    return narrow(at_N - np.repeat(starts[:-1], counts_S))


def _in_text(documents: Sequence[Document], ends_K: Integers, offsets: Ints) -> tuple[Integers, Ints]:
    """The byte of its text at which each token ends (K,), and how many tokens are
    context (D,).
    """
    contexts_D = _context_bytes(documents)
    if not contexts_D.any():
        return narrow(ends_K), np.zeros(len(documents), np.int64)
    ends_K = np.maximum(ends_K - np.repeat(contexts_D, np.diff(offsets)), 0)
    before = np.concatenate([[0], np.cumsum(ends_K == 0)])
    return narrow(ends_K), np.where(contexts_D > 0, np.diff(before[offsets]), 0)


def _context_bytes(documents: Sequence[Document]) -> Ints:
    """The bytes of each context in UTF-8, shape (D,)."""
    return np.array([len(document.context.encode()) for document in documents], np.int64)


def _after_context(offsets: Ints, firsts_D: Ints) -> Ints:
    """The places of the tokens that are to be scored, shape (N,)."""
    if not firsts_D.any():
        return np.arange(offsets[-1])
    scored_K = np.ones(offsets[-1], np.bool_)
    begin_C = np.repeat(offsets[:-1] - np.cumsum(firsts_D) + firsts_D, firsts_D)
    scored_K[begin_C + np.arange(len(begin_C))] = False
    return np.flatnonzero(scored_K)

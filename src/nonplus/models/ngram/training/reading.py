"""The text of a training on disk: word ids with an edge around each sentence.

Letters in shapes: V words, T digits of a stretch of the text, S sentences, D documents.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray

from nonplus.cautions import warn
from nonplus.errors import BadInput, SuspectInput
from nonplus.kernels.native.counting import Digits
from nonplus.measure.formatting import counted
from nonplus.measure.lists import in_lists
from nonplus.measure.records import Document, Ints, text_of
from nonplus.models.ngram.ngrams import BEGIN, SPECIAL_WORDS, UNKNOWN
from nonplus.models.ngram.text.sentences import Sentences, TextRules
from nonplus.models.ngram.training.counting import EDGE, Stretch
from nonplus.models.ngram.training.folder import WorkFolder
from nonplus.models.ngram.training.meter import TrainingMeter

_STRETCH = 1 << 20  # digits at once
_BATCH = 1 << 20  # characters at once
_FIRST = len(SPECIAL_WORDS)


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class TextSizes:
    """How much text was read: ``bytes`` of UTF-8, ``tokens`` without ``<s>``.

    ``digest`` stands for the documents in any order: the sum of the SHA-256 of each, as
    four numbers of 64 bits.
    """

    documents: int
    sentences: int
    tokens: int
    bytes: int
    digest: str


@final
@dataclass(frozen=True, slots=True)
class Text:
    """A text that was read.

    ``words`` are those of the model, ``counts_V`` says how often each occurs, and
    ``starts_V`` how often it begins a sentence without ``<s>``. ``digit_U`` is the
    digit under which the model has each digit that was read.
    """

    folder: WorkFolder
    words: Sequence[str]
    counts_V: Ints
    starts_V: Ints
    digit_U: Digits

    def stretches(self, before: int) -> Iterator[Stretch]:
        """The text in the model's digits; each stretch begins with so many digits of
        the one before it.
        """
        kept = np.array((), np.uint32)
        with (self.folder.path / "text").open("rb") as file:
            while len(read := np.frombuffer(file.read(4 * _STRETCH), np.uint32)):
                digit_T = np.concatenate([kept, self.digit_U[read]])
                yield Stretch(digit_T, len(kept))
                kept = digit_T[-before:]


@final
class Digest:
    """What stands for documents in any order: see :class:`TextSizes`."""

    def __init__(self) -> None:
        self._sum = np.zeros(4, np.uint64)

    def add(self, texts: Sequence[str]) -> int:
        """Take more documents; how many bytes they have."""
        digests, size = [], 0
        for text in texts:
            digest = hashlib.sha256()
            for start in range(0, len(text), _BATCH):  # a long text is not there twice
                utf8 = text[start : start + _BATCH].encode(errors="surrogatepass")
                digest.update(utf8)
                size += len(utf8)
            digests.append(digest.digest())
        self._sum += np.frombuffer(b"".join(digests), ">u8").reshape(-1, 4).sum(axis=0, dtype=np.uint64)
        return size

    @property
    def hex(self) -> str:
        """Its 64 digits."""
        return self._sum.astype(">u8").tobytes().hex()


def read(
    documents: Iterable[Document | str],
    *,
    rules: TextRules,
    vocabulary: int,
    folder: WorkFolder,
    meter: TrainingMeter,
) -> Text:
    """Documents as a text on disk, or the one that is there.

    The words of ``rules`` grow while they read. The most frequent ``vocabulary`` of
    them, 0 for all, become words of the model, in order of their counts and then of
    their bytes, so that the order of the documents decides nothing.

    Raises:
        BadInput: the text that is there is of other documents.
    """
    if folder.has("words"):
        _check_same(documents, folder, meter)
    else:
        _read(documents, rules, folder, meter)
    counts_U, starts_U = folder.arrays("occurrences")
    words: list[str] = json.loads((folder.path / "words").read_bytes())
    counts_U, starts_U = (np.pad(each, (0, len(words) - len(each))) for each in (counts_U, starts_U))
    id_U = _ranked(words, counts_U, vocabulary)
    n = int(id_U.max()) + 1
    of_id = np.zeros(n, np.int64)
    of_id[id_U[::-1]] = np.arange(len(words))[::-1]  # the special words keep their own
    return Text(
        folder,
        [words[each] for each in of_id],
        np.bincount(id_U, counts_U, n).astype(np.int64),
        np.bincount(id_U, starts_U, n).astype(np.int64),
        np.concatenate([[EDGE], id_U + 1]).astype(np.uint32),
    )


def sizes_of(folder: WorkFolder) -> TextSizes:
    """How much text was read."""
    return TextSizes(**json.loads((folder.path / "sizes").read_bytes()))


def _ranked(words: Sequence[str], counts_U: Ints, vocabulary: int) -> Ints:
    """The model's id of each word."""
    by_bytes = np.array(sorted(range(_FIRST, len(words)), key=words.__getitem__), np.int64)
    ranked = by_bytes[np.argsort(-counts_U[by_bytes], kind="stable")]
    id_U = np.full(len(words), UNKNOWN)
    id_U[:_FIRST] = np.arange(_FIRST)
    kept = ranked[: vocabulary or None]
    id_U[kept] = _FIRST + np.arange(len(kept))
    return id_U


def _read(documents: Iterable[Document | str], rules: TextRules, folder: WorkFolder, meter: TrainingMeter) -> None:
    counts, starts = np.zeros(_FIRST, np.int64), np.zeros(_FIRST, np.int64)
    digest, sentences, size = Digest(), 0, 0
    meter.begin("reading")
    with folder.writing("text") as file:
        for texts in _batches(documents):
            for read in _sentences(texts, rules):
                file.write(_digits(read).tobytes())
                counts = _added(counts, read.ids_T)
                firsts = read.ids_T[read.starts[:-1][np.diff(read.starts) > 0]]
                starts = _added(starts, firsts[firsts != BEGIN])
                sentences += len(read.starts) - 1
                meter.add(documents=0, tokens=len(read.ids_T))
            size += digest.add(texts)
            meter.add(documents=len(texts), tokens=0)
        file.write(np.array([EDGE], np.uint32).tobytes())
    sizes = TextSizes(
        documents=meter.documents,
        sentences=sentences,
        tokens=int(counts.sum() - counts[BEGIN]),
        bytes=size,
        digest=digest.hex,
    )
    with folder.writing("sizes") as file:
        file.write(json.dumps(asdict(sizes)).encode())
    folder.write("occurrences", [counts, np.pad(starts, (0, max(0, len(counts) - len(starts))))])
    with folder.writing("words") as file:
        file.write(json.dumps(list(rules.words)).encode())


def _check_same(documents: Iterable[Document | str], folder: WorkFolder, meter: TrainingMeter) -> None:
    digest = Digest()
    meter.begin("comparing the text")
    for texts in _batches(documents):
        digest.add(texts)
        meter.add(documents=len(texts), tokens=0)
    if digest.hex != sizes_of(folder).digest:
        raise BadInput(
            f"{folder.path} has the unfinished work of a training on another text; repeat that command to finish it, "
            "or remove the folder"
        )


def _batches(documents: Iterable[Document | str]) -> Iterator[list[str]]:
    return in_lists(_texts(documents), size=lambda text: len(text) + 64, least=_BATCH)


def _texts(documents: Iterable[Document | str]) -> Iterator[str]:
    contexts = 0
    for document in documents:
        contexts += not isinstance(document, str) and bool(document.context)
        yield text_of(document)
    if contexts:
        warn(
            f"{counted(contexts, 'document')} with a context, which is not trained on; put it into the text to train "
            "on it",
            SuspectInput,
        )


def _sentences(texts: list[str], rules: TextRules) -> Iterator[Sentences]:
    """A batch in parts that are read at once. Only the last text of it can be long."""
    *short, last = texts
    if rules.unit == "document" or len(last) <= _BATCH:
        yield rules.sentences(texts)
        return
    if short:
        yield rules.sentences(short)
    yield from _in_parts(last, rules)


def _in_parts(text: str, rules: TextRules) -> Iterator[Sentences]:
    """A long text, whose lines are its sentences, in parts that end after newlines.

    A part of which the normaliser leaves nothing has no sentence, unless all are so:
    then the text is one empty sentence.
    """
    begin, bare = 0, True
    while begin < len(text):
        stop = text.find("\n", begin + _BATCH) + 1 or len(text)
        read = rules.sentences([text[begin:stop]])
        if read.normalised_bytes_D.any() or (bare and stop == len(text)):
            bare = False
            yield read
        begin = stop


def _digits(sentences: Sentences) -> Digits:
    """The ids plus 1, with an edge before each sentence."""
    n = len(sentences.starts) - 1
    digit_T = np.empty(len(sentences.ids_T) + n, np.uint32)
    word_T = np.ones(len(digit_T), bool)
    word_T[sentences.starts[:-1] + np.arange(n)] = False
    digit_T[~word_T] = EDGE
    digit_T[word_T] = sentences.ids_T + 1
    return digit_T


def _added(totals: Ints, ids: NDArray[np.int32]) -> Ints:
    """The totals with so many more of each id."""
    more = np.bincount(ids, minlength=len(totals))
    more[: len(totals)] += totals
    return more

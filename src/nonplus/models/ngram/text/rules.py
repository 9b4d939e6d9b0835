"""The rules of a model: a normaliser, a tokenizer, and what a sentence is.

Letters in shapes: D documents, S sentences of all of them, T tokens of all of them.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any, final

import numpy as np

from nonplus.errors import BadModel
from nonplus.kernels.native import framing as native
from nonplus.measure.records import Integers, Ints
from nonplus.measure.utf8_texts import Utf8Texts
from nonplus.models.ngram.ngrams import BEGIN, END, WordIds
from nonplus.models.ngram.normalizers.aligned import Aligned, Unit
from nonplus.models.ngram.normalizers.named import Normalizer, named
from nonplus.models.ngram.text.sentences import Sentences
from nonplus.models.ngram.text.splitters import Splitter, splitter_of
from nonplus.models.ngram.text.words import Split, Words

_NEWLINE = ord("\n")
STRETCH = 1 << 20  # bytes that are cut into tokens at once


@final
@dataclass(frozen=True, slots=True)
class CutTexts:
    """Sentences in normalised texts: the bytes of each, where what belongs to it ends
    (with its newline), and the first sentence of each document, as in ``Sentences``.
    """

    aligned: Aligned
    begin_S: Ints
    stop_S: Ints
    cover_S: Ints
    documents: Ints


@final
class Rules:
    """A normaliser, a tokenizer, and what a sentence is: TextRules of any model.

    With :class:`NewWords` as its tokenizer, its words grow with the texts.
    """

    def __init__(
        self,
        normalizer: Normalizer,
        splitter: Splitter,
        *,
        unit: Unit | None = None,
        begin: bool = True,
        end: bool = True,
    ) -> None:
        """``unit`` is what a sentence is; without one, that of the normaliser.

        ``begin`` and ``end`` tell whether ``<s>`` goes before it and ``</s>`` after it.
        """
        self.normalizer, self.splitter = normalizer, splitter
        self.unit: Unit = normalizer.unit if unit is None else unit
        self.begin, self.end = begin, end

    @property
    def words(self) -> Sequence[str]:
        """The text of each word id; the first three are those of ``SPECIAL_WORDS``."""
        return self.splitter.words

    @property
    def files(self) -> Mapping[str, bytes]:
        """What a bundle needs beside the manifest and the words, by file name."""
        return self.splitter.files

    @cached_property
    def identity(self) -> str:
        """A digest of everything that decides the ids."""
        digest = hashlib.sha256(json.dumps(self.as_dict(), sort_keys=True).encode())
        for part in (*self.files.values(), "\n".join(self.words).encode(errors="surrogateescape")):
            digest.update(hashlib.sha256(part).digest())
        return digest.hexdigest()

    def as_dict(self) -> dict[str, Any]:
        """All choices but the words, for a manifest; :func:`rules_of` reads it."""
        return {
            "normalizer": self.normalizer.id,
            "tokenizer": self.splitter.as_dict(),
            "unit": self.unit,
            "begin": self.begin,
            "end": self.end,
        }

    def sentences(self, texts: Sequence[str]) -> Sentences:
        """Texts as sentences of word ids.

        An empty line is a sentence of no words if the normaliser keeps it, as ``raw``
        does. A document that has nothing else is one empty sentence.

        Raises:
            BadInput: one holds what UTF-8 cannot.
        """
        return self.sentences_of(Utf8Texts.of(texts))

    def sentences_of(self, texts: Utf8Texts) -> Sentences:
        """The same for texts in UTF-8."""
        cut = self.cut(texts)
        # at once: in what order new words are numbered depends on what is cut together
        return self.framed(cut, self.splitter.split(cut.aligned.data_N, cut.begin_S, cut.stop_S))

    def cut(self, texts: Utf8Texts) -> CutTexts:
        """Texts, normalised and cut into sentences: the first step of
        :meth:`sentences`.
        """
        aligned = self.normalizer.of_utf8(texts, self.unit)
        return _lines(aligned) if self.unit == "line" else _documents(aligned)

    def splits(self, texts: CutTexts) -> Iterator[Split]:
        """The second step: tokens, those of about a million bytes at a time, so that it
        can be broken off. :func:`joined` makes them one.
        """
        bounds = np.searchsorted(texts.stop_S, np.arange(STRETCH, len(texts.aligned.data_N), STRETCH))
        for start, stop in pairwise(np.unique([0, *bounds, len(texts.stop_S)]).tolist()):
            begin_S, stop_S = texts.begin_S[start:stop], texts.stop_S[start:stop]
            begin = begin_S[0]
            split = self.splitter.split(texts.aligned.data_N[begin : stop_S[-1]], begin_S - begin, stop_S - begin)
            yield Split(split.ids_T, split.stops_T + begin, split.counts_S)

    def framed(self, texts: CutTexts, own: Split) -> Sentences:
        """The third step: tokens with the marks of sentences."""
        aligned = texts.aligned
        unframed = native.Unframed(
            own.ids_T,
            own.stops_T,
            own.counts_S,
            texts.cover_S,
            texts.documents,
            aligned.origin_N1,
            aligned.given_D1,
        )
        framed = plain_framed if native.functions() is None else native.framed
        ids_T, ends_T, starts = framed(unframed, begin=BEGIN if self.begin else None, end=END if self.end else None)
        return Sentences(
            ids_T=ids_T,
            byte_ends_T=ends_T,
            starts=starts,
            documents=texts.documents,
            normalised_bytes_D=np.diff(aligned.starts_D1),
        )


def joined(splits: Sequence[Split]) -> Split:
    """Parts of texts that were split one stretch after the other."""
    if len(splits) == 1:
        return splits[0]
    return Split(
        *(np.concatenate([getattr(split, name) for split in splits]) for name in ("ids_T", "stops_T", "counts_S"))
    )


def plain_framed(own: native.Unframed, *, begin: int | None, end: int | None) -> tuple[WordIds, Integers, Ints]:
    """:func:`nonplus.kernels.native.framing.framed` in NumPy."""
    starts = np.concatenate([[0], np.cumsum(own.counts_S + (begin is not None) + (end is not None))])
    first_S, last_S = starts[:-1], starts[1:] - 1
    own_T = np.ones(starts[-1], np.bool_)
    ids_T, ends_T = np.empty(starts[-1], np.int32), np.zeros(starts[-1], own.origins_N1.dtype)
    if end is not None:
        own_T[last_S], ids_T[last_S], ends_T[last_S] = False, end, own.origins_N1[own.covers_S]
    if begin is not None:
        own_T[first_S], ids_T[first_S] = False, begin
    ids_T[own_T], ends_T[own_T] = own.ids_T, own.origins_N1[own.stops_T]
    bounds_D1 = starts[own.documents_D1]
    counts_D = np.diff(bounds_D1)
    begin_T, end_T = (np.repeat(given_D, counts_D) for given_D in (own.given_D1[:-1], own.given_D1[1:]))
    # <s> has 0, and so ends where the token before it does, or where its text begins
    ends_T = np.maximum(np.maximum.accumulate(np.minimum(ends_T, end_T)), begin_T)
    some_D = counts_D > 0
    ends_T[bounds_D1[1:][some_D] - 1] = own.given_D1[1:][some_D]  # tokens tile the text
    return ids_T, (ends_T - begin_T).astype(own.origins_N1.dtype), starts


def rules_of(stated: Mapping[str, Any], words: Sequence[str], *, folder: Path | None = None) -> Rules:
    """The rules of which :meth:`Rules.as_dict` stated the choices.

    A tokenizer's file is read from ``folder``.

    Raises:
        BadModel: a choice is missing or is none that this version knows.
        MissingExtra: the tokenizer needs a package that is not installed.
    """
    normalizer = named(_field(stated, "normalizer", str))
    unit = _field(stated, "unit", str)
    if unit not in ("line", "document"):
        raise BadModel(f"the unit of a model is line or document, and its manifest has {unit!r}; write the model again")
    splitter = splitter_of(_field(stated, "tokenizer", dict), Words(words), folder=folder)
    begin, end = (_field(stated, name, bool) for name in ("begin", "end"))
    return Rules(normalizer, splitter, unit=unit, begin=begin, end=end)


def _field(stated: Mapping[str, Any], name: str, kind: type) -> Any:
    value = stated.get(name)
    if not isinstance(value, kind):
        raise BadModel(
            f"the manifest has {value!r} for {name}, where a {kind.__name__} is needed; write the model again"
        )
    return value


def _documents(texts: Aligned) -> CutTexts:
    begins, stops = texts.starts_D1[:-1], texts.starts_D1[1:]
    return CutTexts(texts, begins, stops, stops, np.arange(len(texts.starts_D1)))


def _lines(texts: Aligned) -> CutTexts:
    begins_N = np.zeros(len(texts.data_N), np.bool_)
    begins_N[1:] = texts.data_N[:-1] == _NEWLINE
    begins_N[texts.starts_D1[:-1][np.diff(texts.starts_D1) > 0]] = True
    begin_S = np.flatnonzero(begins_N)
    cover_S = np.append(begin_S, len(texts.data_N))[1:]
    stop_S = cover_S - (texts.data_N[cover_S - 1] == _NEWLINE)
    return _each_with_one(CutTexts(texts, begin_S, stop_S, cover_S, np.searchsorted(begin_S, texts.starts_D1)))


def _each_with_one(parts: CutTexts) -> CutTexts:
    """The same, with an empty sentence for each text of which nothing was left."""
    texts = parts.aligned
    bare_D = (np.diff(parts.documents) == 0) & (np.diff(texts.given_D1) > 0)
    if not bare_D.any():
        return parts
    before, at = parts.documents[:-1][bare_D], texts.starts_D1[:-1][bare_D]
    begin_S, stop_S, cover_S = (np.insert(each, before, at) for each in (parts.begin_S, parts.stop_S, parts.cover_S))
    return CutTexts(texts, begin_S, stop_S, cover_S, parts.documents + np.append(0, np.cumsum(bare_D)))

"""The text of a training as it was counted, in a file of the bundle.

The file is of gzip and holds digits of 32 bits, little-endian: the id of each word plus
1, and 0 before each sentence and at the end.

Letters in shapes: V words, T digits of a stretch of the text.
"""

import gzip
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import final

import numpy as np

from nonplus.errors import BadModel
from nonplus.files import reading
from nonplus.kernels.native.counting import Digits
from nonplus.models.ngram.bundle import Bundle
from nonplus.models.ngram.manifest import Training
from nonplus.models.ngram.ngrams import BEGIN, END
from nonplus.models.ngram.training.counting import EDGE
from nonplus.models.ngram.training.folder import WorkFolder
from nonplus.models.ngram.training.reading import Text

KEPT = "text.ids.gz"

_BEGIN, _END = BEGIN + 1, END + 1  # as digits
_STRETCH = 1 << 20  # digits at once
_LEVEL = 1  # of compression: level 6 saves a tenth, and takes six times as long
_REMEDY = "copy the whole bundle again"
_GZIP = 31  # what zlib calls a header of gzip, in which no time stands


@final
@dataclass(frozen=True, slots=True)
class KeptText:
    """A text in a bundle: its file, the digest of that, and how it was trained on."""

    path: Path
    sha256: str
    training: Training


def kept_text(bundle: Bundle) -> KeptText | None:
    """The text that a bundle keeps, if it does."""
    file, training = bundle.manifest.files.get(KEPT), bundle.manifest.training
    return None if file is None or training is None else KeptText(bundle.folder / KEPT, file.sha256, training)


def packed_text(text: Text) -> Iterator[bytes]:
    """A text as the file holds it."""
    packing = zlib.compressobj(_LEVEL, zlib.DEFLATED, _GZIP)
    for digit_T, first in text.stretches(1):
        yield packing.compress(digit_T[first:].astype("<u4").tobytes())
    yield packing.flush()


def unpacked_text(kept: KeptText, words: Sequence[str], folder: WorkFolder) -> Text:
    """The text in a work folder, where it is put unless it is there.

    Raises:
        BadModel: the file is damaged, or is no text of these words.
        BadInput: it cannot be read, or the folder not be written.
    """
    digits = len(words) + 1
    if not folder.has("occurrences"):
        counts, starts = np.zeros((2, digits), np.int64)
        with folder.writing("text") as file:
            for digit_T in _checked(kept.path, digits):
                file.write(digit_T[1:].tobytes())
                counts += np.bincount(digit_T[1:], minlength=digits)
                first_T = digit_T[1:][digit_T[:-1] == EDGE]
                starts += np.bincount(first_T[(first_T != EDGE) & (first_T != _BEGIN)], minlength=digits)
            if counts.sum() == counts[EDGE] + counts[_BEGIN]:
                raise BadModel(f"{kept.path} has no words; {_REMEDY}")
        folder.write("occurrences", [counts[1:], starts[1:]])
    counts_V, starts_V = folder.arrays("occurrences")
    return Text(folder, words, counts_V, starts_V, np.arange(digits, dtype=np.uint32))


def _checked(path: Path, digits: int) -> Iterator[Digits]:
    """The digits of a file, in stretches, each with the last digit before it.

    What counts them relies on the edges.
    """
    digit_T = np.array([_END], np.uint32)
    for data in _chunks(path):
        if len(data) % 4:
            raise BadModel(f"{path} ends within a word; {_REMEDY}")
        digit_T = np.concatenate([digit_T[-1:], np.frombuffer(data, "<u4")]).astype(np.uint32)
        before_T, edge_T = digit_T[:-1], digit_T == EDGE
        if digit_T.max() >= digits:
            raise BadModel(
                f"{path} has a word {digit_T.max() - 1}, and the last of the model is {digits - 2}; {_REMEDY}"
            )
        if (((digit_T[1:] == _BEGIN) & ~edge_T[:-1]) | ((before_T == _END) & ~edge_T[1:])).any():
            raise BadModel(f"{path} has <s> or </s> within a sentence; {_REMEDY}")
        yield digit_T
    if digit_T[-1] != EDGE:
        raise BadModel(f"{path} ends within a sentence; {_REMEDY}")


def _chunks(path: Path) -> Iterator[bytes]:
    with reading(path):
        try:
            with gzip.open(path) as file:
                while data := file.read(4 * _STRETCH):
                    yield data
        except (EOFError, zlib.error, gzip.BadGzipFile) as damage:
            raise BadModel(f"{path} is damaged: {damage}; {_REMEDY}") from damage

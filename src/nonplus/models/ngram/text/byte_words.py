"""Bytes of a text in UTF-8 as the words of a model.

Letters in shapes: N bytes, S parts of texts, T of their bytes.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, final

import numpy as np

from nonplus.measure.records import Ints
from nonplus.models.ngram.normalizers.aligned import Bytes
from nonplus.models.ngram.text.words import Split, Vocabulary

# An ARPA file has blanks and newlines between words, so bytes have names.
_NAMES = [f"<0x{byte:02X}>" for byte in range(256)]


@final
class ByteWords:
    """A word for each byte, named as SentencePiece does: ``<0x41>``."""

    files: Mapping[str, bytes] = MappingProxyType({})

    def __init__(self, vocabulary: Vocabulary) -> None:
        """A vocabulary that grows has all 256 at once."""
        self._vocabulary = vocabulary
        self._id_of_byte = vocabulary.ids([name.encode() for name in _NAMES])

    @property
    def words(self) -> Sequence[str]:
        """The text of each word id; the first three are those of ``SPECIAL_WORDS``."""
        return self._vocabulary.words

    def as_dict(self) -> dict[str, Any]:
        """What a manifest says of it."""
        return {"kind": "bytes"}

    def split(self, data_N: Bytes, begin_S: Ints, stop_S: Ints) -> Split:
        """The bytes of parts of normalised texts; parts rise and do not overlap."""
        count_S = stop_S - begin_S
        before_S = np.cumsum(count_S) - count_S
        at_T = np.arange(count_S.sum()) + np.repeat(begin_S - before_S, count_S)
        return Split(self._id_of_byte[data_N[at_T]], at_T + 1, count_S)

    def decode(self, ids: Sequence[int]) -> str:
        """The bytes as text; other words as they are written."""
        names = (self.words[i] for i in ids)
        return b"".join(bytes([_NAMES.index(n)]) if n in _NAMES else n.encode() for n in names).decode(errors="replace")

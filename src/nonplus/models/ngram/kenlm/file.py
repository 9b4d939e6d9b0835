"""The head and the words of a KenLM binary file; what is between depends on its kind.

Written from KenLM's description of its own layout (``lm/binary_format.hh``, version
0.3.0), with little-endian numbers. A file begins with a mark, numbers that tell whether
the machine agrees about numbers, and how the model is kept; the words come last.

Letters in shapes: N bytes, V words.
"""

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn, final

import numpy as np
from numpy.typing import NDArray

from nonplus.errors import BadModel
from nonplus.files import reading
from nonplus.models.ngram.ngrams import SPECIAL_WORDS, WordIds

MARK = b"mmap lm http://kheafield.com/code "
PROBING = 0  # 1 has rest costs, too
TRIES = TRIE, QUANT_TRIE, ARRAY_TRIE, QUANT_ARRAY_TRIE = 2, 3, 4, 5

_AT_ONCE = 1 << 20  # bytes
_MOST_ORDERS = 64  # KenLM itself stops at 6
_SANITY = struct.Struct("<56s3f3IQ")  # the mark, then numbers
_AGREED = (MARK + b"format version 5\n", 0.0, 1.0, -0.5, 1, 2**32 - 1, 0, 1)
_FIXED = struct.Struct("<B3xfiB3xI")  # order, multiplier, kind, whether words follow, version


@final
@dataclass(frozen=True, slots=True)
class KenlmFile:
    """What the head says; ``start`` is the first byte after it.

    ``multiplier`` is how many slots a hash table has for each n-gram.
    """

    name: str
    content_N: NDArray[np.uint8]
    kind: int
    version: int
    multiplier: float
    counts: tuple[int, ...]
    has_words: bool
    start: int

    def refuse(self, sentence: str) -> NoReturn:
        """Name the file, and say what is wrong with it."""
        raise BadModel(f"{self.name}: {sentence}")

    def part(self, start: int, size: int) -> NDArray[np.uint8]:
        """Some bytes.

        Raises:
            BadModel: the file ends before them.
        """
        if start + size > len(self.content_N):
            self.refuse(
                f"its head promises at least {start + size:,} bytes, and it has {len(self.content_N):,}; "
                "it was cut or is damaged: fetch or build it again"
            )
        return self.content_N[start : start + size]


def is_kenlm(head: bytes) -> bool:
    """Whether a file that begins with these bytes is a KenLM binary."""
    return head.startswith(MARK)


def read_head(path: Path) -> KenlmFile:
    """Map the file into memory and read its head.

    Raises:
        BadModel: it is no KenLM binary of format 5, or damaged.
        BadInput: the operating system refuses.
    """
    name = str(path).encode(errors="replace").decode()
    with reading(path):
        size = path.stat().st_size
        content_N = np.asarray(np.memmap(path, np.uint8, "r") if size else np.empty(0, np.uint8))
    head = content_N[: _SANITY.size + _FIXED.size].tobytes()
    if not is_kenlm(head) or len(head) < _SANITY.size + _FIXED.size:
        raise BadModel(f"{name} is not a KenLM binary: it does not begin with its mark; build it with build_binary")
    mark, *numbers = _SANITY.unpack_from(head)
    if (mark.rstrip(b"\0"), *numbers) != _AGREED:
        raise BadModel(
            f"{name} is a KenLM binary, but unfinished, of another format than 5 or of another kind of machine; "
            "build it again from its ARPA file, or give that file"
        )
    order, multiplier, kind, has_words, version = _FIXED.unpack_from(head, _SANITY.size)
    file = KenlmFile(name, content_N, kind, version, multiplier, (), bool(has_words), 0)
    if not 2 <= order <= _MOST_ORDERS or not 1 <= multiplier < np.inf:
        file.refuse(
            f"its head says order {order} and {multiplier:g} slots for an n-gram; it is damaged: build it again"
        )
    counts_at = _SANITY.size + _FIXED.size
    counts = tuple(file.part(counts_at, 8 * order).view("<u8").tolist())
    start = -(-(counts_at + 8 * order) // 8) * 8
    return KenlmFile(name, content_N, kind, version, multiplier, counts, bool(has_words), start)


def read_words(file: KenlmFile, start: int, count: int) -> tuple[list[str], WordIds]:
    """The words in the order of our ids, and KenLM's number of each (V,).

    Raises:
        BadModel: the file has no words, not as many as it says, or no ``<s>`` or
            ``</s>``.
    """
    if not file.has_words:
        file.refuse("it was built without its words, so no text can be read with it; build it again with them")
    end_N = file.content_N[start:]
    ends = sum(int(np.count_nonzero(end_N[at : at + _AT_ONCE] == 0)) for at in range(0, len(end_N), _AT_ONCE))
    if ends != count or end_N[-1] or end_N[:6].tobytes() != b"<unk>\0":
        file.refuse(f"{count:,} words from <unk> on belong at its end; it was cut or is damaged: build it again")
    try:
        words = [word.decode() for word in end_N[:-1].tobytes().split(b"\0")]
    except UnicodeDecodeError as error:
        file.refuse(f"a word is not UTF-8: {error}; convert its ARPA file, say by iconv -t UTF-8, and build it again")
    numbers = {word: number for number, word in enumerate(words)}
    if len(numbers) != count or not numbers.keys() >= set(SPECIAL_WORDS):
        file.refuse("a word is there twice, or <s> or </s> is not; build it again from its ARPA file")
    special = [numbers[word] for word in SPECIAL_WORDS]
    order = [*special, *(number for number in range(count) if number not in special)]
    return [words[number] for number in order], np.array(order, np.int32)

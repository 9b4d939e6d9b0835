"""N-grams written as an ARPA file, as lmplz lays it out.

Numbers are the shortest decimals that read back as the same float32.

Letters in shapes: M n-grams of a block, k words of each.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, final

from nonplus.errors import BadInput
from nonplus.files import reading
from nonplus.kernels.native import arpa as native
from nonplus.models.ngram.arpa.decimals import decimals
from nonplus.models.ngram.arpa.lines import LONGEST_LINE
from nonplus.models.ngram.ngrams import Block, Ngrams

_BREAKS = b" \t\r\n"  # what divides fields and lines
_AT_ONCE = 1 << 16  # n-grams
_NUMBERS = 64  # bytes of a line beside its words, and more
_RARE = 64  # n-grams written in Python where the C kernel stops
_PACKED = (".gz", ".bz2", ".xz", ".zst")
_HEADER = 1 << 16  # bytes in which an ARPA file has begun; anything may stand before


def check_arpa_free(path: Path) -> None:
    """Refuse to replace a file that is no ARPA file, such as the text of a training.

    Raises:
        BadInput: it is so, or the name is that of another kind of file.
    """
    if path.suffix in _PACKED:
        raise BadInput(f"arpa={path} names a compressed file, which is not written; write {path.stem} and compress it")
    with reading(path):
        if not path.is_file():  # none, or a pipe
            return
        with path.open("rb") as file:
            begin = file.read(_HEADER)
    if begin and b"\\data\\" not in begin:
        raise BadInput(f"{path} exists and is no ARPA file, so it is not replaced; give another name, or remove it")


def write_arpa(file: IO[bytes], ngrams: Ngrams) -> None:
    """Write the model; the same model always gives the same bytes.

    Raises:
        BadInput: a word does not fit: see :func:`check_words`.
    """
    writer = _Writer(check_words(ngrams.words, order=len(ngrams.counts)))
    file.write(b"\\data\\\n")
    for order, count in enumerate(ngrams.counts, 1):
        file.write(b"ngram %d=%d\n" % (order, count))
    for order in range(1, len(ngrams.counts) + 1):
        file.write(b"\n\\%d-grams:\n" % order)
        for block in ngrams.blocks(order):
            for start in range(0, len(block.ids_Mk), _AT_ONCE):
                for lines in writer.lines(_part(block, start, _AT_ONCE), highest=order == len(ngrams.counts)):
                    file.write(lines)
    file.write(b"\n\\end\\\n")


def check_words(words: Iterable[str], *, order: int) -> list[bytes]:
    """The words in UTF-8, if n-grams of so many can stand in a line of the file.

    Raises:
        BadInput: one is too long, is empty, or holds a blank, a tab or the end of a
            line.
    """
    return [_checked(word, (LONGEST_LINE - _NUMBERS) // order) for word in words]


def _checked(word: str, longest: int) -> bytes:
    packed = word.encode()
    if len(packed) > longest:
        raise BadInput(
            f"the word that begins {word[:20]!r} has {len(packed):,} bytes, and in an ARPA file of this order a word "
            f"has at most {longest:,}, since a line is read up to {LONGEST_LINE:,}; write a bundle, with output=FOLDER"
        )
    if not packed or packed.translate(None, _BREAKS) != packed:
        raise BadInput(
            f"the word {word!r} cannot stand in an ARPA file, where blanks divide words; keep the model as a bundle"
        )
    return packed


def _part(block: Block, start: int, size: int) -> Block:
    part = slice(start, start + size)
    return Block(block.ids_Mk[part], block.log10_probs_M[part], block.log10_backoffs_M[part])


@final
class _Writer:
    def __init__(self, words: list[bytes]) -> None:
        self._words = words
        self._packed = native.PackedWords(words)

    def lines(self, block: Block, *, highest: bool) -> Iterator[bytes | memoryview]:
        """In C as far as that goes; the numbers that it leaves are rare."""
        loaded = native.functions()
        rare = len(block.ids_Mk) if loaded is None else _RARE
        done = 0
        while done < len(block.ids_Mk):
            if loaded is not None:
                left = _part(block, done, len(block.ids_Mk))
                backoffs = None if highest else left.log10_backoffs_M
                lines, n = native.written(loaded, self._packed, left.ids_Mk, left.log10_probs_M, backoffs)
                yield lines
                done += n
            yield self._rare(_part(block, done, rare), highest=highest)
            done += rare

    def _rare(self, block: Block, *, highest: bool) -> bytes:
        texts = [b" ".join([self._words[i] for i in ids]) for ids in block.ids_Mk.tolist()]
        probs = decimals(block.log10_probs_M)
        if highest:
            return b"".join(b"%s\t%s\n" % line for line in zip(probs, texts, strict=True))
        backoffs = decimals(block.log10_backoffs_M)
        return b"".join(b"%s\t%s\t%s\n" % line for line in zip(probs, texts, backoffs, strict=True))

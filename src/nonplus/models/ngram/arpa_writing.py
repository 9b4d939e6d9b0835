"""N-grams written as an ARPA file, as lmplz lays it out.

Numbers are the shortest decimals that read back as the same float32.

Letters in shapes: M n-grams of a block, k words of each.
"""

from collections.abc import Sequence
from typing import IO

from nonplus.errors import BadInput
from nonplus.models.ngram.decimals import decimals
from nonplus.models.ngram.ngrams import Block, Ngrams

_BREAKS = b" \t\r\n"  # what divides fields and lines


def write_arpa(file: IO[bytes], ngrams: Ngrams) -> None:
    """Write the model; the same model always gives the same bytes.

    Raises:
        BadInput: a word is empty, or holds a blank, a tab or the end of a line.
    """
    words = [_checked(word) for word in ngrams.words]
    file.write(b"\\data\\\n")
    for order, count in enumerate(ngrams.counts, 1):
        file.write(b"ngram %d=%d\n" % (order, count))
    for order in range(1, len(ngrams.counts) + 1):
        file.write(b"\n\\%d-grams:\n" % order)
        for block in ngrams.blocks(order):
            file.write(_lines(block, words, highest=order == len(ngrams.counts)))
    file.write(b"\n\\end\\\n")


def _checked(word: str) -> bytes:
    packed = word.encode()
    if not packed or any(byte in _BREAKS for byte in packed):
        raise BadInput(
            f"the word {word!r} cannot stand in an ARPA file, where blanks divide words; keep the model as a bundle"
        )
    return packed


def _lines(block: Block, words: Sequence[bytes], *, highest: bool) -> bytes:
    texts = [b" ".join([words[i] for i in ids]) for ids in block.ids_Mk.tolist()]
    probs = decimals(block.log10_probs_M)
    if highest:
        return b"".join(b"%s\t%s\n" % line for line in zip(probs, texts, strict=True))
    backoffs = decimals(block.log10_backoffs_M)
    return b"".join(b"%s\t%s\t%s\n" % line for line in zip(probs, texts, backoffs, strict=True))

"""An ARPA file read as n-grams.

The format is a convention: tools differ in blanks, in what stands before the data and
in which weights they leave out. What tools are known to write is read; what could be a
damaged model is refused, with the line.

Letters in shapes: M unigrams of the file, V words.
"""

import re
from pathlib import Path

import numpy as np

from nonplus.cautions import warn
from nonplus.errors import SuspectInput
from nonplus.models.ngram.arpa.lines import Lines, lines_of, shown
from nonplus.models.ngram.arpa.sections import Section, read_section
from nonplus.models.ngram.arpa.words import KnownWords, UnigramWords, WordLookup
from nonplus.models.ngram.kenlm.file import is_kenlm
from nonplus.models.ngram.ngrams import BEGIN, END, SPECIAL_WORDS, UNKNOWN, Block, NgramsInMemory

_COUNT = re.compile(rb"ngram[ \t]+(\d{1,9})[ \t]*=[ \t]*(\d{1,18})")
_BEGIN = (b"\\data\\", b"\xef\xbb\xbf\\data\\")  # some editors put the mark of UTF-8 before a text
_NO_UNKNOWN = -100.0  # what KenLM gives unknown words if the file does not


def read_arpa(path: Path) -> NgramsInMemory:
    """The model of an ARPA file, plain or compressed with gzip, bzip2, xz or zstd.

    Words get their ids in the order of the file, after the three special ones. Missing
    back-off weights are 0. A file without ``<unk>`` gives unknown words a base-10
    log-probability of -100, as KenLM does, and a warning.

    Raises:
        BadModel: the file cannot be read or breaks the format; the message names the
            line.
        MissingExtra: it is compressed with zstd and zstandard is not installed.
    """
    with lines_of(path) as lines:
        counts = _counts(lines)
        words = UnigramWords(lines)
        orders = [_by_id(lines, words, _section(lines, counts, 1, words))]
        known = KnownWords(lines, words.ids)
        orders += [_section(lines, counts, order, known) for order in range(2, len(counts) + 1)]
        _end(lines)
    return NgramsInMemory(words.texts, tuple(orders))


def _counts(lines: Lines) -> list[int]:
    """How many n-grams of each order the header promises."""
    while (line := lines.take()) not in _BEGIN:
        if line is None:
            lines.refuse(
                "the file ends without a line \\data\\, which begins the model; give an ARPA file or a KenLM binary"
            )
        if lines.number == 1 and is_kenlm(line):
            lines.refuse("this is a KenLM binary, which is not read from compressed data; unpack it first")
    counts: list[int] = []
    while (line := lines.take()) is not None and not (counts and line.startswith(b"\\")):
        if not line:
            continue
        count = _COUNT.fullmatch(line)
        if count is None or int(count[1]) != len(counts) + 1:
            lines.refuse(
                f"the header goes on with a line such as ngram {len(counts) + 1}=100, got {shown(line)}; correct it"
            )
        counts.append(int(count[2]))
    if line is None:
        lines.refuse("the file ends in its header, before any n-gram; fetch or make it again")
    lines.give_back()
    return counts


def _section(lines: Lines, counts: list[int], order: int, words: WordLookup) -> Block:
    header = f"\\{order}-grams:"
    line = lines.take()
    while line == b"":
        line = lines.take()
    if line != header.encode():
        came = "the end of the file" if line is None else shown(line)
        lines.refuse(f"the line {header} belongs here, got {came}; the file is damaged: make it again")
    return read_section(lines, Section(order, counts[order - 1], highest=order == len(counts)), words)


def _by_id(lines: Lines, words: UnigramWords, unigrams: Block) -> Block:
    """The unigrams in the order of the ids, with the special words.

    Raises:
        BadModel: there is no ``<s>`` or no ``</s>``.
    """
    for special in (BEGIN, END):
        if not words.lists(special):
            lines.refuse(
                f"the unigrams above lack {SPECIAL_WORDS[special]}, which every model of sentences has; "
                f"train with sentence boundaries, or add a line such as: -99 {SPECIAL_WORDS[special]}"
            )
    if not words.lists(UNKNOWN):
        warn(
            f"{lines.name} has no <unk>, so that each unknown word counts with a base-10 log-probability of "
            f"{_NO_UNKNOWN:g}, as in KenLM; look at the figure without unknown words",
            SuspectInput,
        )
    ids_M = unigrams.ids_Mk[:, 0]
    ids_V = np.arange(len(words.texts), dtype=np.int32)[:, None]
    log10_probs_V = np.full(len(ids_V), _NO_UNKNOWN, np.float32)
    log10_backoffs_V = np.zeros(len(ids_V), np.float32)
    log10_probs_V[ids_M] = unigrams.log10_probs_M
    log10_backoffs_V[ids_M] = unigrams.log10_backoffs_M
    return Block(ids_V, log10_probs_V, log10_backoffs_V)


def _end(lines: Lines) -> None:
    """Check that only the end mark is left; it may lack, for the counts were right."""
    seen = False
    while (line := lines.take()) is not None:
        if line and (seen or line != b"\\end\\"):
            lines.refuse(f"nothing but a line \\end\\ belongs after the last n-gram, got {shown(line)}; remove it")
        seen = seen or bool(line)

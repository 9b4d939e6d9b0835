"""The schemes of files: where the bytes are, and the format that reads them."""

from collections.abc import Callable, Iterator
from functools import cached_property
from typing import BinaryIO, final

from nonplus.cautions import warn
from nonplus.corpora.archives import members
from nonplus.corpora.content import check_text
from nonplus.corpora.delimited import delimited
from nonplus.corpora.jsonl import json_lines
from nonplus.corpora.plain_text import each_line, whole
from nonplus.corpora.rows import RowReader
from nonplus.corpora.streams import STANDARD_INPUT, existing, name_of, opened, unpacked
from nonplus.corpora.suffixes import SUFFIXES, is_readable, suffix_of
from nonplus.corpora.wikitext import articles
from nonplus.errors import BadInput, SuspectInput
from nonplus.measure.formatting import counted
from nonplus.measure.records import Document

# Reads documents from bytes; the text is the name for ids and messages.
Format = Callable[[BinaryIO, str, RowReader], Iterator[Document]]

_FORMATS: dict[str, Format] = {"file": whole, "jsonl": json_lines, "csv": delimited}
_READ = (
    f"without a scheme, members that end in {', '.join(end for end, scheme in SUFFIXES.items() if scheme in _FORMATS)} "
    "are read; unpack the archive to read others"
)


def file(location: str, reader: RowReader) -> "Source":
    """``file:notes.log``: the file as one document, or each member by its own name."""
    return Source(location, reader, whole)


def lines(location: str, reader: RowReader) -> "Source":
    """``lines:sentences.txt``: a document for each line."""
    return Source(location, reader, each_line, of_member=lambda _: each_line)


def jsonl(location: str, reader: RowReader) -> "Source":
    """``jsonl:articles.jsonl.gz``: a document for each line, an object of JSON."""
    return Source(location, reader, json_lines, of_member=lambda _: json_lines)


def table(location: str, reader: RowReader) -> "Source":
    """``csv:articles.csv``: a document for each row after the header."""
    return Source(location, reader, delimited, of_member=lambda _: delimited)


def wikitext(location: str, reader: RowReader) -> "Source":
    """``wikitext:wiki.test.raw``: a document for each article."""
    return Source(location, reader, articles, of_member=lambda _: articles)


def _by_name(member: str) -> Format | None:
    return _FORMATS.get(SUFFIXES[suffix_of(member)]) if is_readable(member) else None


@final
class Source:
    """The documents of a file or standard input; of an archive, those of its members.

    ``of_member`` gives the format of a member by its name, ``None`` to leave it out.
    """

    def __init__(
        self,
        location: str,
        reader: RowReader,
        format_: Format,
        *,
        of_member: Callable[[str], Format | None] = _by_name,
    ) -> None:
        self._location = existing(location)
        self._reader = reader
        self._format = format_
        self._of_member = of_member

    def __iter__(self) -> Iterator[Document]:
        name = name_of(self._location)
        with opened(self._location) as (stream, content):
            if content.archive:
                yield from self._unpacked(stream, content.archive, name)
            else:
                yield from self._format(stream, name, self._reader)

    def _unpacked(self, archive: BinaryIO, kind: str, name: str) -> Iterator[Document]:
        read, others = 0, 0
        for member, raw in members(archive, kind, name):
            format_ = self._of_member(member)
            if format_ is None:
                others += 1
                continue
            path = f"{name}/{member}"
            stream, content = unpacked(raw, path)
            check_text(content, path)
            yield from format_(stream, path, self._reader)
            read += 1
        if not read:
            raise BadInput(f"the archive {name} has no files to read: {_READ}")
        if others:
            left_out = f"{counted(others, 'member')} of {name} left out"
            warn(f"{left_out}: {_READ}", SuspectInput)


@final
class StandardInput:
    """``-`` or ``stdin:``: all of it as one document, kept for another pass."""

    def __init__(self, location: str, reader: RowReader) -> None:
        if location not in ("", STANDARD_INPUT):
            raise BadInput(f"nothing may follow stdin:, got {location!r}; write - for standard input")
        self._source = Source(STANDARD_INPUT, reader, whole)

    @cached_property
    def _documents(self) -> list[Document]:
        return list(self._source)

    def __iter__(self) -> Iterator[Document]:
        return iter(self._documents)

"""What a source names, opened as files of records."""

from collections.abc import Callable, Iterator, Sequence
from typing import IO

from nonplus.compression.marks import compression_of
from nonplus.compression.packing import SUFFIXES
from nonplus.corpora.records.documents import Documents
from nonplus.corpora.records.interfaces import Format, RecordFields, Sizes
from nonplus.corpora.records.json_lines import JsonLines
from nonplus.corpora.records.places import raw_at, size_at
from nonplus.corpora.records.record_file import RecordFile
from nonplus.corpora.records.sources import Found, found
from nonplus.corpora.records.text_lines import TextLines
from nonplus.errors import BadInput

_SIZES = Sizes()
_MARK = 16  # bytes that tell how a file is compressed


def record_files(source: str, fields: RecordFields, *, suffix: str = "", sizes: Sizes = _SIZES) -> list[RecordFile]:
    """The files that a source names: a file, a folder, a pattern, a URL, or one of
    these after ``jsonl:``, ``lines:`` or ``file:``.

    Text files that are a record each are one file of records together. ``suffix`` as in
    :func:`open_records`.

    Raises:
        BadInput: it names none, or one that is not read as records.
    """
    places = found(source)
    texts = tuple(place.location for place in places if place.kind == "file")
    files = [_opened(place, fields, suffix, sizes) for place in places if place.kind != "file"]
    if not texts:
        return files
    own = Documents(paths=texts, fields=fields, sizes=sizes, suffix=_suffix(suffix, ".jsonl", ""))
    path = texts[0] if len(texts) == 1 else source
    return [*files, RecordFile(path, own, () if len(texts) == 1 else texts)]


def open_records(place: str, fields: RecordFields, *, suffix: str = "", sizes: Sizes = _SIZES) -> RecordFile:
    """The records of one file.

    They are written as they came or, if ``suffix`` is given, compressed as it says:
    ``.jsonl``, ``.jsonl.gz``, ``.jsonl.bz2``, ``.jsonl.xz`` or ``.jsonl.zst``.

    Raises:
        BadInput: it cannot be read, is not one file, or cannot be written like that.
    """
    files = record_files(place, fields, suffix=suffix, sizes=sizes)
    if len(files) != 1:
        raise BadInput(f"{place} is {len(files):,} files, where one is needed; name one of them")
    return files[0]


def joined(suffix: str, contents: Iterator[bytes], out: IO[bytes]) -> None:
    """Write what :attr:`Batch.written` made, of one suffix, as one file."""
    for content in contents:
        out.write(content)


def _opened(place: Found, fields: RecordFields, suffix: str, sizes: Sizes) -> RecordFile:
    make = _FORMATS[place.kind]
    size_at(place.location)
    return RecordFile(place.location, make(place.location, fields, suffix, sizes))


def _json_lines(path: str, fields: RecordFields, suffix: str, sizes: Sizes) -> Format:
    return JsonLines(fields=fields, sizes=sizes, suffix=_suffix(suffix, ".jsonl", path))


def _text_lines(path: str, fields: RecordFields, suffix: str, sizes: Sizes) -> Format:
    return TextLines(fields=fields, sizes=sizes, suffix=_suffix(suffix, ".txt", path))


_FORMATS: dict[str, Callable[[str, RecordFields, str, Sizes], Format]] = {"jsonl": _json_lines, "lines": _text_lines}


def _suffix(asked: str, own: str, path: str) -> str:
    """The suffix that was asked for, or the own one with the compression of a file."""
    known = [own, *(f"{own}{end}" for end in SUFFIXES.values())]
    if not asked:
        return f"{own}{_ending(path)}" if path else own
    if asked not in known:
        raise BadInput(f"these records are written as {_either(known)}, got {asked}; give another name")
    return asked


def _ending(path: str) -> str:
    with raw_at(path) as file:
        return SUFFIXES.get(compression_of(file.read(_MARK)), "")


def _either(names: Sequence[str]) -> str:
    return f"{', '.join(names[:-1])} or {names[-1]}"

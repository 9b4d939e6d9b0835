"""The bytes of a file or of standard input, decompressed while they are read."""

import gzip
import os
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain
from typing import BinaryIO, TextIO

from nonplus.compression.streams import buffered, decompressed
from nonplus.corpora.content import HEAD, Content, check_text, content_of
from nonplus.corpora.suffixes import is_compressed
from nonplus.errors import BadInput

STANDARD_INPUT = "-"

_AT_ONCE = 1 << 16  # bytes


def name_of(location: str) -> str:
    """What messages and ids call a location: valid text, which a path need not be."""
    return "stdin" if location == STANDARD_INPUT else location.encode(errors="replace").decode()


def existing(location: str) -> str:
    """``location`` itself, if it exists.

    Raises:
        BadInput: it does not exist, may not be read, or cannot be a path.
    """
    if "\0" in location:
        raise BadInput(f"{name_of(location)!r} has a NUL character, which no path has; remove it")
    if not location:
        raise BadInput("the path is empty; name a file after the colon, or - for standard input")
    if location != STANDARD_INPUT:
        with explained(location):
            os.stat(location)
    return location


@contextmanager
def opened(location: str) -> Iterator[tuple[BinaryIO, Content]]:
    """The bytes at a location, decompressed if they are compressed, and what they are.

    What they are is told by themselves, whatever the name: text, or an archive.

    Raises:
        BadInput: the file cannot be read, is damaged, or is neither; also while the
            stream is read.
    """
    with explained(location):
        if location == STANDARD_INPUT:
            yield unpacked(_bytes_of(sys.stdin), name_of(location))
            return
        with open(location, "rb") as raw:
            yield unpacked(raw, name_of(location))


def _bytes_of(stdin: TextIO | None) -> BinaryIO:
    if stdin is None:
        raise BadInput("stdin is closed, so there is no text to read; pipe one into it, or name a file")
    return stdin.buffer


def unpacked(raw: BinaryIO, name: str) -> tuple[BinaryIO, Content]:
    """What ``raw`` holds, decompressed at most once, and what it is.

    Raises:
        BadInput: it is neither text nor an archive.
    """
    stream, content = _recognised(raw)
    if content.compression:
        stream, content = _recognised(decompressed(stream, content.compression))
        if content.compression or content.archive == "zip":
            check_text(content, name)
    elif is_compressed(name):
        raise BadInput(f"{name} is damaged or not compressed; make or download it again, or name it for what it is")
    if content.foreign:
        check_text(content, name)
    return stream, content


@contextmanager
def explained(location: str) -> Iterator[None]:
    """Turn errors of the operating system or a decompressor into a ``BadInput``."""
    name = name_of(location)
    try:
        yield
    except FileNotFoundError:
        raise BadInput(f"no such file: {name}; check the path, or write text: before it to read it as text") from None
    except PermissionError:
        raise BadInput(f"this user may not read {name}; ask for permission, or copy the file") from None
    except IsADirectoryError:
        raise BadInput(f"{name} is a folder, where a file is needed; name the folder without a scheme") from None
    except (EOFError, zlib.error, gzip.BadGzipFile) as damage:
        raise BadInput(f"{name} is damaged: {damage}; make or download it again") from damage
    except OSError as problem:
        raise BadInput(f"{name} cannot be read: {problem.strerror or problem}; check it, or give a copy") from problem


def _recognised(stream: BinaryIO) -> tuple[BinaryIO, Content]:
    """The stream from its beginning, and what it begins like."""
    head = stream.read(HEAD)
    if stream.seekable():
        stream.seek(-len(head), os.SEEK_CUR)
        return stream, content_of(head)
    return buffered(chain([head], iter(lambda: stream.read1(_AT_ONCE), b""))), content_of(head)  # type: ignore[attr-defined]

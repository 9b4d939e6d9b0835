"""The bytes of a file or of standard input, decompressed while they are read."""

import gzip
import io
import os
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO, cast

from nonplus.corpora.zstd import zstd_bytes
from nonplus.errors import BadInput

STANDARD_INPUT = "-"


def name_of(location: str) -> str:
    """What messages and ids call a location: valid text, which a path need not be."""
    return "stdin" if location == STANDARD_INPUT else location.encode(errors="replace").decode()


def existing(location: str) -> str:
    """``location`` itself, if it exists.

    Raises:
        BadInput: it does not exist, or may not be read.
    """
    if location != STANDARD_INPUT:
        with explained(location):
            os.stat(location)
    return location


@contextmanager
def opened(location: str) -> Iterator[BinaryIO]:
    """A stream of bytes; ``.gz`` and ``.zst`` files are decompressed in small chunks.

    Raises:
        BadInput: the file cannot be read or is damaged; also while the stream is read.
    """
    if location == STANDARD_INPUT:
        yield sys.stdin.buffer
        return
    with explained(location), open(location, "rb") as raw, _decompressed(raw, location) as stream:
        yield stream


@contextmanager
def explained(location: str) -> Iterator[None]:
    """Turn errors of the operating system or a decompressor into a ``BadInput``."""
    name = name_of(location)
    try:
        yield
    except FileNotFoundError:
        raise BadInput(f"no such file: {name}; check the path, or write text: before it to score it as text") from None
    except PermissionError:
        raise BadInput(f"this user may not read {name}; ask for permission, or copy the file") from None
    except IsADirectoryError:
        raise BadInput(f"{name} is a folder, where a file is needed; name the folder without a scheme") from None
    except (EOFError, zlib.error, gzip.BadGzipFile) as damage:
        raise BadInput(f"{name} is damaged or not compressed: {damage}; make or download it again") from damage
    except OSError as problem:
        raise BadInput(f"{name} cannot be read: {problem.strerror or problem}") from problem


def _decompressed(raw: BinaryIO, location: str) -> BinaryIO:
    if location.lower().endswith(".gz"):
        return io.BufferedReader(cast(io.RawIOBase, gzip.GzipFile(fileobj=raw)))
    if location.lower().endswith(".zst"):
        return io.BufferedReader(zstd_bytes(raw))
    return raw

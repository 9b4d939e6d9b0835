"""The bytes of a file or of standard input, decompressed as they are read."""

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
    """What to call a location in messages and ids; a path need not be valid text, a name must."""
    return "stdin" if location == STANDARD_INPUT else location.encode(errors="replace").decode()


def existing(location: str) -> str:
    """``location`` itself, once it is known to lead somewhere.

    Raises:
        BadInput: it does not.
    """
    if location != STANDARD_INPUT:
        with explained(location):
            os.stat(location)
    return location


@contextmanager
def opened(location: str) -> Iterator[BinaryIO]:
    """A stream of bytes; what ends in ``.gz`` or ``.zst`` is decompressed, a little at a time.

    Raises:
        BadInput: the file cannot be read, or is damaged; also while the stream is being read.
    """
    if location == STANDARD_INPUT:
        yield sys.stdin.buffer
        return
    with explained(location), open(location, "rb") as raw, _unpacked(raw, location) as stream:
        yield stream


@contextmanager
def explained(location: str) -> Iterator[None]:
    """Turn what the operating system or a decompressor says about ``location`` into a sentence."""
    name = name_of(location)
    try:
        yield
    except FileNotFoundError:
        raise BadInput(f"no such file: {name}; check the path, or write text: before it to score it as text") from None
    except PermissionError:
        raise BadInput(f"{name} may not be read by this user; ask for permission, or copy it") from None
    except IsADirectoryError:
        raise BadInput(f"{name} is a folder, where a file is needed; give the folder without a scheme") from None
    except (EOFError, zlib.error, gzip.BadGzipFile) as damage:
        raise BadInput(f"{name} is damaged or not compressed: {damage}; make or fetch it again") from damage
    except OSError as problem:
        raise BadInput(f"{name} cannot be read: {problem.strerror or problem}") from problem


def _unpacked(raw: BinaryIO, location: str) -> BinaryIO:
    if location.lower().endswith(".gz"):
        return io.BufferedReader(cast(io.RawIOBase, gzip.GzipFile(fileobj=raw)))
    if location.lower().endswith(".zst"):
        return io.BufferedReader(zstd_bytes(raw))
    return raw

"""The bytes of a file, on this machine or at a URL, and what tells that it changed."""

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

from nonplus.corpora.content import Content
from nonplus.corpora.streams import explained, name_of, opened, unpacked
from nonplus.errors import BadInput
from nonplus.urls import about, is_url, opened_for_seeking, opened_url, shown

_SAMPLE = 1 << 16  # bytes at each end


def shown_place(place: str) -> str:
    """What messages call a place."""
    return shown(place) if is_url(place) else name_of(place)


@contextmanager
def unpacked_at(place: str) -> Iterator[tuple[BinaryIO, Content]]:
    """The bytes at a place, decompressed if they are compressed, and what they are.

    Raises:
        BadInput: they cannot be read, or are neither text nor an archive; also while
            they are read.
    """
    if not is_url(place):
        _status(place)
        with opened(place) as found:
            yield found
        return
    with explained(shown(place)), opened_url(place) as raw:
        yield unpacked(raw, shown(place))


def check_no_archive(content: Content, name: str) -> None:
    """Refuse an archive where a file is needed.

    Raises:
        BadInput: it is one.
    """
    if content.archive:
        raise BadInput(f"{name} is a {content.archive} archive, where a file is needed; unpack it")


@contextmanager
def raw_at(place: str) -> Iterator[BinaryIO]:
    """The bytes at a place as they are, in any order.

    Raises:
        BadInput: they cannot be read; also while they are read.
    """
    if is_url(place):
        with opened_for_seeking(place) as stream:
            yield stream
        return
    _status(place)
    with explained(place), open(place, "rb") as stream:
        yield stream


def size_at(place: str) -> int:
    """How many bytes there are; 0 if a server does not tell.

    Raises:
        BadInput: there is nothing.
    """
    if is_url(place):
        return about(place).size or 0
    return _status(place).st_size


def version_at(place: str) -> str:
    """What is another whenever a file was written to, and also when it was copied or
    touched: when its content and its state were last changed (ns); at a URL what its
    server says, which may be nothing.

    Raises:
        BadInput: there is nothing.
    """
    if is_url(place):
        return about(place).version
    status = _status(place)
    return f"{status.st_mtime_ns} {status.st_ctime_ns}"


def digest_at(place: str) -> str:
    """What tells that a file is another, without reading all of it: its size, and a
    hash of both its ends; at a URL of its beginning.

    Raises:
        BadInput: it cannot be read.
    """
    if is_url(place):
        with opened_url(place) as stream:
            head = stream.read(_SAMPLE)
        return f"{about(place).size} bytes, {hashlib.sha256(head).hexdigest()}"
    with raw_at(place) as file:
        status = os.fstat(file.fileno())
        ends = file.read(_SAMPLE)
        file.seek(max(0, status.st_size - _SAMPLE))
        ends += file.read(_SAMPLE)
    return f"{status.st_size} bytes, {hashlib.sha256(ends).hexdigest()}"


def _status(place: str) -> os.stat_result:
    with explained(place):
        try:
            return os.stat(place)
        except FileNotFoundError:
            raise BadInput(f"no such file: {shown_place(place)}; check the path, or bring the file back") from None

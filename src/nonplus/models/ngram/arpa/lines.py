"""The numbered lines of an ARPA file, decompressed while they are read."""

import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, NoReturn, final

from nonplus.compression.marks import compression_of
from nonplus.compression.streams import decompressed
from nonplus.errors import BadModel

_HEAD = 16  # bytes that tell a compression
_AT_ONCE = 1 << 20  # bytes
LONGEST_LINE = 1 << 20  # bytes of a line that says something
_SHOWN = 60  # characters of a file in a message


@final
class Lines:
    """The lines of a file; errors name the place."""

    def __init__(self, stream: BinaryIO, name: str) -> None:
        self._stream = stream
        self.name = name
        self._text = b""
        self._before = self._at = 0
        self.number = 0  # of the line taken last

    def take(self) -> bytes | None:
        """The next line without its end, blanks around it removed; ``None`` at the end.

        Raises:
            BadModel: the line is longer than any n-gram is.
        """
        while (end := self._text.find(b"\n", self._at)) < 0:
            if not self._read_on():
                end = len(self._text)
                break
        if self._at == end == len(self._text):
            return None
        line = self._text[self._at : end]
        self._before, self._at = self._at, min(end + 1, len(self._text))
        self.number += 1
        return line.strip(b" \t\r")

    def ahead(self) -> memoryview:
        """Whole lines that come next, as many as are at hand; perhaps none."""
        if len(self._text) - self._at < _AT_ONCE // 2:
            self._read_on()
        return memoryview(self._text)[self._at : max(self._at, self._text.rfind(b"\n") + 1)]

    def skip(self, lines: int, size: int) -> None:
        """Take that many lines and bytes of those ahead."""
        self.number += lines
        self._at += size

    def give_back(self) -> None:
        """Let the line taken last be taken again."""
        self._at = self._before
        self.number -= 1

    def refuse(self, sentence: str, line: int | None = None) -> NoReturn:
        """Name the line, the last by default, and say what is wrong there."""
        number = line or self.number
        raise BadModel(f"{self.name}{f', line {number}' if number else ''}: {sentence}")

    def _read_on(self) -> bool:
        rest = self._text[self._at :]
        if len(rest) > LONGEST_LINE:
            self.number += 1
            self.refuse(f"the line is longer than {LONGEST_LINE:,} bytes, which no n-gram is; give an ARPA file")
        more = self._stream.read(_AT_ONCE)
        self._text, self._at = rest + more, 0
        return bool(more)


@contextmanager
def lines_of(path: Path) -> Iterator[Lines]:
    """The lines of the file, which may be compressed, whatever its name.

    Raises:
        BadModel: the file cannot be read or is damaged; also while lines are taken.
        MissingExtra: it is compressed with zstd and zstandard is not installed.
    """
    name = str(path).encode(errors="replace").decode()
    try:
        with open(path, "rb") as raw:
            compression = compression_of(raw.read(_HEAD))
            raw.seek(0)
            yield Lines(decompressed(raw, compression) if compression else raw, name)
    except (EOFError, zlib.error, gzip.BadGzipFile) as damage:
        raise BadModel(f"{name} is damaged: {damage}; make or download it again") from damage
    except OSError as problem:
        raise BadModel(f"{name} cannot be read: {problem.strerror or problem}; check the path") from problem


def shown(text: bytes) -> str:
    """Some text of a file as a message shows it: quoted, and not too long."""
    sound = text[: 4 * _SHOWN].decode(errors="replace")
    return repr(sound if len(sound) <= _SHOWN else sound[: _SHOWN - 1] + "…")

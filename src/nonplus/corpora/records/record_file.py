"""A file on disk, which holds records in some format."""

import hashlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import final

from nonplus.corpora.records.interfaces import Batch, Format
from nonplus.corpora.streams import explained, name_of

_SAMPLE = 1 << 16  # bytes at each end


@final
@dataclass(frozen=True, slots=True)
class RecordFile:
    """A file as records, in units that do not depend on how it is read."""

    path: str
    format: Format

    @property
    def name(self) -> str:
        """The path as messages show it."""
        return name_of(self.path)

    @property
    def size(self) -> int:
        """Bytes on disk.

        Raises:
            BadInput: the file is gone.
        """
        with explained(self.path):
            return os.stat(self.path).st_size

    @property
    def suffix(self) -> str:
        """That of the parts that are written, such as ``.jsonl.zst``."""
        return self.format.suffix

    def digest(self) -> str:
        """What tells whether it is still the same file, without reading all of it: its
        size, when it was last changed (ns), and a hash of both its ends.

        Raises:
            BadInput: it cannot be read.
        """
        with explained(self.path), open(self.path, "rb") as file:
            status = os.fstat(file.fileno())
            ends = file.read(_SAMPLE)
            file.seek(max(0, status.st_size - _SAMPLE))
            ends += file.read(_SAMPLE)
        return f"{status.st_size} bytes, changed {status.st_mtime_ns}, {hashlib.sha256(ends).hexdigest()}"

    def units(self, takes: Callable[[int], bool]) -> Iterator[Batch]:
        """The units whose number, from 0, is taken; the others are read over.

        Raises:
            BadInput: the file cannot be read or is damaged; the units before the damage
                came.
        """
        return self.format.batches(self.path, takes)

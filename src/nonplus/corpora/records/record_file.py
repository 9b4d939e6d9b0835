"""What holds records in some format: a file, or several that are read as one."""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Self, final

from nonplus.corpora.records.interfaces import Batch, Format
from nonplus.corpora.records.places import digest_at, shown_place, size_at
from nonplus.corpora.suffixes import COMPRESSIONS
from nonplus.errors import BadInput


@final
@dataclass(frozen=True, slots=True)
class RecordFile:
    """A file as records, in units that do not depend on how it is read.

    ``path`` is its place, on this machine or a URL; that of a folder, if the ``files``
    in it are read as one. ``suffix`` is that of the parts that are written, such as
    ``.jsonl.zst``.
    """

    path: str
    format: Format
    suffix: str
    files: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The place as messages show it."""
        return shown_place(self.path)

    @property
    def size(self) -> int:
        """Bytes as they are stored; 0 if a server does not tell.

        Raises:
            BadInput: the file is gone.
        """
        return sum(map(size_at, self.files or (self.path,)))

    def digest(self) -> str:
        """What tells whether it is still the same file, without reading all of it.

        Raises:
            BadInput: it cannot be read.
        """
        if not self.files:
            return digest_at(self.path)
        together = hashlib.sha256("\n".join(map(digest_at, self.files)).encode())
        return f"{len(self.files)} files, {together.hexdigest()}"

    def units(self, takes: Callable[[int], bool]) -> Iterator[Batch]:
        """The units whose number, from 0, is taken; the others are read over.

        Raises:
            BadInput: the file cannot be read or is damaged; the units before the damage
                came.
        """
        return self.format.batches(self.path, self.suffix, takes)

    def written_as(self, name: str) -> Self:
        """The same, with parts that make up a file of this name together.

        Raises:
            BadInput: the records cannot be written in the format that the name ends
                with.
        """
        fitting = [suffix for suffix in self.format.suffixes if name.lower().endswith(suffix)]
        if not fitting:
            plain = [suffix for suffix in self.format.suffixes if not suffix.endswith(COMPRESSIONS)]
            packed = (
                f", compressed ({', '.join(COMPRESSIONS)}) or not" if len(plain) < len(self.format.suffixes) else ""
            )
            raise BadInput(
                f"{self.name} can be written as {' or '.join(plain)}{packed}, and {name} ends otherwise; give another "
                "name, or a folder"
            )
        return replace(self, suffix=max(fitting, key=len))

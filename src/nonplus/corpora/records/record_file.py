"""What holds records in some format: a file, or several that are read as one."""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Self, final

from nonplus.compression.packing import libraries
from nonplus.corpora.records.arrow_library import arrow
from nonplus.corpora.records.interfaces import Batch, Format
from nonplus.corpora.records.places import digest_at, shown_place, size_at, version_at
from nonplus.corpora.records.table_files import TABLES
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
        """What tells that it is another file, without reading all of it; what was
        changed in its middle is to be seen by the digests of its units only.

        Raises:
            BadInput: it cannot be read.
        """
        return self._of_all(digest_at)

    def version(self) -> str:
        """What is another whenever the file was written to, copied or touched; nothing
        if a server does not tell.

        Raises:
            BadInput: the file is gone.
        """
        return self._of_all(version_at)

    def _of_all(self, told: Callable[[str], str]) -> str:
        if not self.files:
            return told(self.path)
        together = hashlib.sha256("\n".join(map(told, self.files)).encode())
        return f"{len(self.files)} files, {together.hexdigest()}"

    @property
    def libraries(self) -> dict[str, str]:
        """What decides the bytes of the parts besides their records, with its version.

        Raises:
            MissingExtra: a package that writes them is not installed.
        """
        return {"pyarrow": arrow().__version__} if self.suffix in TABLES else libraries(self.suffix)

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

"""Where a filtered corpus goes: a folder of parts, and perhaps one file of them."""

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from glob import has_magic
from pathlib import Path
from typing import Self, final

from nonplus.corpora.records import RecordFile, joined
from nonplus.errors import BadInput
from nonplus.files import replacing
from nonplus.filtering.units.cutting import KEPT
from nonplus.jobs.ledger import Ledger
from nonplus.urls import is_url, shown

_PARTS = ".parts"
_SCHEME = re.compile(r"[a-z]+:(?!//)")  # says how a folder is read: lines:crawl
# What ends like this is a file that can be written. What ends like a file of another
# kind is refused, and any other name is that of a folder.
_FILES = (
    ".jsonl",
    ".ndjson",
    ".json",
    ".txt",
    ".parquet",
    ".arrow",
    ".arrows",
    ".warc",
    ".wet",
    ".gz",
    ".bz2",
    ".xz",
    ".zst",
)
_OTHERS = (".csv", ".tsv", ".md", ".html", ".xml", ".toml", ".xlsx", ".feather", ".orc", ".avro", ".lz4", ".7z")
_ARCHIVES = (".zip", ".tar", ".tgz", ".tar.gz", ".tar.bz2", ".tar.xz", ".tar.zst")


@final
@dataclass(frozen=True, slots=True)
class Target:
    """The folder of a job and, if one was named, the file of all that is kept."""

    folder: str
    file: Path | None = None

    @classmethod
    def of(cls, output: str) -> Self:
        """What ``output`` names.

        Raises:
            BadInput: it is no name, that of a file of a kind that is not written, or a
                file at a URL, which would have to be put together there.
        """
        if output in ("", "-"):
            raise BadInput(
                f"output={output!r} is no name of a folder or a file, and standard output cannot hold what is dropped "
                "and rejected; write e.g. output=clean.jsonl"
            )
        if output.lower().endswith((*_OTHERS, *_ARCHIVES)):
            raise BadInput(
                f"output={shown(output) if is_url(output) else output} ends like a file of a kind that is not written; "
                "write e.g. output=clean.jsonl, output=clean.parquet, or the name of a folder"
            )
        if not output.lower().endswith(_FILES):
            return cls(output)
        if is_url(output):
            raise BadInput(
                f"output={shown(output)} is a file at a URL, and only a folder of parts can be written there; leave "
                "out what the name ends with, or write the file on this machine"
            )
        return cls(f"{output}{_PARTS}", Path(output))

    def check_outside(self, sources: Sequence[str]) -> None:
        """Refuse an output that is, or is in, a folder that is read, or that a pattern
        fits: the next run would read it, too.

        Raises:
            BadInput: it is so.
        """
        output, named = Path(self.file or self.folder).resolve(), self.file or self.folder
        for source in sources:
            place = _SCHEME.sub("", source)
            folder = Path(place)
            if os.path.isdir(place) and folder.resolve() in (output, *output.parents):
                how = "is" if folder.resolve() == output else "is in"
                raise BadInput(
                    f"output={named} {how} the folder {source}, all of which is read; give a place outside of it, or a "
                    f"pattern such as {source.rstrip('/')}/*.jsonl for what is read"
                )
            if has_magic(place) and not is_url(place) and self._is_read_by(place):
                raise BadInput(
                    f"output={named} would be read by the pattern {source} when the same is run again; give a place "
                    "that it does not fit"
                )

    def _is_read_by(self, pattern: str) -> bool:
        """Whether a pattern fits the file, or something that may be in the folder."""
        wanted = Path(os.path.abspath(pattern)).parts
        suffix = "".join(Path(pattern).suffixes[-1:])
        parts = (f"{self.folder}/{KEPT}/part{suffix}", f"{self.folder}/scoring/{KEPT}/part{suffix}")
        outputs = [each for each in (self.file, *parts) if each]
        return any(_fits(Path(os.path.abspath(each)).parts, wanted) for each in outputs)

    def fitted(self, files: tuple[RecordFile, ...]) -> tuple[RecordFile, ...]:
        """The files that are read, with parts that make up the file that was named.

        Raises:
            BadInput: the input is the output, or its records are not written like that.
        """
        if self.file is None:
            return files
        if os.path.isdir(self.file):
            raise BadInput(
                f"output={self.file} is the name of a file, and there is a folder of that name; give another name"
            )
        for each in files:
            if os.path.exists(self.file) and os.path.exists(each.path) and self.file.samefile(each.path):
                raise BadInput(f"output={self.file} is one of the files that are read; give another name")
        return tuple(each.written_as(self.file.name) for each in files)

    def join(self, ledger: Ledger, files: Sequence[RecordFile]) -> None:
        """Write all that is kept as one file, in the order of the input.

        Raises:
            BadInput: a part is damaged, or the file cannot be written.
        """
        if self.file is not None:
            with replacing(self.file) as out:
                joined(files[0].suffix, _kept(ledger, files), out)


def _fits(parts: Sequence[str], wanted: Sequence[str]) -> bool:
    """Whether a path fits a pattern, part by part; ``**`` fits any number of parts."""
    if not wanted:
        return not parts
    if wanted[0] == "**":
        return any(_fits(parts[skipped:], wanted[1:]) for skipped in range(len(parts) + 1))
    return bool(parts) and fnmatchcase(parts[0], wanted[0]) and _fits(parts[1:], wanted[1:])


def _kept(ledger: Ledger, files: Iterable[RecordFile]) -> Iterator[bytes]:
    suffixes = [file.suffix for file in files]
    for unit in ledger.every(len(suffixes)):
        name = f"{KEPT}/{unit}{suffixes[unit.file]}"
        if name in ledger.finished(unit).files:
            yield ledger.content(unit, name)

"""Where a filtered corpus goes: a folder of parts, and perhaps one file of them."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
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
        """Refuse an output in a folder that is read: the next run would read it, too.

        Raises:
            BadInput: it is in one.
        """
        output = Path(self.file or self.folder).resolve()
        for source in sources:
            folder = Path(_SCHEME.sub("", source))
            if folder.is_dir() and folder.resolve() in output.parents:
                raise BadInput(
                    f"output={self.file or self.folder} is in the folder {source}, all of which is read; give a place "
                    f"outside of it, or a pattern such as {source.rstrip('/')}/*.jsonl for what is read"
                )

    def fitted(self, files: tuple[RecordFile, ...]) -> tuple[RecordFile, ...]:
        """The files that are read, with parts that make up the file that was named.

        Raises:
            BadInput: the input is the output, or its records are not written like that.
        """
        if self.file is None:
            return files
        for each in files:
            if self.file.exists() and Path(each.path).exists() and self.file.samefile(each.path):
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


def _kept(ledger: Ledger, files: Iterable[RecordFile]) -> Iterator[bytes]:
    suffixes = [file.suffix for file in files]
    for unit in sorted(ledger.done()):
        name = f"{KEPT}/{unit}{suffixes[unit.file]}"
        if name in ledger.finished(unit).files:
            yield ledger.content(unit, name)

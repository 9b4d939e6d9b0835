"""What a file of records is: units, each with texts, and written again with columns.

Letters in shapes: D readable records of a unit.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, final

from numpy.typing import NDArray

from nonplus.measure.records import Ints

# A value for each readable record; floats that are not finite are written as null.
Column = Sequence[Any] | NDArray[Any]

SHOWN = 200  # bytes of a rejected record that are kept


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class RecordFields:
    """Which fields of a record hold what.

    A name with dots, such as ``meta.lang``, is a field of that name or, if the record
    has none, a path into objects. ``id``, ``language`` and ``source`` are read only if
    they are named. ``taken`` are the names of columns that will be added: a record that
    has one of them already is rejected.
    """

    text: str = "text"
    id: str = ""
    language: str = ""
    source: str = ""
    taken: tuple[str, ...] = ()

    @property
    def attributes(self) -> dict[str, str]:
        """The named fields besides the text, by what they are."""
        named = {"id": self.id, "language": self.language, "source": self.source}
        return {what: field for what, field in named.items() if field}


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """How large units and records are, in bytes.

    A unit has whole records of at least ``unit`` bytes together, and no more records
    than that takes. A record longer than ``record`` is rejected, which protects memory.
    """

    unit: int = 1 << 22
    record: int = 1 << 23


def too_long(what: str, most: int) -> str:
    """Why a record with more than ``most`` bytes is rejected."""
    return f"{what} is longer than {most:,} bytes, which protects memory; cut it up, or allow more with record_size=…"


@final
@dataclass(frozen=True, slots=True)
class Rejection:
    """A record that could not be read: its place, the reason, and its first bytes."""

    place: int
    reason: str
    raw: bytes


class Written(Protocol):
    """Writes records again."""

    def __call__(self, chosen: Ints, columns: Mapping[str, Column]) -> bytes:
        """The ``chosen`` of the D records, each with its own values of ``columns``.

        The bytes depend on nothing else, and are whole by themselves: a block of lines,
        a gzip member, a zstd frame, or a file.
        """
        ...


class WithTexts(Protocol):
    """Gives some records other texts."""

    def __call__(self, texts: Mapping[int, str]) -> Written:
        """What writes the D records, those at the places of ``texts`` with these texts
        and all else as it was.
        """
        ...


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """One unit, read; its ``number`` counts from 0.

    ``records`` is how many it has, counted before any of them is looked at: each is
    among the ``texts`` or ``rejected``. ``texts`` are those of the readable records in
    order, ``places`` (D,) the number of each in the file from 1: of its line, row or
    record. ``attributes`` has those that were asked for, ``None`` where a record has
    none. ``digest`` is that of all that was read, also of what is rejected.
    ``with_texts`` is there if the format can have other texts.
    """

    number: int
    records: int
    texts: Sequence[str]
    places: Ints
    attributes: Mapping[str, Sequence[str | None]]
    rejected: Sequence[Rejection]
    digest: Callable[[], str]
    written: Written
    with_texts: WithTexts | None = None


class Format(Protocol):
    """How the records of one kind of file are read and written. It can be pickled."""

    @property
    def suffixes(self) -> tuple[str, ...]:
        """Those of the parts that can be written, such as ``.jsonl.zst``."""
        ...

    @property
    def has_columns(self) -> bool:
        """Whether a record has room for new columns."""
        ...

    def units_of_a_byte(self, paths: Sequence[str]) -> float:
        """About how many units a byte of some files is, as they are stored, by a look
        at each; 0 where that cannot be told.
        """
        ...

    def batches(self, path: str, suffix: str, takes: Callable[[int], bool]) -> Iterator[Batch]:
        """The units whose number is taken, to be written as parts of this suffix; the
        others are read over.
        """
        ...

"""What is read of a record, and what is written into it."""

from collections.abc import Sequence
from dataclasses import dataclass

from nonplus.corpora.records import RecordFields, RecordFile, Sizes, record_files
from nonplus.errors import BadInput
from nonplus.filtering.fields.record_columns import COLUMNS, PREFIX, chosen_columns
from nonplus.sizes import bytes_of


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadOptions:
    """Which fields of a record hold what, and how many bytes units and records have.

    A field is a name, or a path such as ``meta.lang``; only that of the text is needed.
    A unit is what is scored, cut and written at once. A record that is longer than
    ``record_size`` is rejected: its text takes some 50 times as much memory.
    """

    field: str = "text"
    id_field: str = ""
    language_field: str = ""
    source_field: str = ""
    unit_size: str = "4Mi"
    record_size: str = "8Mi"

    @property
    def sizes(self) -> Sizes:
        """How large units and records are.

        Raises:
            BadInput: ``unit_size`` or ``record_size`` is no size, or 0.
        """
        return Sizes(
            unit=_at_least_one("unit_size", self.unit_size, example="4Mi"),
            record=_at_least_one("record_size", self.record_size, example="8Mi"),
        )

    def files(self, sources: Sequence[str], *, taken: tuple[str, ...] = ()) -> tuple[RecordFile, ...]:
        """The files that ``sources`` name; none of their records may have one of the
        ``taken`` fields.

        Raises:
            BadInput: there is nothing of such a name, or it has no records.
        """
        fields = RecordFields(
            text=self.field, id=self.id_field, language=self.language_field, source=self.source_field, taken=taken
        )
        return tuple(file for source in sources for file in record_files(source, fields, sizes=self.sizes))


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteOptions:
    """What is written into each record.

    ``columns`` is ``all``, ``none``, or names with commas between them; in a record
    they begin with ``prefix``.
    """

    columns: str = "all"
    prefix: str = PREFIX

    def __post_init__(self) -> None:
        """Refuse what would change nothing."""
        if self.columns == "none" and self.prefix != PREFIX:
            raise BadInput(
                f"prefix={self.prefix} is how the names of columns begin, and columns=none writes none; omit one of "
                "them"
            )

    @property
    def chosen(self) -> tuple[str, ...]:
        """The columns, without the prefix.

        Raises:
            BadInput: one is no column.
        """
        return chosen_columns(self.columns)

    @property
    def named(self) -> tuple[str, ...]:
        """The columns that are asked for one by one."""
        return () if len(self.chosen) == len(COLUMNS) else self.chosen

    @property
    def taken(self) -> tuple[str, ...]:
        """The columns as records have them."""
        return tuple(f"{self.prefix}{name}" for name in self.chosen)


def _at_least_one(option: str, given: str, *, example: str) -> int:
    size = bytes_of(given, option=option, example=example)
    if not size:
        raise BadInput(f"{option}={given} has no room for a record; use e.g. {option}={example}")
    return size

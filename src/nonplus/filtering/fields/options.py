"""What is read of a record, and what is written into it."""

from collections.abc import Sequence
from dataclasses import dataclass

from nonplus.corpora.records import RecordFields, RecordFile, Sizes, record_files
from nonplus.errors import BadInput
from nonplus.filtering.fields.record_columns import COLUMNS, PREFIX, chosen_columns
from nonplus.sizes import bytes_of


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadOptions:
    """Which fields of a record hold what, and how many bytes of records are a unit.

    A field is a name, or a path such as ``meta.lang``; only that of the text is needed.
    A unit is what is scored, cut and written at once.
    """

    field: str = "text"
    id_field: str = ""
    language_field: str = ""
    source_field: str = ""
    unit_size: str = "4Mi"

    @property
    def sizes(self) -> Sizes:
        """How large a unit is.

        Raises:
            BadInput: ``unit_size`` is no size, or 0.
        """
        unit = bytes_of(self.unit_size, option="unit_size", example="4Mi")
        if not unit:
            raise BadInput(f"unit_size={self.unit_size} has no room for a record; use e.g. unit_size=4Mi")
        return Sizes(unit=unit)

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

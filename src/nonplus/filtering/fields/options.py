"""What is read of a record, and what is written into it."""

from dataclasses import dataclass

from nonplus.corpora.records import RecordFields, Sizes
from nonplus.errors import BadInput
from nonplus.filtering.fields.record_columns import PREFIX, chosen_columns
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


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteOptions:
    """What is written into each record.

    ``columns`` is ``all``, ``none``, or names with commas between them; in a record
    they begin with ``prefix``.
    """

    columns: str = "all"
    prefix: str = PREFIX

    @property
    def chosen(self) -> tuple[str, ...]:
        """The columns, without the prefix.

        Raises:
            BadInput: one is no column.
        """
        return chosen_columns(self.columns)

    def fields(self, reading: ReadOptions) -> RecordFields:
        """What is read of a record, and the names that none may have."""
        return RecordFields(
            text=reading.field,
            id=reading.id_field,
            language=reading.language_field,
            source=reading.source_field,
            taken=tuple(f"{self.prefix}{name}" for name in self.chosen),
        )

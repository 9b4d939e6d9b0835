"""How a corpus is filtered: what is read of a record, how its text is scored, and what
is written into it.
"""

from dataclasses import dataclass

from nonplus.corpora.records import RecordFields, Sizes
from nonplus.errors import BadInput
from nonplus.filtering.record_columns import PREFIX, chosen_columns
from nonplus.filtering.trimming import TRIM_BITS, Trimming, Where
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


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreOptions:
    """What is done with a text beside scoring it.

    If there is a model for each language, ``other`` says what becomes of documents in
    other languages: ``keep``, ``drop``, or a model for them. With
    ``identify_languages`` the language of a document is told by its words and not by a
    field. With ``trim`` text of more than so many bits per byte is cut off the
    ``trim_at`` of documents, where that saves at least ``trim_bits`` bits; ``None``
    cuts nothing.
    """

    other: str = ""
    identify_languages: bool = False
    trim: float | None = None
    trim_at: Where = "end"
    trim_bits: float = TRIM_BITS

    @property
    def trimming(self) -> Trimming | None:
        """How texts are trimmed, if they are.

        Raises:
            BadInput: a limit is no number of bits.
        """
        if self.trim is None:
            return None
        return Trimming(trim=self.trim, trim_at=self.trim_at, trim_bits=self.trim_bits)

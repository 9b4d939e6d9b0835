"""How a corpus is filtered: what is read of a record, how its text is scored, and what
is written into it.
"""

from dataclasses import dataclass
from pathlib import Path

from nonplus.corpora.records import RecordFields, Sizes
from nonplus.errors import BadInput
from nonplus.filtering.cascade import SecondStage
from nonplus.filtering.cascade_file import read_cascade
from nonplus.filtering.record_columns import PREFIX, chosen_columns
from nonplus.filtering.rules.rule import Rule
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
    cuts nothing. ``cascade`` is a file of ``nonplus filter cascade``: the second model
    in it decides what the first leaves undecided, on ``device`` and with ``budget``
    tokens in a batch. With 1 a document has the same bits whatever is scored with it.
    """

    other: str = ""
    identify_languages: bool = False
    trim: float | None = None
    trim_at: Where = "end"
    trim_bits: float = TRIM_BITS
    cascade: Path | None = None
    device: str = "auto"
    budget: int = 1

    def second_stage(self, rule: Rule, first: str) -> SecondStage | None:
        """The second model for a rule, where the first is that of an identity.

        Raises:
            BadInput: there is no such cascade, or the rule needs all scores.
            BadProtocol: it is about another first model.
        """
        if self.cascade is None:
            return None
        made = read_cascade(self.cascade)
        made.check(rule, first)
        return SecondStage(cascade=made, rule=rule, device=self.device, budget=self.budget)

    @property
    def trimming(self) -> Trimming | None:
        """How texts are trimmed, if they are.

        Raises:
            BadInput: a limit is no number of bits.
        """
        if self.trim is None:
            return None
        return Trimming(trim=self.trim, trim_at=self.trim_at, trim_bits=self.trim_bits)

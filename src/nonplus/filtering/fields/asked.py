"""What a filter asks of records, and whether they say it."""

from collections.abc import Mapping, Set
from typing import NamedTuple, final

from nonplus.cautions import warn
from nonplus.errors import BadInput, SuspectInput
from nonplus.filtering.fields.options import ReadOptions
from nonplus.measure.formatting import counted


@final
class Said(NamedTuple):
    """How many ``records`` could be read, how many of these say nothing of an attribute
    that they were asked for, and how many have the ``alike`` id of another.
    """

    records: int
    without: Mapping[str, int]
    alike: int


def check_asked(asked: Set[str], reading: ReadOptions, identified: bool) -> None:
    """Check that all that is asked of a record is known of it.

    Raises:
        BadInput: it is not.
    """
    if identified and reading.language_field:
        raise BadInput(
            f"language_field={reading.language_field} and identify_languages both say what the language of a document "
            "is; omit one of them"
        )
    for attribute in sorted(asked - known(reading, identified)):
        asking, or_else = (
            ("the rule or a model", ", or use identify_languages=True") if attribute == "language" else ("the rule", "")
        )
        raise BadInput(
            f"{asking} asks for the {attribute} of each record, and no field has it; name it with "
            f"{attribute}_field=…{or_else}"
        )


def known(reading: ReadOptions, identified: bool) -> Set[str]:
    """What is known of each record: by a field or, of its language, by its words."""
    return _fields(reading).keys() | ({"language"} if identified else set())


def check_said(said: Said, reading: ReadOptions, *, asked: Set[str]) -> None:
    """Check that some record says each attribute that has a field, and that ids tell
    records apart; warn where nothing is ``asked`` of it.

    Raises:
        BadInput: what is asked is not said by any record, or by all alike.
    """
    fields = _fields(reading)
    for name in sorted(said.without.keys() & fields):
        if 0 < said.records == said.without[name]:
            _tell(
                f"none of {counted(said.records, 'record')} has a {name} in the field {fields[name]!r}; give the right "
                f"one, {name}_field=…, with another output, or none",
                name in asked,
            )
    with_id = said.records - said.without.get("id", 0)
    if with_id < 2 * said.alike:
        _tell(
            f"{said.alike:,} of {counted(with_id, 'record')} have the id of another one near them, where an id names "
            "one record; give another field, id_field=…, with another output, or none",
            "id" in asked,
        )


def _tell(sentence: str, wrong: bool) -> None:
    if wrong:
        raise BadInput(sentence)
    warn(sentence, SuspectInput)


def _fields(reading: ReadOptions) -> dict[str, str]:
    """The fields that have a name, by what they hold."""
    named = {"id": reading.id_field, "language": reading.language_field, "source": reading.source_field}
    return {name: field for name, field in named.items() if field}

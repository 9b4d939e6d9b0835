"""The records of some lines: the objects of JSON that have a text."""

from dataclasses import dataclass, field
from typing import Any, final

from nonplus.corpora.records.field_values import as_label, check_names, text_of, value_of
from nonplus.corpora.records.interfaces import SHOWN, RecordFields, Rejection
from nonplus.corpora.records.json_codec import SHALLOW, check_depth, exactly, fast_parser
from nonplus.corpora.records.lines import Block
from nonplus.corpora.values import type_phrase
from nonplus.errors import BadRecord

BLANKS = b" \t\r\n"  # what JSON calls white space


@final
@dataclass(frozen=True, slots=True)
class Objects:
    """Readable records, with the line of each, and those that are rejected."""

    attributes: dict[str, list[str | None]]
    places: list[int] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    raw: list[bytes] = field(default_factory=list)
    rejected: list[Rejection] = field(default_factory=list)


def objects_of(block: Block, fields: RecordFields) -> Objects:
    """Each line that is a record, as :func:`_object_of` says, or why it is not.

    Blank lines are neither. Most lines are accepted at first sight, by a parser that
    refuses more than need be.
    """
    found = Objects({what: [] for what in fields.attributes})
    columns = [(found.attributes[what], name) for what, name in fields.attributes.items()]
    parse, name, taken = fast_parser(), fields.text, frozenset(fields.taken)
    for place, line in zip(block.places, block.lines, strict=True):
        record = line.strip(BLANKS)
        if not record:
            continue
        try:
            row = parse(record)
            text = row[name] if name in row else value_of(row, name)
            if type(text) is not str or not taken.isdisjoint(row):
                row, text = _object_of(record, fields)
            elif len(record) - len(text) > SHALLOW:
                check_depth(record)
        except (ValueError, TypeError):
            try:
                row, text = _object_of(record, fields)
            except BadRecord as problem:
                found.rejected.append(Rejection(place, str(problem), record[:SHOWN]))
                continue
        found.texts.append(text)
        found.raw.append(line)
        found.places.append(place)
        for column, attribute in columns:
            value = value_of(row, attribute)
            if type(value) is float:  # it may be an integer beyond 64 bits
                value = value_of(exactly(record), attribute)
            column.append(as_label(value))
    return found


def _object_of(record: bytes, fields: RecordFields) -> tuple[dict[str, Any], str]:
    """A record as an object, and its text.

    Raises:
        BadRecord: it is no object of valid JSON (see :func:`exactly`), has no text, or
            has the name of a new column.
    """
    row = exactly(record)
    if type(row) is not dict:
        raise BadRecord(f"the record is {type_phrase(row)}, where an object with named fields is needed; fix the data")
    text = text_of(row, fields.text)
    check_names(row, fields.taken)
    return row, text

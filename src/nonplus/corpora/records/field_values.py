"""The texts and the attributes of records, found by name or path."""

from collections.abc import Mapping, Sequence
from typing import Any

from nonplus.corpora.values import type_phrase
from nonplus.errors import BadRecord

_LISTED = 10  # names in a message


def text_of(row: Mapping[str, Any], field: str) -> str:
    """The text in ``field``.

    Raises:
        BadRecord: there is none, or it is not text.
    """
    value = value_of(row, field)
    if type(value) is str:
        return value
    if value is not None or _has(row, field):
        raise BadRecord(f"the field {field!r} is {type_phrase(value)}, where text is needed; name a field of text")
    raise BadRecord(f"no field {field!r}; {_fields_of(row)}; name the right one with field=…")


def check_names(row: Mapping[str, Any], taken: Sequence[str]) -> None:
    """Check that a record has none of the names of new columns.

    Raises:
        BadRecord: it has one.
    """
    for name in taken:
        if name in row:
            raise BadRecord(f"it has a field {name!r} already; give the new ones other names, with prefix=…")


def value_of(row: Mapping[str, Any], field: str) -> Any:
    """The value in ``field``, a name or else a path; ``None`` if there is none."""
    return row[field] if field in row else _at_path(row, field)


def as_label(value: Any) -> str | None:
    """A scalar as text; ``None`` for all else."""
    match value:
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case int() | float():
            return str(value)
        case _:
            return None


def _at_path(row: Mapping[str, Any], field: str) -> Any:
    value: Any = row
    for name in field.split("."):
        if not isinstance(value, Mapping):
            return None
        value = value.get(name)
    return value


def _has(row: Mapping[str, Any], field: str) -> bool:
    """Whether a field is there, although it may be null."""
    inner, _, last = field.rpartition(".")
    return field in row or (bool(inner) and isinstance(above := _at_path(row, inner), Mapping) and last in above)


def _fields_of(row: Mapping[str, Any]) -> str:
    if not row:
        return "it has no fields"
    shown = ", ".join(map(repr, list(row)[:_LISTED]))
    return f"its fields are {shown}{', …' if len(row) > _LISTED else ''}"

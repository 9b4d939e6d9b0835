"""The columns of an Arrow table: whether they have what records need."""

from typing import Any

from nonplus.closest import did_you_mean
from nonplus.corpora.records.arrow_library import arrow
from nonplus.corpora.records.interfaces import RecordFields
from nonplus.errors import BadInput

_OPTIONS = {"id": "id_field", "language": "language_field", "source": "source_field"}


def check_schema(schema: Any, fields: RecordFields, name: str) -> None:
    """Check that the table ``name`` can give records, and take the new columns.

    Raises:
        BadInput: a field is missing, or is not of text; a new column is there already;
            columns cannot be told apart, or cannot be written again.
    """
    names = schema.names
    for each in names:
        if names.count(each) > 1:
            raise BadInput(f"{name} has several columns {each!r}; rename them")
    for each in fields.taken:
        if each in names:
            raise BadInput(f"{name} has a column {each!r} already; give the new ones other names, with prefix=…")
    for option, field in {"field": fields.text, **_named(fields)}.items():
        if not path_in(schema, field):
            meant = did_you_mean(field, names, before=f"{option}='", after="'")
            has = f"its columns are {', '.join(map(repr, names))}" if names else "it has no columns"
            raise BadInput(f"{name} has no column {field!r}; {has}{meant or f'; name the right one with {option}=…'}")
    text = _type_at(schema, path_in(schema, fields.text))
    if not is_text(text):
        raise BadInput(f"the column {fields.text!r} of {name} has the type {text}, where text is needed; name another")
    try:
        readable(schema.empty_table()).take(arrow().array([], arrow().int64()))
    except arrow().ArrowNotImplementedError as error:
        raise BadInput(f"{name} has a column that pyarrow cannot write again: {error}; leave it out") from error


def path_in(schema: Any, field: str) -> list[str]:
    """The names on the way to a field: its own or, if there is no such column, those
    between dots; none if it is not there.
    """
    if field in schema.names:
        return [field]
    path = field.split(".")
    return path if _type_at(schema, path) is not None else []


def is_text(kind: Any) -> bool:
    """Whether values of an Arrow type are texts, or may be: null, and bytes."""
    types = arrow().types
    if types.is_dictionary(kind):
        return is_text(kind.value_type)
    tests = (types.is_string, types.is_large_string, types.is_string_view, types.is_null)
    return any(test(kind) for test in (*tests, types.is_binary, types.is_large_binary, types.is_binary_view))


def decoded(column: Any) -> Any:
    """A column with its values instead of their numbers in a dictionary."""
    return column.cast(column.type.value_type) if arrow().types.is_dictionary(column.type) else column


def readable(table: Any) -> Any:
    """``table`` without the types of which pyarrow cannot take single rows."""
    types = arrow().types
    for place, field in enumerate(table.schema):
        views = {types.is_string_view: arrow().large_string(), types.is_binary_view: arrow().large_binary()}
        for test, plain in views.items():
            if test(field.type):
                table = table.set_column(place, field.with_type(plain), table[field.name].cast(plain))
    return table


def check_sound(table: Any) -> None:
    """Check that a table of a file can be used: nothing else looks at where its offsets
    and indices lead. Bytes that are no UTF-8 in a column of text are sound.

    Raises:
        pyarrow.ArrowInvalid: it cannot.
    """
    try:
        table.validate(full=True)
    except arrow().ArrowInvalid:
        types = arrow().types
        for place, field in enumerate(table.schema):
            bytes_of = {types.is_string: arrow().binary(), types.is_large_string: arrow().large_binary()}
            for test, plain in bytes_of.items():
                if test(field.type):
                    table = table.set_column(place, field.with_type(plain), table.column(place).cast(plain))
        table.validate(full=True)


def same_columns(table: Any, schema: Any) -> Any:
    """``table`` with the types of another one that has the same columns.

    Raises:
        BadInput: the columns differ.
    """
    try:
        return table.cast(schema)
    except (arrow().ArrowException, ValueError) as error:
        raise BadInput(f"files of different columns cannot be one file: {error}; write them to a folder") from error


def _named(fields: RecordFields) -> dict[str, str]:
    return {_OPTIONS[what]: field for what, field in fields.attributes.items()}


def _type_at(schema: Any, path: list[str]) -> Any:
    """The type of a column, or of a field inside; ``None`` if it is not there."""
    kind = arrow().struct(list(schema))
    for name in path:
        if not arrow().types.is_struct(kind) or kind.get_field_index(name) < 0:
            return None
        kind = kind.field(name).type
    return kind

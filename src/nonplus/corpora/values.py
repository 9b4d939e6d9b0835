"""Values of a row that must be text, checked."""

import math

from nonplus.errors import BadRecord


def as_text(value: object, where: object, field: str = "") -> str:
    """``value`` itself, if it is text that UTF-8 can encode.

    ``where``, and the ``field`` there, are for messages, and only written if needed.

    Raises:
        BadRecord: it is not text, or has a lone surrogate, as ``"\\ud83d"`` in JSON
            does.
    """
    if not isinstance(value, str):
        raise BadRecord(
            f"{_place(where, field)} is {type_phrase(value)}, where text is needed; name a field of text, or fix the "
            "data"
        )
    if value.isascii():
        return value
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise BadRecord(
            f"{_place(where, field)} has a lone surrogate, U+{ord(value[error.start]):04X}, at character "
            f"{error.start}, which UTF-8 cannot encode; the other half of the pair was cut off when the data was made: "
            "fix it there, or delete the character"
        ) from None
    return value


def as_label(value: object, where: object, field: str = "") -> str:
    """``value`` as text, if it is text or an integer, as ids often are.

    Raises:
        BadRecord: it is something else.
    """
    return str(value) if type(value) is int else as_text(value, where, field)


def _place(where: object, field: str) -> str:
    return f"{where}: the field {field!r}" if field else str(where)


def type_phrase(value: object) -> str:
    """The type of a value, for an error message: ``null`` or ``of type list``."""
    if isinstance(value, float) and math.isnan(value):
        return "NaN"
    return "null" if value is None else f"of type {type(value).__name__}"

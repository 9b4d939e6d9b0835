"""A value that must be text: that it is, or what it is instead."""

from nonplus.errors import BadRecord


def as_text(value: object, where: object) -> str:
    """``value`` itself, if it is text that can be written in UTF-8.

    Raises:
        BadRecord: it is something else, or holds half of a surrogate pair, as ``"\\ud83d"`` in JSON does.
    """
    if not isinstance(value, str):
        raise BadRecord(f"{where} is {kind(value)}, where text is needed; name a field of text, or mend the data")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise BadRecord(
            f"{where} has a lone surrogate, U+{ord(value[error.start]):04X}, at character {error.start}, which UTF-8 "
            "cannot write; its other half was cut off where the data was made, so mend it there or drop the character"
        ) from None
    return value


def as_label(value: object, where: object) -> str:
    """``value`` as text, if it is text or a whole number, as ids often are.

    Raises:
        BadRecord: it is something else.
    """
    return str(value) if type(value) is int else as_text(value, where)


def kind(value: object) -> str:
    """What a value is, in the words of JSON where it has any."""
    return "null" if value is None else f"of type {type(value).__name__}"

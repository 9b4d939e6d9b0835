"""Options that are not of their type, refused by name.

A bool is no whole number here, although Python counts with it: who passes one has taken
an option for a switch.
"""

from typing import get_args

from nonplus.errors import BadInput
from nonplus.models.ngram.normalizers.aligned import Unit


def check_whole(name: str, value: object, *, example: str) -> None:
    """Refuse what is no whole number.

    Raises:
        BadInput: it is none; the message names the option, and ``example`` as one.
    """
    if isinstance(value, bool) or not isinstance(value, int):
        raise BadInput(f"{name} is a whole number, got {_got(value)}; use e.g. {name}={example}")


def check_number(name: str, value: object, *, example: str) -> None:
    """Refuse what is no number.

    Raises:
        BadInput: as with :func:`check_whole`.
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise BadInput(f"{name} is a number, got {_got(value)}; use e.g. {name}={example}")


def check_text(name: str, value: object, *, example: str) -> None:
    """Refuse what is no text.

    Raises:
        BadInput: as with :func:`check_whole`.
    """
    if not isinstance(value, str):
        raise BadInput(f"{name} is text, got {_got(value)}; use e.g. {name}={example}")


def check_switch(name: str, value: object) -> None:
    """Refuse what is neither true nor false.

    Raises:
        BadInput: as with :func:`check_whole`.
    """
    if not isinstance(value, bool):
        raise BadInput(f"{name} is on or off, got {_got(value)}; use {name}=True or {name}=False")


def check_unit(value: object) -> None:
    """Refuse what is no kind of sentence; ``None`` leaves it to the normaliser.

    Raises:
        BadInput: it is none.
    """
    if value is None or (isinstance(value, str) and value in get_args(Unit)):
        return
    came = f"unit={value}" if isinstance(value, str) else f"unit of type {type(value).__name__}"
    raise BadInput(f"{came} is no kind of sentence; use unit=line or unit=document, or leave it out")


def _got(value: object) -> str:
    return f"one of type {type(value).__name__}"

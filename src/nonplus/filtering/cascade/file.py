"""A cascade in a file: the two models, and the translation between them."""

import json
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any, TypeVar

from nonplus.errors import BadInput
from nonplus.filtering.cascade.cascade import Cascade
from nonplus.filtering.cascade.translation import Translation
from nonplus.filtering.rules.rule_file import Model

FORMAT = 1
_AGAIN = "make it with nonplus filter cascade"
T = TypeVar("T")


def to_toml(cascade: Cascade, comments: tuple[str, ...] = ()) -> str:
    """The content of the file, with ``comments`` first, a line each."""
    lines = [*(f"# {each}" for each in comments), f"format = {FORMAT}", f"width = {cascade.width!r}"]
    for name, part in (("first", cascade.first), ("second", cascade.second), ("translation", cascade.translation)):
        lines += ["", f"[{name}]", *(f"{key} = {json.dumps(value)}" for key, value in asdict(part).items())]
    return "\n".join(lines) + "\n"


def read_cascade(path: Path) -> Cascade:
    """Inverse of :func:`to_toml`.

    Raises:
        BadInput: the file cannot be read, or holds no cascade; the message names the
            key.
    """
    try:
        held = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as fault:
        why = fault.strerror if isinstance(fault, OSError) else fault
        raise BadInput(f"the cascade {path} cannot be read: {why}; {_AGAIN}") from None
    if held.get("format") != FORMAT:
        raise BadInput(f"{path} has format = {held.get('format')!r}, and a cascade has {FORMAT}; {_AGAIN}")
    width = held.get("width")
    if not isinstance(width, int | float) or not width >= 0:
        raise BadInput(f"{path} has width = {width!r}, where it is a number from 0 on; {_AGAIN}")
    return Cascade(
        first=_part(Model, held, "first", path),
        second=_part(Model, held, "second", path),
        translation=_part(Translation, held, "translation", path),
        width=float(width),
    )


def _part(kind: type[T], held: Mapping[str, Any], name: str, path: Path) -> T:
    table = held.get(name)
    if not isinstance(table, dict):
        raise BadInput(f"{path} has no table [{name}], and a cascade has one; {_AGAIN}")
    known = {each.name: each.type for each in fields(kind)}  # type: ignore[arg-type]
    for key in known.keys() ^ table.keys():
        has = "has no" if key in known else "has a"
        raise BadInput(f"{path} {has} {key} in [{name}], which has {', '.join(known)}; {_AGAIN}")
    for key, value in table.items():
        wanted = {str: (str,), int: (int,), float: (int, float)}[known[key]]  # type: ignore[index]
        if type(value) not in wanted:
            raise BadInput(f"{path} has {key} = {value!r} in [{name}], which is no {wanted[-1].__name__}; {_AGAIN}")
    return kind(**table)

"""Flags from fields: every option of a verb is a field of a frozen dataclass."""

from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any, Literal, TypeVar, final, get_args, get_origin, get_type_hints

import click

F = TypeVar("F", bound=Callable[..., Any])


@final
class Option(click.Option):
    """An option that knows under which heading the help lists it."""

    def __init__(self, *declarations: Any, heading: str, **attributes: Any) -> None:
        super().__init__(*declarations, **attributes)
        self.heading = heading


@final
class Verb(click.Command):
    """A command whose help lists its options under headings."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write a section for each heading, in the order in which they come up."""
        sections: dict[str, list[tuple[str, str]]] = {}
        options = [parameter for parameter in self.get_params(ctx) if isinstance(parameter, Option)]
        for option in options:
            if record := option.get_help_record(ctx):
                sections.setdefault(option.heading, []).append(record)
        for heading, records in sections.items():
            with formatter.section(heading):
                formatter.write_dl(records)


def fraction(context: click.Context, parameter: click.Parameter, said: str | None) -> float | None:
    """A part of a whole, as ``0.05`` or ``5%``: between 0 and 1, both excluded."""
    if said is None:
        return None
    try:
        value = float(said.removesuffix("%")) / (100 if said.endswith("%") else 1)
    except ValueError:
        raise click.BadParameter(f"{said!r} is not a number; write e.g. 5% or 0.05", context, parameter) from None
    if not 0 < value < 1:
        raise click.BadParameter(f"{said} does not lie between 0% and 100%; write e.g. 5% or 0.05", context, parameter)
    return value


def unescaped(context: click.Context, parameter: click.Parameter, said: str | None) -> str | None:
    r"""Text in which ``\n`` and ``\t`` stand for what a shell makes hard to type."""
    return said if said is None else said.replace(r"\n", "\n").replace(r"\t", "\t")


def field_of(declaration: str) -> str:
    """The field that a flag sets: ``--trust-remote-code`` sets ``trust_remote_code``."""
    return declaration.partition("/")[0].removeprefix("--").replace("-", "_")


def flags(kind: type, heading: str, words: Mapping[str, str], *, defaults: bool = True) -> Callable[[F], F]:
    """Give a command an option for each field of ``kind`` that ``words`` declares and explains.

    An option that is not given arrives as ``None``, so that only what was asked for overrides anything. ``defaults``
    says whether the help shows those of ``kind``.
    """
    hints, usual = get_type_hints(kind), {field.name: field.default for field in fields(kind)}

    def decorate(function: F) -> F:
        for declaration, says in reversed(list(words.items())):
            name = field_of(declaration)
            # The default is written out here, because click is told of none.
            shown = f"  [{usual[name]}]" if defaults and usual[name] not in (MISSING, None, "", False, 0) else ""
            add = click.option(
                declaration, name, cls=Option, heading=heading, help=says + shown, default=None,
                **_attributes(hints[name], name),
            )  # fmt: skip
            function = add(function)
        return function

    return decorate


def given(kind: type, values: Mapping[str, Any]) -> dict[str, Any]:
    """Those of the values that are fields of ``kind`` and were given."""
    return {field.name: values[field.name] for field in fields(kind) if values.get(field.name) is not None}


def _attributes(hint: Any, name: str) -> dict[str, Any]:
    """What click wants to know about a field of that type."""
    if get_origin(hint) is Literal:
        return {"type": click.Choice(get_args(hint))}
    if Path in (hint, *get_args(hint)):
        return {"type": click.Path(path_type=Path), "metavar": "PATH"}
    if name == "joiner":
        return {"callback": unescaped, "metavar": "TEXT"}
    kinds: dict[type, dict[str, Any]] = {
        bool: {"is_flag": True},
        int: {"type": int, "metavar": "N"},
        float: {"callback": fraction, "metavar": "PART"},
        str: {"metavar": "NAME"},
    }
    return kinds[hint]

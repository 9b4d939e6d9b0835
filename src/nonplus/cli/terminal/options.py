"""Flags from fields: every option of a verb is a field of a frozen dataclass."""

from collections.abc import Callable, Mapping, Sequence
from copy import copy
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any, Literal, TypeVar, final, get_args, get_origin, get_type_hints

import click

from nonplus.closest import did_you_mean

F = TypeVar("F", bound=Callable[..., Any])


@final
class Option(click.Option):
    """An option with the heading under which the help lists it."""

    def __init__(self, *declarations: Any, heading: str, **attributes: Any) -> None:
        super().__init__(*declarations, **attributes)
        self.heading = heading


@final
class Choice(click.Choice[str]):
    """One of several words, with the likely one where another is given."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The word.

        Raises:
            click.BadParameter: it is none of them.
        """
        if value not in self.choices:
            known = ", ".join(self.choices)
            self.fail(f"{value!r} is not one of {known}{did_you_mean(value, self.choices)}", param, ctx)
        return str(value)


@final
class _AnyPath(click.Path):
    """A path, but not an empty one: it stands for the current folder, and comes from a
    variable of the shell that is not set.
    """

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The path.

        Raises:
            click.BadParameter: it is empty.
        """
        if value == "":
            self.fail("it is empty; give a path, or . for the current folder", param, ctx)
        return super().convert(value, param, ctx)


@final
class Verb(click.Command):
    """A command whose help lists its options under headings.

    With ``common`` its ``--help`` lists only those.
    """

    def __init__(
        self, *arguments: Any, common: Sequence[str] = (), lists: Sequence[str] = (), **attributes: Any
    ) -> None:
        """``lists`` are the flags that take several whole numbers, with blanks or
        commas between them.
        """
        super().__init__(*arguments, **attributes)
        self.common = common
        self.lists = lists

    def whole_help(self, ctx: click.Context) -> str:
        """The help with every option."""
        whole = copy(self)
        whole.common = ()
        return whole.get_help(ctx)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse, and refuse an option given twice, of which click would drop one."""
        args = _joined(args, self.lists)
        _, _, order = self.make_parser(ctx).parse_args(args=[*args])
        twice = [each for each in order if isinstance(each, Option) and order.count(each) > 1]
        if twice:
            raise click.UsageError(
                f"{twice[0].opts[-1]} is given {order.count(twice[0])} times, and one run takes one; "
                "run nonplus once for each",
                ctx,
            )
        return super().parse_args(ctx, args)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write a section for each heading, in the order of the options."""
        sections: dict[str, list[tuple[str, str]]] = {}
        options = {each.opts[-1]: each for each in self.get_params(ctx) if isinstance(each, Option)}
        for flag in self.common or options:
            heading = "Common options" if self.common else options[flag].heading
            if record := options[flag].get_help_record(ctx):
                sections.setdefault(heading, []).append(record)
        for heading, records in sections.items():
            with formatter.section(heading):
                formatter.write_dl(records)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the epilog, and where the other options are."""
        super().format_epilog(ctx, formatter)
        if self.common:
            formatter.write_paragraph()
            with formatter.indentation():
                verb = ctx.command_path.removeprefix("nonplus ")
                formatter.write_text(f"All options: nonplus help {verb}, and docs/reference/command-line.md.")


def fraction(context: click.Context, parameter: click.Parameter, value: str | None) -> float | None:
    """A part of a whole, as ``0.05`` or ``5%``: above 0 and below 1."""
    if value is None:
        return None
    try:
        part = float(value.removesuffix("%")) / (100 if value.endswith("%") else 1)
    except ValueError:
        raise click.BadParameter(f"{value!r} is not a number; write e.g. 5% or 0.05", context, parameter) from None
    if not 0 < part < 1:
        meant = f"did you mean {value}%?" if 1 < part < 100 and not value.endswith("%") else "write e.g. 5% or 0.05"
        raise click.BadParameter(f"{value} is not between 0% and 100%; {meant}", context, parameter)
    return part


def unescaped(context: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
    r"""Text in which ``\n`` and ``\t`` stand for a newline and a tab."""
    return value if value is None else value.replace(r"\n", "\n").replace(r"\t", "\t")


def _joined(args: Sequence[str], lists: Sequence[str]) -> list[str]:
    """The arguments with the whole numbers after each of these flags as one."""
    found: list[str] = []
    numbers = False
    for each in args:
        if numbers and found[-1] not in lists and each.isdecimal():
            found[-1] += f",{each}"
            continue
        numbers = each in lists or (numbers and found[-1] in lists and each[:1].isdecimal())
        found.append(each)
    return found


def whole_numbers(context: click.Context, parameter: click.Parameter, value: str | None) -> tuple[int, ...] | None:
    """Several whole numbers, with commas or blanks between them."""
    if value is None:
        return None
    try:
        return tuple(int(each) for each in value.replace(",", " ").split())
    except ValueError:
        raise click.BadParameter(
            f"{value!r} is no list of whole numbers; write e.g. 0 0 1", context, parameter
        ) from None


json_flag = click.option("--json", "as_json", cls=Option, heading="Output", is_flag=True,
                         help="print one JSON object and nothing else")  # fmt: skip


def field_of(declaration: str) -> str:
    """The field of a flag: ``--trust-remote-code`` sets ``trust_remote_code``."""
    return declaration.partition("/")[0].removeprefix("--").replace("-", "_")


def flags(kind: type, heading: str, texts: Mapping[str, str], *, defaults: bool = True) -> Callable[[F], F]:
    """Give a command an option for each flag in ``texts``, a field of ``kind``.

    An option that the user omits arrives as ``None``, so it overrides nothing. With
    ``defaults`` the help shows those of ``kind``.
    """
    hints, usual = get_type_hints(kind), {field.name: field.default for field in fields(kind)}

    def decorate(function: F) -> F:
        for declaration, text in reversed(list(texts.items())):
            name = field_of(declaration)
            # The default is written out here, because click has none to show.
            shown = f"  [{usual[name]}]" if defaults and usual[name] not in (MISSING, None, "", (), False, 0) else ""
            add = click.option(
                declaration, name, cls=Option, heading=heading, help=text + shown, default=None,
                **_attributes(hints[name], name),
            )  # fmt: skip
            function = add(function)
        return function

    return decorate


def fields_set(kind: type, values: Mapping[str, Any]) -> dict[str, Any]:
    """The values of the fields of ``kind`` that the user set."""
    return {field.name: values[field.name] for field in fields(kind) if values.get(field.name) is not None}


def _attributes(hint: Any, name: str) -> dict[str, Any]:
    """How click declares an option for a field of that type."""
    for each in (hint, *get_args(hint)):  # it, or what it is unless it is None
        if get_origin(each) is Literal:
            return {"type": Choice(get_args(each))}
    if Path in (hint, *get_args(hint)):
        return {"type": _AnyPath(path_type=Path, readable=False), "metavar": "PATH"}
    if name == "joiner":
        return {"callback": unescaped, "metavar": "TEXT"}
    if hint == tuple[int, ...]:
        return {"callback": whole_numbers, "metavar": "N..."}
    if name == "gpus":
        return {"type": float, "metavar": "N"}
    if name in ("memory", "unit_size", "record_size"):
        return {"metavar": "SIZE"}
    if name == "width":
        return {"type": float, "metavar": "ERRORS"}
    if name.startswith("trim"):
        return {"type": float, "metavar": "BITS"}
    kinds: dict[type, dict[str, Any]] = {
        bool: {"is_flag": True},
        int: {"type": int, "metavar": "N"},
        float: {"callback": fraction, "metavar": "PART"},
        str: {"metavar": "NAME"},
    }
    return kinds[hint]

"""``nonplus protocols``: what each named protocol does, and every choice in it."""

import json
from collections.abc import Iterator
from dataclasses import asdict

import click

from nonplus.cli.terminal.help_texts import PROTOCOL
from nonplus.cli.terminal.options import Option, Verb, field_of
from nonplus.cli.terminal.report import wrapped
from nonplus.measure.protocol.choices import Protocol
from nonplus.measure.protocol.presets import PRESETS, Preset


@click.command("protocols", cls=Verb)
@click.argument("name", required=False, metavar="[NAME]")
@click.option("--json", "as_json", cls=Option, heading="Output", is_flag=True,
              help="print one JSON object and nothing else")  # fmt: skip
def command(name: str | None, as_json: bool) -> int:
    """List all protocols, or explain every choice of the one called NAME."""
    chosen = {name: Protocol.named(name)} if name else {each: Protocol.named(each) for each in PRESETS}
    if as_json:
        click.echo(json.dumps({key: _as_dict(_preset(key), protocol) for key, protocol in chosen.items()}))
        return 0
    if name:
        click.echo(f"{_described(name, _preset(name))}\n{_choices(chosen[name])}")
    else:
        click.echo("\n".join(_listed()))
    return 0


def _listed() -> Iterator[str]:
    names = {name: Protocol.written(name) for name in PRESETS}
    width = max(map(len, names.values())) + 2
    for name, preset in PRESETS.items():
        yield f"{click.style(f'{names[name]:{width}}', bold=True)}{preset.summary}"
    yield "\nN: tokens of a window, S: tokens from one window to the next, as in -p gptq:1024 and -p stride:512."
    yield "nonplus protocols NAME explains one: its choices, its source, and where its figure misleads."


def _preset(name: str) -> Preset:
    return PRESETS[name.partition(":")[0]]


def _as_dict(preset: Preset, protocol: Protocol) -> dict[str, object]:
    texts = {key: value for key, value in asdict(preset).items() if key != "choices"}
    return texts | {"choices": asdict(protocol)}


def _described(name: str, preset: Preset) -> str:
    parts = {"": preset.does, "Beware: ": preset.beware, "Source: ": preset.source}
    described = "\n".join(wrapped(f"{before}{text}", indent="  ") for before, text in parts.items())
    return f"{click.style(name, bold=True)}\n{described}"


def _choices(protocol: Protocol) -> str:
    """Each choice as a flag with its value, and the meaning of the flag."""
    usual, lines = asdict(Protocol()), []
    for declaration, meaning in PROTOCOL.items():
        value = getattr(protocol, field_of(declaration))
        flag = _flag(declaration, value)
        lines.append("\n" + click.style(flag, bold=value != usual[field_of(declaration)]))
        lines.append(wrapped(meaning, indent="    "))
    return "\n".join(lines)


def _flag(declaration: str, value: object) -> str:
    """The choice as one would type it."""
    if isinstance(value, bool):
        return declaration.split("/")[0 if value else -1]
    text = str(value)
    return f"{declaration} {text if text.isprintable() and text else json.dumps(text)}"

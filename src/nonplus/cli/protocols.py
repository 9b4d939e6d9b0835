"""``nonplus protocols``: what each named protocol does, and every choice in it."""

import json
from dataclasses import asdict

import click

from nonplus.cli.terminal.help_texts import NGRAM_PROTOCOL, PROTOCOL
from nonplus.cli.terminal.options import Verb, field_of, json_flag
from nonplus.cli.terminal.printing import say, say_json, say_lines, styled
from nonplus.cli.terminal.report import wrapped
from nonplus.measure.protocol.choices import Protocol
from nonplus.measure.protocol.presets import PRESETS, Preset

_OF_NGRAMS = (
    "The protocol of an n-gram model is how that model reads a text. It comes with the model, so it is not chosen."
)


@click.command("protocols", cls=Verb)
@click.argument("name", required=False, metavar="[NAME]")
@json_flag
def command(name: str | None, as_json: bool) -> int:
    """List all protocols, or explain every choice of the one called NAME.

    The NAME ngram explains the protocols of n-gram models.
    """
    if name is not None and name.partition(":")[0] == "ngram":
        _explain_ngrams(name, as_json=as_json)
        return 0
    chosen = {name: Protocol.named(name)} if name else {each: Protocol.named(each) for each in PRESETS}
    if as_json:
        say_json({key: _as_dict(_preset(key), protocol) for key, protocol in chosen.items()})
        return 0
    if name:
        _say_description(name, _preset(name))
        _say_choices(chosen[name])
    else:
        _say_all()
    return 0


def _say_all() -> None:
    names = {name: Protocol.written(name) for name in PRESETS}
    width = max(map(len, names.values())) + 2
    for name, preset in PRESETS.items():
        say(styled(f"{names[name]:{width}}", bold=True), preset.summary)
    say_lines("\nN: tokens of a window, S: tokens from one window to the next, as in -p gptq:1024 and -p stride:512.")
    say("nonplus protocols NAME explains one: its choices, its source, and where its figure misleads.")
    say("nonplus protocols ngram explains those of n-gram models.")


def _explain_ngrams(name: str, *, as_json: bool) -> None:
    if as_json:
        say_json({name: {"does": _OF_NGRAMS, "parts": NGRAM_PROTOCOL}})
        return
    say(styled(name, bold=True))
    say_lines(wrapped(_OF_NGRAMS, indent="  "))
    for part, meaning in NGRAM_PROTOCOL.items():
        say()
        say(styled(part, bold=True))
        say_lines(wrapped(meaning, indent="    "))


def _preset(name: str) -> Preset:
    return PRESETS[name.partition(":")[0]]


def _as_dict(preset: Preset, protocol: Protocol) -> dict[str, object]:
    texts = {key: value for key, value in asdict(preset).items() if key != "choices"}
    return texts | {"choices": asdict(protocol)}


def _say_description(name: str, preset: Preset) -> None:
    say(styled(name, bold=True))
    for before, text in {"": preset.does, "Beware: ": preset.beware, "Source: ": preset.source}.items():
        say_lines(wrapped(f"{before}{text}", indent="  "))


def _say_choices(protocol: Protocol) -> None:
    """Print each choice as a flag with its value, and the meaning of the flag."""
    usual = asdict(Protocol())
    for declaration, meaning in PROTOCOL.items():
        value = getattr(protocol, field_of(declaration))
        flag = _flag(declaration, value)
        say()
        say(styled(flag, bold=value != usual[field_of(declaration)]))
        say_lines(wrapped(meaning, indent="    "))


def _flag(declaration: str, value: object) -> str:
    """The choice as one would type it."""
    if isinstance(value, bool):
        return declaration.split("/")[0 if value else -1]
    text = str(value)
    return f"{declaration} {text if text.isprintable() and text else json.dumps(text)}"

"""Tables of the documentation, made from the code: Markdown for cog."""

import inspect
import re
from dataclasses import asdict, fields
from typing import get_args, get_type_hints

import numpy as np

import nonplus
import nonplus.metrics
from nonplus import errors
from nonplus.cli.terminal.help_texts import EXIT_CODES, NGRAM_PROTOCOL, PROTOCOL
from nonplus.cli.terminal.options import field_of
from nonplus.filtering.rules.groups import BANDS
from nonplus.filtering.rules.scored import FIGURES
from nonplus.measure.interfaces import WindowModel
from nonplus.measure.protocol.choices import Protocol
from nonplus.measure.protocol.presets import PRESETS
from nonplus.measure.protocol.resolved import resolve
from nonplus.measure.records import Document, Tokens
from nonplus.views import tables

_USUAL = asdict(Protocol())


def presets() -> str:
    """Every named protocol: what it does, its pitfalls, its source."""
    parts = []
    for name, preset in PRESETS.items():
        parts.append(f"### `{Protocol.written(name)}`\n")
        parts.append(f"{preset.does}\n\n*Beware.* {preset.beware}\n")
        parts.append(f"*Source.* {preset.source}.\n")
    return "\n".join(parts)


def of_ngrams() -> str:
    """The parts of the signature of an n-gram model."""
    return _table(("part", "means"), [(f"`{part}`", meaning) for part, meaning in NGRAM_PROTOCOL.items()])


def exit_codes() -> str:
    """Every exit code of the command line."""
    return _table(("exit code", "means"), [(str(code), meaning) for code, meaning in EXIT_CODES.items()])


def differences() -> str:
    """The choices in which each preset differs from the default."""
    rows = []
    for name, preset in PRESETS.items():
        chosen = {key: value for key, value in preset.choices.items() if value != _USUAL[key]}
        chosen.pop("name", None)
        said = ", ".join(f"{key} {_value(value)}" for key, value in chosen.items())
        rows.append((f"`{Protocol.written(name)}`", said or "the default"))
    return _table(("protocol", "differs from `full` in"), rows)


def fingerprints() -> str:
    """The fingerprint of each preset with the default model."""
    model = nonplus.open_model()
    rows = [
        (f"`{name}`", f"`{resolve(Protocol.named(name), model).fingerprint}`") for name in PRESETS if _fits(name, model)
    ]
    return _table(("protocol", "fingerprint"), rows)


def choices() -> str:
    """Every field of a protocol with its flag, values and meaning."""
    hints, rows = get_type_hints(Protocol), []
    for declaration, says in PROTOCOL.items():
        field = field_of(declaration)
        allowed = get_args(hints[field])
        values = " ".join(f"`{each}`" for each in allowed) if allowed else hints[field].__name__
        flag = " ".join(f"`{each}`" for each in declaration.split("/"))
        rows.append((f"`{field}`", flag, values, _value(_USUAL[field]), says))
    return _table(("field", "flag", "values", "default", "meaning"), rows)


def options(kind: type, words: dict[str, str]) -> str:
    """The fields of an options record with their flags."""
    usual = {field.name: field.default for field in fields(kind)}
    rows = [(f"`{field_of(flag)}`", f"`{flag}`", _value(usual[field_of(flag)]), says) for flag, says in words.items()]
    return _table(("field", "flag", "default", "meaning"), rows)


def api() -> str:
    """Every public name with its signature and docstring."""
    order = ["perplexity", "score", "evaluate", "open_model", "open_corpus"]
    names = [*order, *(name for name in nonplus.__all__ if name not in order and not _is_error(name))]
    return "\n".join(_described(name, getattr(nonplus, name)) for name in names)


def metrics() -> str:
    """Every public name of ``nonplus.metrics``."""
    names = ["Perplexity", "token_nll", "head_nll", "MetricProtocol"]
    assert sorted(names) == sorted(nonplus.metrics.__all__)
    return "\n".join(_described(name, getattr(nonplus.metrics, name)) for name in names)


def error_tree() -> str:
    """The tree of errors as its module draws it."""
    tree = inspect.getdoc(errors).split("::\n\n")[1].split("\n\n")[0]
    return f"```text\n{inspect.cleandoc(tree)}\n```"


def error_names() -> str:
    """Every error with what it means."""
    rows = [(f"`{name}`", inspect.getdoc(getattr(nonplus, name))) for name in nonplus.__all__ if _is_error(name)]
    return _table(("error", "means"), rows)


def _is_error(name: str) -> bool:
    value = getattr(nonplus, name)
    return isinstance(value, type) and issubclass(value, Exception)


def _fits(name: str, model: WindowModel) -> bool:
    try:
        resolve(Protocol.named(name), model)
    except nonplus.BadProtocol:
        return False
    return True


def _described(name: str, value: object) -> str:
    parts = [f"### `{name}`\n"]
    if name == "PRESETS":
        parts.append("A dictionary from name to preset: its `choices`, and the texts `does`, `source`, `beware`.\n")
    else:
        parts += [f"```text\n{_signature(name, value)}\n```\n", f"{markdown(inspect.getdoc(value) or '')}\n"]
    if isinstance(value, type):
        parts += [f"{row}" for row in _members(value)]
    return "\n".join(parts)


def _signature(name: str, value: object) -> str:
    """A short signature: types by their last name, default records by name."""
    said = str(inspect.signature(value))  # type: ignore[arg-type]
    for pattern, short in _SHORTER:
        said = re.sub(pattern, short, said)
    line = f"{name}{said}"
    if len(line) <= 100:
        return line
    close = line.rindex(")") if "->" not in line else line.rindex(") ->")
    inner = re.split(r", (?![^\[(]*[\])])", line[len(name) + 1 : close])
    return f"{name}(\n    " + ",\n    ".join(inner) + ",\n" + line[close:]


_SHORTER = (
    (r"\bnumpy\.ndarray\[tuple\[typing\.Any, \.\.\.\], numpy\.dtype\[numpy\.int64\]\]", "Ints"),
    (r"\bnumpy\.ndarray\[tuple\[typing\.Any, \.\.\.\], numpy\.dtype\[numpy\.float64\]\]", "Floats"),
    (r"\b(?:nonplus|collections|pathlib|typing|numpy)(?:\.\w+)*\.(\w+)", r"\1"),
    (r"= (Loading|CorpusOptions)\(.*?\)", r"= \1()"),
    (r"<factory>", "..."),
    (r"2\.718281828459045", "e"),
    (r" -> (?:None|Self)$", ""),
)


def _members(kind: type) -> list[str]:
    """Public properties and methods with the first sentence of their docstrings."""
    rows = []
    for name, member in vars(kind).items():
        documented = isinstance(member, (property, classmethod)) or inspect.isfunction(member)
        if name.startswith("_") or not documented or not inspect.getdoc(member):
            continue
        shown = f"`.{name}`" if isinstance(member, property) else f"`.{name}()`"
        rows.append((shown, markdown(inspect.getdoc(member)).split("\n\n")[0].replace("\n", " ")))
    return [_table(("", ""), rows), ""] if rows else []


def markdown(docstring: str) -> str:
    """A docstring as Markdown."""
    text = re.sub(r":mod:`(.+?)`", r"`\1`", docstring)
    text = re.sub(r":\w+:`~?(?:[\w.]*\.)?(\w+)`", r"`\1`", text)
    text = re.sub(r"``(.+?)``", r"`\1`", text, flags=re.DOTALL)
    raised = re.split(r"^Raises:\n", text, flags=re.MULTILINE)
    if len(raised) > 1:
        entries = re.findall(r"^    (\w+): (.*(?:\n {5,}.*)*)", raised[1], re.MULTILINE)
        listed = "\n".join(f"- `{name}`: {re.sub(chr(10) + ' +', ' ', says)}" for name, says in entries)
        text = f"{raised[0]}Raises:\n\n{listed}"
    return text.strip()


def _value(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None or value == "":
        return "none"
    return f"`{value!r}`" if isinstance(value, str) and not value.isprintable() else f"`{value}`"


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def columns(name: str) -> str:
    """The columns of a table that the command line writes, with their types."""
    kinds = {str: "text", int: "integer", float: "number", bool: "true or false", list: "list", dict: "object"}
    return _table(("column", "type"), [(f"`{key}`", kinds[kind]) for key, kind in getattr(tables, name).items()])


def drawing(*names: str, n_tokens: int, window: int, stride: int = 0) -> str:
    """The windows of protocols: tokens fed (``·``), scored (``#``), prefix (``^``)."""
    model, ids = nonplus.open_model("bundled:tiny"), np.arange(100, 100 + n_tokens)
    tokens = Tokens(Document(text="x" * n_tokens), ids, np.arange(1, n_tokens + 1), 0)
    lines = []
    for name in names:
        protocol = nonplus.Protocol.named(name)
        size = {"window": window, "stride": stride if protocol.stride else 0}
        lines.append(f"{name:10}  {''.join(f'{i % 10}' for i in range(n_tokens))}")
        for each in resolve(protocol.but(**size), model).windows(tokens):
            fed = "·" * (each.first - each.start) + "#" * (each.stop - each.first)
            lines.append(" " * (11 + each.start) + ("^" if each.prefixed else " ") + fed)
        lines.append("")
    return "```text\n" + "\n".join(lines).rstrip() + "\n```"


def rule_figures() -> str:
    """The figures that rules of the filter may name."""
    return _table(("figure", "is"), [(f"`{name}`", meaning) for name, meaning in FIGURES.items()])


def rule_bands() -> str:
    """The bands of length by which rules of the filter may group."""
    return f"{', '.join(f'`{band}`' for band in BANDS)}."

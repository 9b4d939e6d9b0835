"""A rule in a file: with the models that its thresholds are about, and their origin."""

import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn, TypeAlias, final

from nonplus.closest import did_you_mean
from nonplus.errors import BadInput, BadProtocol
from nonplus.filtering.rules.needs import Group, Known, Marks
from nonplus.filtering.rules.parsing import parsed
from nonplus.filtering.rules.rule import Rule

FORMAT = 1
_KEYS = ("format", "keep", "models", "origin", "thresholds")
_EXAMPLE = "write e.g. keep = 'bits_per_byte <= 1.9'"
Origin: TypeAlias = Mapping[str, str | int | float]


@final
@dataclass(frozen=True, slots=True)
class Model:
    """The name by which a model is opened, and the identity of what it computes."""

    name: str
    identity: str


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class RuleFile:
    """What a file with a rule holds.

    ``models`` are those whose figures the rule is about: that of all figures without a
    name under ``model``, second ones under their names in the rule; a model that is not
    there may be any. ``origin`` says where the thresholds are from.
    """

    keep: Rule
    models: Mapping[str, Model] = field(default_factory=dict)
    origin: Origin = field(default_factory=dict)

    def check(self, models: Mapping[str, Model]) -> None:
        """Refuse scores of other ``models`` than the rule is about.

        Raises:
            BadProtocol: a model has another identity; the message names both.
        """
        for role in self.models.keys() & models.keys():
            own, other = self.models[role], models[role]
            if own.identity != other.identity:
                raise BadProtocol(
                    f"the rule is about figures of {own.name} ({own.identity}), got those of {other.name} "
                    f"({other.identity}), for which its thresholds mean something else; use {role}={own.name}, or "
                    "calibrate anew"
                )

    def to_toml(self) -> str:
        """The content of the file."""
        lines = [f"format = {FORMAT}", f"keep = {_text(str(self.keep))}"]
        for role, model in sorted(self.models.items()):
            lines += ["", f"[models.{_text(role)}]"]
            lines += [f"name = {_text(model.name)}", f"identity = {_text(model.identity)}"]
        if self.origin:
            lines += ["", "[origin]", *(f"{_text(key)} = {_value(each)}" for key, each in self.origin.items())]
        if self.keep.known:
            lines += ["", "[thresholds]"]
        for name, marks in sorted(self.keep.known.items()):
            lines += [f"{_text(name)} = [", *(_row(*each) for each in sorted(marks.items())), "]"]
        return "\n".join(lines) + "\n"


def _row(group: Group, mark: tuple[float, ...]) -> str:
    return f"    {{ group = [{', '.join(map(_text, group))}], at = [{', '.join(map(repr, mark))}] }},"


def _value(each: str | int | float) -> str:
    return _text(each) if isinstance(each, str) else repr(each)


def _text(text: str) -> str:
    """A basic string of TOML: that of JSON, but for DEL."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def read_rule(path: str) -> RuleFile:
    """The rule in a file.

    Raises:
        BadInput: the file cannot be read, or holds no rule.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as fault:
        why = fault.strerror if isinstance(fault, OSError) else fault
        raise BadInput(f"the rule {path} cannot be read: {why}; name a TOML file, and {_EXAMPLE} in it") from None
    return rule_of(text, place=path)


def rule_of(text: str, *, place: str) -> RuleFile:
    """Inverse of :meth:`RuleFile.to_toml`; all but ``keep`` may be left out.

    Raises:
        BadInput: it is no rule; the message names the ``place`` and the key.
    """
    try:
        held = tomllib.loads(text)
    except tomllib.TOMLDecodeError as fault:
        raise BadInput(f"{place} is no TOML: {fault}; {_EXAMPLE}") from None
    for key in held:
        if key not in _KEYS:
            meant = did_you_mean(key, _KEYS) or "; remove it"
            raise BadInput(f"{place} has {key!r}, and the keys of a rule are {', '.join(_KEYS)}{meant}")
    if held.get("format", FORMAT) != FORMAT:
        _refuse(place, "format", f"is {FORMAT} for this nonplus", held["format"])
    if not isinstance(held.get("keep"), str):
        raise BadInput(f"{place} has no text under keep; {_EXAMPLE}")
    known = {name: _marks(place, name, rows) for name, rows in _table(place, "thresholds", held).items()}
    rule = parsed(held["keep"], known)
    _check_asked(place, rule, known)
    return RuleFile(
        keep=rule,
        models={role: _model(place, role, each) for role, each in _table(place, "models", held).items()},
        origin={key: _scalar(place, key, each) for key, each in _table(place, "origin", held).items()},
    )


def _check_asked(place: str, rule: Rule, known: Known) -> None:
    sizes = rule.asked
    for name, marks in known.items():
        if name not in sizes:
            raise BadInput(f"{place} has thresholds for {name!r}, which its rule does not ask for; remove them")
        if any(len(mark) != sizes[name] for mark in marks.values()):
            _refuse(place, name, f"has lists of {sizes[name]} under at", [list(mark) for mark in marks.values()])


def _table(place: str, key: str, held: Mapping[str, Any]) -> Mapping[str, Any]:
    found: Any = held.get(key, {})
    return found if isinstance(found, dict) else _refuse(place, key, "is a table", found)


def _marks(place: str, name: str, rows: Any) -> Marks:
    match rows:
        case [*each] if all(map(_is_row, each)):
            return {tuple(row["group"]): tuple(map(float, row["at"])) for row in each}
    _refuse(place, name, "is a list of { group = [texts], at = [numbers] }", rows)


def _is_row(row: Any) -> bool:
    match row:
        case {"group": [*group], "at": [*at], **rest}:
            return (
                not rest and all(type(each) is str for each in group) and all(type(each) in (int, float) for each in at)
            )
    return False


def _model(place: str, role: str, held: Any) -> Model:
    match held:
        case {"name": str(name), "identity": str(identity)}:
            return Model(name, identity)
    _refuse(place, f"models.{role}", "is a table with name and identity", held)


def _scalar(place: str, key: str, held: Any) -> str | int | float:
    match held:
        case str() | int() | float():
            return held
    _refuse(place, f"origin.{key}", "is a text or a number", held)


def _refuse(place: str, key: str, rule: str, held: Any) -> NoReturn:
    raise BadInput(f"{place} has {key} = {held!r:.80}, where it {rule}; write it so, or calibrate anew")

"""What differs between two plans of a filter, in the words of whoever asked for it."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from nonplus.jobs.plan import plainly
from nonplus.measure.formatting import counted

Fields = Mapping[str, Any]


def told(name: str, earlier: Any, now: Any) -> str:
    """How a field of a plan differs from what it was, with options as they are given.

    What a job was begun with may be of another version, and have any form.
    """
    try:
        return _TOLD[name](earlier, now)
    except (KeyError, TypeError, AttributeError):
        return plainly(name, earlier, now)


def inputs_differ(earlier: Sequence[Fields], now: Sequence[Fields]) -> str:
    """Which file was changed, has come or has gone."""
    before, present = ({each["name"]: each["digest"] for each in inputs} for inputs in (earlier, now))
    changed = [name for name in present if name in before and before[name] != present[name]]
    if changed:
        sizes = [digests[changed[0]].partition(",")[0] for digests in (before, present)]
        return f"{changed[0]} has changed" + (f" ({sizes[0]} then, {sizes[1]} now)" if sizes[0] != sizes[1] else "")
    for these, others, what in ((present, before, "come"), (before, present, "gone")):
        strange = [name for name in these if name not in others]
        if strange:
            more = f" and {counted(len(strange) - 1, 'other file')} have" if len(strange) > 1 else " has"
            return f"{strange[0]}{more} {what}"
    return "the files have come into another order"


def _sources(earlier: Sequence[str], now: Sequence[str]) -> str:
    return _was(*(f"with the files {', '.join(each)}" for each in (earlier, now)))


def _options(earlier: Fields, now: Fields) -> str:
    name = _first(earlier, now)
    return _was(*(_option(name, each.get(name)) for each in (earlier, now)))


def _models(earlier: Fields, now: Fields) -> str:
    name = _first(earlier, now)
    one, other = (models.get(name, {"name": "", "identity": ""}) for models in (earlier, now))
    if one["name"] != other["name"]:
        named = [f"{name}={each['name']}" if name and each["name"] else each["name"] for each in (one, other)]
        return _was(*(_option("models" if name else "model", each) for each in named))
    others = [each["identity"].rpartition("other=")[2] for each in (one, other)]
    if others[0] != others[1] and "other=" in one["identity"]:
        return _was(*(_option("other", each) for each in others))
    return f"the model {one['name']} is another now than when it was begun"


def _scoring(earlier: Fields, now: Fields) -> str:
    name = _first(earlier, now)
    one, other = earlier.get(name), now.get(name)
    match name:
        case "languages" if one and other:
            return f"languages were told by {one}, and would be told by {other}"
        case "languages":
            return _was(*(_given("identify_languages=True", each) for each in (one, other)))
        case "repetition":
            return _was(*(_given("a rule about repetition", each) for each in (one, other)))
        case "trimming":
            return _options(one or {}, other or {})
        case "cascade" if one and other:
            return _cascade(one, other)
        case "cascade":
            return _was(*(_given("cascade=…", each) for each in (one, other)))
    return plainly(name, one, other)


def _cascade(earlier: Fields, now: Fields) -> str:
    name = _first(earlier, now)
    if name == "rule":
        return _rule(earlier[name], now[name])
    if name in ("device", "budget"):
        return _options(earlier, now)
    return "the cascade is another now than when it was begun"


def _rule(earlier: str, now: str) -> str:
    return _options({"keep": earlier}, {"keep": now})


def _libraries(earlier: Mapping[str, str], now: Mapping[str, str]) -> str:
    name = _first(earlier, now)
    return _was(*(f"with {name} {each[name]}" if name in each else f"without {name}" for each in (earlier, now)))


_TOLD: Mapping[str, Callable[[Any, Any], str]] = {
    "nonplus": lambda earlier, now: _was(f"by nonplus {earlier}", f"by nonplus {now}"),
    "format": lambda earlier, now: _was("by another version of nonplus", "by this one"),
    "sources": _sources,
    "inputs": lambda earlier, now: f"{inputs_differ(earlier, now)} since it was begun",
    "reading": _options,
    "models": _models,
    "scoring": _scoring,
    "libraries": _libraries,
    "writing": _options,
    "rule": _rule,
    "thresholds": lambda earlier, now: "the thresholds of the rule are others now than when it was begun",
}


def _first(earlier: Fields, now: Fields) -> str:
    return next(name for name in (*now, *earlier) if earlier.get(name) != now.get(name))


def _was(earlier: str, now: str) -> str:
    return f"it was begun {earlier}, and is to go on {now}"


def _given(what: str, given: Any) -> str:
    return f"with {what}" if given else f"without {what}"


def _option(name: str, value: Any) -> str:
    if value in ("", None):
        return f"without {name}=…"
    text, quote = str(value), '"' if "'" in str(value) else "'"
    return f"with {name}={text}" if text.isalnum() else f"with {name}={quote}{text}{quote}"

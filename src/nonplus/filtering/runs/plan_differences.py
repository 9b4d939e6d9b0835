"""What differs between two plans of a filter, in the words of whoever asked for it."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from nonplus.jobs.differences import Fields, first, inputs_differ, option, options, was
from nonplus.jobs.plan import plainly


def told(name: str, earlier: Any, now: Any) -> str:
    """How a field of a plan differs from what it was, with options as they are given.

    What a job was begun with may be of another version, and have any form.
    """
    try:
        return _TOLD[name](earlier, now)
    except (KeyError, TypeError, AttributeError):
        return plainly(name, earlier, now)


def _sources(earlier: Sequence[str], now: Sequence[str]) -> str:
    return was(*(f"with the files {', '.join(each)}" for each in (earlier, now)))


def _models(earlier: Fields, now: Fields) -> str:
    name = first(earlier, now)
    one, other = (models.get(name, {"name": "", "identity": ""}) for models in (earlier, now))
    if one["name"] != other["name"]:
        named = [f"{name}={each['name']}" if name and each["name"] else each["name"] for each in (one, other)]
        return was(*(option("models" if name else "model", each) for each in named))
    others = [each["identity"].rpartition("other=")[2] for each in (one, other)]
    if others[0] != others[1] and "other=" in one["identity"]:
        return was(*(option("other", each) for each in others))
    return f"the model {one['name']} is another now than when it was begun"


def _scoring(earlier: Fields, now: Fields) -> str:
    name = first(earlier, now)
    one, other = earlier.get(name), now.get(name)
    match name:
        case "languages" if one and other:
            return f"languages were told by {one}, and would be told by {other}"
        case "languages":
            return was(*(_given("identify_languages=True", each) for each in (one, other)))
        case "repetition":
            return was(*(_given("a rule about repetition", each) for each in (one, other)))
        case "trimming":
            return options(one or {}, other or {})
        case "neural" if one and other:
            return options(one, other)
        case "cascade" if one and other:
            return _cascade(one, other)
        case "cascade":
            return was(*(_given("cascade=…", each) for each in (one, other)))
    return plainly(name, one, other)


def _cascade(earlier: Fields, now: Fields) -> str:
    name = first(earlier, now)
    if name == "rule":
        return _rule(earlier[name], now[name])
    return "the cascade is another now than when it was begun"


def _rule(earlier: str, now: str) -> str:
    return options({"keep": earlier}, {"keep": now})


def _libraries(earlier: Mapping[str, str], now: Mapping[str, str]) -> str:
    name = first(earlier, now)
    return was(*(f"with {name} {each[name]}" if name in each else f"without {name}" for each in (earlier, now)))


_TOLD: Mapping[str, Callable[[Any, Any], str]] = {
    "nonplus": lambda earlier, now: was(f"by nonplus {earlier}", f"by nonplus {now}"),
    "format": lambda earlier, now: was("by another version of nonplus", "by this one"),
    "sources": _sources,
    "inputs": lambda earlier, now: f"{inputs_differ(earlier, now)} since it was begun",
    "reading": options,
    "models": _models,
    "scoring": _scoring,
    "libraries": _libraries,
    "writing": options,
    "rule": _rule,
    "thresholds": lambda earlier, now: "the thresholds of the rule are others now than when it was begun",
}


def _given(what: str, given: Any) -> str:
    return f"with {what}" if given else f"without {what}"

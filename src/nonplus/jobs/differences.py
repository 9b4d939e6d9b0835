"""What differs between two plans of a job, in plain words."""

from collections.abc import Mapping, Sequence
from typing import Any

Fields = Mapping[str, Any]


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
            more = f" and {len(strange) - 1:,} more have" if len(strange) > 1 else " has"
            return f"{strange[0]}{more} {what}"
    return "the files have come into another order"


def options(earlier: Fields, now: Fields) -> str:
    """How options differ, the first that do, as they are given."""
    name = first(earlier, now)
    return was(*(option(name, each.get(name)) for each in (earlier, now)))


def first(earlier: Fields, now: Fields) -> str:
    """The first field that differs."""
    return next(
        name for name in (*now, *earlier) if earlier.get(name) != now.get(name) or (name in earlier) != (name in now)
    )


def was(earlier: str, now: str) -> str:
    """What a job was begun with, and what it is to go on with."""
    return f"it was begun {earlier}, and is to go on {now}"


def option(name: str, value: Any) -> str:
    """An option as it is given, or that it is not."""
    if value in ("", None):
        return f"without {name}=…"
    text, quote = str(value), '"' if "'" in str(value) else "'"
    return f"with {name}={text}" if text.isalnum() else f"with {name}={quote}{text}{quote}"

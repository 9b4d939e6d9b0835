"""Everything that decides the bytes of a job's output, as one value that is kept."""

import json
import socket
from collections.abc import Callable, Mapping
from typing import Any

from nonplus.errors import BadInput
from nonplus.jobs.stores import Store

_PLAN = "plan.json"
# The folders of finished units, of what is known of a file's end, and of its versions.
UNITS, ENDS, INPUTS = "units", "ends", "inputs"

# How what a plan says under a name differs from what it said earlier, in words.
Told = Callable[[str, Any, Any], str]


def plainly(name: str, earlier: Any, now: Any) -> str:
    """How what a plan says under a name differs from what it said earlier."""
    return _difference(earlier, now, name)


def begin(store: Store, plan: Mapping[str, Any], *, told: Told = plainly) -> None:
    """Keep the plan of a new job, or go on with one that has the same plan.

    Raises:
        BadInput: the folder has parts of another plan; the message names the first
            difference as it is ``told``. Or it has parts and no plan.
    """
    # Asked first: once the plan is there, others who have the same may finish units.
    foreign = any(map(store.holds, (UNITS, ENDS, INPUTS)))
    if agree(store, _PLAN, plan, told=told) and foreign:
        store.remove(_PLAN)
        raise BadInput(
            f"{store} has parts, and no {_PLAN} that tells of what job they are; give another place for the output"
        )


def agree(store: Store, name: str, stated: Mapping[str, Any], *, told: Told = plainly) -> bool:
    """Keep what all workers of a job must have in common; whether nobody had stated it
    before.

    Raises:
        BadInput: it was stated otherwise; the message names the first difference as it
            is ``told``.
    """
    if store.create(name, json.dumps(stated, sort_keys=True, indent=1).encode() + b"\n"):
        return True
    earlier, now = _read(store, name), json.loads(json.dumps(stated))  # through JSON, which has lists only
    for key in (*now, *(earlier.keys() - now.keys())):
        if earlier.get(key) != now.get(key):
            difference = told(key, earlier.get(key), now.get(key))
            if store.holds(UNITS):
                raise BadInput(
                    f"{store} has parts of another job: {difference}; go on with what it was begun with, or give "
                    "another place for the output"
                )
            raise BadInput(
                f"{store} is where another job was begun: {difference}; nothing is finished there yet, so remove it "
                "unless somebody works there, or give another place for the output"
            )
    return False


def begun(store: Store) -> bool:
    """Whether a job was begun in a store."""
    return store.size(_PLAN) is not None


def check_begun_here(store: Store) -> None:
    """Refuse to work where the job is not to be seen.

    Raises:
        BadInput: this machine does not share the place with that which began the job.
    """
    if not begun(store):
        raise BadInput(
            f"the worker on {socket.gethostname()} does not see {store}/{_PLAN}, so its parts would be lost; give a "
            "folder that all machines share, or a URL"
        )


def kept(store: Store) -> Mapping[str, Any]:
    """The plan of the job in a store.

    Raises:
        BadInput: there is none, or it is damaged.
    """
    if not begun(store):
        raise BadInput(f"{store} has no {_PLAN}, so nothing was begun there; name the folder in which it was")
    return _read(store, _PLAN)


def _read(store: Store, name: str) -> Mapping[str, Any]:
    try:
        stated: Mapping[str, Any] = json.loads(store.read(name))
    except ValueError:
        raise BadInput(f"{store}/{name} is damaged; give another place for the output") from None
    return stated


def _difference(earlier: Any, now: Any, name: str) -> str:
    """The first place at which two plans differ, in words; nothing if they do not."""
    if isinstance(earlier, dict) and isinstance(now, dict):
        for key in sorted(earlier.keys() | now.keys()):
            found = _difference(earlier.get(key), now.get(key), f"{name}.{key}" if name else key)
            if found:
                return found
        return ""
    if isinstance(earlier, list) and isinstance(now, list) and len(earlier) == len(now):
        for place, (one, other) in enumerate(zip(earlier, now, strict=True)):
            found = _difference(one, other, f"{name}[{place}]")
            if found:
                return found
        return ""
    return "" if earlier == now else f"{name} was {_said(earlier)} and is now {_said(now)}"


def _said(value: Any) -> str:
    return "not set" if value is None else json.dumps(value, ensure_ascii=False)

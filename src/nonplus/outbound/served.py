"""What a server says of the models that it has."""

import json
from dataclasses import dataclass
from typing import Any, final

from nonplus.closest import did_you_mean
from nonplus.errors import BadModel
from nonplus.outbound.client import Client
from nonplus.outbound.concurrency import at_once

_CHANGES = ("created", "permission")  # with each answer
_LISTED = 10
_PATIENCE = 60.0  # seconds


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class ServedModel:
    """One of them: its name, and all that is said of it, as JSON.

    ``maker`` is who the server says owns the model, such as ``vllm``; ``most_tokens``
    are those of a prompt and what is generated after it, 0 if the server says nothing
    of that.
    """

    name: str
    said: str
    maker: str
    most_tokens: int


def served_model(client: Client, name: str) -> ServedModel:
    """The model of that name.

    Raises:
        BadModel: there is no such model, or no such server.
    """
    (found,) = at_once(lambda _, path: client.get(path), ["/models"], most=1, within=_PATIENCE)
    entries: list[dict[str, Any]] = []
    match found:
        case {"data": list(data)}:
            entries = [each for each in data if isinstance(each, dict) and isinstance(each.get("id"), str)]
    names = [entry["id"] for entry in entries]
    if name not in names:
        shown = ", ".join(names[:_LISTED]) + (f" and {len(names) - _LISTED} more" if len(names) > _LISTED else "")
        meant = did_you_mean(name, names) if name else ""
        what = f"has no model {name!r}" if name else "is named without a model"
        raise BadModel(
            f"{client.endpoint.url} {what}; write one after the #, of {shown or 'which it lists none'}{meant}"
        )
    entry = entries[names.index(name)]
    limit = entry.get("max_model_len")
    return ServedModel(
        name=name,
        said=json.dumps({key: value for key, value in entry.items() if key not in _CHANGES}, sort_keys=True),
        maker=str(entry.get("owned_by") or ""),
        most_tokens=limit if type(limit) is int and limit > 0 else 0,
    )

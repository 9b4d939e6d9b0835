"""The models that come with the package, and what their cards say of them: read, not computed."""

import json
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

_BUNDLED = Path(__file__).parent / "bundled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One figure of a model card: ``value`` of ``quantity`` on ``text``.

    ``low`` and ``high`` bound it at 95 %, or are ``None`` where the text was too short for that; ``clusters`` says what
    was taken as independent for it. ``signature`` and ``fingerprint`` are those of the protocol.
    """

    text: str
    quantity: str
    value: float
    low: float | None
    high: float | None
    clusters: str
    signature: str
    fingerprint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundled:
    """A model that comes with the package.

    ``bytes`` counts its whole folder, ``context`` tokens; ``licence`` is that of the weights, by its SPDX name;
    ``sha256`` is that of ``model.safetensors``.
    """

    name: str
    bytes: int
    context: int
    vocabulary: int
    licence: str
    sha256: str
    figures: tuple[Figure, ...]


def bundled_folder(name: str) -> Path:
    """Where the model of that name lies, if there is one."""
    return _BUNDLED / name


def bundled_models() -> list[str]:
    """Names of the models that come with the package: those that have their card, without which none is published."""
    return sorted(card.parent.name for card in _BUNDLED.glob("*/figures.json"))


def described(name: str) -> Bundled:
    """What is known of the model of that name, from its card."""
    folder = bundled_folder(name)
    config, card = _json(folder / "config.json"), _json(folder / "figures.json")
    columns = [column.name for column in fields(Figure)]
    return Bundled(
        name=name,
        bytes=sum(file.stat().st_size for file in folder.iterdir()),
        context=config["max_position_embeddings"],
        vocabulary=config["vocab_size"],
        licence=card["licence"],
        sha256=card["sha256"],
        figures=tuple(Figure(**{column: each[column] for column in columns}) for each in card["figures"]),
    )


def _json(file: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return content

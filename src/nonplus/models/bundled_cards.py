"""The models that come with the package, as their cards describe them."""

import json
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

_BUNDLED = Path(__file__).parent / "bundled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One figure of a model card: ``value`` of ``quantity`` on ``text``.

    ``low`` and ``high`` bound it at 95 %, or are ``None`` if the text had fewer than
    three documents; ``clusters`` names the units taken as independent for it.
    ``signature`` and ``fingerprint`` are those of the protocol.
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

    ``bytes`` is the size of its folder, ``context`` is in tokens, which an n-gram model
    has one fewer of than its order; ``licence`` is the SPDX name of the weights'
    licence; ``sha256`` is that of the file with the weights.
    """

    name: str
    bytes: int
    context: int
    vocabulary: int
    licence: str
    sha256: str
    figures: tuple[Figure, ...]


def bundled_folder(name: str) -> Path:
    """The folder of the model of that name, if there is one."""
    return _BUNDLED / name


def bundled_models() -> list[str]:
    """Names of the models that come with the package: the folders with a card."""
    return sorted(card.parent.name for card in _BUNDLED.glob("*/figures.json"))


def is_of_ngrams(name: str) -> bool:
    """Whether that model is a bundle of n-grams, and not one of ``transformers``."""
    return (bundled_folder(name) / "manifest.json").is_file()


def described(name: str) -> Bundled:
    """The model of that name, as its card describes it."""
    folder = bundled_folder(name)
    card = _json(folder / "figures.json")
    context, vocabulary = _of_ngrams(folder) if is_of_ngrams(name) else _of_llama(folder)
    columns = [column.name for column in fields(Figure)]
    return Bundled(
        name=name,
        bytes=sum(file.stat().st_size for file in folder.iterdir()),
        context=context,
        vocabulary=vocabulary,
        licence=card["licence"],
        sha256=card["sha256"],
        figures=tuple(Figure(**{column: each[column] for column in columns}) for each in card["figures"]),
    )


def _of_llama(folder: Path) -> tuple[int, int]:
    config = _json(folder / "config.json")
    return config["max_position_embeddings"], config["vocab_size"]


def _of_ngrams(folder: Path) -> tuple[int, int]:
    manifest = _json(folder / "manifest.json")
    return manifest["order"] - 1, manifest["vocabulary"] - 1  # <s> has no probability


def _json(file: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return content

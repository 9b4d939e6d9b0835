"""What the card of an n-gram model says beside its figures."""

from pathlib import Path
from typing import Any

from markdown_table import table

from nonplus import open_model
from nonplus.measure.interfaces import TextScorer
from nonplus.models.ngram.manifest import Manifest

WEIGHTS = "ngrams.packed"
PRINTED = ("0.01", "0.05", "0.25", "0.50", "0.75", "0.95", "0.99")  # of the quantiles


def opened(folder: Path, device: str) -> TextScorer:
    """The model; there is none for a device."""
    if device:
        raise ValueError(f"n-grams are looked up on the CPU, got --device {device}; leave it out")
    return open_model(f"ngram:{folder}")


def parameters(folder: Path) -> int:
    """Number of n-grams."""
    return sum(manifest_of(folder).counts)


def parts(folder: Path, made: dict[str, Any]) -> dict[str, str]:
    """The parts of the card by name, given the content of ``figures.json``."""
    manifest = manifest_of(folder)
    return {
        "size": size(folder, manifest, made["sha256"]),
        "training": training(manifest),
        "quantiles": quantiles(manifest),
    }


def manifest_of(folder: Path) -> Manifest:
    """What the bundle says of itself."""
    return Manifest.from_json((folder / "manifest.json").read_text(encoding="utf-8"))


def size(folder: Path, manifest: Manifest, sha256: str) -> str:
    """The model in numbers."""
    each = ", ".join(f"{count:,} of order {order}" for order, count in enumerate(manifest.counts, 1))
    weights = (folder / WEIGHTS).stat().st_size
    rows = [
        ["n-grams", f"{sum(manifest.counts):,}: {each}"],
        ["context", f"{manifest.order - 1} tokens"],
        ["values", f"{manifest.bits} bits, packed: {weights / 1e6:.2f} MB"],
        ["sha256 of the n-grams", f"`{sha256}`"],
    ]
    return table(["", ""], rows)


def training(manifest: Manifest) -> str:
    """The text and the estimates."""
    made = manifest.training
    assert made is not None
    rows = [[str(order), *(f"{each:.4f}" for each in discounts)] for order, discounts in enumerate(made.discounts, 1)]
    return (
        f"{made.tokens:,} tokens, {made.bytes:,} bytes of text, sha256 `{made.text_sha256}` (the documents in any "
        f"order).\n\n{table(['order', 'discount of a count of 1', 'of 2', 'of 3 or more'], rows)}"
    )


def quantiles(manifest: Manifest) -> str:
    """Some of the quantiles of the manifest."""
    assert manifest.quantiles is not None
    known = manifest.quantiles["en"]
    return table(
        [f"P{round(100 * float(place))}" for place in PRINTED], [[f"{known[place]:,.1f}" for place in PRINTED]]
    )

"""Write the card of a bundled model.

Run ``python recipes/bundled/card.py tiny`` (``base``, ``ngram``) in the root of the
repository.
nonplus measures the figures, with NumPy, or with torch on a ``--device``. They are kept
in ``figures.json`` in the model's folder and written into its README.md between
markers; the text outside the markers is written by hand and stays. Figures of the same
weights are not measured again, unless ``figures.json`` is deleted. A folder without a
card starts with the card of the same name in the package. Torch is needed for a device
only. The texts are in ``NONPLUS_DATA``.
"""

import argparse
import hashlib
import json
import os
import sys
from dataclasses import asdict
from pathlib import Path
from types import ModuleType
from typing import Any

import llama_card
import ngram_card
from figures import figures
from markdown_table import table

from nonplus import __version__

BUNDLED = Path(__file__).resolve().parents[2] / "src" / "nonplus" / "models" / "bundled"
LICENCE = "CC-BY-SA-4.0"
MARKED = "<!-- {0}: made by recipes/bundled/card.py -->\n{1}<!-- end of {0} -->"
TITLES = {
    "domains": "Domains: test texts of the kinds that the training text has, and Shakespeare",
    "MASC": "Genres of the Manually Annotated Sub-Corpus (MASC)",
    "UDHR": "Languages: the Universal Declaration of Human Rights",
}


def kind_of(folder: Path) -> ModuleType:
    """What is written about models of the kind that is in the folder."""
    return next(kind for kind in (llama_card, ngram_card) if (folder / kind.WEIGHTS).exists())


def measured(folder: Path, data: Path, device: str = "") -> dict[str, Any]:
    """The content of ``figures.json``, which is made if missing or of other weights."""
    file = folder / "figures.json"
    kind = kind_of(folder)
    digest = hashlib.sha256((folder / kind.WEIGHTS).read_bytes()).hexdigest()
    if file.exists() and (known := json.loads(file.read_text(encoding="utf-8")))["sha256"] == digest:
        return dict(known)
    found = []
    for figure in figures(kind.opened(folder, device), data):
        found.append(asdict(figure))
        print(f"{figure.text}: {figure.value:.4g} {figure.quantity}", file=sys.stderr, flush=True)
    made = {
        "licence": LICENCE,
        "sha256": digest,
        "parameters": kind.parameters(folder),
        "nonplus": __version__,
        "figures": found,
    }
    file.write_text(json.dumps(made, indent=1) + "\n", encoding="utf-8")
    return made


def measurements(made: dict[str, Any]) -> str:
    """All figures as tables, followed by the protocols that they share."""
    by_group: dict[str, list[dict[str, Any]]] = {}
    for figure in made["figures"]:
        by_group.setdefault(figure["group"], []).append(figure)
    first = [*by_group.pop("WikiText-2"), *by_group.pop("LAMBADA", [])]
    head = ["text", "figure", "95 % interval", "from", "fingerprint"]
    rows = [[each["text"], f"{shown(each)} {each['quantity']}", *conditions(each)] for each in first]
    parts = [table(head, rows)]
    for group, those in by_group.items():
        rows = [[each["text"], shown(each), *conditions(each)] for each in those]
        parts += [f"### {TITLES[group]}\n", table(["text", "bits per byte", *head[2:]], rows)]
    signatures = {each["fingerprint"]: each["signature"] for each in made["figures"]}
    said = "".join(f"- {fingerprint}: `{signature}`\n" for fingerprint, signature in signatures.items())
    return "\n".join([*parts, f"### Protocols, by fingerprint (nonplus {made['nonplus']})\n", said])


def shown(figure: dict[str, Any], key: str = "value") -> str:
    """A figure with about as many digits as its interval justifies."""
    value = figure[key]
    if figure["quantity"] == "accuracy":
        return f"{value:.2%}".replace("%", " %")
    return f"{value:.3f}" if value < 100 else f"{value:,.0f}"


def conditions(figure: dict[str, Any]) -> list[str]:
    """The last three columns of a figure's row."""
    interval = "-" if figure["low"] is None else f"{shown(figure, 'low')} to {shown(figure, 'high')}"
    return [interval, figure["clusters"], figure["fingerprint"]]


def filled(card: str, parts: dict[str, str]) -> str:
    """The card with each part inserted between its markers."""
    for name, text in parts.items():
        opening, closing = MARKED.format(name, "\0").split("\0")
        before, _, rest = card.partition(opening)
        _, closed, after = rest.partition(closing)
        if not closed:
            raise ValueError(f"the card has no place for {name}; it needs the lines\n{opening}{closing}")
        card = before + opening + text + closing + after
    return card


def write_card(folder: Path, data: Path, device: str = "") -> None:
    """Measure the model in ``folder`` and write its card."""
    made = measured(folder, data, device)
    card, published = folder / "README.md", BUNDLED / folder.name / "README.md"
    before = (card if card.exists() else published).read_text(encoding="utf-8")
    parts = {"figures": measurements(made), **kind_of(folder).parts(folder, made)}
    card.write_text(filled(before, parts), encoding="utf-8")


def main() -> None:
    """Write the card of one bundled model."""
    exported = {file.parent.name: file.parent for file in sorted(BUNDLED.glob("*/tokenizer.json"))}
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", choices=exported)
    parser.add_argument("--device", default="", help="measure with torch there, e.g. cuda; otherwise with NumPy")
    choice = parser.parse_args()
    write_card(exported[choice.model], Path(os.environ.get("NONPLUS_DATA", "../shared/data")), choice.device)


if __name__ == "__main__":
    main()

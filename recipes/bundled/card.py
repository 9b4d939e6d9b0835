"""Write the card of a bundled model.

Run ``python recipes/bundled/card.py tiny`` (or ``base``) in the root of the repository.
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
import math
import os
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from curve import draw, log
from figures import figures

from nonplus import __version__, open_model
from nonplus.measure.interfaces import WindowModel
from nonplus.measure.records import Batch
from nonplus.models.loading import Loading

BUNDLED = Path(__file__).resolve().parents[2] / "src" / "nonplus" / "models" / "bundled"
PROMPTS = (
    "The history of the city",
    "She opened the door and",
    "Patients with diabetes",
    "The parties agree that",
    "In 1995, the band released",
)
LICENCE = "CC-BY-SA-4.0"
MARKED = "<!-- {0}: made by recipes/bundled/card.py -->\n{1}<!-- end of {0} -->"
TITLES = {
    "domains": "Domains: test texts of the kinds that the training text has, and Shakespeare",
    "MASC": "Genres of the Manually Annotated Sub-Corpus (MASC)",
    "UDHR": "Languages: the Universal Declaration of Human Rights",
}


def measured(folder: Path, data: Path, device: str = "") -> dict[str, Any]:
    """The content of ``figures.json``, which is made if missing or of other weights."""
    file = folder / "figures.json"
    digest = hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()
    if file.exists() and (known := json.loads(file.read_text(encoding="utf-8")))["sha256"] == digest:
        return dict(known)
    found = []
    in_float32 = Loading(dtype="float32", device=device)
    model = open_model(f"hf:{folder}", loading=in_float32) if device else open_model(f"llama:{folder}")
    for figure in figures(model, data):
        found.append(asdict(figure))
        print(f"{figure.text}: {figure.value:.4g} {figure.quantity}", file=sys.stderr, flush=True)
    made = {
        "licence": LICENCE,
        "sha256": digest,
        "parameters": parameters(folder),
        "nonplus": __version__,
        "figures": found,
    }
    file.write_text(json.dumps(made, indent=1) + "\n", encoding="utf-8")
    return made


def parameters(folder: Path) -> int:
    """Number of weights, from the header: its length in eight bytes, then JSON."""
    with (folder / "model.safetensors").open("rb") as weights:
        header = json.loads(weights.read(int.from_bytes(weights.read(8), "little")))
    return sum(math.prod(entry["shape"]) for name, entry in header.items() if name != "__metadata__")


def size(folder: Path, made: dict[str, Any]) -> str:
    """The model in numbers."""
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    width, layers, heads = (config[key] for key in ("hidden_size", "num_hidden_layers", "num_attention_heads"))
    rope = config["rope_parameters"]["rope_theta"]
    architecture = (
        f"Llama, {made['parameters']:,} parameters ({config['vocab_size'] * width:,} of them the tied embedding): "
        f"width {width}, {layers} layers, {heads} heads of {width // heads}, "
        f"feed-forward {config['intermediate_size']}, RoPE {rope:,.0f}"
    )
    rows = [
        ["architecture", architecture],
        ["context", f"{config['max_position_embeddings']:,} tokens"],
        ["weights", f"float16, {(folder / 'model.safetensors').stat().st_size / 1e6:.1f} MB"],
        ["sha256 of the weights", f"`{made['sha256']}`"],
    ]
    return table(["", ""], rows)


def measurements(made: dict[str, Any]) -> str:
    """All figures as tables, followed by the protocols that they share."""
    by_group: dict[str, list[dict[str, Any]]] = {}
    for figure in made["figures"]:
        by_group.setdefault(figure["group"], []).append(figure)
    first = [*by_group.pop("WikiText-2"), *by_group.pop("LAMBADA")]
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


def training(folder: Path) -> str:
    """How long the training took, from its log, and its curve."""
    steps = log(folder / "loss.jsonl")
    last = steps[-1]
    draw(steps, folder / "curve.png", title=f"training of nonplus-{folder.name}")
    return (
        f"{last['tokens'] / 1e6:.1f} million tokens in {last['step']:,} steps, "
        f"{last['cpu_seconds'] / 60:,.0f} minutes of processor time, "
        f"{last['nats_per_token']:.3f} nats per token at the end, by the last line of `loss.jsonl`.\n\n"
        "![nats per token of the training text over tokens read](curve.png)\n"
    )


def samples(model: WindowModel) -> str:
    """Greedy continuations of a few prompts, each as a quotation."""
    return "\n".join(f"> **{prompt}**{greedy(model, prompt)}\n" for prompt in PROMPTS)


def greedy(model: WindowModel, prompt: str, *, length: int = 40) -> str:
    """Continue the prompt with the most probable tokens, up to ``length`` or EOS."""
    (encoding,) = model.tokenizer.encode([prompt], specials=False)
    start = [] if model.special.bos is None else [model.special.bos]
    fed = [*start, *encoding.ids.tolist()]
    ids = list(fed)
    while len(ids) < len(fed) + length:
        place = np.arange(len(ids))
        batch = Batch(np.array([ids]), place[None], place[-1:], np.zeros(1, np.int64))
        (logprobs_1V,) = model.distributions(batch)
        best = int(logprobs_1V[0].argmax())
        if best == model.special.eos:
            break
        ids.append(best)
    return " ".join(model.tokenizer.decode(ids[len(fed) :]).split("\n")).rstrip()


def table(head: list[str], rows: list[list[str]]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


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
    parts = {
        "size": size(folder, made),
        "figures": measurements(made),
        "training": training(folder),
        "samples": samples(open_model(f"llama:{folder}")),
    }
    card.write_text(filled(before, parts), encoding="utf-8")


def main() -> None:
    """Write the card of one bundled model."""
    exported = {file.parent.name: file.parent for file in sorted(BUNDLED.glob("*/model.safetensors"))}
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", choices=exported)
    parser.add_argument("--device", default="", help="measure with torch there, e.g. cuda; otherwise with NumPy")
    choice = parser.parse_args()
    write_card(exported[choice.model], Path(os.environ.get("NONPLUS_DATA", "../shared/data")), choice.device)


if __name__ == "__main__":
    main()

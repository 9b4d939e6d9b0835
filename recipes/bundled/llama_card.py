"""What the card of a transformer says beside its figures."""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
from curve import draw, log
from markdown_table import table

from nonplus import open_model
from nonplus.measure.interfaces import WindowModel
from nonplus.measure.records import Batch
from nonplus.models.loading import Loading

WEIGHTS = "model.safetensors"
PROMPTS = (
    "The history of the city",
    "She opened the door and",
    "Patients with diabetes",
    "The parties agree that",
    "In 1995, the band released",
)


def opened(folder: Path, device: str) -> WindowModel:
    """The model in float32, in NumPy or with torch on a device."""
    if device:
        return open_model(f"hf:{folder}", loading=Loading(dtype="float32", device=device))
    return open_model(f"llama:{folder}")


def parts(folder: Path, made: dict[str, Any]) -> dict[str, str]:
    """The parts of the card by name, given the content of ``figures.json``."""
    return {
        "size": size(folder, made),
        "training": training(folder),
        "samples": samples(opened(folder, "")),
    }


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

"""Train the bundled model: ``python recipes/bundled/train.py`` from the root of the repository.

One core, no GPU, about an hour. A run that was killed continues from its last checkpoint when the
same command is given again; ``loss.jsonl`` in the work folder tells how it went. Muon moves the
matrices inside the layers, AdamW the embedding and the norms; the learning rate is constant after
a short warm-up and falls linearly to zero over the last part (WSD). The text is found through
``NONPLUS_DATA``.
"""

import argparse
import json
import os
import time
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import torch
from data import tokens
from export import export
from head import TiedHeadLoss
from model import CONTEXT, new_model
from torch import Tensor
from transformers import LlamaForCausalLM

# mix-1 and mix-3 do not unpack: their PPMd streams break off after some 100 kB.
SHARDS = ("mix-0.ppmd", "mix-2.ppmd")


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """All that may be chosen; the model card says how the published run differed from the defaults."""

    work: Path = Path("../scratch/bundled")
    out: Path = Path("src/nonplus/bundled/tiny")
    seed: int = 1
    steps: int = 2150
    rows: int = 16  # rows of CONTEXT tokens per step
    short: float = 0.85  # share of the steps that cut each row in two: cheaper attention
    decay: float = 0.55  # share of the steps over which the learning rate falls
    muon_rate: float = 0.02
    adam_rate: float = 0.004
    save_every: int = 100


def optimizers(model: LlamaForCausalLM, recipe: Recipe) -> list[torch.optim.Optimizer]:
    """Muon for the layers' matrices, AdamW for the embedding and the norms."""
    matrices = [p for p in model.model.layers.parameters() if p.ndim == 2]
    inside = {id(p) for p in matrices}
    rest = [p for p in model.parameters() if id(p) not in inside]
    return [
        torch.optim.Muon(matrices, lr=recipe.muon_rate, momentum=0.95, weight_decay=0.05),
        torch.optim.AdamW(rest, lr=recipe.adam_rate, betas=(0.9, 0.95), weight_decay=0.0),
    ]


def rate_factor(step: int, recipe: Recipe) -> float:
    """The learning rate's share of its peak: warm-up, plateau, straight line to zero."""
    return min(1.0, (step + 1) / 60, (recipe.steps - step) / (recipe.steps * recipe.decay))


def row_numbers(step: int, n_rows: int, recipe: Recipe) -> np.ndarray:
    """Which rows of the text step ``step`` reads: each epoch visits all in an order of its own."""
    epochs, places = np.divmod(np.arange(step * recipe.rows, (step + 1) * recipe.rows), n_rows)
    order = {e: np.random.default_rng([recipe.seed, e]).permutation(n_rows) for e in np.unique(epochs)}
    return np.array([order[e][place] for e, place in zip(epochs, places, strict=True)])


def batch(text: np.ndarray, step: int, recipe: Recipe) -> tuple[Tensor, Tensor]:
    """Inputs and targets of one step; a pure function of seed and step, so that a run can resume."""
    numbers = row_numbers(step, (len(text) - 1) // CONTEXT, recipe)
    rows = torch.from_numpy(np.stack([text[r * CONTEXT : (r + 1) * CONTEXT + 1] for r in numbers]).astype(np.int64))
    length = CONTEXT // 2 if step < recipe.steps * recipe.short else CONTEXT
    return rows[:, :-1].reshape(-1, length), rows[:, 1:].reshape(-1, length)


def gradient_step(model: LlamaForCausalLM, body: torch.nn.Module, inputs: Tensor, targets: Tensor) -> float:
    """Add up the gradients of one batch, 2,048 tokens at a time; return mean nats per token."""
    parts = inputs.numel() // 2048
    nats = 0.0
    for some_inputs, some_targets in zip(inputs.chunk(parts), targets.chunk(parts), strict=True):
        with torch.autocast("cpu", dtype=torch.bfloat16):
            hidden = body(input_ids=some_inputs, use_cache=False).last_hidden_state
        loss = TiedHeadLoss.apply(hidden.flatten(0, 1), model.lm_head.weight, some_targets.flatten()) / parts
        loss.backward()
        nats += loss.item()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    return nats


def save(path: Path, state: dict[str, object]) -> None:
    """Write a checkpoint under a temporary name, then rename it."""
    partial = path.with_suffix(".partial")
    torch.save(state, partial)
    os.replace(partial, path)


def train(recipe: Recipe, data: Path) -> None:
    """Train from the last checkpoint, or from nothing, to the last step; then publish."""
    recipe.work.mkdir(parents=True, exist_ok=True)
    text = tokens(data, recipe.work, shards=SHARDS, seed=recipe.seed)
    model = new_model(recipe.seed)
    rules = optimizers(model, recipe)
    peaks = [rule.defaults["lr"] for rule in rules]
    checkpoint = recipe.work / "checkpoint.pt"
    first, cpu_before = 0, 0.0
    if checkpoint.exists():
        saved = torch.load(checkpoint)
        model.load_state_dict(saved["model"])
        for rule, state in zip(rules, saved["rules"], strict=True):
            rule.load_state_dict(state)
        first, cpu_before = saved["step"], saved["cpu_seconds"]
    body = torch.compile(model.model)
    recent: list[float] = []
    with (recipe.work / "loss.jsonl").open("a", buffering=1) as log:
        for step in range(first, recipe.steps):
            for rule, peak in zip(rules, peaks, strict=True):
                rule.param_groups[0]["lr"] = peak * rate_factor(step, recipe)
            recent.append(gradient_step(model, body, *batch(text, step, recipe)))
            for rule in rules:
                rule.step()
                rule.zero_grad()
            done, cpu_seconds = step + 1, cpu_before + time.process_time()
            if done % 20 == 0:
                read = done * recipe.rows * CONTEXT
                mean = sum(recent) / len(recent)
                line = {"step": done, "tokens": read, "nats_per_token": mean, "cpu_seconds": round(cpu_seconds)}
                log.write(json.dumps(line) + "\n")
                recent.clear()
            if done % recipe.save_every == 0 or done == recipe.steps:
                states = {"model": model.state_dict(), "rules": [rule.state_dict() for rule in rules]}
                save(checkpoint, {**states, "step": done, "cpu_seconds": cpu_seconds})
    export(model, data, recipe.out)


def main() -> None:
    """Read a recipe from the command line and carry it out on one core."""
    parser = argparse.ArgumentParser(description=__doc__)
    for field in fields(Recipe):
        parser.add_argument("--" + field.name.replace("_", "-"), type=field.type, default=field.default)
    torch.set_num_threads(1)
    train(Recipe(**vars(parser.parse_args())), Path(os.environ.get("NONPLUS_DATA", "../shared/data")))


if __name__ == "__main__":
    main()

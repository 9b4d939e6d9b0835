"""Train a bundled model: ``python recipes/bundled/train.py base`` (or ``tiny``) from the root of the repository.

One GPU, or the processor. A run that was killed, or that ``--seconds`` ended, continues from its last checkpoint when
the same command is given again; ``loss.jsonl`` in the work folder tells how it went. Muon moves the matrices inside the
layers, AdamW the embedding and the norms; the learning rate is constant after a short warm-up and falls linearly to
zero over the last part (WSD). What a step reads depends on its number, ``--seed`` and ``--tokens`` only, so ``--steps``
may be given anew when a run goes on: it moves the end, and with it the beginning of the fall. The text is found through
``NONPLUS_DATA``.
"""

import argparse
import json
import math
import os
import time
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import torch
from data import tokens
from export import export
from head import TiedHeadLoss
from model import SHAPES, Shape, new_model
from torch import Tensor
from transformers import LlamaForCausalLM


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """All that may be chosen; the model card says how the published run differed from the defaults."""

    model: str
    work: Path = Path("../scratch/bundled")
    out: Path = Path("src/nonplus/bundled")
    seed: int = 1
    steps: int = 8000
    tokens: int = 16384  # per step
    part: int = 4096  # tokens whose gradients are computed at once
    decay: float = 0.4  # share of the steps over which the learning rate falls
    muon_rate: float = 0.02
    adam_rate: float = 0.004
    save_every: int = 50
    seconds: float = math.inf  # after which the run saves and ends
    threads: int = 2

    def __post_init__(self) -> None:
        """Refuse parts that would weigh some tokens more than others."""
        if self.part % self.shape.context or self.tokens % self.part:
            raise ValueError(
                f"a step of {self.tokens} tokens is no whole number of parts, or a part of {self.part} no whole number "
                f"of rows; give multiples: rows of {self.shape.context} make a part, parts make a step"
            )

    @property
    def shape(self) -> Shape:
        """The size of the model."""
        return SHAPES[self.model]

    @property
    def rows(self) -> int:
        """Rows of the model's whole context per step."""
        return self.tokens // self.shape.context


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
    context, length = recipe.shape.context, recipe.shape.length(step / recipe.steps)
    numbers = row_numbers(step, (len(text) - 1) // context, recipe)
    rows = torch.from_numpy(np.stack([text[r * context : (r + 1) * context + 1] for r in numbers]).astype(np.int64))
    return rows[:, :-1].reshape(-1, length), rows[:, 1:].reshape(-1, length)


def gradient_step(body: torch.nn.Module, weight: Tensor, inputs: Tensor, targets: Tensor, n_parts: int) -> Tensor:
    """Add up the gradients of one batch, a part at a time; return mean nats per token."""
    nats = torch.zeros((), device=weight.device)
    for some_inputs, some_targets in zip(inputs.chunk(n_parts), targets.chunk(n_parts), strict=True):
        with torch.autocast(weight.device.type, dtype=torch.bfloat16):
            hidden = body(input_ids=some_inputs.to(weight.device), use_cache=False).last_hidden_state
        some_targets = some_targets.to(weight.device).flatten()
        loss = TiedHeadLoss.apply(hidden.flatten(0, 1), weight, some_targets) / n_parts
        loss.backward()
        nats += loss.detach()
    # The head is the embedding, which is one of these: named twice it would be cut twice.
    torch.nn.utils.clip_grad_norm_(body.parameters(), 1.0)
    return nats


def save(path: Path, state: dict[str, Any]) -> None:
    """Write a checkpoint under a temporary name, then rename it."""
    partial = path.with_suffix(".partial")
    torch.save(state, partial)
    os.replace(partial, path)


def train(recipe: Recipe, data: Path) -> None:
    """Train from the last checkpoint, or from nothing, to the last step; then publish."""
    work = recipe.work / recipe.model
    work.mkdir(parents=True, exist_ok=True)
    text = tokens(data, recipe.work, seed=recipe.seed)
    began, cpu_began = time.monotonic(), time.process_time()
    device = "cuda" if torch.cuda.is_available() else "cpu"
    model = new_model(recipe.shape, recipe.seed).to(device)
    rules = optimizers(model, recipe)
    peaks = [rule.defaults["lr"] for rule in rules]
    checkpoint = work / "checkpoint.pt"
    first, cpu_before = 0, 0.0
    if checkpoint.exists():
        saved = torch.load(checkpoint, map_location=device)
        model.load_state_dict(saved["model"])
        for rule, state in zip(rules, saved["rules"], strict=True):
            rule.load_state_dict(state)
        first, cpu_before = saved["step"], saved["cpu_seconds"]
    body = torch.compile(model.model, dynamic=False)  # rows have at most three lengths
    recent: list[Tensor] = []
    with (work / "loss.jsonl").open("a", buffering=1) as log:
        for step in range(first, recipe.steps):
            for rule, peak in zip(rules, peaks, strict=True):
                rule.param_groups[0]["lr"] = peak * rate_factor(step, recipe)
            inputs, targets = batch(text, step, recipe)
            recent.append(gradient_step(body, model.lm_head.weight, inputs, targets, recipe.tokens // recipe.part))
            for rule in rules:
                rule.step()
                rule.zero_grad()
            done, cpu_seconds = step + 1, cpu_before + time.process_time() - cpu_began
            late = time.monotonic() - began > recipe.seconds
            if done % 20 == 0:
                mean = torch.stack(recent).mean().item()
                line = {"step": done, "tokens": done * recipe.tokens, "nats_per_token": mean}
                log.write(json.dumps({**line, "cpu_seconds": round(cpu_seconds)}) + "\n")
                recent.clear()
            if done % recipe.save_every == 0 or done == recipe.steps or late:
                states = {"model": model.state_dict(), "rules": [rule.state_dict() for rule in rules]}
                save(checkpoint, {**states, "step": done, "cpu_seconds": cpu_seconds})
            if late and done < recipe.steps:
                return
    export(model.cpu(), data, recipe.out / recipe.model, log=work / "loss.jsonl")


def main() -> None:
    """Read a recipe from the command line and carry it out."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", choices=SHAPES)
    for field in fields(Recipe):
        if field.name != "model":
            parser.add_argument("--" + field.name.replace("_", "-"), type=field.type, default=field.default)
    recipe = Recipe(**vars(parser.parse_args()))
    torch.set_num_threads(recipe.threads)
    train(recipe, Path(os.environ.get("NONPLUS_DATA", "../shared/data")))


if __name__ == "__main__":
    main()

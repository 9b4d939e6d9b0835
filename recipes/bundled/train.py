"""Make a bundled model, on one GPU or on the CPU.

Run ``python recipes/bundled/train.py base`` (or ``tiny``) in the root of the
repository. If a run was killed, or ended by ``--seconds``, the same command continues
from its last checkpoint; ``loss.jsonl`` in the work folder is its log. Muon updates the
matrices inside the layers, AdamW the embedding and the norms. The learning rate is
constant after a short warm-up and falls linearly to zero over the last part (WSD). What
is read next depends only on ``--seed`` and on how much has been read. So ``--steps``
may change when a run continues: this moves the end, and with it the start of the fall.
``--finish`` plans by the clock instead: the rate falls, and the rows grow, by the share
of those seconds that has passed, so that the last step is done in time at any speed.
After the last step the weights are exported and the model card is written. The text is
in ``NONPLUS_DATA``.
"""

import argparse
import json
import math
import os
import time
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np
import torch
from card import write_card
from data import tokens
from export import export, log_until
from head import TiedHeadLoss
from model import SHAPES, Shape, new_model
from torch import Tensor
from transformers import LlamaForCausalLM

LOG_EVERY = 20  # steps


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """All options; the model card says how the published run differed."""

    model: str
    work: Path = Path("../scratch/bundled")
    out: Path = Path("src/nonplus/models/bundled")
    seed: int = 1
    steps: int = 8000
    tokens: int = 16384  # per step
    part: int = 4096  # tokens whose gradients are computed at once
    decay: float = 0.4  # share of the training over which the learning rate falls
    short: float = 1.0  # scale of the shares of the training that have shorter rows
    muon_rate: float = 0.02
    adam_rate: float = 0.004
    save_every: int = 50
    seconds: float = math.inf  # after which the run saves and ends
    finish: float = math.inf  # seconds of all runs together in which the training ends, if --steps has not ended it
    threads: int = 2

    def __post_init__(self) -> None:
        """Refuse sizes that would weigh some tokens more than others."""
        if self.part % self.shape.context or self.tokens % self.part:
            raise ValueError(
                f"a step must be a multiple of a part, and a part a multiple of the {self.shape.context} tokens of a "
                f"row, got a step of {self.tokens} tokens and a part of {self.part}; change --tokens or --part"
            )

    @property
    def shape(self) -> Shape:
        """The size of the model."""
        return SHAPES[self.model]

    @property
    def rows(self) -> int:
        """Rows per step, each as long as the model's context."""
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


def rate_factor(step: int, share: float, recipe: Recipe) -> float:
    """Learning rate as a share of its peak: warm-up, plateau, linear fall to zero at
    the end, where ``share`` of the training is 1.
    """
    return min(1.0, (step + 1) / 60, (1 - share) / recipe.decay)


def row_numbers(first: int, count: int, n_rows: int, seed: int) -> np.ndarray:
    """The rows read after ``first`` others; each epoch has an order of its own."""
    epochs, places = np.divmod(np.arange(first, first + count), n_rows)
    order = {e: np.random.default_rng([seed, e]).permutation(n_rows) for e in np.unique(epochs)}
    return np.array([order[e][place] for e, place in zip(epochs, places, strict=True)])


def batch(text: Tensor, first: int, length: int, recipe: Recipe) -> tuple[Tensor, Tensor]:
    """Inputs and targets of a step, cut to rows of ``length``, where ``text`` is.

    A pure function, so that a run can resume.
    """
    context = recipe.shape.context
    every_row = text.unfold(0, context + 1, context)
    numbers = row_numbers(first, recipe.rows, len(every_row), recipe.seed)
    rows = every_row[torch.from_numpy(numbers).to(text.device, non_blocking=True)].long()
    return rows[:, :-1].reshape(-1, length), rows[:, 1:].reshape(-1, length)


def product_format(device: str) -> torch.dtype:
    """The dtype of products: bfloat16 if the device supports it, else float32."""
    has = torch.cpu.get_capabilities()
    narrow = device == "cuda" or any(has.get(name, False) for name in ("avx512_bf16", "amx_bf16", "bf16"))
    return torch.bfloat16 if narrow else torch.float32


def gradient_step(body: torch.nn.Module, weight: Tensor, inputs: Tensor, targets: Tensor, n_parts: int) -> Tensor:
    """Add up the gradients of one batch, part by part; return mean nats per token."""
    dtype = product_format(weight.device.type)
    nats = torch.zeros((), device=weight.device)
    for some_inputs, some_targets in zip(inputs.chunk(n_parts), targets.chunk(n_parts), strict=True):
        with torch.autocast(weight.device.type, dtype=torch.bfloat16, enabled=dtype == torch.bfloat16):
            hidden = body(input_ids=some_inputs, use_cache=False).last_hidden_state
        loss = TiedHeadLoss.apply(hidden.flatten(0, 1), weight, some_targets.flatten(), dtype) / n_parts
        loss.backward()
        nats += loss.detach()
    # The head is the embedding, which is among these: listed twice, it would be clipped
    # twice.
    torch.nn.utils.clip_grad_norm_(body.parameters(), 1.0)
    return nats


def save(path: Path, state: dict[str, Any]) -> None:
    """Write a checkpoint under a temporary name, then rename it."""
    partial = path.with_suffix(".partial")
    torch.save(state, partial)
    os.replace(partial, path)


@dataclass
class Progress:
    """How far a run has got; kept in its checkpoint."""

    step: int = 0
    row: int = 0  # of the model's whole context
    cpu_seconds: float = 0.0
    seconds: float = 0.0
    recent: list[Tensor] = field(default_factory=list)  # nats per token of each step since the last log line

    def share(self, recipe: Recipe) -> float:
        """How much of the training is done, by its steps or by the clock."""
        return max(self.step / recipe.steps, self.seconds / recipe.finish)


def resumed(saved: dict[str, Any], made_from: dict[str, Any], log: Path) -> Progress:
    """The saved progress; the log is cut back to that step.

    Raises:
        ValueError: the checkpoint was made with another text or seed.
    """
    for name, now in made_from.items():
        if saved[name] != now:
            raise ValueError(
                f"the checkpoint beside {log} was made with {name} {saved[name]}, and this run has {now}; use the same "
                "one, or another --work to start over"
            )
    progress = Progress(**saved["progress"])
    partial = log.with_suffix(".partial")
    partial.write_text(log_until(progress.step, log), encoding="utf-8")
    os.replace(partial, log)
    return progress


def train(recipe: Recipe, data: Path) -> bool:
    """Train from the last checkpoint, if any; return whether the end was reached.

    After the last step, the weights are exported.
    """
    began, cpu_began = time.monotonic(), time.process_time()
    work = recipe.work / recipe.model
    work.mkdir(parents=True, exist_ok=True)
    text_file = tokens(data, recipe.work, seed=recipe.seed)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    text = torch.from_numpy(np.memmap(text_file, dtype=np.int16, mode="c")).to(device)
    model = new_model(recipe.shape, recipe.seed).to(device)
    rules = optimizers(model, recipe)
    peaks = [rule.defaults["lr"] for rule in rules]
    checkpoint, log = work / "checkpoint.pt", work / "loss.jsonl"
    made_from = {"seed": recipe.seed, "text": text_file.name}
    progress = Progress()
    if checkpoint.exists():
        saved = torch.load(checkpoint, map_location=device)
        progress = resumed(saved, made_from, log)
        model.load_state_dict(saved["model"])
        for rule, state in zip(rules, saved["rules"], strict=True):
            rule.load_state_dict(state)
    cpu_before, before = progress.cpu_seconds, progress.seconds
    # One layer at a time: compiled once for all of them, and around them transformers
    # sees that attention needs no mask, which it does not see while it is compiled.
    for block in (*model.model.layers, model.model.norm):
        block.compile(dynamic=False)  # rows have at most three lengths
    while (share := progress.share(recipe)) < 1:
        for rule, peak in zip(rules, peaks, strict=True):
            rule.param_groups[0]["lr"] = peak * rate_factor(progress.step, share, recipe)
        inputs, targets = batch(text, progress.row, recipe.shape.length(share / recipe.short), recipe)
        nats = gradient_step(model.model, model.lm_head.weight, inputs, targets, recipe.tokens // recipe.part)
        for rule in rules:
            rule.step()
            rule.zero_grad()
        progress.recent.append(nats)  # not read yet: a GPU would wait for the next step to be prepared
        progress.step += 1
        progress.row += recipe.rows
        if progress.step % LOG_EVERY == 0:
            write_line(log, progress, recipe)
        progress.cpu_seconds = cpu_before + time.process_time() - cpu_began
        progress.seconds = before + time.monotonic() - began
        late = progress.seconds - before > recipe.seconds
        done = progress.share(recipe) >= 1
        if progress.step % recipe.save_every == 0 or done or late:
            states = {"model": model.state_dict(), "rules": [rule.state_dict() for rule in rules]}
            save(checkpoint, {**states, **made_from, "progress": asdict(progress)})
        if late and not done:
            return False
    if progress.recent:
        write_line(log, progress, recipe)
    export(model.cpu(), data, recipe.out / recipe.model, log=log_until(progress.step, log))
    return True


def write_line(log: Path, progress: Progress, recipe: Recipe) -> None:
    """Add the mean of the last steps to the log."""
    line = {
        "step": progress.step,
        "tokens": progress.row * recipe.shape.context,
        "nats_per_token": torch.stack(progress.recent).double().mean().item(),
        "cpu_seconds": round(progress.cpu_seconds),
        "seconds": round(progress.seconds, 1),
    }
    progress.recent.clear()
    with log.open("a", encoding="utf-8") as lines:
        lines.write(json.dumps(line) + "\n")


def main() -> None:
    """Run a recipe from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", choices=SHAPES)
    for each in fields(Recipe):
        if each.name != "model":
            parser.add_argument("--" + each.name.replace("_", "-"), type=each.type, default=each.default)
    recipe = Recipe(**vars(parser.parse_args()))
    torch.set_num_threads(recipe.threads)
    data = Path(os.environ.get("NONPLUS_DATA", "../shared/data"))
    if train(recipe, data):
        write_card(recipe.out / recipe.model, data)


if __name__ == "__main__":
    main()

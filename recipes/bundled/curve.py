"""The plot of a training: loss over tokens read, drawn from its ``loss.jsonl``."""

import json
from pathlib import Path
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt

mpl.use("Agg")


def log(file: Path) -> list[dict[str, Any]]:
    """The lines of ``loss.jsonl`` by step; the last of each repeated step."""
    lines = map(json.loads, file.read_text(encoding="utf-8").splitlines())
    return [line for _, line in sorted({line["step"]: line for line in lines}.items())]


def draw(steps: list[dict[str, Any]], target: Path, *, title: str) -> None:
    """Write a small PNG, identical for the same log and version of matplotlib."""
    figure, axes = plt.subplots(figsize=(6.4, 3.2), dpi=100, layout="constrained")
    axes.plot([step["tokens"] / 1e6 for step in steps], [step["nats_per_token"] for step in steps], linewidth=1)
    axes.set(xlabel="million tokens read", ylabel="nats per token", title=title)
    axes.set_ylim(top=min(7.0, steps[0]["nats_per_token"]))
    axes.grid(alpha=0.3)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    figure.savefig(target, metadata={"Software": None}, pil_kwargs={"optimize": True})
    plt.close(figure)

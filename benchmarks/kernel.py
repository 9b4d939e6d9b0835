"""Speed and memory of surprisals from logits, compared with peers.

    python benchmarks/kernel.py [--quick] [--threads N] [--json FILE]

Needs ``pip install "nonplus[hf,torchmetrics,keras]"``; packages that are not installed
are left out. Times are CPU times in one process. ``read`` is the time needed just to
read the bytes of the logits (NumPy's bitwise or over them). Rounds are interleaved and
the fastest of each counts, so that a busy machine affects all alike. Only ratios within
one run are meaningful.
"""

import argparse
import gc
import importlib.util
import json
import os
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

os.environ.setdefault("KERAS_BACKEND", "torch")

import numpy as np
import torch
from process_memory import forget_peak, peak, resident
from torch import Tensor
from torch.nn import functional as F

from nonplus.kernels.backends.torch import pure_accumulate
from nonplus.kernels.head_nll import head_nll
from nonplus.kernels.token_nll import token_nll
from nonplus.native import library

Work = Callable[[], Tensor | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Size of the measurement: rounds, MB of float32 logits, tokens, threads."""

    rounds: int = 5
    megabytes: int = 824
    tokens: int = 4096
    threads: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """Seconds of the fastest round, largest error in nats, extra bytes of memory.

    The error is against float64; it is ``None`` if the method gives no surprisals.
    """

    seconds: float
    error: float | None
    extra_bytes: int


def main() -> None:
    """Measure, print, and write everything to a file if asked."""
    parser = argparse.ArgumentParser(description="Speed and memory of surprisals from logits and hidden states.")
    parser.add_argument(
        "--quick", action="store_true", help="takes seconds, to check that it runs; the figures mean nothing"
    )
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--json", type=Path, help="also write all figures to this file")
    asked = parser.parse_args()
    settings = (
        Settings(rounds=1, megabytes=10, tokens=64, threads=asked.threads)
        if asked.quick
        else Settings(threads=asked.threads)
    )
    torch.set_num_threads(settings.threads)
    torch.manual_seed(0)
    print(f"torch {torch.__version__}, {settings.threads} thread(s), C kernel {'there' if library() else 'MISSING'}")
    figures: dict[str, Any] = {"settings": asdict(settings)}
    for vocabulary in (50_257, 128_256):
        for dtype in (torch.float32, torch.bfloat16):
            name = f"{vocabulary} {str(dtype).removeprefix('torch.')}"
            results = measure_logits(vocabulary, dtype, settings)
            show(f"logits, V = {name}", results, per="read")
            figures[name] = {each: asdict(result) for each, result in results.items()}
    for dtype in (torch.float32, torch.bfloat16):
        name = f"head {str(dtype).removeprefix('torch.')}"
        results = measure_head(dtype, settings)
        show(f"{name}: hidden 768, V = 50,257, {settings.tokens:,} tokens", results, per="product alone")
        figures[name] = {each: asdict(result) for each, result in results.items()}
    if asked.json:
        asked.json.write_text(json.dumps(figures, indent=1) + "\n")


def measure_logits(vocabulary: int, dtype: torch.dtype, settings: Settings) -> dict[str, Result]:
    """All methods that start from logits, on the same ones."""
    n = max(2, settings.megabytes * 1_000_000 // (4 * vocabulary) // 4 * 4)
    logits_NV = torch.randn(n, vocabulary).mul_(2.5).to(dtype)
    target_N = torch.randint(0, vocabulary, (n,))
    chunks = zip(logits_NV.split(64), target_N.split(64), strict=True)
    truth_N = torch.cat([F.cross_entropy(x.double(), t, reduction="none") for x, t in chunks])
    logits_BTV, target_BT = logits_NV.view(4, -1, vocabulary), target_N.view(4, -1)
    bits_N = logits_NV.flatten().view(torch.int16).numpy().view(np.uint64)

    def read() -> None:
        np.bitwise_or.reduce(bits_N)

    def pure() -> Tensor:
        level_N, sum_N = torch.full((n,), -torch.inf, dtype=torch.float64), torch.zeros(n, dtype=torch.float64)
        pure_accumulate(logits_NV, torch.ones(n, dtype=torch.bool), level_N, sum_N)
        return level_N + sum_N.log() - logits_NV.gather(1, target_N[:, None])[:, 0]

    methods: dict[str, Work] = {
        "read": read,
        "nonplus token_nll": lambda: token_nll(logits_BTV, target_BT).nats.flatten(),
        "nonplus without C": pure,
        "cross_entropy": lambda: F.cross_entropy(logits_NV, target_N, reduction="none"),
        "cross_entropy of .float()": lambda: F.cross_entropy(logits_NV.float(), target_N, reduction="none"),
    }
    if there("torchmetrics"):
        from torchmetrics.text import Perplexity as Theirs

        from nonplus.metrics.torchmetrics import Perplexity as Ours

        ours, theirs = Ours(), Theirs()
        methods["nonplus torchmetrics update"] = lambda: ours.update(logits_BTV, target_BT)
        methods["torchmetrics update"] = lambda: theirs.update(logits_BTV, target_BT)
    if there("keras"):
        methods["keras_hub update" if there("keras_hub") else "keras loss (keras_hub's)"] = keras(logits_BTV, target_BT)
    return race(methods, truth_N, settings.rounds)


def keras(logits_BTV: Tensor, target_BT: Tensor) -> Work:
    """The update of keras_hub's metric; if not installed, the loss that it uses."""
    if there("keras_hub"):
        import keras_hub

        metric = keras_hub.metrics.Perplexity(from_logits=True)
        return lambda: metric.update_state(target_BT, logits_BTV)
    from keras import losses

    loss = losses.SparseCategoricalCrossentropy(from_logits=True, reduction="sum")
    return lambda: loss(target_BT, logits_BTV)


def measure_head(dtype: torch.dtype, settings: Settings) -> dict[str, Result]:
    """All methods that start from hidden states, on the same ones."""
    hidden_NH = torch.randn(settings.tokens, 768).to(dtype)
    weight_VH = torch.randn(50_257, 768).mul_(0.08).to(dtype)
    target_N = torch.randint(0, 50_257, (settings.tokens,))
    wide_VH = weight_VH.double()
    truth_N = torch.cat(
        [
            F.cross_entropy(h.double() @ wide_VH.T, t, reduction="none")
            for h, t in zip(hidden_NH.split(512), target_N.split(512), strict=True)
        ]
    )
    del wide_VH

    def product() -> None:
        hidden_NH @ weight_VH.T

    methods: dict[str, Work] = {
        "product alone": product,
        "nonplus head_nll": lambda: head_nll(hidden_NH, weight_VH, target_N).nats,
        "cross_entropy of .float()": lambda: F.cross_entropy(
            (hidden_NH @ weight_VH.T).float(), target_N, reduction="none"
        ),
        "cross_entropy": lambda: F.cross_entropy(hidden_NH @ weight_VH.T, target_N, reduction="none"),
    }
    if "linear_cross_entropy" in dir(F):  # torch 2.13 and later
        methods["linear_cross_entropy"] = lambda: F.linear_cross_entropy(
            hidden_NH, weight_VH, target_N, reduction="none"
        )
    return race(methods, truth_N, max(2, settings.rounds // 2))


def race(methods: dict[str, Work], truth_N: Tensor, rounds: int) -> dict[str, Result]:
    """Run all methods in turn, once to warm up and measure memory, then for time."""
    extra, errors = {}, {}
    seconds = dict.fromkeys(methods, float("inf"))
    gc.freeze()  # or each collection goes through all that torch and keras have loaded
    for name, work in methods.items():
        gc.collect()
        forget_peak()
        before = resident()
        result = work()
        extra[name] = max(0, peak() - before)
        compares = result is not None and result.shape == truth_N.shape
        errors[name] = (result.double() - truth_N).abs().max().item() if compares else None
        del result
    for _ in range(rounds):
        for name, work in methods.items():
            start = time.process_time()
            work()
            seconds[name] = min(seconds[name], time.process_time() - start)
    return {name: Result(seconds=seconds[name], error=errors[name], extra_bytes=extra[name]) for name in methods}


def show(title: str, results: dict[str, Result], *, per: str) -> None:
    """One table."""
    ours = next(result for name, result in results.items() if name.startswith("nonplus"))
    print(f"\n{title}")
    print(f"{'':44}{'ms':>9}{'x ' + per:>16}{'x nonplus':>11}{'largest error':>15}{'extra MB':>10}")
    for name, result in results.items():
        error = "" if result.error is None else f"{result.error:.1e}"
        print(
            f"{name:44}{result.seconds * 1e3:9.1f}{result.seconds / results[per].seconds:16.2f}"
            f"{result.seconds / ours.seconds:11.2f}{error:>15}{result.extra_bytes / 1e6:10.1f}"
        )


def there(module: str) -> bool:
    """Whether a package is installed."""
    return importlib.util.find_spec(module) is not None


if __name__ == "__main__":
    sys.exit(main())

"""One race in one process: all contestants score the same texts, round after round.

It measures CPU time, because wall time depends on other work on the machine. In each
round, every contestant runs at about the same moment as nonplus. The ratio is that of
the best times, with the lowest and highest ratio of a round. The result is JSON on
stdout.
"""

import json
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import torch
from contestants import BATCH_SIZES, Scorer, lm_eval, minicons, naive, reported, scored
from torch import nn
from transformers import AutoModelForCausalLM, AutoTokenizer
from workloads import gpt2, lines, long, paragraphs, tokenizer

import nonplus
from nonplus.measure.interfaces import WindowModel
from nonplus.measure.protocol.choices import Protocol
from nonplus.measure.protocol.resolved import resolve
from nonplus.measure.records import Document
from nonplus.measure.tokenizing import encode

_SIDE = {"cpu": 1536, "cuda": 8192}  # side of the square matrices for the matrix rate
_SAME = 1e-6  # largest relative difference of nats for equal work; not for half precision


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """The work for any contestant: texts, tokens fed and scored, operations."""

    texts: int
    fed: int
    scored: int
    flops: int


def main(data: Path, workload: str, device: str, rounds: int, tokens: int) -> None:
    """Run one workload."""
    torch.set_num_threads(1)
    ids = tokenizer(data)
    texts = {"lines": lines, "paragraphs": paragraphs, "long": long, "bundled": paragraphs}[workload](data, ids, tokens)
    if workload == "bundled":
        contestants, model, own = _bundled()
    else:
        model = gpt2(device)
        own = nonplus.open_model((model, ids))
        contestants = _peers(model, ids, own, windowed=workload == "long")
    work = _work(texts, own, model)
    found = race(contestants, texts, work, device=device, rounds=rounds, counted=model.get_input_embeddings())
    sys.stdout.write(json.dumps(found) + "\n")


def _peers(model: Any, ids: Any, own: WindowModel, *, windowed: bool) -> dict[str, Scorer]:
    context = model.config.n_positions
    everyone: dict[str, Scorer] = {"nonplus": scored(own), "nonplus report": reported(own)}
    everyone |= {f"lm-eval, {size}": lm_eval(model, ids, batch=size, context=context) for size in BATCH_SIZES}
    if not windowed:
        everyone["minicons, 16"] = minicons(model, ids, batch=16)
    return everyone | {"naive loop": naive(model, ids, context=context)}


def _bundled() -> tuple[dict[str, Scorer], Any, WindowModel]:
    """The bundled model in NumPy, and the same weights in torch."""
    by_numpy = nonplus.open_model("bundled:tiny")
    folder = Path(nonplus.__file__).parent / "models" / "bundled" / "tiny"
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    by_torch = nonplus.open_model((model, AutoTokenizer.from_pretrained(folder)))
    return {"NumPy": scored(by_numpy), "torch": scored(by_torch)}, model, by_numpy


def race(
    contestants: dict[str, Scorer], texts: Sequence[str], work: Work, *, device: str, rounds: int, counted: nn.Module
) -> dict[str, Any]:
    """Times of all contestants, relative to the first one.

    ``counted`` is a module that every fed token passes once.
    """
    warm = {name: _warm_up(scorer, texts, counted) for name, scorer in contestants.items()}
    first = next(iter(contestants))
    off = {name: abs(nats / warm[first].nats - 1) for name, (nats, _) in warm.items()}
    if device == "cpu" and max(off.values()) > _SAME:
        sys.exit(f"the contestants give different nats, so their speeds are not comparable; off from {first}: {off}")
    clock = _cpu_clock if device == "cpu" else _device_clock
    seconds: dict[str, list[float]] = {name: [] for name in contestants}
    products = []
    for _ in range(rounds):
        products.append(_gemm(device, clock))
        for name, scorer in contestants.items():
            seconds[name].append(clock(lambda scorer=scorer: scorer(texts)))
    pace = max(products)
    return {
        "clock": "CPU seconds, 1 thread, float32" if device == "cpu" else "wall seconds, bfloat16",
        "texts": work.texts,
        "tokens": work.scored,
        "flops": work.flops,
        "gemm": pace,
        "contestants": [
            {
                "name": name,
                "seconds": took,
                "tokens_per_second": work.scored / min(took),
                "times_slower": min(took) / min(seconds[first]),
                "lowest": min(a / b for a, b in zip(took, seconds[first], strict=True)),
                "highest": max(a / b for a, b in zip(took, seconds[first], strict=True)),
                "real_tokens": work.fed / warm[name].fed if warm[name].fed else 1.0,
                "of_gemm": work.flops / min(took) / pace,
                "nats_off": off[name],
            }
            for name, took in seconds.items()
        ],
    }


class WarmUp(NamedTuple):
    """The result of scoring once: sum of nats, and tokens fed, padding included."""

    nats: float
    fed: int


def _warm_up(scorer: Scorer, texts: Sequence[str], counted: nn.Module) -> WarmUp:
    sizes: list[int] = []
    hook = counted.register_forward_hook(lambda _module, inputs, _output: sizes.append(inputs[0].numel()))
    nats = sum(scorer(texts))
    hook.remove()
    return WarmUp(nats, sum(sizes))


def _work(texts: Sequence[str], own: WindowModel, model: Any) -> Work:
    """Work counted from the windows of lm-eval's protocol, without masked attention."""
    protocol = resolve(Protocol.named("lm-eval"), own)
    documents = [Document(text=text, id=str(place)) for place, text in enumerate(texts)]
    windows = [
        w
        for tokens in encode(documents, own, choices=protocol.choices, prefix=protocol.prefix)
        for w in protocol.windows(tokens)
    ]
    lengths = [w.prefixed + w.stop - w.start - 1 for w in windows]
    scored = sum(w.stop - w.first for w in windows)
    config = model.config
    tables = {id(m.weight) for m in model.base_model.modules() if isinstance(m, nn.Embedding)}
    body = sum(p.numel() for p in model.base_model.parameters() if p.dim() == 2 and id(p) not in tables)
    attention = 2 * config.num_hidden_layers * config.hidden_size * sum(n * n for n in lengths)
    head = 2 * config.hidden_size * config.vocab_size * scored
    return Work(texts=len(texts), fed=sum(lengths), scored=scored, flops=2 * body * sum(lengths) + attention + head)


def _gemm(device: str, clock: Callable[[Callable[[], object]], float]) -> float:
    """Floating-point operations per second in a large matrix product; best of five."""
    side = _SIDE["cpu" if device == "cpu" else "cuda"]
    dtype = torch.float32 if device == "cpu" else torch.bfloat16
    a, b = (torch.randn(side, side, device=device, dtype=dtype) for _ in range(2))
    return 2 * side**3 / min(clock(lambda: torch.mm(a, b)) for _ in range(5))


def _cpu_clock(run: Callable[[], object]) -> float:
    """CPU seconds of this process, whatever its threads."""
    begun = time.process_time()
    run()
    return time.process_time() - begun


def _device_clock(run: Callable[[], object]) -> float:
    """Wall seconds until the device has finished."""
    torch.cuda.synchronize()
    begun = time.perf_counter()
    run()
    torch.cuda.synchronize()
    return time.perf_counter() - begun


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4]), int(sys.argv[5]))

"""Speed and memory of scoring, compared with peers on the same weights and texts.

    python benchmarks/score.py [--quick] [--json FILE] [--device cuda]

Needs ``pip install "nonplus[peers]"`` and the shared texts (``NONPLUS_DATA``). Each
measurement runs in a process of its own, on one thread. On a shared machine, only
ratios within one run are meaningful.
"""

import argparse
import json
import os
import subprocess
import sys
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
DATA = Path(os.environ.get("NONPLUS_DATA", HERE.parent.parent / "shared" / "data"))
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
QUIET = {
    "TOKENIZERS_PARALLELISM": "false",
    "TQDM_DISABLE": "1",
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_VERBOSITY": "error",
}
SENTENCE = "The quick brown fox jumps over the lazy dog."


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Size of the measurement: rounds, tokens per workload, vocabulary, context."""

    rounds: int = 5
    tokens: int = 16_000
    vocabulary: int = 128_256
    context: int = 8192
    device: str = "cpu"


QUICK = Settings(rounds=1, tokens=750, vocabulary=16_384, context=512)
ON_DEVICE = 250_000  # tokens; with fewer, an accelerator does not warm up


def main() -> None:
    """Measure, print, and write everything to a file if asked."""
    parser = argparse.ArgumentParser(description="Speed and memory of nonplus and its peers.")
    parser.add_argument(
        "--quick", action="store_true", help="takes a minute, to check that it runs; the figures mean nothing"
    )
    parser.add_argument("--json", type=Path, help="also write all figures to this file")
    parser.add_argument("--device", default="cpu", help="cpu (CPU time), or cuda (wall time, bfloat16)")
    asked = parser.parse_args()
    if not DATA.is_dir():
        sys.exit(f"no folder {DATA}: set NONPLUS_DATA to the shared texts and tokenizers")
    settings = QUICK if asked.quick else Settings()
    if asked.device != "cpu":
        settings = replace(settings, device=asked.device, tokens=ON_DEVICE)
    figures: dict[str, Any] = {"machine": _machine(), "settings": asdict(settings)}
    for workload in ("lines", "paragraphs", "long"):
        figures[workload] = _child("race.py", workload, settings.device, settings.rounds, settings.tokens)
        _print_race(workload, figures[workload])
    if settings.device == "cpu":
        figures["bundled"] = _child("race.py", "bundled", "cpu", settings.rounds, settings.tokens)
        _print_race("paragraphs, bundled:tiny, NumPy", figures["bundled"])
        figures["memory"] = {
            who: _child("memory.py", who, settings.vocabulary, settings.context)
            for who in ("nonplus", "lm-eval", "naive")
        }
        _print_memory(figures["memory"], settings)
        figures["cold start"] = min(_cold_start() for _ in range(settings.rounds))
        print(f'\ncold start: nonplus score "{SENTENCE[:19]} ..." takes {figures["cold start"]:.2f} CPU s')
    if asked.json:
        asked.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


def _child(script: str, *arguments: object) -> dict[str, Any]:
    """The JSON that a script of this folder prints, run on one thread."""
    command = [sys.executable, str(HERE / script), str(DATA), *map(str, arguments)]
    environment = {**os.environ, **ONE_THREAD, **QUIET}
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=True, text=True)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def _cold_start() -> float:
    """CPU seconds of one command from start to end, user and system."""
    command = [str(Path(sys.executable).with_name("nonplus")), "score", SENTENCE]
    before = os.times()
    subprocess.run(command, env={**os.environ, **ONE_THREAD}, stdout=subprocess.DEVNULL, check=True)
    after = os.times()
    return after.children_user + after.children_system - before.children_user - before.children_system


def _machine() -> str:
    model = next((line.split(":")[1].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")), "?")
    return f"{os.cpu_count()} cores {model}, load {os.getloadavg()[0]:.1f}"


def _lines(path: str) -> list[str]:
    return Path(path).read_text().splitlines() if Path(path).exists() else []


def _print_race(title: str, race: dict[str, Any]) -> None:
    print(f"\n{title}: {race['texts']} texts, {race['tokens']:,} tokens scored, in {race['clock']}")
    print(f"product of matrices: {race['gemm'] / 1e9:.0f} GFLOP/s; needed: {race['flops'] / 1e9:.1f} GFLOP")
    print(f"{'':<16}{'tokens/s':>10}{'x slower':>10}{'in a round':>14}{'padding':>9}{'of GEMM':>9}{'nats off':>10}")
    for each in race["contestants"]:
        between = f"{each['lowest']:.2f}-{each['highest']:.2f}"
        print(
            f"{each['name']:<16}{each['tokens_per_second']:>10,.0f}{each['times_slower']:>10.2f}{between:>14}"
            f"{1 - each['real_tokens']:>9.1%}{each['of_gemm']:>9.0%}{each['nats_off']:>10.1e}"
        )


def _print_memory(memory: dict[str, dict[str, float]], settings: Settings) -> None:
    print(
        f"\npeak memory beyond the model's own, one window of {settings.context:,}, vocabulary {settings.vocabulary:,}"
    )
    for who, found in memory.items():
        whole, opening = found["peak_mb"], found["opening_mb"]
        print(f"{who:<16}{whole:>8,.0f} MB; while opening {opening:,.0f} MB; {found['nats']:,.3f} nats")


if __name__ == "__main__":
    main()

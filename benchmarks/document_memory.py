"""Peak memory of a report on one long document, and on a stream of many, by its size.

The model takes none, so that all is the engine's and the tokenizer's.
"""

import subprocess
import sys
from pathlib import Path

from process_memory import peak

import nonplus
from nonplus.measure.forward import RunOptions
from nonplus.measure.session import Measurement
from nonplus.models.bundled_cards import bundled_folder
from nonplus.models.llama.tokenizer import FileTokenizer
from nonplus.models.synthetic import Uniform


def report(passage: Path, size: int, protocol: str) -> None:
    """Score the passage again and again, as one document or as many; print the peak on
    stdout.
    """
    once = passage.read_text(encoding="utf-8")
    times = size // len(once)
    texts = [once * times] if protocol == "full" else (once for _ in range(times))
    model = Uniform(8192, tokenizer=FileTokenizer(bundled_folder("tiny")))
    measurement = Measurement(model, nonplus.Protocol.named(protocol))
    for _ in measurement.run(texts, options=RunOptions(budget=4096)):
        pass
    sys.stdout.write(f"{peak()}\n")


def main(passage: str, *sizes: str) -> None:
    """Print the peak for each size in MB, each in a process of its own, and bytes of
    memory for each byte of text from the smallest to the largest.
    """
    for protocol in ("full", "gptq:512"):
        peaks = []
        for size in sizes:
            command = [sys.executable, __file__, "one", passage, str(int(float(size) * 1e6)), protocol]
            peaks.append(int(subprocess.run(command, capture_output=True, text=True, check=True).stdout))
        slope = (peaks[-1] - peaks[0]) / (float(sizes[-1]) - float(sizes[0])) / 1e6
        shown = ", ".join(f"{size} MB: {each / 1e6:.0f} MB" for size, each in zip(sizes, peaks, strict=True))
        sys.stdout.write(f"{protocol}: {shown}; {slope:.1f} bytes for each byte\n")


if __name__ == "__main__":
    if sys.argv[1] == "one":
        report(Path(sys.argv[2]), int(sys.argv[3]), sys.argv[4])
    else:
        main(*sys.argv[1:])

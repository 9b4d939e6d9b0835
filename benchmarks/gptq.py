"""A model that gptqmodel quantises to four bits, measured beside its original.

    GPTQMODEL_CPU_WORKERS=2 python benchmarks/gptq.py MODEL TEXT [FOLDER]

MODEL is a folder of transformers and TEXT a file: its first half calibrates, and both
models are measured on the second. It takes gptqmodel and optimum, which `make campaign
models` installs; the first packing compiles C++. On a CPU the sizes of MODEL have to be
divisible by 32, which those of stories260K are not. FOLDER keeps the quantised model.
"""

import sys
from pathlib import Path
from tempfile import mkdtemp

from gptqmodel import GPTQModel, QuantizeConfig

import nonplus
from nonplus.models import open_model

PASSAGE = 1000  # characters
BITS, GROUP = 4, 32


def main(model: str, text: str, folder: str = "") -> None:
    """Print name, dtype and bits per byte of both."""
    whole = Path(text).read_text(encoding="utf-8")
    passages = [whole[start : start + PASSAGE] for start in range(0, len(whole), PASSAGE)]
    half = len(passages) // 2
    target = folder or mkdtemp()
    quantised = GPTQModel.load(model, QuantizeConfig(bits=BITS, group_size=GROUP))
    quantised.quantize(passages[:half][:64], batch_size=1)
    quantised.save(target)
    for name in (model, target):
        opened = open_model(f"hf:{name}")
        before = opened.identity
        report = nonplus.evaluate(passages[half:][:64], model=opened)
        print(f"{opened.name}: {report.bits_per_byte:.4f} bits per byte, {report.protocol.signature}")
        print(f"the same identity after it: {opened.identity == before}", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])

"""Run another tool once, where it still runs, and write down what it says.

evaluate's metric and lmppl do not start under transformers 5, so their numbers are
recorded in an environment of their own (``pip install torch==2.13.0
transformers==4.57.3 evaluate==0.4.6 lmppl==0.3.2``) and compared with the presets here.
See the field "command" of each recorded file.
"""

import hashlib
import importlib
import json
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from texts import LONG, MIDDLE, SHORT  # noqa: E402


def by_evaluate(model: Path, metric: str) -> dict[str, Any]:
    """What ``evaluate.load("perplexity", module_type="metric")`` computes; ``metric``
    is the folder of its script.
    """
    loaded = importlib.import_module("evaluate").load(metric, module_type="metric")
    texts = [*SHORT, MIDDLE]
    found = loaded.compute(predictions=texts, model_id=str(model), batch_size=4, device="cpu")
    return {
        "tool": "evaluate",
        "version": version("evaluate"),
        "source": "huggingface/evaluate, metrics/perplexity/perplexity.py as in the fork sarvex/evaluate at 31961150",
        "arguments": {"batch_size": 4, "add_start_token": True, "device": "cpu"},
        "texts": "SHORT + MIDDLE",
        "perplexities": found["perplexities"],
        "mean_perplexity": float(found["mean_perplexity"]),
    }


def by_lmppl(model: Path) -> dict[str, Any]:
    """What ``lmppl.LM(model).get_perplexity(texts)`` computes."""
    texts = [*SHORT, MIDDLE, LONG]
    found = importlib.import_module("lmppl").LM(str(model)).get_perplexity(texts, batch_size=3)
    return {
        "tool": "lmppl",
        "version": version("lmppl"),
        "source": "asahi417/lmppl 0.3.2, lmppl/ppl_recurrent_lm.py",
        "arguments": {"batch_size": 3},
        "texts": "SHORT + MIDDLE + LONG",
        "perplexities": found,
    }


def main(tool: str, model: str, *rest: str) -> None:
    """Record ``tool`` on the model in a folder; see the field "command"."""
    recorded = {"evaluate": by_evaluate, "lmppl": by_lmppl}[tool](Path(model), *rest)
    placeholders = {"evaluate": " METRIC_FOLDER", "lmppl": ""}
    bundled = Path(model).parent.name == "bundled"
    folder = f"src/nonplus/models/bundled/{Path(model).name}" if bundled else "$NONPLUS_DATA/models/stories260K"
    file = f"{tool}-{Path(model).name}.json" if bundled else f"{tool}.json"
    recorded |= {
        "command": f"python tests/parity/goldens/record.py {tool} {folder}{placeholders[tool]}",
        "transformers": version("transformers"),
        "tokenizers": version("tokenizers"),
        "torch": version("torch"),
        "weights_sha256": hashlib.sha256((Path(model) / "model.safetensors").read_bytes()).hexdigest(),
        "texts_sha256": hashlib.sha256("\0".join([*SHORT, MIDDLE, LONG]).encode()).hexdigest(),
    }
    (HERE / file).write_text(json.dumps(recorded, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])

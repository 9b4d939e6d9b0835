"""data-juicer's ``dj-process`` with its filter of perplexity, installing nothing.

    python by_datajuicer.py FILE OUT MODEL_FOLDER THRESHOLD

Runs in an environment of its own, in which Ray is installed, because data-juicer
imports it whenever an operator starts. At the end of every operator it asks torch to
give back memory of a GPU, and installs torch with CUDA for that while it runs. Here it
is told that there is no such memory, and pip and uv may not fetch anything.
"""

import os
import sys
from pathlib import Path
from types import SimpleNamespace

_RECIPE = """
project_name: filter
dataset_path: {file}
export_path: {out}/kept.jsonl
np: 1
use_cache: false
open_tracer: false
process:
  - perplexity_filter: {{lang: en, min_ppl: 0, max_ppl: {threshold}}}
"""


def main(file: str, out: str, models: str, threshold: str) -> None:
    """Write the documents up to the threshold to ``OUT/kept.jsonl``."""
    folder = Path(out)
    folder.mkdir(parents=True, exist_ok=True)
    os.environ |= {"PIP_NO_INDEX": "1", "UV_OFFLINE": "1", "HF_HUB_OFFLINE": "1", "RAY_USAGE_STATS_ENABLED": "0"}
    os.environ |= {"CACHE_HOME": f"{out}/cache", "HF_HOME": f"{out}/hub", "DATA_JUICER_MODELS_CACHE": models}
    recipe = folder / "recipe.yaml"
    recipe.write_text(_RECIPE.format(file=file, out=out, threshold=threshold))

    from data_juicer.tools.process_data import main as dj_process
    from data_juicer.utils import model_utils

    model_utils.torch = SimpleNamespace(cuda=SimpleNamespace(empty_cache=lambda: None, is_available=lambda: False))
    sys.argv = ["dj-process", "--config", str(recipe)]
    dj_process()


if __name__ == "__main__":
    main(*sys.argv[1:])

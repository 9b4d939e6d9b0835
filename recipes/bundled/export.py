"""Write a model as the published folder, in the layout of ``transformers``.

``python recipes/bundled/export.py MODEL CHECKPOINT FOLDER`` publishes the weights that
a training has saved so far, with the ``loss.jsonl`` beside the checkpoint. Files are
replaced one by one under their final names. The model card stays, because parts of it
are written by hand. ``figures.json`` is deleted, because it describes other weights.
"""

import argparse
import copy
import json
import os
import tempfile
from pathlib import Path

import torch
from data import START, tokenizer_file
from model import SHAPES, new_model
from transformers import LlamaForCausalLM, PreTrainedTokenizerFast


def export(model: LlamaForCausalLM, data: Path, out: Path, *, log: str) -> None:
    """Publish ``model`` and its training log in ``out``; files are never partial."""
    out.mkdir(parents=True, exist_ok=True)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_file=str(tokenizer_file(data)),
        bos_token=START,
        eos_token=START,
        model_max_length=model.config.max_position_embeddings,
        clean_up_tokenization_spaces=False,
    )
    (out / "figures.json").unlink(missing_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=".partial-") as name:
        folder = Path(name)
        copy.deepcopy(model).half().save_pretrained(folder)
        tokenizer.save_pretrained(folder)
        edit_json(folder / "tokenizer.json")
        # transformers 5 writes a class name that transformers 4 does not know; both
        # know this one.
        edit_json(folder / "tokenizer_config.json", tokenizer_class="PreTrainedTokenizerFast")
        (folder / "loss.jsonl").write_text(log, encoding="utf-8")
        for file in sorted(folder.iterdir()):
            file.chmod(0o644)  # safetensors writes 0600
            os.replace(file, out / file.name)


def log_until(step: int, log: Path) -> str:
    """The lines of ``loss.jsonl`` up to ``step``; a killed run may have more."""
    lines = log.read_text(encoding="utf-8").splitlines(keepends=True) if log.exists() else []
    return "".join(line for line in lines if json.loads(line)["step"] <= step)


def edit_json(file: Path, **changes: str) -> None:
    """Apply ``changes`` and drop the whitespace (tokenizer.json: 549 to 230 kB)."""
    content = json.loads(file.read_text(encoding="utf-8")) | changes
    file.write_text(json.dumps(content, ensure_ascii=False, separators=(",", ":")) + "\n", encoding="utf-8")


def main() -> None:
    """Publish a checkpoint."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", choices=SHAPES)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("out", type=Path)
    choice = parser.parse_args()
    model = new_model(SHAPES[choice.model], 0)
    saved = torch.load(choice.checkpoint, map_location="cpu")
    model.load_state_dict(saved["model"])
    data = Path(os.environ.get("NONPLUS_DATA", "../shared/data"))
    export(model, data, choice.out, log=log_until(saved["progress"]["step"], choice.checkpoint.parent / "loss.jsonl"))


if __name__ == "__main__":
    main()

"""Bits per byte of a published folder on WikiText-2 test, with torch and transformers
alone.

``python recipes/bundled/wikitext.py src/nonplus/models/bundled/tiny`` does not use
nonplus, so that it confirms the figure on the model card independently. Its output is
kept in ``tests/parity/goldens``. Protocol: the raw test set, split at its first-level
headings, each article detokenised as lm-eval does. <|endoftext|> precedes each window
of the model's context. Each token is scored once. The denominator is the bytes of the
detokenised text.
"""

import argparse
import hashlib
import itertools
import json
import math
import os
import re
from importlib.metadata import version
from pathlib import Path

import torch
from lm_eval.tasks.wikitext.preprocess_wikitext import wikitext_detokenizer
from torch.nn.functional import cross_entropy
from transformers import AutoModelForCausalLM, AutoTokenizer

HEADING = re.compile(r"^ = [^=].* = $", re.MULTILINE)


def articles(raw: str) -> list[str]:
    """The articles of ``raw``, detokenised; together they cover all of it."""
    starts = [match.start() for match in HEADING.finditer(raw)]
    cuts = [0, *starts[1:], len(raw)]
    return [wikitext_detokenizer({"page": raw[a:b]}) for a, b in itertools.pairwise(cuts)]


@torch.inference_mode()
def nats(model: torch.nn.Module, ids: list[int], *, start: int, context: int) -> float:
    """Negative log-likelihood of ``ids``, in windows that each begin with ``start``."""
    total = 0.0
    for first in range(0, len(ids), context):
        targets = torch.tensor([ids[first : first + context]])
        inputs = torch.cat([torch.tensor([[start]]), targets[:, :-1]], dim=1)
        total += cross_entropy(model(inputs).logits[0].float(), targets[0], reduction="sum").item()
    return total


def main() -> None:
    """Score the folder named on the command line; print one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument(
        "--dtype",
        choices=("float16", "float32"),
        default="float32",
        help="dtype of the computation (weights: float16)",
    )
    choice = parser.parse_args()
    torch.set_num_threads(1)
    data = Path(os.environ.get("NONPLUS_DATA", "../shared/data"))
    raw = (data / "eval" / "wikitext2" / "wiki.test.raw").read_bytes().decode()
    model = AutoModelForCausalLM.from_pretrained(choice.folder, dtype=choice.dtype).eval()
    tokenizer = AutoTokenizer.from_pretrained(choice.folder)
    texts = articles(raw)
    rows = [tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"] for text in texts]
    context = model.config.max_position_embeddings
    total = sum(nats(model, ids, start=tokenizer.bos_token_id, context=context) for ids in rows)
    n_tokens, n_bytes = sum(map(len, rows)), sum(len(text.encode()) for text in texts)
    figures = {
        "bits_per_byte": total / math.log(2) / n_bytes,
        "perplexity_per_token": math.exp(total / n_tokens),
        "perplexity_per_original_word": math.exp(total / 245_569),  # with <eos>: GPT-2's convention
        "nats": total,
        "bytes": n_bytes,
        "tokens": n_tokens,
        "articles": len(texts),
        "weights_sha256": hashlib.sha256((choice.folder / "model.safetensors").read_bytes()).hexdigest(),
        "command": f"python recipes/bundled/wikitext.py src/nonplus/models/bundled/{choice.folder.name}",
        "versions": {name: version(name) for name in ("torch", "transformers", "lm_eval")},
    }
    print(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()

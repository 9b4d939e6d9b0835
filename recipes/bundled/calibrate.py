"""Make a published model as sure as it is right on a text that it has not read.

``python recipes/bundled/calibrate.py FOLDER`` divides the weights of the last norm, and
so the logits, by the temperature under which the held-out text has the fewest nats. A
model that has read its text many times gives too much to its first guesses. Run it once
between ``export.py`` and ``card.py``; it changes ``model.safetensors`` and prints the
temperature. The text is the validation part of wiki2019 in ``NONPLUS_DATA``.

Letters: N tokens, D width, V vocabulary.
"""

import argparse
import os
from pathlib import Path

import torch
from torch import Tensor
from transformers import AutoModelForCausalLM, AutoTokenizer, LlamaForCausalLM

HELD_OUT = Path("eval") / "wiki2019" / "valid.txt"
BYTES = 200_000  # of the held-out text
CHUNK = 1024  # tokens whose logits are computed at once


@torch.no_grad()
def states(model: LlamaForCausalLM, ids: list[int]) -> tuple[Tensor, Tensor]:
    """Last hidden states (N, D) and targets (N,), in windows of the model's context."""
    context, start = model.config.max_position_embeddings, [model.config.bos_token_id]
    windows = [torch.tensor(start + ids[first : first + context]) for first in range(0, len(ids), context)]
    hidden_ND = torch.cat([model.model(window[None, :-1]).last_hidden_state[0] for window in windows])
    return hidden_ND, torch.cat([window[1:] for window in windows])


@torch.no_grad()
def sharpness(hidden_ND: Tensor, weight_VD: Tensor, targets_N: Tensor) -> float:
    """The factor of the logits with the fewest nats, by Newton's method from 1.

    The nats are convex in it: their slope is the expected logit less the target's, and
    its slope the variance of the logit.
    """
    factor = 1.0
    for _ in range(5):
        slope = curvature = 0.0
        for some_ND, some_N in zip(hidden_ND.split(CHUNK), targets_N.split(CHUNK), strict=True):
            logits_NV = some_ND @ weight_VD.T
            p_NV = (logits_NV * factor).softmax(1)
            mean_N = (p_NV * logits_NV).sum(1)
            slope += (mean_N - logits_NV.gather(1, some_N[:, None])[:, 0]).sum().item()
            curvature += ((p_NV * logits_NV.square()).sum(1) - mean_N.square()).sum().item()
        factor -= slope / curvature
    return factor


def calibrate(folder: Path, text: str) -> float:
    """Divide the last norm's weights in ``folder`` by the temperature; return it."""
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    ids = AutoTokenizer.from_pretrained(folder)(text, add_special_tokens=False, verbose=False)["input_ids"]
    hidden_ND, targets_N = states(model, ids)
    factor = sharpness(hidden_ND, model.lm_head.weight, targets_N)
    narrow = AutoModelForCausalLM.from_pretrained(folder, dtype="auto")
    narrow.model.norm.weight.data = (model.model.norm.weight.data * factor).to(narrow.dtype)
    narrow.save_pretrained(folder)
    (folder / "model.safetensors").chmod(0o644)
    return 1 / factor


def main() -> None:
    """Calibrate one folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    held_out = Path(os.environ.get("NONPLUS_DATA", "../shared/data")) / HELD_OUT
    print(f"temperature {calibrate(folder, held_out.read_bytes()[:BYTES].decode(errors='ignore')):.4f}")


if __name__ == "__main__":
    main()

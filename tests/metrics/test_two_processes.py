"""Two processes over ragged batches give the figure of one."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")
pytest.importorskip("accelerate")

TRAINER = """
import sys
from short_documents import documents, llama, log_perplexity
from test_trainer import evaluated
texts, model = documents(39), llama()
truth, tokens = log_perplexity(model, texts), sum(len(ids) - 1 for ids in texts)
for loop in ({}, {"batch_eval_metrics": True}, {"side": "left", "label_names": ["labels", "attention_mask"]}):
    logged, _ = evaluated(model, sys.argv[1], texts=texts, per_device_eval_batch_size=4, **loop)
    assert logged["eval_tokens"] == tokens, (loop, logged["eval_tokens"], tokens)
    assert abs(logged["eval_log_perplexity"] - truth) < 1e-6 * truth, (loop, logged, truth)
"""

RECIPES = """
import math
import torch
from docs import refresh
from short_documents import documents, llama, log_perplexity, padded
from nonplus.metrics import Perplexity, token_nll
texts, model = documents(39), llama()
truth = math.exp(log_perplexity(model, texts))
page = (refresh.ROOT / "docs" / "how-to" / "training-loops.md").read_text(encoding="utf-8")
scripts = [block.body for block in refresh.blocks(page) if ">>>" not in block.body]
(accelerate,) = [script for script in scripts if "gather_for_metrics" in script]
(ignite,) = [script for script in scripts if "idist.all_gather" in script]
names = {name: globals()[name] for name in ("model", "texts", "padded", "torch", "Perplexity", "token_nll")}
exec(accelerate, names)
assert names["metric"].tally.scored == sum(len(ids) - 1 for ids in texts)
assert abs(float(names["metric"].compute()) - truth) < 1e-5 * truth
rank = torch.distributed.get_rank()
names["batches"] = [padded(texts[i : i + 8]) for i in range(0, len(texts), 8)][rank::2]
exec(ignite, names)
assert abs(names["state"].metrics["perplexity"] - truth) < 1e-5 * truth
"""


def free_port() -> int:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        return server.getsockname()[1]


def run_twice(script: str, folder: Path) -> None:
    here = Path(__file__).resolve().parent
    path = os.pathsep.join([str(here), str(here.parent.parent), os.environ.get("PYTHONPATH", "")])
    shared = {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free_port()), "PYTHONPATH": path}
    ranks = [
        subprocess.Popen(
            [sys.executable, "-c", script, str(folder / str(rank))],
            env=os.environ | shared | {"RANK": str(rank), "LOCAL_RANK": str(rank)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for rank in range(2)
    ]
    printed = [rank.communicate(timeout=300)[0] for rank in ranks]
    assert [rank.returncode for rank in ranks] == [0, 0], printed


@pytest.mark.slow
def test_the_trainer_sees_each_document_once(tmp_path):
    run_twice(TRAINER, tmp_path)


@pytest.mark.slow
def test_the_recipes_for_accelerate_and_ignite_see_each_document_once(tmp_path):
    pytest.importorskip("ignite")
    run_twice(RECIPES, tmp_path)

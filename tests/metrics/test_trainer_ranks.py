"""Two processes of the Trainer over ragged batches end in the figure of one."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")
pytest.importorskip("accelerate")

SCRIPT = """
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


def free_port() -> int:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        return server.getsockname()[1]


@pytest.mark.slow
def test_two_ranks_see_each_document_once(tmp_path):
    here = Path(__file__).parent
    shared = {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free_port()), "PYTHONPATH": str(here)}
    ranks = [
        subprocess.Popen(
            [sys.executable, "-c", SCRIPT, str(tmp_path / str(rank))],
            env=os.environ | shared | {"RANK": str(rank), "LOCAL_RANK": str(rank)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for rank in range(2)
    ]
    said = [rank.communicate(timeout=120)[0] for rank in ranks]
    assert [rank.returncode for rank in ranks] == [0, 0], said

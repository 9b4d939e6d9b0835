"""A pickled model of transformers is opened again, from its folder or from memory."""

import pickle
from pathlib import Path

import pytest

pytest.importorskip("torch")

from hf_tiny import byte_tokenizer, tiny

from nonplus.models import open_model
from nonplus.models.loading import Loading


def test_a_pickled_model_of_transformers_is_opened_again_as_it_was(tmp_path: Path) -> None:
    inner, tokenizer = tiny(), byte_tokenizer(eos_token="</s>")
    in_memory = open_model((inner, tokenizer))
    for part in (inner, tokenizer):
        part.save_pretrained(tmp_path / "weights")
    in_file = open_model(f"hf:{tmp_path / 'weights'}", loading=Loading(dtype="float32"))
    assert len(pickle.dumps(in_file)) < 10_000
    for model in (in_memory, in_file):
        again = pickle.loads(pickle.dumps(model))
        assert (again.name, again.dtype, again.identity) == (model.name, model.dtype, model.identity)

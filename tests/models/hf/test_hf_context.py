"""The longest context: what configuration, tokenizer and tables of positions allow."""

import numpy as np
import pytest

pytest.importorskip("torch", reason="these are models of torch")
pytest.importorskip("transformers", reason="these are models of transformers")

import peft
import torch
from hf_tiny import asked, byte_tokenizer, plain_logprobs, rows, tiny

from nonplus.errors import FallbackNotice
from nonplus.measure.session import evaluate
from nonplus.models.hf.model import from_object

# Roberta's head is two layers.
pytestmark = pytest.mark.filterwarnings("ignore:.*its head does more than multiply:nonplus.errors.FallbackNotice")

DECODER = {"is_decoder": True, "pad_token_id": 1}
BART = {"d_model": 32, "decoder_layers": 2, "decoder_ffn_dim": 48, "decoder_attention_heads": 4}
DYNAMIC = {"rope_type": "dynamic", "rope_theta": 10000.0, "factor": 4.0}


@pytest.mark.parametrize(
    ("kind", "changes", "tokenizer_limit", "expected"),
    [
        ("GPT2", {"n_positions": 48}, None, 48),
        ("Llama", {"max_position_embeddings": 128}, None, 128),
        ("Llama", {"max_position_embeddings": 128}, 100, 100),
        ("Llama", {"max_position_embeddings": 128}, 4096, 128),
        ("Llama", {"rope_parameters": DYNAMIC}, None, 256),
        ("Bloom", {"seq_length": 77, "max_position_embeddings": None}, None, 77),
        ("Mamba", {"state_size": 4, "max_position_embeddings": None}, None, 1 << 20),
        ("Mamba", {"state_size": 4, "max_position_embeddings": None}, 512, 512),
        # the positions of a text begin at row 2 of a table with 64
        ("Roberta", DECODER, None, 62),
        ("XLMRoberta", DECODER, None, 62),
        ("Camembert", DECODER, None, 62),
        ("Data2VecText", DECODER, None, 62),
        # and at row 0, or at row 2 of one with 66
        ("BertGeneration", DECODER, None, 64),
        ("OPT", {}, None, 64),
        ("BioGpt", {}, None, 64),
        ("Bart", BART, None, 64),
    ],
)
def test_the_longest_context_is_what_configuration_tokenizer_and_tables_allow(kind, changes, tokenizer_limit, expected):
    named = {} if tokenizer_limit is None else {"model_max_length": tokenizer_limit}
    assert from_object(tiny(kind, **changes), byte_tokenizer(**named)).max_context == expected


@pytest.mark.parametrize(
    ("kind", "changes"),
    [("Roberta", DECODER), ("XLMRoberta", DECODER), ("OPT", {}), ("GPT2", {}), ("BioGpt", {}), ("Bart", BART)],
)
def test_a_row_as_long_as_the_context_has_the_models_own_figures(kind, changes):
    model = tiny(kind, **changes)
    ours = from_object(model, byte_tokenizer())
    lines = rows(ours.max_context, 9)
    np.testing.assert_allclose(ours.logprobs(asked(*lines)), plain_logprobs(model, *lines), rtol=0, atol=1e-6)


def test_a_text_longer_than_a_roberta_decoder_holds_has_a_figure():
    model = from_object(tiny("Roberta", **DECODER), byte_tokenizer())
    report = evaluate(["a river in the night " * 20], model=model)
    assert report.tally.scored == 419
    assert np.isfinite(report.perplexity)


def test_learned_prompts_leave_less_room_in_a_table_of_positions():
    torch.manual_seed(0)
    prompts = peft.PromptTuningConfig(task_type="CAUSAL_LM", num_virtual_tokens=3)
    adapted = peft.get_peft_model(tiny("GPT2"), prompts).double().eval()
    with pytest.warns(FallbackNotice, match="one row at a time"):
        ours = from_object(adapted, byte_tokenizer())
    assert ours.max_context == 61
    assert np.isfinite(ours.logprobs(asked(*rows(61)))).all()

"""State-space and recurrent models: padding on the right is proven harmless as for any
other, and a context without a limit is said.
"""

import warnings

import numpy as np
import pytest

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")
pytestmark = pytest.mark.slow

from hf_tiny import SIZES, VOCABULARY, asked, byte_tokenizer, plain_logprobs, rows  # noqa: E402
from transformers import AutoModelForCausalLM  # noqa: E402

import nonplus  # noqa: E402
from nonplus.errors import FallbackNotice  # noqa: E402
from nonplus.measure.conformance import examine  # noqa: E402
from nonplus.measure.interfaces import NO_LIMIT  # noqa: E402
from nonplus.models.hf.model import from_object  # noqa: E402

COMMON = {"vocab_size": VOCABULARY, "pad_token_id": 0}
STATES = {**COMMON, "hidden_size": 32, "state_size": 16, "num_hidden_layers": 2, "initializer_range": 0.4}
HEADS = {"num_heads": 8, "head_dim": 8, "n_groups": 2, "chunk_size": 8}
BLOCKS = {"mamba_n_heads": 8, "mamba_d_head": 8, "mamba_d_state": 16, "mamba_n_groups": 1, "mamba_chunk_size": 8}
RECURRENT = {
    "Mamba": STATES,
    "Mamba2": {**STATES, **HEADS},
    "Rwkv": {"vocab_size": VOCABULARY, "hidden_size": 32, "attention_hidden_size": 32, "num_hidden_layers": 2},
    # with other factors, transformers 5.23 refuses the shape of its own state
    "xLSTM": {
        **COMMON,
        "hidden_size": 64,
        "num_hidden_layers": 2,
        "num_heads": 4,
        "chunk_size": 16,
        "qk_dim_factor": 1.0,
    },
    "Bamba": {**SIZES, **BLOCKS, "attn_layer_indices": [1]},
    "FalconH1": {**SIZES, **BLOCKS, "mamba_d_ssm": 64},
}
CONTEXTS = {"Rwkv": 1024, "Bamba": 64, "FalconH1": 64}  # as their configurations say
LINES = rows(30, 17, 9)


def recurrent(kind):
    torch.manual_seed(0)
    return AutoModelForCausalLM.from_config(getattr(transformers, f"{kind}Config")(**RECURRENT[kind])).eval()


@pytest.mark.parametrize("kind", RECURRENT)
def test_figures_in_a_padded_batch_are_those_of_each_row_alone(kind):
    model = recurrent(kind)
    with warnings.catch_warnings():
        warnings.filterwarnings("error", ".*one row at a time", FallbackNotice)  # which needs no padding
        warnings.filterwarnings("ignore", ".*its own head is used", FallbackNotice)  # xLSTM caps its logits
        ours = from_object(model, byte_tokenizer())
    np.testing.assert_allclose(ours.logprobs(asked(*LINES)), plain_logprobs(model, *LINES), atol=1e-4)
    assert ours.max_context == CONTEXTS.get(kind, NO_LIMIT)
    assert not ours.packs


@pytest.mark.parametrize("kind", ["Mamba", "Rwkv", "Bamba"])
def test_they_pass_every_check_of_the_doctor(kind):
    found = list(examine(from_object(recurrent(kind), byte_tokenizer(eos_token="</s>")), longest=200))
    assert [check for check in found if not check.passed] == []


def test_a_text_of_any_length_is_read_as_a_whole_by_a_window_as_long_as_it():
    model = recurrent("Mamba")
    text = "once upon a time " * 500
    report = nonplus.evaluate(
        [text], model=(model, byte_tokenizer()), protocol=nonplus.Protocol(window=1 << 14, bos="none")
    )
    ids = torch.tensor([list(map(byte_tokenizer().convert_tokens_to_ids, byte_tokenizer().tokenize(text)))])
    with torch.no_grad():
        logprob_TV = model(ids).logits[0].log_softmax(-1)
    expected = -logprob_TV[:-1].gather(1, ids[0, 1:, None]).mean()
    assert report.log_perplexity == pytest.approx(float(expected), rel=1e-6)

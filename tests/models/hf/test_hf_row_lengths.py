"""Models that read a row differently beside a longer one: each row has the figures that
it has alone, whatever else is in its batch and whatever was scored before.
"""

import numpy as np
import pytest

pytest.importorskip("torch", reason="these are models of torch")
pytest.importorskip("transformers", reason="these are models of transformers")

import torch
from hf_tiny import asked, byte_tokenizer, plain_logprobs, rows, tiny

from nonplus.errors import FallbackNotice
from nonplus.measure.forward import RunOptions
from nonplus.measure.session import evaluate
from nonplus.models.hf.model import HFModel, from_object
from nonplus.models.hf.row_lengths import undisturbed_length
from nonplus.models.hf.tokenizer import HFTokenizer

ROUNDING = {torch.float64: 1e-9, torch.float32: 1e-4, torch.bfloat16: 0.3}
SWITCH = 40
LONGROPE = {
    "rope_type": "longrope",
    "rope_theta": 10000.0,
    "short_factor": [1.0] * 4,
    "long_factor": [4.0] * 4,
    "original_max_position_embeddings": SWITCH,
    "factor": 3.2,
}
PLAIN = {"rope_type": "default", "rope_theta": 10000.0}


def longrope(dtype=torch.float64):
    """Scaled for all rows of a batch if one of them has more than 40 tokens."""
    # transformers fills in the dictionary that it is given
    limits = {"max_position_embeddings": 128, "original_max_position_embeddings": SWITCH}
    return tiny("Phi3", dtype=dtype, rope_parameters=dict(LONGROPE), **limits)


def dynamic(dtype=torch.float64):
    """Scaled by the longest row of a batch once that has more than 64 tokens."""
    return tiny("Llama", dtype=dtype, rope_parameters={"rope_type": "dynamic", "rope_theta": 10000.0, "factor": 2.0})


def longrope_in_some_layers(dtype=torch.float64):
    """The same in its layers of full attention only."""
    layers = ["sliding_attention", "full_attention"]
    ropes = {"full_attention": dict(LONGROPE), "sliding_attention": dict(PLAIN)}
    return tiny(
        "Gemma3Text", dtype=dtype, max_position_embeddings=128, layer_types=layers, rope_parameters=ropes,
        sliding_window=200,
    )  # fmt: skip


def longrope_with_experts(dtype=torch.float32):
    """Rows of a batch share its experts, which changes their rounding."""
    mscales = {"short_mscale": 1.2, "long_mscale": 1.4}
    return tiny(
        "Phimoe", dtype=dtype, max_position_embeddings=128, rope_parameters={**LONGROPE, **mscales},
        num_local_experts=4, num_experts_per_tok=2,
    )  # fmt: skip


MODELS = [
    (longrope, torch.float64),
    (longrope, torch.float32),
    (longrope, torch.bfloat16),
    (dynamic, torch.float64),
    (dynamic, torch.float32),
    (dynamic, torch.bfloat16),
    (longrope_in_some_layers, torch.float32),
    (longrope_with_experts, torch.float32),
]
LENGTHS = (60, 35, 100, 40, 41, 64, 65, 20, 127, 99)


@pytest.mark.parametrize(("make", "dtype"), MODELS)
@pytest.mark.parametrize("order", [slice(None), slice(None, None, -1)])
def test_a_row_has_beside_longer_ones_the_figures_that_a_fresh_model_gives_it_alone(make, dtype, order):
    lines = rows(*LENGTHS)[order]
    alone = np.concatenate([plain_logprobs(make(dtype), line) for line in lines])
    together = from_object(make(dtype), byte_tokenizer()).logprobs(asked(*lines))
    np.testing.assert_allclose(together, alone, rtol=0, atol=ROUNDING[dtype])


@pytest.mark.parametrize("make", [longrope, dynamic])
def test_a_long_row_leaves_nothing_behind_for_the_rows_after_it(make):
    lines = rows(*LENGTHS)
    model = make()
    ours = from_object(model, byte_tokenizer())
    model(torch.from_numpy(rows(128)[0].input)[None])  # by someone else, in between
    one_by_one = [ours.logprobs(asked(line)) for line in sorted(lines, key=lambda line: -len(line.input))]
    alone = [plain_logprobs(make(), line) for line in sorted(lines, key=lambda line: -len(line.input))]
    np.testing.assert_allclose(np.concatenate(one_by_one), np.concatenate(alone), rtol=0, atol=1e-9)


@pytest.mark.parametrize("make", [longrope, dynamic])
def test_distributions_are_those_of_each_row_alone(make):
    lines = rows(*LENGTHS)
    ours = from_object(make(), byte_tokenizer())
    chunks = [chunk.copy() for chunk in ours.distributions(asked(*lines))]
    target_N = np.concatenate([line.target for line in lines])
    read = np.concatenate(chunks)[np.arange(len(target_N)), target_N]
    np.testing.assert_allclose(read, ours.logprobs(asked(*lines)), rtol=0, atol=1e-9)


@pytest.mark.parametrize("make", [longrope, dynamic])
def test_a_corpus_has_one_figure_whatever_the_budget_the_order_and_packing(make):
    texts = ["ab" * 3, "cde" * 15, "f" * 70, "gh" * 30, "ijk" * 40, "l" * 41]
    with pytest.warns(FallbackNotice, match="each gets its own row"):
        packing = HFModel(make(), HFTokenizer(byte_tokenizer()), name="tiny", packing=True, opens=tiny)
    assert not packing.packs
    plain = from_object(make(), byte_tokenizer())
    nats = {
        round(evaluate(order, model=model, options=RunOptions(budget=budget)).nats, 6)
        for model in (packing, plain)
        for order in (texts, texts[::-1])
        for budget in (1, 200, 10_000)
    }
    assert len(nats) == 1


@pytest.mark.parametrize(
    ("make", "dtype", "length"),
    [
        (longrope, torch.float64, SWITCH),
        (longrope, torch.bfloat16, SWITCH),
        (longrope_in_some_layers, torch.float32, SWITCH),
        (longrope_with_experts, torch.float32, SWITCH),
        (dynamic, torch.float64, 64),
        (dynamic, torch.bfloat16, 64),
    ],
)
def test_the_length_where_rows_begin_to_disturb_each_other_is_found(make, dtype, length):
    with torch.no_grad():
        assert undisturbed_length(make(dtype), context=128) == length


@pytest.mark.parametrize("kind", ["Llama", "GPT2", "Qwen2", "OPT", "Bloom", "Mistral", "Mixtral", "Mamba"])
def test_rows_of_most_models_do_not_disturb_each_other(kind):
    changes = {"state_size": 4} if kind == "Mamba" else {}
    with torch.no_grad():
        assert undisturbed_length(tiny(kind, dtype=torch.float32, **changes), context=64) == 64

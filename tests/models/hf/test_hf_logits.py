"""Fast paths to logits: used if they are right, else left with a notice."""

import copy

import numpy as np
import pytest

pytest.importorskip("torch", reason="these are models of torch")
pytest.importorskip("transformers", reason="these are models of transformers")

import torch
from hf_tiny import asked, byte_tokenizer, plain_logprob_NV, plain_logprobs, rows, tiny
from transformers import LlamaForCausalLM

from nonplus.errors import BadInput, FallbackNotice
from nonplus.models.hf import logits as hf_logits
from nonplus.models.hf.model import HFModel, from_object, open_hf
from nonplus.models.hf.tokenizer import HFTokenizer
from nonplus.models.loading import Loading

LINES = rows(40, 37, 5)
STEPS = [
    ("Granite", {"logits_scaling": 8.0}, "logits_scaling=8.0"),
    ("Gemma2", {"final_logit_softcapping": 2.0, "query_pre_attn_scalar": 8}, "final_logit_softcapping=2.0"),
    ("Gemma2", {"final_logit_softcapping": 30.0, "query_pre_attn_scalar": 8}, "final_logit_softcapping=30.0"),
    ("Cohere", {"logit_scale": 0.0625, "use_qk_norm": False}, "logit_scale=0.0625"),
]


@pytest.mark.parametrize(("kind", "changes", "step"), STEPS)
def test_a_head_that_scales_or_caps_is_used_itself_and_named_in_a_notice(kind, changes, step):
    model = tiny(kind, **changes)
    with pytest.warns(FallbackNotice, match=f"its head does more than multiply \\({step}\\).*figures are the same"):
        ours = from_object(model, byte_tokenizer())
    # Gemma2 itself takes the softmax of attention in float32
    np.testing.assert_allclose(ours.logprobs(asked(*LINES)), plain_logprobs(model, *LINES), rtol=0, atol=1e-6)
    chunks = [chunk.copy() for chunk in ours.distributions(asked(*LINES))]
    np.testing.assert_allclose(np.concatenate(chunks), plain_logprob_NV(model, *LINES), rtol=0, atol=1e-6)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize(("kind", "changes", "step"), STEPS)
def test_a_head_that_scales_or_caps_is_seen_in_any_dtype_and_with_small_logits(kind, changes, step, dtype):
    with pytest.warns(FallbackNotice, match=step):
        from_object(tiny(kind, dtype=dtype, initializer_range=0.02, **changes), byte_tokenizer())


@pytest.mark.parametrize("kind", ["Llama", "GPT2", "Qwen2", "Mistral", "GPTNeoX", "OPT", "Phi", "Bloom", "Mixtral"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_plain_head_is_a_product_and_no_notice_is_given(kind, dtype):
    model = tiny(kind, dtype=dtype)
    ours = from_object(model, byte_tokenizer())
    error = np.abs(ours.logprobs(asked(*LINES)) - plain_logprobs(model, *LINES))
    assert error.mean() < (1e-5 if dtype == torch.float32 else 0.1)


def test_a_models_own_head_is_used_in_chunks_under_the_cap(monkeypatch):
    model = tiny("Granite", logits_scaling=8.0)
    with pytest.warns(FallbackNotice):
        ours = from_object(model, byte_tokenizer())
    whole = ours.logprobs(asked(*LINES))
    seen = []
    model.lm_head.register_forward_hook(lambda _, __, logits: seen.append(logits.nbytes))
    monkeypatch.setattr(hf_logits, "_CPU_BYTES", 4 * 24_000)
    np.testing.assert_allclose(ours.logprobs(asked(*LINES)), whole, rtol=0, atol=1e-12)
    assert max(seen) == 24_000
    assert sum(seen) == 82 * 300 * 8


def test_the_body_runs_once_whatever_the_number_of_chunks(monkeypatch):
    model = tiny("Granite", logits_scaling=8.0)
    with pytest.warns(FallbackNotice):
        ours = from_object(model, byte_tokenizer())
    monkeypatch.setattr(hf_logits, "_CPU_BYTES", 1)
    calls = []
    model.model.layers[0].register_forward_hook(lambda *_: calls.append(1))
    ours.logprobs(asked(*LINES))
    assert len(calls) == 1


class _Meddling(LlamaForCausalLM):
    """Does something with the ids after its body: no head of it can be run apart."""

    def forward(self, input_ids, **options):
        output = super().forward(input_ids=input_ids, **options)
        output.logits = output.logits + input_ids[..., None] % 5 * torch.arange(300) / 50
        return output


def test_a_model_that_does_not_come_apart_is_run_whole():
    model = _Meddling(tiny("Llama").config).double().eval()
    with pytest.warns(FallbackNotice, match="run apart give other logits.*several times as long"):
        ours = from_object(model, byte_tokenizer())
    np.testing.assert_allclose(ours.logprobs(asked(*LINES)), plain_logprobs(model, *LINES), rtol=0, atol=1e-9)
    chunks = [chunk.copy() for chunk in ours.distributions(asked(*LINES))]
    np.testing.assert_allclose(np.concatenate(chunks), plain_logprob_NV(model, *LINES), rtol=0, atol=1e-9)


class _Crosswise(LlamaForCausalLM):
    """Lets rows of a batch see one another."""

    def forward(self, input_ids, **options):
        output = super().forward(input_ids=input_ids, **options)
        return output

    def __init__(self, config):
        super().__init__(config)
        self.model.norm.register_forward_hook(lambda _, __, states: states + states.mean(0, keepdim=True))


def test_a_model_whose_rows_disturb_one_another_is_run_a_row_at_a_time():
    model = _Crosswise(tiny("Llama").config).double().eval()
    with pytest.warns(FallbackNotice):
        ours = from_object(model, byte_tokenizer())
    np.testing.assert_allclose(ours.logprobs(asked(*LINES)), plain_logprobs(model, *LINES), rtol=0, atol=1e-9)


class _Int8(torch.nn.Linear):
    """Rounds what it is given to 255 steps a row, as quantised layers do."""

    def forward(self, states):
        step = states.abs().amax(-1, keepdim=True).clamp(min=1e-9) / 127
        return super().forward((states / step).round() * step)


def test_a_quantised_model_is_read_through_its_own_layers():
    model = tiny("Llama", dtype=torch.float32)
    model.config.quantization_config = {"quant_method": "int8"}
    for module in list(model.modules()):
        if type(module) is torch.nn.Linear:
            module.__class__ = _Int8
    with pytest.warns(FallbackNotice, match="its head is a _Int8"):
        ours = from_object(model, byte_tokenizer())
    np.testing.assert_allclose(ours.logprobs(asked(*LINES)), plain_logprobs(model, *LINES), rtol=0, atol=0.05)


def test_the_model_is_not_changed_by_being_taken_apart():
    model = tiny("Granite", logits_scaling=8.0)
    before = copy.deepcopy(model.state_dict()), list(model._modules), vars(model).keys()
    with pytest.warns(FallbackNotice):
        from_object(model, byte_tokenizer()).logprobs(asked(*LINES))
    assert (list(model._modules), vars(model).keys()) == before[1:]
    assert all(torch.equal(tensor, before[0][name]) for name, tensor in model.state_dict().items())


@pytest.mark.parametrize("kind", ["Llama", "GPT2", "Granite"])
@pytest.mark.filterwarnings("ignore::nonplus.errors.FallbackNotice")
def test_texts_that_share_a_row_have_the_figures_that_each_has_alone(kind):
    model = tiny(kind)
    ours = HFModel(model, HFTokenizer(byte_tokenizer()), name="tiny", packing=True, opens=tiny)
    assert ours.packs
    one, two, three, four = rows(7, 20, 11, 30)
    logprob_N = ours.logprobs(asked([one, two, three], [four]))
    np.testing.assert_allclose(logprob_N, plain_logprobs(model, one, two, three, four), rtol=0, atol=1e-9)


def test_a_model_that_cannot_keep_texts_in_a_row_apart_says_so():
    with pytest.warns(FallbackNotice, match="each gets its own row"):
        ours = HFModel(
            tiny("Mamba", state_size=4), HFTokenizer(byte_tokenizer()), name="tiny", packing=True, opens=tiny
        )
    assert not ours.packs


def test_texts_share_rows_on_a_cpu_only_with_packing(data):
    folder = str(data / "models/stories260K")
    assert open_hf(folder, Loading(packing=True)).packs
    ours = open_hf(folder)
    assert not ours.packs
    with pytest.raises(BadInput, match="give each its own row"):
        ours.logprobs(asked(rows(5, 6)))

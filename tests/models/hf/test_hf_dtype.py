"""The dtype beside a figure is the one in which it was computed, whatever torch and the
wrappers of a model are set to.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest

pytest.importorskip("torch", reason="these are models of torch")
pytest.importorskip("transformers", reason="these are models of transformers")

import accelerate
import torch
from accelerate.state import AcceleratorState
from fewer_bits import fewer_bits
from hf_tiny import asked, byte_tokenizer, rows, tiny

from nonplus.errors import FallbackNotice
from nonplus.measure.forward import RunOptions
from nonplus.measure.session import evaluate
from nonplus.models.hf.evaluating import evaluating
from nonplus.models.hf.model import from_object

LINES = rows(30, 17)
TEXT = ["The river rose in the night."]


@contextmanager
def by_default(dtype) -> Iterator[None]:
    torch.set_default_dtype(dtype)
    try:
        yield
    finally:
        torch.set_default_dtype(torch.float32)


AROUND = [
    lambda: torch.autocast("cpu", torch.bfloat16),
    lambda: torch.autocast("cpu", torch.float16),
    lambda: fewer_bits("medium"),
    lambda: fewer_bits("high"),
    lambda: by_default(torch.bfloat16),
    lambda: by_default(torch.float64),
    torch.inference_mode,
    torch.enable_grad,
]


@pytest.fixture
def mixed() -> Iterator[accelerate.Accelerator]:
    AcceleratorState._reset_state(True)
    yield accelerate.Accelerator(mixed_precision="bf16", cpu=True)
    AcceleratorState._reset_state(True)


@pytest.mark.parametrize("around", AROUND)
def test_figures_are_the_same_inside_any_setting_of_torch(around):
    model = tiny("Llama", dtype=torch.float32)
    usual = from_object(model, byte_tokenizer()).logprobs(asked(*LINES))
    with around():
        ours = from_object(model, byte_tokenizer())
        assert np.array_equal(ours.logprobs(asked(*LINES)), usual)
        assert ours.dtype == "float32"


def test_the_settings_of_torch_are_left_as_they_were():
    ours = from_object(tiny("Llama", dtype=torch.float32), byte_tokenizer())
    with fewer_bits("medium"), torch.autocast("cpu", torch.bfloat16):
        next(ours.distributions(asked(*LINES)))
        ours.logprobs(asked(*LINES))
        assert torch.get_float32_matmul_precision() == "medium"
        assert torch.is_autocast_enabled("cpu")


def test_no_product_of_float32_has_fewer_bits_while_a_model_runs():
    products = (
        *(torch.backends.cuda.matmul, torch.backends.cudnn.conv),
        *(torch.backends.mkldnn.matmul, torch.backends.mkldnn.conv),
    )
    before = [each.fp32_precision for each in products]
    assert before[1] == "tf32", "convolutions on a GPU have fewer bits unless torch is told otherwise"
    with evaluating(tiny("Llama")):
        assert [each.fp32_precision for each in products] == ["ieee"] * 4
    assert [each.fp32_precision for each in products] == before


@pytest.mark.parametrize("kind", ["Llama", "Granite"])
@pytest.mark.filterwarnings("ignore:.*its head does more than multiply:nonplus.errors.FallbackNotice")
def test_a_model_that_accelerate_runs_in_bfloat16_has_the_figures_of_its_float32_weights(mixed, kind):
    changes = {"logits_scaling": 8.0} if kind == "Granite" else {}
    usual = from_object(tiny(kind, dtype=torch.float32, **changes), byte_tokenizer())
    model = mixed.prepare(tiny(kind, dtype=torch.float32, **changes))
    ours = from_object(model, byte_tokenizer())
    assert np.array_equal(ours.logprobs(asked(*LINES)), usual.logprobs(asked(*LINES)))
    assert (ours.dtype, ours.identity) == ("float32", usual.identity)
    with torch.no_grad():
        logits = [
            made(torch.from_numpy(LINES[0].input)[None]).logits for made in (model, tiny(kind, **changes).float())
        ]
    assert not torch.allclose(*logits, atol=1e-4), "accelerate itself still runs it in bfloat16"


class _Mixing(torch.nn.Module):
    """A wrapper that turns autocast on by itself."""

    def __init__(self, model: torch.nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, **options):
        with torch.autocast("cpu", torch.bfloat16):
            return self.model(**options)


def test_a_wrapper_that_casts_by_itself_is_labelled_with_the_dtype_of_its_products():
    model = tiny("Llama", dtype=torch.float32)
    with pytest.warns(FallbackNotice, match="other logits than the whole model"):
        casting = from_object(_Mixing(model), byte_tokenizer())
    usual = from_object(model, byte_tokenizer())
    assert (casting.dtype, usual.dtype) == ("bfloat16", "float32")
    assert casting.identity != usual.identity
    assert not np.allclose(casting.logprobs(asked(*LINES)), usual.logprobs(asked(*LINES)), atol=1e-4)


class _AnglesByProduct(torch.nn.Module):
    """Angles of rotary positions as transformers 5.17 computes them: outer products in
    float32.
    """

    def __init__(self, angles: torch.nn.Module) -> None:
        super().__init__()
        self.angles = angles

    def forward(self, x, position_ids):
        angle_BRT = self.angles.inv_freq.float()[None, :, None] @ position_ids[:, None, :].float()
        angle_BTC = torch.cat([angle_BRT, angle_BRT], 1).transpose(1, 2)
        return angle_BTC.cos().to(x.dtype), angle_BTC.sin().to(x.dtype)


def test_a_model_whose_rotary_angles_are_made_in_float32_is_labelled_with_the_dtype_of_its_weights():
    model = tiny("Llama", dtype=torch.float64)
    usual = from_object(model, byte_tokenizer()).logprobs(asked(*LINES))
    model.model.rotary_emb = _AnglesByProduct(model.model.rotary_emb)
    ours = from_object(model, byte_tokenizer())
    np.testing.assert_allclose(ours.logprobs(asked(*LINES)), usual, rtol=0, atol=1e-6)
    assert ours.dtype == "float64"


def test_a_resumed_run_never_returns_the_answers_of_another_dtype(tmp_path):
    model = tiny("Llama", dtype=torch.float32)
    with pytest.warns(FallbackNotice):
        casting = from_object(_Mixing(model), byte_tokenizer())
    options = RunOptions(resume=tmp_path)
    with torch.autocast("cpu", torch.bfloat16):
        inside = evaluate(TEXT, model=from_object(model, byte_tokenizer()), options=options)
    cast = evaluate(TEXT, model=casting, options=options)
    resumed = evaluate(TEXT, model=from_object(model, byte_tokenizer()), options=options)
    fresh = evaluate(TEXT, model=from_object(model, byte_tokenizer()))
    assert inside.nats == resumed.nats == fresh.nats != cast.nats
    assert (cast.dtype, resumed.dtype) == ("bfloat16", "float32")


def test_a_model_that_is_cast_after_it_was_wrapped_is_labelled_with_what_it_is_now():
    model = tiny("Llama", dtype=torch.float32)
    ours = from_object(model, byte_tokenizer())
    before = ours.identity
    model.to(torch.bfloat16)
    assert ours.dtype == "bfloat16"
    assert ours.identity != before

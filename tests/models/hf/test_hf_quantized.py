"""Quantised models: figures are those of the quantised weights, whatever shares the
batch, and their identity includes the scales.
"""

import copy
import json

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")
pytestmark = pytest.mark.slow

from hf_tiny import asked, byte_tokenizer, plain_logprobs, rows, tiny  # noqa: E402

from nonplus.errors import BadModel, FallbackNotice, MissingExtra  # noqa: E402
from nonplus.models.hf import quantization  # noqa: E402
from nonplus.models.hf.model import from_object, open_hf  # noqa: E402
from nonplus.models.loading import Loading  # noqa: E402

LINES = rows(30, 17, 9)
SIZES = {"hidden_size": 64, "intermediate_size": 128, "num_key_value_heads": 4, "head_dim": 16}
EIGHTS = "let all tokens of a pass change each other, later ones too; it is run one row at a time"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models") / "tiny"
    tiny(dtype=torch.float32, **SIZES).save_pretrained(folder)
    byte_tokenizer(bos_token="<s>").save_pretrained(folder)
    return str(folder)


def opened(folder, way, **options):
    """The model quantised in that way while it is loaded."""
    pytest.importorskip("torchao" if way == "torchao-int8" else "bitsandbytes")
    loading = Loading(quantization=way, device="cpu", **options)
    if way != "8bit":
        return open_hf(folder, loading)
    with pytest.warns(FallbackNotice, match=EIGHTS):
        return open_hf(folder, loading)


def dense(folder, quantised, weight_of):
    """The plain model with the weights for which those of ``quantised`` stand."""
    plain = tiny(dtype=torch.float64, **SIZES)
    for name, module in plain.model.named_modules():
        if isinstance(module, torch.nn.Linear):
            module.weight.data = weight_of(quantised.model.get_submodule(name)).double()
    return plain


def of_nf4(layer):
    import bitsandbytes

    return bitsandbytes.functional.dequantize_4bit(layer.weight.data, layer.weight.quant_state)


def of_torchao(layer):
    return layer.weight.dequantize()


# ------------------------------------------------------------------------------ figures


@pytest.mark.parametrize(("way", "weight_of"), [("4bit", of_nf4), ("torchao-int8", of_torchao)])
def test_figures_are_those_of_the_dequantised_weights_in_float64(folder, way, weight_of):
    ours = opened(folder, way, dtype="float32")
    expected = plain_logprobs(dense(folder, ours._model, weight_of), *LINES)
    np.testing.assert_allclose(ours.logprobs(asked(*LINES)), expected, atol=1e-3)


def test_figures_of_eight_bits_are_those_of_the_model_itself_a_row_at_a_time(folder):
    ours = opened(folder, "8bit")
    np.testing.assert_allclose(ours.logprobs(asked(*LINES)), plain_logprobs(ours._model, *LINES), atol=1e-5)


@pytest.mark.parametrize("way", ["8bit", "4bit", "torchao-int8"])
def test_a_quantised_row_has_one_figure_whatever_the_batch_and_the_order(folder, way):
    ours = opened(folder, way, dtype="float32")
    alone = np.concatenate([ours.logprobs(asked(line)) for line in LINES])
    np.testing.assert_allclose(ours.logprobs(asked(*LINES)), alone, atol=1e-4)
    backwards = np.concatenate([ours.logprobs(asked(line)) for line in LINES[::-1]])
    np.testing.assert_allclose(ours.logprobs(asked(*LINES[::-1])), backwards, atol=1e-4)


@pytest.mark.parametrize(
    ("way", "options", "name", "dtype"),
    [
        ("8bit", {}, "int8 by bitsandbytes", "float16"),
        ("4bit", {}, "nf4 by bitsandbytes", "bfloat16"),
        ("4bit", {"dtype": "float32"}, "nf4 by bitsandbytes", "float32"),
        ("torchao-int8", {}, "Int8WeightOnly by torchao", "float32"),
    ],
)
def test_the_name_says_how_weights_are_quantised_and_the_dtype_what_they_are_multiplied_in(
    folder, way, options, name, dtype
):
    ours = opened(folder, way, **options)
    assert (ours.name, ours.dtype) == (f"{folder}, {name}", dtype)


@pytest.mark.parametrize("way", ["8bit", "4bit", "torchao-int8"])
def test_loading_and_scoring_quantised_models_print_nothing(folder, way, capfd):
    pytest.importorskip("torchao" if way == "torchao-int8" else "bitsandbytes")
    capfd.readouterr()
    opened(folder, way).logprobs(asked(*LINES))
    assert capfd.readouterr() == ("", "")


# ------------------------------------------------------------------- identity and state


def scale_of_eight_bits(layer):
    return layer.state.SCB


def scale_of_nf4(layer):
    return layer.weight.quant_state.absmax


def scale_of_torchao(layer):
    return layer.weight.scale


@pytest.mark.parametrize(
    ("way", "scale_of"), [("8bit", scale_of_eight_bits), ("4bit", scale_of_nf4), ("torchao-int8", scale_of_torchao)]
)
def test_one_changed_scale_changes_the_identity_and_the_figures(folder, way, scale_of):
    ours = opened(folder, way, dtype="float32")
    before, figures = ours.identity, ours.logprobs(asked(*LINES))
    assert opened(folder, way, dtype="float32").identity == before
    with torch.no_grad():
        scale_of(ours._model.model.layers[0].mlp.up_proj)[0] *= 3
    assert ours.identity != before
    assert abs(ours.logprobs(asked(*LINES)) - figures).max() > 1e-4


@pytest.mark.parametrize("way", ["8bit", "4bit", "torchao-int8"])
def test_neither_scoring_nor_the_identity_changes_a_quantised_model(folder, way):
    ours = opened(folder, way, dtype="float32")
    before, figures = ours.identity, ours.logprobs(asked(*LINES))
    assert ours.identity == before
    np.testing.assert_array_equal(ours.logprobs(asked(*LINES)), figures)


def test_a_model_of_four_bits_goes_on_learning_and_is_saved_whole_after_it_was_scored(folder):
    bitsandbytes = pytest.importorskip("bitsandbytes")
    peft = pytest.importorskip("peft")
    model = opened(folder, "4bit", dtype="float32")._model
    learning = peft.get_peft_model(model, peft.LoraConfig(r=2, target_modules=["q_proj"], init_lora_weights=False))
    learning.train()
    layers = [each for each in model.modules() if isinstance(each, bitsandbytes.nn.Linear4bit)]
    kept = [copy.deepcopy(layer.weight.quant_state.absmax) for layer in layers]
    from_object(learning, byte_tokenizer()).logprobs(asked(*LINES))
    learning(torch.from_numpy(LINES[0].input)[None]).logits.square().mean().backward()
    assert all(each.grad.abs().sum() > 0 for name, each in learning.named_parameters() if "lora_" in name)
    assert all(torch.equal(layer.weight.quant_state.absmax, each) for layer, each in zip(layers, kept, strict=True))
    assert all(module.training for module in learning.modules())


# --------------------------------------------------------------------- stored quantised


def compressed(folder, target):
    """Weights in eight bits with a scale for each row, as compressed-tensors stores
    them.
    """
    pytest.importorskip("compressed_tensors")
    from compressed_tensors.compressors import ModelCompressor
    from compressed_tensors.quantization import (
        QuantizationArgs,
        QuantizationConfig,
        QuantizationScheme,
        apply_quantization_config,
    )

    model = tiny(dtype=torch.float32, **SIZES)
    weights = QuantizationArgs(num_bits=8, type="int", symmetric=True, strategy="channel")
    settings = QuantizationConfig(
        config_groups={"all": QuantizationScheme(targets=["Linear"], weights=weights)},
        ignore=["lm_head"],
        format="pack-quantized",
        quantization_status="frozen",
    )
    apply_quantization_config(model, settings)
    rounded = tiny(dtype=torch.float64, **SIZES)
    for name, module in model.model.named_modules():
        if isinstance(module, torch.nn.Linear):
            module.weight_scale.data = module.weight.abs().amax(1, keepdim=True) / 127
            steps = (module.weight / module.weight_scale).round()
            rounded.model.get_submodule(name).weight.data = (steps * module.weight_scale).double()
    compressor = ModelCompressor(quantization_config=settings)
    compressor.compress_model(model)
    model.save_pretrained(target)
    compressor.update_config(target)
    byte_tokenizer(bos_token="<s>").save_pretrained(target)
    return rounded


def test_weights_stored_by_compressed_tensors_have_the_figures_of_what_they_stand_for(folder, tmp_path, capfd):
    rounded = compressed(folder, tmp_path / "packed")
    capfd.readouterr()
    ours = open_hf(str(tmp_path / "packed"))
    before = ours.identity
    np.testing.assert_allclose(ours.logprobs(asked(*LINES)), plain_logprobs(rounded, *LINES), atol=1e-3)
    assert ours.name.endswith("packed, pack-quantized by compressed-tensors")
    assert ours.identity == before
    assert capfd.readouterr() == ("", "")
    with torch.no_grad():
        ours._model.model.layers[0].mlp.up_proj.weight_scale[0] *= 3
    assert ours.identity != before


@pytest.mark.parametrize("way", ["8bit", "4bit"])
def test_weights_stored_by_bitsandbytes_need_no_option(folder, tmp_path, way):
    pytest.importorskip("bitsandbytes")
    from transformers import AutoModelForCausalLM

    settings = quantization.while_loading(way, dtype=torch.float32)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, **settings)
    model.save_pretrained(tmp_path / "stored")  # before a forward pass: see bitsandbytes_layers
    byte_tokenizer(bos_token="<s>").save_pretrained(tmp_path / "stored")
    loaded = opened(folder, way, dtype="float32")
    if way == "8bit":
        with pytest.warns(FallbackNotice, match=EIGHTS):
            stored = open_hf(str(tmp_path / "stored"), Loading(dtype="float32"))
    else:
        stored = open_hf(str(tmp_path / "stored"), Loading(dtype="float32"))
    np.testing.assert_allclose(stored.logprobs(asked(*LINES)), loaded.logprobs(asked(*LINES)), atol=1e-4)


def test_an_adapter_has_the_same_figures_merged_and_unmerged():
    peft = pytest.importorskip("peft")
    model = peft.get_peft_model(tiny(), peft.LoraConfig(r=2, init_lora_weights=False)).eval()
    unmerged = from_object(model, byte_tokenizer()).logprobs(asked(*LINES))
    merged = from_object(model.merge_and_unload(), byte_tokenizer()).logprobs(asked(*LINES))
    np.testing.assert_allclose(unmerged, merged, atol=1e-9)
    assert abs(merged - from_object(tiny(), byte_tokenizer()).logprobs(asked(*LINES))).max() > 0.1


# ---------------------------------------------------------------------- what is refused


def stored_as(folder, **settings):
    """``folder`` with these settings of quantisation in its configuration."""
    path = folder / "config.json"
    config = tiny(dtype=torch.float32, **SIZES).config.to_dict()
    folder.mkdir()
    path.write_text(json.dumps({**config, "quantization_config": settings}), encoding="utf-8")
    return str(folder)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"quant_method": "gptq", "bits": 4},
            r"a model stored quantised \(4 bits by gptq\) needs gptqmodel and optimum.*: "
            "pip install gptqmodel optimum$",
        ),
        ({"quant_method": "awq", "bits": 4}, r"\(4 bits by awq\) needs gptqmodel.*: pip install gptqmodel$"),
        (
            {"quant_method": "compressed-tensors", "format": "pack-quantized"},
            r"needs compressed_tensors, not installed here: pip install 'nonplus\[quantized\]'$",
        ),
        (
            {"quant_method": "torchao", "quant_type": {"default": {"_type": "Int8WeightOnlyConfig"}}},
            r"\(Int8WeightOnly by torchao\) needs torchao, not installed here: pip install torchao$",
        ),
        (
            {"quant_method": "bitsandbytes", "load_in_8bit": True},
            r"\(int8 by bitsandbytes\) needs bitsandbytes, .*: pip install 'nonplus\[quantized\]'$",
        ),
    ],
)
def test_what_a_stored_model_needs_is_said_before_it_is_loaded(tmp_path, monkeypatch, settings, message):
    monkeypatch.setattr(quantization, "find_spec", lambda package: None)
    with pytest.raises(MissingExtra, match=message):
        open_hf(stored_as(tmp_path / "stored", **settings))


def test_weights_that_are_quantised_already_are_not_quantised_again(tmp_path):
    folder = stored_as(tmp_path / "stored", quant_method="gptq", bits=4)
    with pytest.raises(BadModel, match=r"quantization='8bit' is for weights that are stored in full.*4 bits by gptq"):
        open_hf(folder, Loading(quantization="8bit"))

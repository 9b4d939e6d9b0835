"""Loading models: all of their weights, in the dtype and on the device asked for, with
adapters, without output.
"""

import json
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="these are models of torch")
pytest.importorskip("transformers", reason="these are models of transformers")
pytest.importorskip("peft", reason="adapters need it")

import accelerate
import peft
import torch
from hf_tiny import asked, byte_tokenizer, plain_logprobs, rows, tiny
from safetensors.torch import load_file, save_file
from transformers.utils import logging

from nonplus.errors import BadModel, FallbackNotice, MissingExtra
from nonplus.models.hf.model import from_object, open_hf
from nonplus.models.loading import Loading

LINES = rows(30, 17)


def saved(folder, model, tokenizer=None):
    model.save_pretrained(folder)
    (tokenizer or byte_tokenizer(bos_token="<s>")).save_pretrained(folder)
    return str(folder)


@pytest.fixture
def folder(tmp_path):
    return saved(tmp_path / "tiny", tiny("Llama", dtype=torch.float32))


def lora(model, *, seed=1, **options):
    """``model`` with an adapter that does something."""
    adapted = peft.get_peft_model(model, peft.LoraConfig(r=2, task_type="CAUSAL_LM", **options))
    torch.manual_seed(seed)
    with torch.no_grad():
        for name, weight in adapted.named_parameters():
            if "lora_B" in name:
                weight.normal_()
    return adapted.eval()


# ----------------------------------------------------------------------- what is opened


def test_a_folder_is_opened_with_the_figures_of_what_was_saved(folder):
    ours = open_hf(folder)
    np.testing.assert_allclose(ours.logprobs(asked(*LINES)), plain_logprobs(tiny("Llama"), *LINES), atol=1e-4)
    assert (ours.name, ours.dtype, ours.special.bos) == (folder, "float32", 256)


@pytest.mark.parametrize(
    ("stored", "asked_for", "runs"),
    [
        (torch.float32, "auto", "float32"),
        (torch.bfloat16, "auto", "bfloat16"),
        (torch.float16, "auto", "float32"),
        (torch.float16, "float16", "float16"),
        (torch.float32, "bfloat16", "bfloat16"),
        (torch.bfloat16, "float64", "float64"),
    ],
)
def test_the_dtype_is_as_stored_or_as_asked_except_for_float16_on_a_cpu(tmp_path, stored, asked_for, runs):
    folder = saved(tmp_path, tiny("Llama", dtype=stored))
    ours = open_hf(folder, Loading(dtype=asked_for, device="cpu"))
    assert ours.dtype == runs
    rounded = tiny("Llama")
    with torch.no_grad():
        for weight in rounded.parameters():
            weight.copy_(weight.to(stored))
    exact = plain_logprobs(rounded, *LINES)
    assert np.abs(ours.logprobs(asked(*LINES)) - exact).mean() < {"float16": 0.05, "bfloat16": 0.3}.get(runs, 1e-4)


def test_a_model_spread_over_devices_has_the_same_figures_and_identity(folder):
    ours, spread = open_hf(folder), open_hf(folder, Loading(device_map="auto"))
    assert np.array_equal(spread.logprobs(asked(*LINES)), ours.logprobs(asked(*LINES)))
    assert spread.identity == ours.identity


@pytest.mark.parametrize("tied", [True, False])
def test_a_model_whose_weights_wait_elsewhere_has_the_same_figures_and_identity(tied):
    ours = from_object(tiny("Llama", tie_word_embeddings=tied), byte_tokenizer())
    model = accelerate.cpu_offload(tiny("Llama", tie_word_embeddings=tied))
    with pytest.warns(FallbackNotice, match="its head is not in memory"):
        waiting = from_object(model, byte_tokenizer())
    np.testing.assert_allclose(waiting.logprobs(asked(*LINES)), ours.logprobs(asked(*LINES)), atol=1e-9)
    assert waiting.identity == ours.identity


# ----------------------------------------------------------------------------- adapters


def test_an_adapter_is_read_from_its_folder(folder, tmp_path):
    adapted = lora(tiny("Llama", dtype=torch.float32))
    adapted.save_pretrained(tmp_path / "adapter")
    ours = open_hf(folder, Loading(adapter=str(tmp_path / "adapter")))
    np.testing.assert_allclose(ours.logprobs(asked(*LINES)), plain_logprobs(adapted, *LINES), atol=1e-4)
    assert np.abs(ours.logprobs(asked(*LINES)) - open_hf(folder).logprobs(asked(*LINES))).max() > 0.1
    assert ours.identity != open_hf(folder).identity
    assert ours.name == f"{folder}+{tmp_path / 'adapter'}"


def test_an_object_with_an_adapter_is_read_with_it():
    adapted = lora(tiny("Llama"))
    ours = from_object(adapted, byte_tokenizer())
    np.testing.assert_allclose(ours.logprobs(asked(*LINES)), plain_logprobs(adapted, *LINES), atol=1e-9)
    assert ours.identity != from_object(lora(tiny("Llama"), seed=2), byte_tokenizer()).identity


def test_an_adapter_on_the_head_is_not_left_out():
    adapted = lora(tiny("Llama"), target_modules=["q_proj", "lm_head"])
    with pytest.warns(FallbackNotice, match="not a plain linear layer"):
        ours = from_object(adapted, byte_tokenizer())
    np.testing.assert_allclose(ours.logprobs(asked(*LINES)), plain_logprobs(adapted, *LINES), atol=1e-9)


@pytest.mark.parametrize("kind", [peft.PromptTuningConfig, peft.PrefixTuningConfig])
def test_learned_prompts_go_before_each_text(kind):
    torch.manual_seed(0)
    adapted = peft.get_peft_model(tiny("Llama"), kind(task_type="CAUSAL_LM", num_virtual_tokens=3)).double().eval()
    with pytest.warns(FallbackNotice, match="the whole model is run one row at a time"):
        ours = from_object(adapted, byte_tokenizer())
    logprob_N = ours.logprobs(asked(*LINES))
    np.testing.assert_allclose(logprob_N, plain_logprobs(adapted, *LINES), atol=1e-9)
    assert np.abs(logprob_N - plain_logprobs(tiny("Llama"), *LINES)).max() > 1e-3


def test_an_adapter_that_does_not_fit_is_refused(folder, tmp_path):
    lora(tiny("Llama", dtype=torch.float32)).save_pretrained(tmp_path / "adapter")
    file = tmp_path / "adapter" / "adapter_model.safetensors"
    weights = load_file(file)
    save_file({name.replace("layers.0", "layers.7"): weight for name, weight in weights.items()}, file)
    with pytest.raises(BadModel, match=r"the adapter .* cannot be opened: .*save_pretrained wrote"):
        open_hf(folder, Loading(adapter=str(tmp_path / "adapter")))


def test_a_folder_without_an_adapter_is_refused(folder):
    with pytest.raises(BadModel, match=r"the adapter .* cannot be opened"):
        open_hf(folder, Loading(adapter=folder), here=True)


def test_an_adapter_without_peft_names_the_extra(folder, monkeypatch):
    monkeypatch.setitem(sys.modules, "peft", None)
    with pytest.raises(MissingExtra, match=r"pip install 'nonplus\[peft\]'"):
        open_hf(folder, Loading(adapter="somewhere"))


# ---------------------------------------------------------------------- what is refused


def test_a_name_that_is_nowhere_is_refused():
    with pytest.raises(BadModel, match="'nobody/nothing' cannot be opened"):
        open_hf("nobody/nothing")
    with pytest.raises(BadModel, match="'/nowhere/at all' cannot be opened"):
        open_hf("/nowhere/at all")


def test_a_model_without_a_tokenizer_is_refused(tmp_path):
    tiny("Llama").save_pretrained(tmp_path)
    with pytest.raises(BadModel, match=r"the tokenizer of .* cannot be opened.*tokenizer\.save_pretrained"):
        open_hf(str(tmp_path))


def test_missing_weights_are_not_invented(folder):
    file = f"{folder}/model.safetensors"
    weights = load_file(file)
    del weights["lm_head.weight"]
    save_file(weights, file, {"format": "pt"})
    with pytest.raises(BadModel, match=r"1 weights of LlamaForCausalLM .*lm_head\.weight first"):
        open_hf(folder)


def test_weights_of_another_shape_are_refused(folder):
    config = Path(folder, "config.json")
    config.write_text(json.dumps(json.loads(config.read_text()) | {"vocab_size": 310}))
    with pytest.raises(BadModel, match=r"2 weights .*have another shape, lm_head\.weight first"):
        open_hf(folder)


def test_a_file_that_is_cut_off_is_refused(folder):
    with open(f"{folder}/model.safetensors", "r+b") as file:
        file.truncate(1000)
    with pytest.raises(BadModel, match="cannot be opened"):
        open_hf(folder)


class _RunsCode:
    def __reduce__(self):
        return (print, ("code of a stranger",))


@pytest.mark.parametrize("spoilt", ["code", "damaged", "empty"])
def test_pickled_weights_that_torch_refuses_are_to_be_converted_and_never_loaded_without_its_check(
    folder, capfd, spoilt
):
    Path(folder, "model.safetensors").unlink()
    weights = {**tiny("Llama", dtype=torch.float32).state_dict(), "more": _RunsCode()}
    file = Path(folder, "pytorch_model.bin")
    torch.save(weights, file)
    file.write_bytes({"code": file.read_bytes(), "damaged": b"junk" * 100, "empty": b""}[spoilt])
    with pytest.raises(BadModel, match=r"weights are pickled \(\.bin\).*take them as safetensors") as refusal:
        open_hf(folder)
    assert "weights_only" not in str(refusal.value)
    assert "\n" not in str(refusal.value)
    assert capfd.readouterr() == ("", "")


def test_pickled_weights_of_tensors_alone_are_opened(folder):
    Path(folder, "model.safetensors").unlink()
    torch.save(tiny("Llama", dtype=torch.float32).state_dict(), Path(folder, "pytorch_model.bin"))
    np.testing.assert_allclose(
        open_hf(folder).logprobs(asked(*LINES)), plain_logprobs(tiny("Llama"), *LINES), atol=1e-4
    )


def test_a_missing_shard_is_named(folder):
    tiny("Llama", dtype=torch.float32).save_pretrained(folder, max_shard_size="30KB")
    Path(folder, "model.safetensors").unlink(missing_ok=True)
    sorted(Path(folder).glob("model-*"))[1].unlink()
    with pytest.raises(BadModel, match=r"model-00002-of-\d+\.safetensors is missing.*all of its files"):
        open_hf(folder)


def test_code_that_comes_with_a_model_has_to_be_allowed(folder):
    config = Path(folder, "config.json")
    own = {"model_type": "own", "auto_map": {"AutoConfig": "own.C", "AutoModelForCausalLM": "own.M"}}
    config.write_text(json.dumps(json.loads(config.read_text()) | own))
    with pytest.raises(BadModel, match=r"code of its own; .* with trust_remote_code=True"):
        open_hf(folder)


def test_quantisation_without_bitsandbytes_says_what_to_install(folder, monkeypatch):
    monkeypatch.setitem(sys.modules, "bitsandbytes", None)
    with pytest.raises(
        MissingExtra, match=r"quantization=8bit needs bitsandbytes.*: pip install 'nonplus\[quantized\]'$"
    ):
        open_hf(folder, Loading(quantization="8bit"))


def test_cuda_without_a_driver_is_refused_with_the_reason(folder, monkeypatch):
    monkeypatch.setattr(torch.version, "cuda", "13.0")
    if torch.cuda.is_available():
        pytest.skip("there is a driver")
    with pytest.raises(BadModel, match=r"because there is no driver of NVIDIA, or no GPU; use device=cpu"):
        open_hf(folder, Loading(device="cuda"))
    with pytest.raises(BadModel, match=r"device_map=cuda is neither a way to spread a model nor a device"):
        open_hf(folder, Loading(device_map="cuda"))


def test_an_adapter_is_refused_with_the_option_that_takes_it(tmp_path, folder):
    lora(tiny()).save_pretrained(tmp_path / "lora")
    with pytest.raises(BadModel, match=r"has no config.json .*; if it is an adapter, .* with adapter='.*lora', else"):
        open_hf(str(tmp_path / "lora"))  # as of the hub, where no folder is looked into before


def test_a_model_of_another_kind_is_refused(tmp_path, folder):
    shutil.copytree(folder, tmp_path / "t5")
    (tmp_path / "t5" / "config.json").write_text('{"model_type": "t5", "vocab_size": 300}')
    with pytest.raises(BadModel, match=r"t5' is an encoder-decoder model \(t5\), and hf: opens causal .* seq2seq:.*t5"):
        open_hf(str(tmp_path / "t5"))
    (tmp_path / "t5" / "config.json").write_text('{"model_type": "vit"}')
    with pytest.raises(BadModel, match="'vit', of which this transformers has no such model; open a causal model with"):
        open_hf(str(tmp_path / "t5"))


@pytest.mark.parametrize(
    ("loading", "message"),
    [
        (Loading(dtype="int7"), "dtype='int7' is not one of float64, float32, bfloat16, float16 or auto"),
        (Loading(quantization="3bit"), "quantization='3bit' is not one of 8bit, 4bit, torchao-int8"),
        (Loading(revision="main"), "revision='main' is that of a model on the hub, and .* is a folder"),
        (Loading(device="gpu"), "device='gpu' is not one that torch finds here; use device=cpu, or device=auto"),
        (Loading(device="cuda:99"), "device='cuda:99' is not one that torch finds here"),
    ],
)
def test_an_invalid_way_of_loading_is_refused(folder, loading, message):
    with pytest.raises(BadModel, match=message):
        open_hf(folder, loading)


# ---------------------------------------------------------------- identity, and silence


def test_the_same_weights_have_the_same_identity_wherever_they_lie(folder, tmp_path):
    shutil.copytree(folder, tmp_path / "elsewhere")
    assert open_hf(folder).identity == open_hf(str(tmp_path / "elsewhere")).identity


@pytest.mark.parametrize(
    "weight", ["model.embed_tokens.weight", "model.layers.1.mlp.down_proj.weight", "lm_head.weight"]
)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_any_bit_of_any_weight_changes_the_identity(weight, dtype):
    model = tiny("Llama", dtype=dtype)
    ours = from_object(model, byte_tokenizer())
    before = ours.identity
    bits = model.get_parameter(weight).data.flatten().view(torch.uint8)
    seen = {before}
    for place in (0, 1, len(bits) // 2, len(bits) - 1):
        bits[place] ^= 1
        seen.add(ours.identity)
        bits[place] ^= 1
    assert len(seen) == 5
    assert ours.identity == before


def test_weights_that_change_places_change_the_identity():
    model = tiny("Llama")
    ours = from_object(model, byte_tokenizer())
    before = ours.identity
    weight = model.lm_head.weight.data
    weight[[0, 1]] = weight[[1, 0]]
    assert ours.identity != before


@pytest.mark.parametrize(
    "change", [{"rms_norm_eps": 1e-3}, {"rope_parameters": {"rope_type": "default", "rope_theta": 9.0}}]
)
def test_the_configuration_counts_as_much_as_the_weights(change):
    one, other = (from_object(tiny("Llama", **changes), byte_tokenizer()) for changes in ({}, change))
    assert one.identity != other.identity


def test_the_verbosity_of_transformers_is_left_as_it_was(folder):
    logging.enable_progress_bar()
    logging.set_verbosity_info()
    try:
        open_hf(folder)
        assert logging.is_progress_bar_enabled()
        assert logging.get_verbosity() == logging.INFO
    finally:
        logging.set_verbosity_warning()

"""Parity with llama.cpp for each architecture that is opened: small random models have
its figures, and those of transformers in float64.
"""

import numpy as np
import pytest

pytest.importorskip("torch", reason="files are opened by transformers")
pytest.importorskip("transformers", reason="files are opened by transformers")
pytest.importorskip("gguf", reason="files are written with it")

import gguf
import torch
import transformers
from tokenizers.pre_tokenizers import ByteLevel

import nonplus
from nonplus.errors import BadModel
from nonplus.measure.batches import Row, batch

pytestmark = pytest.mark.slow

SIZES = {
    "vocab_size": 260,
    "hidden_size": 64,
    "intermediate_size": 96,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 16,
    "max_position_embeddings": 128,
    "initializer_range": 0.3,
    "tie_word_embeddings": False,
    "pad_token_id": 0,
}
KINDS = {
    "qwen2": ("Qwen2", {}),
    "qwen3": ("Qwen3", {}),
    "gemma2": ("Gemma2", {"tie_word_embeddings": True, "query_pre_attn_scalar": 16, "sliding_window": 6}),
}
IDS = [3, 77, 200, 5, 9, 130, 44, 18, 250, 61]


def made(architecture):
    """A random model, its norms and biases too, in float64."""
    kind, changes = KINDS[architecture]
    torch.manual_seed(0)
    config = getattr(transformers, f"{kind}Config")(**SIZES | changes)
    model = transformers.AutoModelForCausalLM.from_config(config).double().eval()
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if weight.ndim == 1:
                weight.copy_(torch.randn_like(weight) * 0.3 + ("norm" in name and architecture != "gemma2"))
    return model.float().double()  # what float32 holds


def written(file, architecture, model, *, more=()):
    config, writer = model.config, gguf.GGUFWriter(file, architecture)
    writer.add_context_length(128)
    writer.add_embedding_length(64)
    writer.add_block_count(2)
    writer.add_feed_forward_length(96)
    writer.add_head_count(4)
    writer.add_head_count_kv(2)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_rope_freq_base(config.rope_parameters["rope_theta"])
    if architecture != "qwen2":
        writer.add_key_length(16)
        writer.add_value_length(16)
    if architecture == "gemma2":
        writer.add_attn_logit_softcapping(config.attn_logit_softcapping)
        writer.add_final_logit_softcapping(config.final_logit_softcapping)
        writer.add_sliding_window(config.sliding_window)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("qwen2")
    writer.add_token_list([*sorted(ByteLevel.alphabet()), "ab", "<a>", "<b>", "<c>"])
    writer.add_token_types([gguf.TokenType.NORMAL] * 257 + [gguf.TokenType.CONTROL] * 3)
    writer.add_token_merges(["a b"])
    writer.add_bos_token_id(257)
    writer.add_eos_token_id(258)
    (number,) = (number for number, name in gguf.MODEL_ARCH_NAMES.items() if name == architecture)
    names = gguf.get_tensor_name_map(number, 2)
    for name, weight in model.state_dict().items():
        module, _, part = name.rpartition(".")
        if name != "lm_head.weight" or not config.tie_word_embeddings:
            offset = architecture == "gemma2" and "norm" in name  # Gemma's norms are kept less 1
            writer.add_tensor(f"{names.get_name(module)}.{part}", (weight.float() + offset).numpy())
    for name, tensor in dict(more).items():
        writer.add_tensor(name, tensor)
    for write_part in (writer.write_header_to_file, writer.write_kv_data_to_file, writer.write_tensors_to_file):
        write_part()
    writer.close()
    return file


@pytest.fixture(params=KINDS)
def pair(request, tmp_path):
    """A file, and ln P of each next token by the model that it was made from."""
    model = made(request.param)
    with torch.no_grad():
        logits = model(torch.tensor([IDS])).logits[0]
    return written(tmp_path / "m.gguf", request.param, model), logits.log_softmax(1).numpy()


# Gemma caps its logits after the product with its head, and the notice says so.
@pytest.mark.filterwarnings("ignore::nonplus.errors.FallbackNotice")
def test_a_file_has_the_figures_of_the_model_that_it_was_made_from(pair):
    file, logprob_TV = pair
    ours = nonplus.open_model(str(file))
    row = Row(np.array(IDS[:-1]), np.array(IDS[1:]))
    expected = logprob_TV[np.arange(len(IDS) - 1), IDS[1:]]
    np.testing.assert_allclose(ours.logprobs(batch([[row]])), expected, atol=1e-4)


def test_frequencies_that_llama_cpp_divides_in_a_llama_only_are_refused_in_others(tmp_path):
    more = {"rope_freqs.weight": np.ones(8, np.float32)}
    file = written(tmp_path / "m.gguf", "qwen2", made("qwen2"), more=more)
    with pytest.raises(
        BadModel, match="by 8 numbers of F32 in a qwen2, and here that is known for 8 of F32 in a llama"
    ):
        nonplus.open_model(str(file))


@pytest.mark.peers
def test_llama_cpp_has_them_too(pair):
    llama_cpp = pytest.importorskip("llama_cpp", reason="it needs xllamacpp")
    file, logprob_TV = pair
    with llama_cpp.opened(file) as server:
        for fed in (1, 4, len(IDS)):
            theirs = llama_cpp.next_token(server, IDS[:fed], vocabulary=SIZES["vocab_size"])
            assert np.abs(np.exp(theirs) - np.exp(logprob_TV[fed - 1])).sum() / 2 < 0.005

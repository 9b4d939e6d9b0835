"""GGUF files, written with the package gguf from Llamas in the layout of transformers;
and what they compute, slowly and obviously.

Letters in shapes: T tokens, H hidden, N heads, D dimensions of a head, V vocabulary.
"""

import json
from pathlib import Path

import gguf
import numpy as np
from gguf import GGMLQuantizationType, TokenType
from safetensors.numpy import load_file

# llama.cpp's names of the tensors of a Llama (gguf-py, tensor_mapping.py).
_OUTSIDE = {"model.embed_tokens.weight": "token_embd.weight", "model.norm.weight": "output_norm.weight"}
_INSIDE = {
    "input_layernorm": "attn_norm",
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "post_attention_layernorm": "ffn_norm",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
}
_KINDS = {"<unk>": TokenType.UNKNOWN, "<s>": TokenType.CONTROL, "</s>": TokenType.CONTROL}


def tensors(folder):
    """The tensors of a Llama as llama.cpp names them, and orders rotated rows."""
    config = json.loads(Path(folder, "config.json").read_text())
    heads = {"attn_q": config["num_attention_heads"], "attn_k": config["num_key_value_heads"]}
    found = {}
    for full, weight in load_file(f"{folder}/model.safetensors").items():
        if full in _OUTSIDE:
            found[_OUTSIDE[full]] = weight
        elif full.startswith("model.layers."):
            number, name = full.removeprefix("model.layers.").removesuffix(".weight").split(".", 1)
            name = _INSIDE[name]
            found[f"blk.{number}.{name}.weight"] = _interleaved(weight, heads[name]) if name in heads else weight
    return found


def _interleaved(weight, heads):
    """Halves of each head, row by row in turn: llama.cpp rotates neighbours."""
    first, second = np.split(weight.reshape(heads, -1, weight.shape[-1]), 2, axis=1)
    return np.ascontiguousarray(np.stack([first, second], axis=2).reshape(weight.shape))


def write(file, folder, kind="F32", *, metadata=(), more=()):
    """The Llama in ``folder`` as a file: its matrices of ``kind`` where blocks fit, all
    else of F32.

    ``metadata`` are settings that come last, ``more`` are tensors by name.
    """
    config = json.loads(Path(folder, "config.json").read_text())
    writer = gguf.GGUFWriter(file, "llama")
    writer.add_name("stories")
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_head_count(config["num_attention_heads"])
    writer.add_head_count_kv(config["num_key_value_heads"])
    writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
    writer.add_rope_freq_base(config["rope_theta"])
    writer.add_rope_dimension_count(config["head_dim"])
    writer.add_vocab_size(config["vocab_size"])
    _write_tokenizer(writer, folder)
    for key, value, of in metadata:
        writer.add_key_value(key, value, of)
    wanted = GGMLQuantizationType[kind]
    for name, weight in {**tensors(folder), **dict(more)}.items():
        fits = weight.ndim > 1 and weight.shape[-1] % gguf.GGML_QUANT_SIZES[wanted][0] == 0
        stored = wanted if fits else GGMLQuantizationType.F32
        writer.add_tensor(name, gguf.quantize(weight, stored), raw_dtype=stored)
    for write_part in (writer.write_header_to_file, writer.write_kv_data_to_file, writer.write_tensors_to_file):
        write_part()
    writer.close()
    return file


def _write_tokenizer(writer, folder):
    tokenizer = json.loads(Path(folder, "tokenizer.json").read_text())["model"]
    tokens = sorted(tokenizer["vocab"], key=tokenizer["vocab"].get)
    # SentencePiece joins the pair of the best score first; merges are in that order.
    rank = {"".join(pair): place for place, pair in enumerate(tokenizer["merges"])}
    writer.add_tokenizer_model("llama")
    writer.add_token_list(tokens)
    writer.add_token_scores([float(-rank.get(token, len(rank))) for token in tokens])
    writer.add_token_types(
        [_KINDS.get(token, TokenType.BYTE if token.startswith("<0x") else TokenType.NORMAL) for token in tokens]
    )
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_unk_token_id(0)
    writer.add_add_bos_token(True)


# ------------------------------------------------------------------------------ oracles


def unpacked(file):
    """The tensors of a file in float64, by the formulas of ggml-quants.c."""
    return {tensor.name: _UNPACK[tensor.tensor_type.name](tensor) for tensor in gguf.GGUFReader(file).tensors}


def _blocks(tensor, width):
    return np.asarray(tensor.data).reshape(-1).view(np.uint8).reshape(-1, width)


def _half(bytes_):
    return bytes_.copy().view(np.float16).astype(np.float64)


def _shaped(values, tensor):
    return values.reshape([int(n) for n in tensor.shape[::-1]])


def _nibbles(bytes_):
    """The lower halves of 16 bytes, then the upper ones."""
    return np.concatenate([bytes_ & 15, bytes_ >> 4], axis=1).astype(np.float64)


def _q8_0(tensor):
    blocks = _blocks(tensor, 34)
    return _shaped(_half(blocks[:, :2]) * blocks[:, 2:].copy().view(np.int8), tensor)


def _q4_0(tensor):
    blocks = _blocks(tensor, 18)
    return _shaped(_half(blocks[:, :2]) * (_nibbles(blocks[:, 2:]) - 8), tensor)


def _q4_1(tensor):
    blocks = _blocks(tensor, 20)
    return _shaped(_half(blocks[:, :2]) * _nibbles(blocks[:, 4:]) + _half(blocks[:, 2:4]), tensor)


_UNPACK = {
    "F32": lambda tensor: _shaped(np.asarray(tensor.data, np.float64), tensor),
    "F16": lambda tensor: _shaped(np.asarray(tensor.data, np.float64), tensor),
    "Q8_0": _q8_0,
    "Q4_0": _q4_0,
    "Q4_1": _q4_1,
}


def logprobs(weights, config, ids, *, factors=1.0):
    """ln P of each next token after ids, shape (T, V).

    A Llama in float64 whose neighbours are rotated, as in llama.cpp.
    """
    heads, groups, eps = config["num_attention_heads"], config["num_key_value_heads"], config["rms_norm_eps"]
    x_TH = weights["token_embd.weight"][ids]
    for layer in range(config["num_hidden_layers"]):
        w = {name: weights[f"blk.{layer}.{name}.weight"] for name in _INSIDE.values()}
        normed_TH = _normed(x_TH, w["attn_norm"], eps)
        q_TND, k_TND, v_TND = (
            (normed_TH @ w[name].T).reshape(len(ids), n, -1)
            for name, n in (("attn_q", heads), ("attn_k", groups), ("attn_v", groups))
        )
        q_TND, k_TND = (_rotated(each, config["rope_theta"], factors) for each in (q_TND, k_TND))
        mixed = np.zeros_like(q_TND)
        for head in range(heads):
            group = head * groups // heads
            for t in range(len(ids)):
                scores = k_TND[: t + 1, group] @ q_TND[t, head] / np.sqrt(q_TND.shape[-1])
                weight = np.exp(scores - scores.max())
                mixed[t, head] = weight / weight.sum() @ v_TND[: t + 1, group]
        x_TH = x_TH + mixed.reshape(len(ids), -1) @ w["attn_output"].T
        normed_TH = _normed(x_TH, w["ffn_norm"], eps)
        gate = normed_TH @ w["ffn_gate"].T
        x_TH = x_TH + (gate / (1 + np.exp(-gate)) * (normed_TH @ w["ffn_up"].T)) @ w["ffn_down"].T
    logits_TV = _normed(x_TH, weights["output_norm.weight"], eps) @ weights["token_embd.weight"].T
    return logits_TV - np.log(np.exp(logits_TV).sum(1, keepdims=True))


def _normed(x_TH, weight_H, eps):
    return x_TH / np.sqrt((x_TH**2).mean(1, keepdims=True) + eps) * weight_H


def _rotated(x_TND, base, factors):
    size = x_TND.shape[-1]
    frequency = base ** (-np.arange(0, size, 2) / size) / factors
    angle_TD = np.arange(len(x_TND))[:, None] * frequency
    turned = (x_TND[..., ::2] + 1j * x_TND[..., 1::2]) * np.exp(1j * angle_TD)[:, None]
    return np.stack([turned.real, turned.imag], axis=-1).reshape(x_TND.shape)

"""A Llama's sizes and weights, from a folder in the layout of ``transformers``.

Letters in shapes: M tokens laid end to end, D channels of the body; I and O channels in
and out.
"""

import hashlib
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import safetensors
from numpy.typing import NDArray

from nonplus.errors import BadModel
from nonplus.models.llama.tokenizer import json_file

Array = NDArray[np.float32]
N = TypeVar("N", int, float)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """The sizes and constants of ``config.json``, by its names."""

    vocab_size: int
    num_hidden_layers: int
    num_attention_heads: int
    num_key_value_heads: int
    head_dim: int
    max_position_embeddings: int
    rms_norm_eps: float
    rope_theta: float
    tie_word_embeddings: bool


@dataclass(frozen=True, slots=True)
class Affine:
    """A matrix (I, O) and at most one bias (O,)."""

    weight_IO: Array
    biases_O: tuple[Array, ...]

    def __call__(self, x_MI: Array) -> Array:
        """Shape (M, O)."""
        y_MO = x_MI @ self.weight_IO
        for bias_O in self.biases_O:
            y_MO += bias_O
        return y_MO


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """Weights of one layer; matrices with the same input lie side by side."""

    attention_norm_D: Array
    query_key_value: Affine
    attention_out: Affine
    feed_norm_D: Array
    gate_up: Affine
    feed_out: Affine


def shape_of(config: dict[str, Any], folder: Path) -> Shape:
    """The sizes, if this code supports the configuration.

    Raises:
        BadModel: it is not a Llama, or a variant of it, or a size is missing.
    """
    if "model_type" not in config:
        raise BadModel(f"{folder} has no config.json with a model_type; save the model there with save_pretrained")
    _require(folder, "model_type", "llama", config["model_type"])
    ropes = [rope for name in ("rope_parameters", "rope_scaling") if isinstance(rope := config.get(name), dict)]
    for rope in ropes:
        _require(folder, "rope_type", "default", rope.get("rope_type", rope.get("type", "default")))
    _require(folder, "hidden_act", "silu", config.get("hidden_act", "silu"))
    heads = _above_0(config, "num_attention_heads", folder, int)
    given = {"num_key_value_heads": heads, "rope_theta": 10000.0}
    given |= {name: value for name, value in config.items() if value is not None}
    for rope in ropes:
        given["rope_theta"] = rope.get("rope_theta") or given["rope_theta"]
    if "head_dim" not in given:
        given["head_dim"] = _above_0(given, "hidden_size", folder, int) // heads
    shape = Shape(
        vocab_size=_above_0(given, "vocab_size", folder, int),
        num_hidden_layers=_above_0(given, "num_hidden_layers", folder, int),
        num_attention_heads=heads,
        num_key_value_heads=_above_0(given, "num_key_value_heads", folder, int),
        head_dim=_above_0(given, "head_dim", folder, int),
        max_position_embeddings=_above_0(given, "max_position_embeddings", folder, int),
        rms_norm_eps=_above_0(given, "rms_norm_eps", folder, float),
        rope_theta=_above_0(given, "rope_theta", folder, float),
        tie_word_embeddings=bool(config.get("tie_word_embeddings", False)),
    )
    if heads % shape.num_key_value_heads or shape.head_dim % 2:
        raise BadModel(
            f"{folder / 'config.json'} names {heads} heads of {shape.head_dim} channels that share "
            f"{shape.num_key_value_heads} keys, and heads are shared evenly and have an even number of channels; "
            "download it again"
        )
    return shape


def _above_0(settings: dict[str, Any], name: str, folder: Path, kind: type[N]) -> N:
    if name not in settings:
        raise BadModel(f"{folder / 'config.json'} has no {name!r}; save the model with save_pretrained")
    value = settings[name]
    whole = kind is int
    if isinstance(value, bool) or not isinstance(value, int if whole else int | float) or not 0 < value < math.inf:
        raise BadModel(
            f"{folder / 'config.json'} has {name} {value!r}, where a {'whole ' if whole else ''}number above 0 is "
            "needed; download it again"
        )
    return kind(value)


def _require(folder: Path, setting: str, known: str, found: object) -> None:
    if found != known:
        raise BadModel(
            f"NumPy runs only models with {setting} {known!r}, and {folder} has {found!r}; "
            f"pip install 'nonplus[hf]' and open it as hf:{folder}"
        )


def tensors_of(folder: Path) -> tuple[dict[str, Array], str]:
    """All weights by name in float32, and a digest of the files.

    Raises:
        BadModel: a file is missing or broken, or has weights of another dtype.
    """
    index = json_file(folder / "model.safetensors.index.json")
    tensors: dict[str, Array] = {}
    digest = hashlib.sha256()
    for file in sorted(set(index.get("weight_map", {"": "model.safetensors"}).values())):
        if not (folder / file).is_file():
            raise BadModel(f"{folder} has no {file}; save the model there with save_pretrained")
        raw = (folder / file).read_bytes()
        digest.update(raw)
        try:
            entries = safetensors.deserialize(raw)  # type: ignore[no-untyped-call]
        except safetensors.SafetensorError as fault:
            raise BadModel(f"{folder / file} is not a safetensors file ({fault}); download it again") from None
        tensors |= {name: _float32(entry) for name, entry in entries}
    return tensors, digest.hexdigest()


def check_rows(tensors: dict[str, Array], shape: Shape, folder: Path) -> None:
    """Refuse weights of another size than ``config.json`` says.

    Raises:
        BadModel: an embedding or a projection has other rows than the shape.
    """
    keys = shape.num_key_value_heads * shape.head_dim
    due = {
        "embed_tokens.weight": shape.vocab_size,
        "lm_head.weight": shape.vocab_size,
        "q_proj.weight": shape.num_attention_heads * shape.head_dim,
        "k_proj.weight": keys,
        "v_proj.weight": keys,
    }
    for name, tensor in tensors.items():
        rows = due.get(".".join(name.rsplit(".", 2)[-2:]))
        if rows and tensor.shape[:1] != (rows,):
            raise BadModel(
                f"the weights {name} in {folder} have the shape {tensor.shape}, and its config.json calls for {rows} "
                "rows; take both files from one model"
            )


def _float32(entry: Any) -> Array:
    data, shape, kind = entry["data"], entry["shape"], entry["dtype"]
    if kind == "BF16":  # the upper half of a float32
        return (np.frombuffer(data, "<u2").astype(np.uint32) << 16).view(np.float32).reshape(shape)
    if kind not in ("F16", "F32"):
        raise BadModel(f"weights in {kind} cannot be read; save them as float16, bfloat16 or float32")
    return np.frombuffer(data, "<f2" if kind == "F16" else "<f4").astype(np.float32).reshape(shape)


def layer_of(tensors: dict[str, Array], prefix: str, shape: Shape) -> Layer:
    """The weights under ``prefix``, those of queries and keys reordered and scaled.

    Raises:
        KeyError: one of them is missing.
    """

    def affine(*names: str) -> Affine:
        """Matrices with the same input, side by side."""
        weights = [tensors[f"{prefix}{name}.weight"] for name in names]
        biases = [tensors[bias] for name in names if (bias := f"{prefix}{name}.bias") in tensors]
        return Affine(np.concatenate(weights).T, (np.concatenate(biases),) if biases else ())

    for part in ("weight", "bias"):
        for role, scale in (("q", shape.head_dim**-0.5), ("k", 1.0)):
            name = f"{prefix}self_attn.{role}_proj.{part}"
            if name in tensors:
                tensors[name] = _paired(tensors[name], shape.head_dim) * np.float32(scale)
    return Layer(
        attention_norm_D=tensors[f"{prefix}input_layernorm.weight"],
        query_key_value=affine("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"),
        attention_out=affine("self_attn.o_proj"),
        feed_norm_D=tensors[f"{prefix}post_attention_layernorm.weight"],
        gate_up=affine("mlp.gate_proj", "mlp.up_proj"),
        feed_out=affine("mlp.down_proj"),
    )


def _paired(rows: Array, channels: int) -> Array:
    """Rows of a head reordered so that the two that are rotated together lie side by
    side, as one complex number.
    """
    halves = rows.reshape(-1, 2, channels // 2, *rows.shape[1:])
    return halves.swapaxes(1, 2).reshape(rows.shape)

"""How the weights of a GGUF file are to be used, as a configuration of transformers.

transformers reads some of a file's settings and passes over the others, which would
change the figures without a word. What it passes over has to agree with the
configuration that it made; else the file is refused.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from transformers import AutoConfig
from transformers.integrations.ggml import GGUF_CONFIG_MAPPING

from nonplus.errors import BadModel
from nonplus.models.gguf.header import Header

# The architectures whose figures were compared with those of llama.cpp: for others,
# such as starcoder2, transformers may take for granted what no setting says.
SUPPORTED = frozenset(("llama", "qwen2", "qwen3", "gemma2"))

_READ: dict[str, Any] = GGUF_CONFIG_MAPPING

_GEMMA_27B = 46  # layers, by which llama.cpp knows it

# Settings that the shapes of the tensors repeat, so that a wrong one fails to load.
_SHAPES = frozenset(
    (
        "attention.key_length",
        "attention.value_length",
        "feed_forward_length",
        "vocab_size",
    )
)
FREQUENCIES = "rope_freqs.weight"
_DIVIDES = ("llama", "F32")  # the architecture and type of which llama.cpp reads them


def _rotary(config: Any, setting: str) -> Any:
    return (config.rope_parameters or {}).get(setting)


def _rotated(config: Any) -> int:
    """How many dimensions of a head are rotated."""
    width = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    return int(width * (_rotary(config, "partial_rotary_factor") or 1))


# What a configuration says where a file has one of these settings.
_STATED: Mapping[str, Callable[[Any], object]] = {
    "attention.causal": lambda config: True,
    "attention.sliding_window": lambda config: getattr(config, "sliding_window", None),
    "attn_logit_softcapping": lambda config: getattr(config, "attn_logit_softcapping", None),
    "expert_count": lambda config: 0,
    "expert_used_count": lambda config: 0,
    "final_logit_softcapping": lambda config: getattr(config, "final_logit_softcapping", None),
    "rope.dimension_count": _rotated,
    "rope.freq_base": lambda config: _rotary(config, "rope_theta"),
    "rope.scaling.original_context_length": lambda config: config.max_position_embeddings,
    "rope.scaling.type": lambda config: "none",
}


def configuration(file: Path, header: Header, folder: Path) -> Any:
    """The configuration of the model in a file; ``folder`` is an empty one.

    Raises:
        BadModel: the file has a setting that changes what the model computes, and
            transformers does not use it.
    """
    config: Any = AutoConfig.from_pretrained(folder, gguf_file=str(file.absolute()), local_files_only=True)
    _set_widths(header, config)
    _check_settings(file, header, config)
    _set_frequencies(file, header, config)
    return config


def _set_widths(header: Header, config: Any) -> None:
    """The width of a head, which transformers does not read for all; and by what Gemma
    divides the products of queries and keys, which only the code of llama.cpp says.
    """
    if width := header.metadata.get(f"{header.architecture}.attention.key_length"):
        config.head_dim = width
    if header.architecture == "gemma2":
        per_head = config.hidden_size // config.num_attention_heads
        config.query_pre_attn_scalar = per_head if config.num_hidden_layers == _GEMMA_27B else config.head_dim


def _check_settings(file: Path, header: Header, config: Any) -> None:
    read = {key for key, name in _READ[header.architecture].items() if name is not None}
    for full, value in header.metadata.items():
        architecture, _, key = full.partition(".")
        if architecture != header.architecture or key in read or key in _SHAPES:
            continue
        here = _STATED[key](config) if key in _STATED else "nothing like it"
        if not _equal(value, here):
            raise BadModel(
                f"{str(file)!r} sets {full} to {value!r}, which transformers does not read from GGUF files: it would "
                f"compute with {here!r}, and the figures would not be those of this model; open the model that it was "
                "made from with hf:, or install a newer transformers"
            )


def _equal(a: object, b: object) -> bool:
    """Whether they are the same, as float32 if they are numbers."""
    if isinstance(a, int | float) and isinstance(b, int | float):
        return bool(np.float32(a) == np.float32(b))
    return a == b


def _set_frequencies(file: Path, header: Header, config: Any) -> None:
    """Divide the rotary frequencies by the numbers that Llama 3.1 and later keep in a
    tensor, which transformers passes over.

    ``longrope`` divides by numbers of a list: one for short texts, one for long ones.
    """
    for tensor in header.tensors:
        if tensor.name == FREQUENCIES:
            needed = (*_DIVIDES, _rotated(config) // 2)
            if (header.architecture, tensor.type, tensor.numbers) != needed:
                raise BadModel(
                    f"{str(file)!r} divides rotary frequencies by {tensor.numbers} numbers of {tensor.type} in a "
                    f"{header.architecture}, and here that is known for {needed[2]} of F32 in a llama; open the model "
                    "that the file was made from with hf:"
                )
            factors = np.fromfile(file, "<f4", tensor.numbers, offset=tensor.begin).tolist()
            config.rope_parameters = config.rope_parameters | {
                "rope_type": "longrope",
                "short_factor": factors,
                "long_factor": factors,
                "factor": 1.0,
                "attention_factor": 1.0,
                "original_max_position_embeddings": config.max_position_embeddings,
            }

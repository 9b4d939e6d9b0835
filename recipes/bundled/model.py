"""The shapes of the bundled models: Llamas with a tied head over 8,192 entries."""

from dataclasses import dataclass

import torch
from transformers import LlamaConfig, LlamaForCausalLM


@dataclass(frozen=True, kw_only=True)
class Shape:
    """A size.

    ``rows`` holds pairs (share, length): up to that share of the training, rows have
    that length, and then that of the context. Long rows are costly, so they come last.
    """

    width: int
    layers: int
    heads: int
    inner: int
    context: int
    rows: tuple[tuple[float, int], ...]

    def length(self, share: float) -> int:
        """Tokens per row after ``share`` of the training; a divisor of ``context``."""
        return next((length for until, length in self.rows if share < until), self.context)


SHAPES = {
    "tiny": Shape(width=160, layers=5, heads=5, inner=432, context=512, rows=((0.85, 256),)),
    "base": Shape(width=384, layers=6, heads=6, inner=1024, context=1024, rows=((0.6, 256), (0.85, 512))),
}


def new_model(shape: Shape, seed: int) -> LlamaForCausalLM:
    """An untrained model in float32; the same seed gives the same weights."""
    torch.manual_seed(seed)
    return LlamaForCausalLM(
        LlamaConfig(
            vocab_size=8192,
            hidden_size=shape.width,
            intermediate_size=shape.inner,
            num_hidden_layers=shape.layers,
            num_attention_heads=shape.heads,
            num_key_value_heads=shape.heads,
            max_position_embeddings=shape.context,
            rope_parameters={"rope_type": "default", "rope_theta": 10000.0},
            tie_word_embeddings=True,
            bos_token_id=0,
            eos_token_id=0,
        )
    )

"""The shape of the bundled model: a Llama of 2.9 million parameters with a tied head."""

import torch
from transformers import LlamaConfig, LlamaForCausalLM

CONTEXT = 512


def new_model(seed: int) -> LlamaForCausalLM:
    """An untrained model in float32; the same seed gives the same weights."""
    torch.manual_seed(seed)
    return LlamaForCausalLM(
        LlamaConfig(
            vocab_size=8192,
            hidden_size=160,
            intermediate_size=432,
            num_hidden_layers=5,
            num_attention_heads=5,
            num_key_value_heads=5,
            max_position_embeddings=CONTEXT,
            rope_parameters={"rope_type": "default", "rope_theta": 10000.0},
            tie_word_embeddings=True,
            bos_token_id=0,
            eos_token_id=0,
        )
    )

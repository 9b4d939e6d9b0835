"""Which causal families of transformers give a row the same scores in any batch?

    python benchmarks/families.py [FAMILY...]

Each is built small, with random weights, and scores rows up to the length of its
context: together, alone in the other order, and by the model itself without padding.
"""

import sys
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from transformers import AutoConfig, AutoModelForCausalLM, PreTrainedTokenizerFast
from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES
from transformers.utils import logging

from nonplus.measure.batches import Row, batch
from nonplus.models.hf.model import from_object

VOCABULARY = 300
MOST_WEIGHTS = 30_000_000
LONGEST = 200
# Names that families have for the same few sizes; each takes those it knows.
SIZES = {
    **{"vocab_size": VOCABULARY, "hidden_size": 32, "d_model": 32, "n_embd": 32, "dim": 32, "embedding_size": 32},
    **{"intermediate_size": 48, "ffn_dim": 48, "decoder_ffn_dim": 48, "encoder_ffn_dim": 16, "hidden_dim": 48},
    **{"num_hidden_layers": 2, "num_layers": 2, "n_layer": 2, "n_layers": 2, "decoder_layers": 2, "encoder_layers": 1},
    **{"num_attention_heads": 4, "num_heads": 4, "n_head": 4, "n_heads": 4, "attention_heads": 4},
    **{"decoder_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 8, "rotary_dim": 4},
    **{"max_position_embeddings": 64, "n_positions": 64, "word_embed_proj_dim": 32, "state_size": 4},
    **{"num_local_experts": 4, "num_experts": 4, "n_routed_experts": 4, "num_experts_per_tok": 2, "n_group": 1},
    **{"topk_group": 1, "n_shared_experts": 1, "moe_intermediate_size": 16, "first_k_dense_replace": 1},
    **{"initializer_range": 0.4, "tie_word_embeddings": False, "pad_token_id": 0, "is_decoder": True},
}


def built(family: str) -> Any:
    """A small random model."""
    torch.manual_seed(0)
    config = AutoConfig.for_model(family, **SIZES)
    with torch.device("meta"):
        weights = sum(each.numel() for each in AutoModelForCausalLM.from_config(config).parameters())
    if weights > MOST_WEIGHTS:
        raise ValueError(f"{weights / 1e6:.0f} million weights")
    return AutoModelForCausalLM.from_config(config).float().eval()


@torch.no_grad()
def by_itself(model: Any, row: Row) -> np.ndarray:
    """The model's own log-probabilities of a row's targets."""
    logits = model(torch.from_numpy(row.input)[None]).logits[0].double().log_softmax(1).numpy()
    return logits[np.arange(len(row.target)), row.target]


def apart(model: Any) -> float:
    """The largest difference in nats."""
    ours = from_object(model, PreTrainedTokenizerFast(tokenizer_object=Tokenizer(WordLevel({"a": 0}, "a"))))
    longest = min(ours.max_context, LONGEST)
    random = np.random.default_rng(0)
    fed = [random.integers(1, VOCABULARY, n + 1) for n in (longest, longest - 1, longest - 2, 8, longest // 2)]
    rows = [Row(ids[:-1], ids[1:]) for ids in fed]
    alone = [ours.logprobs(batch([[row]])) for row in rows[::-1]][::-1]
    expected = np.concatenate([by_itself(model, row) for row in rows])
    return max(
        np.abs(found - expected).max() for found in (np.concatenate(alone), ours.logprobs(batch([[r] for r in rows])))
    )


def main(families: Sequence[str]) -> None:
    """A line for each family: the difference, or why it could not be built so small."""
    warnings.simplefilter("ignore")
    logging.set_verbosity_error()
    for family in families or MODEL_FOR_CAUSAL_LM_MAPPING_NAMES:
        try:
            print(f"{family:28} {apart(built(family)):.1e} nats", flush=True)
        except (ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError, ValueError) as fault:
            print(f"{family:28} not built: {str(fault).splitlines()[0][:70]}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])

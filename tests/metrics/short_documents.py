"""Forty short documents, tiny random models for them, and their true perplexity."""

import math

import torch
from transformers import GPT2Config, GPT2LMHeadModel, LlamaConfig, LlamaForCausalLM

VOCABULARY = 96


def llama(seed=0):
    """In float32, as models are evaluated."""
    torch.manual_seed(seed)
    sizes = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
    config = LlamaConfig(
        vocab_size=VOCABULARY, max_position_embeddings=64, initializer_range=0.5, pad_token_id=0, **sizes
    )
    return LlamaForCausalLM(config).eval()


def gpt2(seed=0):
    torch.manual_seed(seed)
    sizes = {"n_positions": 64, "n_embd": 16, "n_layer": 1, "n_head": 2}
    config = GPT2Config(vocab_size=VOCABULARY, initializer_range=0.5, bos_token_id=0, eos_token_id=0, **sizes)
    return GPT2LMHeadModel(config).eval()


def documents(count=40, *, shortest=4, longest=60, seed=0):
    """Token ids, none of them 0."""
    random = torch.Generator().manual_seed(seed)
    lengths = torch.randint(shortest, longest + 1, (count,), generator=random)
    return [torch.randint(1, VOCABULARY, (int(n),), generator=random) for n in lengths]


@torch.no_grad()
def nats_of(model, ids):
    """Surprisal of each token but the first, one document at a time, in float64."""
    logprobs_TV = model(input_ids=ids[None]).logits[0, :-1].double().log_softmax(1)
    return [-float(logprobs_TV[t, ids[t + 1]]) for t in range(len(ids) - 1)]


def log_perplexity(model, texts):
    """All nats over all tokens."""
    nats = [each for ids in texts for each in nats_of(model, ids)]
    return math.fsum(nats) / len(nats)


def padded(texts, *, side="right", with_id=0):
    """A batch as collators make it, with labels of -100 at padding."""
    longest = max(map(len, texts))
    columns = {"input_ids": with_id, "attention_mask": 0, "labels": -100, "position_ids": 0}
    batch = {name: torch.full((len(texts), longest), value) for name, value in columns.items()}
    for i, ids in enumerate(texts):
        real = slice(0, len(ids)) if side == "right" else slice(longest - len(ids), longest)
        batch["input_ids"][i, real] = ids
        batch["labels"][i, real] = ids
        batch["attention_mask"][i, real] = 1
        batch["position_ids"][i, real] = torch.arange(len(ids))
    return batch

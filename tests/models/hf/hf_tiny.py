"""Tiny random models of ``transformers`` and a tokenizer of bytes for them."""

import numpy as np
import tokenizers
import torch
import transformers
from tokenizers.pre_tokenizers import ByteLevel
from transformers import AutoModelForCausalLM, PreTrainedTokenizerFast

from nonplus.measure.batches import Row, batch

VOCABULARY = 300
SIZES = {
    "vocab_size": VOCABULARY,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 8,
    "max_position_embeddings": 64,
    "initializer_range": 0.4,
    "tie_word_embeddings": False,
    "pad_token_id": 0,
}
GPT2 = {
    "vocab_size": VOCABULARY,
    "n_positions": 64,
    "n_embd": 32,
    "n_layer": 2,
    "n_head": 4,
    "initializer_range": 0.4,
    "bos_token_id": 299,
    "eos_token_id": 299,
}


def config(kind, **changes):
    """Of ``kind``, e.g. ``Llama``, in small."""
    return getattr(transformers, f"{kind}Config")(**{**(GPT2 if kind == "GPT2" else SIZES), **changes})


def tiny(kind="Llama", *, dtype=torch.float64, seed=0, **changes):
    """A random model of ``kind``, in evaluation mode."""
    torch.manual_seed(seed)
    return AutoModelForCausalLM.from_config(config(kind, **changes)).to(dtype).eval()


def byte_tokenizer(**named):
    """A fast tokenizer of bytes, 256 ids, and the special tokens named, from 256 on."""
    vocabulary = {sign: i for i, sign in enumerate(sorted(ByteLevel.alphabet()))}
    rust = tokenizers.Tokenizer(tokenizers.models.BPE(vocabulary, []))
    rust.pre_tokenizer = ByteLevel(add_prefix_space=False)
    rust.decoder = tokenizers.decoders.ByteLevel()
    return PreTrainedTokenizerFast(tokenizer_object=rust, **named)


def template(tokenizer, before=(), after=()):
    """``tokenizer``, changed to add these special tokens around a text."""
    around = [*before, "$A", *after]
    specials = [(token, tokenizer.convert_tokens_to_ids(token)) for token in (*before, *after)]
    tokenizer.backend_tokenizer.post_processor = tokenizers.processors.TemplateProcessing(
        single=" ".join(around), special_tokens=specials
    )
    return tokenizer


def rows(*lengths, seed=0):
    """A row of random tokens for each length: all but the last fed, all but the first
    asked for.
    """
    random = np.random.default_rng(seed)
    return [Row(ids[:-1], ids[1:]) for ids in (random.integers(1, VOCABULARY, length + 1) for length in lengths)]


def asked(*lines):
    """The batch of these lines, each a row or several that share it."""
    return batch([line if isinstance(line, list) else [line] for line in lines])


@torch.no_grad()
def plain_logprob_NV(model, *lines):
    """The model's own log-probabilities for each row alone, in float64."""
    logits = [model(torch.from_numpy(row.input)[None]).logits[0, -len(row.target) :] for row in lines]
    return torch.cat(logits).double().log_softmax(1).numpy()


def plain_logprobs(model, *lines):
    """ln P of each target by the model itself, one row after the other."""
    target_N = np.concatenate([row.target for row in lines])
    return plain_logprob_NV(model, *lines)[np.arange(len(target_N)), target_N]

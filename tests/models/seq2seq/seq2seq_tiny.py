"""Tiny random encoder-decoders of ``transformers``, and tokenizers for them."""

import tokenizers
import torch
import transformers
from tokenizers import pre_tokenizers, processors
from transformers import AutoModelForSeq2SeqLM, PreTrainedTokenizerFast

SPECIALS = ["<pad>", "</s>", "<unk>", "<s>", "<mask>"]
T5 = {"d_model": 24, "d_kv": 6, "d_ff": 40, "num_layers": 2, "num_heads": 4, "initializer_factor": 3.0}
BART = {
    "d_model": 24,
    "encoder_layers": 2,
    "decoder_layers": 2,
    "encoder_attention_heads": 4,
    "decoder_attention_heads": 4,
    "encoder_ffn_dim": 40,
    "decoder_ffn_dim": 40,
    "max_position_embeddings": 64,
    "init_std": 0.4,
}
OWN = {"pad_token_id": 0, "eos_token_id": 1}
SIZES = {
    "T5": {**T5, **OWN, "decoder_start_token_id": 0},
    "Bart": {**BART, **OWN, "bos_token_id": 3, "decoder_start_token_id": 1, "forced_bos_token_id": 3},
    "MBart": {**BART, **OWN, "bos_token_id": 3},
    "Pegasus": {**BART, **OWN, "decoder_start_token_id": 0},
    "M2M100": {**BART, **OWN, "bos_token_id": 3, "decoder_start_token_id": 1},
}


def byte_tokenizer(single="$A </s>", **named):
    """A tokenizer of bytes, with special tokens around a text as in ``single``."""
    pieces = [*SPECIALS, *sorted(pre_tokenizers.ByteLevel.alphabet())]
    rust = tokenizers.Tokenizer(tokenizers.models.BPE({piece: i for i, piece in enumerate(pieces)}, []))
    rust.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    rust.decoder = tokenizers.decoders.ByteLevel()
    rust.add_special_tokens(SPECIALS)
    rust.post_processor = processors.TemplateProcessing(
        single=single, special_tokens=[(token, i) for i, token in enumerate(SPECIALS)]
    )
    known = {"pad_token": "<pad>", "eos_token": "</s>", "unk_token": "<unk>", "bos_token": "<s>"}
    return PreTrainedTokenizerFast(tokenizer_object=rust, **{**known, **named})


FRAMES = {
    "T5": "$A </s>",
    "Bart": "<s> $A </s>",
    "MBart": "$A </s> <mask>",
    "Pegasus": "$A </s>",
    "M2M100": "<s> $A </s>",
}


def encoder_decoder(kind="T5", *, dtype=torch.float64, seed=0, **changes):
    """A random model in evaluation mode, with its tokenizer."""
    tokenizer = byte_tokenizer(FRAMES.get(kind, "$A </s>"))
    torch.manual_seed(seed)
    config = getattr(transformers, f"{kind}Config")(vocab_size=len(tokenizer), **{**SIZES[kind], **changes})
    return AutoModelForSeq2SeqLM.from_config(config).to(dtype).eval(), tokenizer


@torch.no_grad()
def own_loss(model, tokenizer, source, text):
    """The sum of transformers' own loss over the text and the token that ends it.

    What the tokenizer puts before a text, and after its end, has no label.
    """
    labels = torch.tensor(tokenizer(text).input_ids)
    bare = tokenizer(text, add_special_tokens=False).input_ids
    before = tokenizer(text).input_ids.index(bare[0])
    scored = len(bare) + 1
    shifted = model(input_ids=torch.tensor([tokenizer(source).input_ids]), labels=labels[None]).logits[0]
    nats = torch.nn.functional.cross_entropy(shifted.double(), labels, reduction="none")
    whole = model(input_ids=torch.tensor([tokenizer(source).input_ids]), labels=labels[None]).loss
    assert torch.isclose(nats.mean(), whole)  # so these are the terms of its loss
    return nats[before : before + scored].tolist()

"""Tiny models of torch with weights drawn from a seed, and tokenizers of bytes for
them.
"""

import random
from typing import Any

import pytest

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

BOS, EOS = 256, 257
_VOCABULARY = 258


def tokenizer(*, adds_bos: bool, length: int) -> Any:
    """One id per byte. Like Llama's it puts ``<s>`` before a text, or like GPT-2's
    nothing, and bos is eos.
    """
    import tokenizers
    from tokenizers import decoders, models, pre_tokenizers, processors

    # ByteLevel spells the bytes that are no printable ASCII or Latin-1 as the
    # characters from U+0100 on.
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in printable]
    spelled = {byte: chr(byte) for byte in printable} | {byte: chr(256 + i) for i, byte in enumerate(others)}
    bos, eos = ("<s>", "</s>") if adds_bos else ("<|endoftext|>", "<|endoftext|>")
    by_bytes = tokenizers.Tokenizer(models.BPE({character: byte for byte, character in spelled.items()}, []))
    by_bytes.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    by_bytes.decoder = decoders.ByteLevel()
    by_bytes.add_special_tokens([bos] if bos == eos else [bos, eos])
    if adds_bos:
        by_bytes.post_processor = processors.TemplateProcessing(single=f"{bos} $A", special_tokens=[(bos, BOS)])
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=by_bytes, bos_token=bos, eos_token=eos, model_max_length=length
    )


def gpt2(*, length: int, seed: int = 0) -> Any:
    """A GPT-2 of two layers that takes ``length`` tokens; its answers depend on every
    one of them.
    """
    torch.manual_seed(seed)
    config = transformers.GPT2Config(
        vocab_size=_VOCABULARY,
        n_positions=length,
        n_embd=32,
        n_layer=2,
        n_head=4,
        initializer_range=0.2,
        bos_token_id=BOS,
        eos_token_id=BOS,
    )
    return transformers.GPT2LMHeadModel(config).eval()


def logits(model: Any, fed: list[int]) -> Any:
    """What the plain model says after each of ``fed``, shape (T, V), float32; no cache,
    no mask, one row.
    """
    with torch.no_grad():
        return model(torch.tensor([fed])).logits[0].float()


def letters(n: int, seed: int) -> str:
    """A text of ``n`` bytes in which nothing long comes twice."""
    return "".join(random.Random(seed).choices("etaoinshrdlu ,.\n", k=n))

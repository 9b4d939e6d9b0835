"""What is scored: texts of three shapes, and models with random weights.

Speed does not depend on the weights.
"""

from collections.abc import Iterable, Iterator
from itertools import zip_longest
from pathlib import Path

import torch
from transformers import GPT2Config, GPT2LMHeadModel, LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

_SHORTEST, _LONGEST = 20, 330  # tokens of a paragraph
_DOCUMENT = 12_000  # characters of a long one


def tokenizer(data: Path) -> PreTrainedTokenizerFast:
    """Byte-level BPE with 8,192 tokens; BOS, EOS and padding are the same."""
    file = data / "tokenizers" / "ours" / "bpe8192-mix.json"
    end = "<|endoftext|>"
    return PreTrainedTokenizerFast(tokenizer_file=str(file), bos_token=end, eos_token=end, pad_token=end)


def gpt2(device: str) -> GPT2LMHeadModel:
    """A GPT-2 with random weights.

    On a CPU, 5.4 million parameters in float32; on an accelerator, full size in
    bfloat16.
    """
    torch.manual_seed(0)
    small = GPT2Config(
        vocab_size=8192, n_positions=512, n_embd=256, n_layer=4, n_head=4, bos_token_id=0, eos_token_id=0
    )
    usual = GPT2Config(bos_token_id=0, eos_token_id=0)
    model = GPT2LMHeadModel(small) if device == "cpu" else GPT2LMHeadModel(usual).to(device, torch.bfloat16)
    return model.eval()


def wide_llama(vocabulary: int, context: int) -> LlamaForCausalLM:
    """Two layers under a large vocabulary."""
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=vocabulary,
        hidden_size=512,
        intermediate_size=1376,
        num_hidden_layers=2,
        num_attention_heads=8,
        max_position_embeddings=context,
        tie_word_embeddings=True,
        bos_token_id=0,
        eos_token_id=0,
    )
    return LlamaForCausalLM(config).eval()


def lines(data: Path, tokens: PreTrainedTokenizerFast, total: int) -> list[str]:
    """Lines of every genre of MASC in turn, 24 tokens on average.

    With such short texts, one text at a time is slow.
    """
    genres = [_texts(file, "\n") for file in sorted((data / "domains" / "masc").glob("*.txt"))]
    return list(_until(_sized(_in_turn(genres), tokens, shortest=1), total))


def paragraphs(data: Path, tokens: PreTrainedTokenizerFast, total: int) -> list[str]:
    """Paragraphs of an encyclopaedia and of novels in turn, 83 tokens on average."""
    sources = [_texts(data / name, "\n\n") for name in ("eval/wiki2019/test.txt", "domains/novels.test.txt")]
    return list(_until(_sized(_in_turn(sources), tokens, shortest=_SHORTEST), total))


def long(data: Path, tokens: PreTrainedTokenizerFast, total: int) -> list[str]:
    """Excerpts of novels, about 3,500 tokens each."""
    novels = (data / "domains" / "novels.test.txt").read_text(encoding="utf-8")
    cut = (novels[start : start + _DOCUMENT] for start in range(0, len(novels), _DOCUMENT))
    return list(_until(((text, len(tokens(text).input_ids)) for text in cut), total))


def _texts(file: Path, separator: str) -> Iterator[str]:
    return (text for part in file.read_text(encoding="utf-8").split(separator) if (text := part.strip()))


def _in_turn(sources: Iterable[Iterator[str]]) -> Iterator[str]:
    return (text for each in zip_longest(*sources) for text in each if text)


def _sized(texts: Iterator[str], tokens: PreTrainedTokenizerFast, *, shortest: int) -> Iterator[tuple[str, int]]:
    sized = ((text, len(tokens(text).input_ids)) for text in texts)
    return ((text, size) for text, size in sized if shortest <= size <= _LONGEST)


def _until(sized: Iterator[tuple[str, int]], total: int) -> Iterator[str]:
    done = 0
    for text, size in sized:
        yield text
        done += size
        if done >= total:
            return

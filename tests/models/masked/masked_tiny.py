"""Tiny random masked models of ``transformers``, and tokenizers for them."""

import tokenizers
import torch
import transformers
from tokenizers import normalizers, pre_tokenizers, processors
from transformers import AutoModelForMaskedLM, PreTrainedTokenizerFast

WORDS = ["the", "river", "rose", "in", "night", "a", "dog", "bark", "##ed", "##s", "un", "##happ", "##iness", "sou"]
PIECES = [*WORDS, "##ven", "##ir", "is", "it", ".", ",", "'", "s", "cafe", "##x", "##y"]
SPECIALS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
SIZES = {
    "hidden_size": 24,
    "intermediate_size": 40,
    "num_hidden_layers": 2,
    "num_attention_heads": 3,
    "initializer_range": 0.5,
}


def wordpiece():
    """A tokenizer as of BERT, uncased."""
    vocabulary = {piece: i for i, piece in enumerate([*SPECIALS, *PIECES])}
    rust = tokenizers.Tokenizer(tokenizers.models.WordPiece(vocabulary, unk_token="[UNK]"))
    rust.normalizer = normalizers.BertNormalizer(lowercase=True)
    rust.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    rust.decoder = tokenizers.decoders.WordPiece()
    rust.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    named = zip(("pad_token", "unk_token", "cls_token", "sep_token", "mask_token"), SPECIALS, strict=True)
    return PreTrainedTokenizerFast(tokenizer_object=rust, **dict(named))


def byte_level():
    """A tokenizer as of RoBERTa: bytes with some merges."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    merges = [("Ġ", "t"), ("h", "e"), ("Ġt", "he"), ("i", "n"), ("e", "r"), ("o", "u")]
    specials = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    pieces = [*specials, *alphabet, *("".join(pair) for pair in merges)]
    rust = tokenizers.Tokenizer(tokenizers.models.BPE({piece: i for i, piece in enumerate(pieces)}, merges))
    rust.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    rust.decoder = tokenizers.decoders.ByteLevel()
    rust.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0), add_prefix_space=False)
    named = dict(cls_token="<s>", pad_token="<pad>", sep_token="</s>", unk_token="<unk>", mask_token="<mask>")
    return PreTrainedTokenizerFast(tokenizer_object=rust, **named)


def masked(kind="Bert", tokenizer=None, *, dtype=torch.float64, context=40, seed=0, **changes):
    """A random masked model in evaluation mode, with its tokenizer."""
    tokenizer = tokenizer or wordpiece()
    torch.manual_seed(seed)
    sizes = {**SIZES, "vocab_size": len(tokenizer), "max_position_embeddings": context}
    config = getattr(transformers, f"{kind}Config")(**{**sizes, "pad_token_id": tokenizer.pad_token_id, **changes})
    return AutoModelForMaskedLM.from_config(config).to(dtype).eval(), tokenizer


@torch.no_grad()
def plain_nats(model, tokenizer, text, *, words):
    """The definition: one forward pass for each token, without padding.

    With ``words``, the later tokens of its word are masked with it.
    """
    encoded = tokenizer(text)
    ids, word_of = torch.tensor(encoded.input_ids), encoded.word_ids()
    nats = []
    for place, word in enumerate(word_of):
        if word is None:
            continue
        masked_ids = ids.clone()
        masked_ids[place] = tokenizer.mask_token_id
        for later in range(place + 1, len(ids)):
            if words and word_of[later] == word:
                masked_ids[later] = tokenizer.mask_token_id
        logits = model(input_ids=masked_ids[None]).logits[0, place]
        nats.append(-float(logits.double().log_softmax(0)[ids[place]]))
    return nats

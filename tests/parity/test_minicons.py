"""minicons 0.3.39 with a beginning token says what ``full`` says of texts that fit into
a window; of masked and encoder-decoder models it says what we say.
"""

from pathlib import Path
from typing import Any

import pytest
import torch
from goldens.texts import MIDDLE, SHORT
from tiny import gpt2, letters, tokenizer, transformers

from nonplus import open_model, score
from nonplus.errors import ProtocolWarning
from nonplus.measure.records import Document
from nonplus.models.masked.model import from_object
from nonplus.models.seq2seq.model import from_object as pair_model

pytest.importorskip("minicons")

pytestmark = [pytest.mark.peers, pytest.mark.slow]


def surprisals(model: Any, its_tokenizer: Any, texts: list[str], **arguments: bool) -> list[float]:
    from minicons.scorer import IncrementalLMScorer

    scorer = IncrementalLMScorer(model, "cpu", tokenizer=its_tokenizer)
    return scorer.sequence_score(texts, reduction=lambda each: -each.sum(0).item(), **arguments)


@pytest.mark.filterwarnings("ignore:tokenizer is changed by adding pad_token_id:UserWarning")  # it says so on purpose
def test_a_model_like_gpt2() -> None:
    texts, model = [letters(n, seed=n) for n in (1, 9, 40, 63)], gpt2(length=64)
    theirs = surprisals(model, tokenizer(adds_bos=False, length=64), texts, bos_token=True)
    ours = [float(each.nats.sum()) for each in score(texts, model=(model, tokenizer(adds_bos=False, length=64)))]
    assert ours == pytest.approx(theirs, rel=1e-6)


def test_a_real_model_whose_tokenizer_adds_the_token_itself(data: Path) -> None:
    stories = data / "models" / "stories260K"
    texts = [*SHORT, MIDDLE]
    model = transformers.AutoModelForCausalLM.from_pretrained(stories)
    theirs = surprisals(model, transformers.AutoTokenizer.from_pretrained(stories), texts)
    for scheme in ("hf", "llama"):
        ours = [float(each.nats.sum()) for each in score(texts, model=open_model(f"{scheme}:{stories}"))]
        assert ours == pytest.approx(theirs, rel=1e-6)


@pytest.mark.parametrize("way", ["original", "within_word_l2r"])
def test_masked_models_in_both_ways(data: Path, way: str) -> None:
    from minicons.scorer import MaskedLMScorer

    its_tokenizer = transformers.BertTokenizerFast(str(data / "tokenizers" / "bert-base-uncased" / "vocab.txt"))
    its_tokenizer.batch_encode_plus = its_tokenizer  # minicons calls it by a name that transformers 5 has dropped
    torch.manual_seed(0)
    sizes = dict(hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=2)
    config = transformers.BertConfig(vocab_size=len(its_tokenizer), initializer_range=0.4, **sizes)
    model = transformers.BertForMaskedLM(config).double().eval()
    texts = ["Souvenirs from Carlsbad, don't you think?", "Unhappinesses.", "The traveler lost the souvenir."]
    scorer = MaskedLMScorer(model, "cpu", tokenizer=its_tokenizer)
    theirs = scorer.sequence_score(texts, reduction=lambda each: -each.sum(0).item(), PLL_metric=way)
    with pytest.warns(ProtocolWarning):
        texts_of_ours = list(score(texts, model=from_object(model, its_tokenizer, way=way)))
    assert [float(each.nats.sum()) for each in texts_of_ours] == pytest.approx(theirs, rel=1e-6)


@pytest.mark.filterwarnings("ignore::nonplus.errors.ProtocolWarning")
def test_encoder_decoders_without_special_tokens() -> None:
    from minicons.scorer import Seq2SeqScorer

    its_tokenizer = tokenizer(adds_bos=False, length=64)
    its_tokenizer.batch_encode_plus = its_tokenizer
    its_tokenizer.pad_token = its_tokenizer.eos_token
    torch.manual_seed(0)
    sizes = dict(d_model=32, d_kv=8, d_ff=48, num_layers=2, num_heads=4, initializer_factor=3.0)
    start = its_tokenizer.pad_token_id
    config = transformers.T5Config(
        vocab_size=len(its_tokenizer), pad_token_id=start, decoder_start_token_id=start, eos_token_id=start, **sizes
    )
    model = transformers.T5ForConditionalGeneration(config).double().eval()
    scorer = Seq2SeqScorer(model, "cpu", tokenizer=its_tokenizer)
    sources, texts = ["a few letters", "others"], ["some letters", "as many again"]
    theirs = scorer.conditional_score(sources, texts, reduction=lambda each: -each.sum(0).item())
    # it puts a blank between the token that a decoder starts with and the text
    pairs = [Document(text=f" {text}", context=source) for source, text in zip(sources, texts, strict=True)]
    ours = [float(each.nats.sum()) for each in score(pairs, model=pair_model(model, its_tokenizer))]
    assert ours == pytest.approx(theirs, rel=1e-6)

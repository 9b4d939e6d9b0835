"""lm-eval 0.4.13 itself, on the same model and texts."""

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tiny import gpt2, letters, tokenizer, transformers

from nonplus import Protocol, ProtocolWarning, evaluate, open_model, score
from nonplus.measure.report import Report

pytest.importorskip("lm_eval")

pytestmark = [
    pytest.mark.peers,
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::nonplus.errors.ProtocolWarning"),
]

L = 32
LENGTHS = [1, 5, L - 1, L, L + 1, 2 * L, 2 * L + 1, 3 * L + 7]
MODEL = gpt2(length=L)


def harness(model: Any, its_tokenizer: Any, **arguments: Any) -> Any:
    """The harness's model; its softmax in float32, as ours always is."""
    from lm_eval.models.huggingface import HFLM

    return HFLM(
        pretrained=model,
        tokenizer=its_tokenizer,
        backend="causal",
        device="cpu",
        batch_size=3,
        softmax_dtype="float32",
        **arguments,
    )


def rolling(lm: Any, texts: list[str]) -> list[float]:
    return lm.loglikelihood_rolling([SimpleNamespace(args=(text,)) for text in texts], disable_tqdm=True)


def nats(texts: list[str], model: Any, protocol: Any) -> list[float]:
    return [float(each.nats.sum()) for each in score(texts, model=model, protocol=protocol)]


@pytest.mark.parametrize("adds_bos", [False, True])
def test_documents_shorter_and_longer_than_the_window_and_of_its_very_length(adds_bos: bool) -> None:
    texts = [letters(n - adds_bos, seed=n) for n in LENGTHS if n > adds_bos]
    lengths = [len(tokenizer(adds_bos=adds_bos, length=L)(text).input_ids) for text in texts]
    assert {L - 1, L, L + 1, 2 * L, 2 * L + 1} <= set(lengths)
    theirs = rolling(harness(MODEL, tokenizer(adds_bos=adds_bos, length=L)), texts)
    ours = nats(texts, (MODEL, tokenizer(adds_bos=adds_bos, length=L)), "lm-eval")
    assert ours == pytest.approx([-each for each in theirs], rel=1e-6)


@pytest.mark.parametrize("adds_bos", [False, True])
def test_a_window_shorter_than_the_model_takes(adds_bos: bool) -> None:
    texts = [letters(n, seed=n) for n in LENGTHS]
    theirs = rolling(harness(MODEL, tokenizer(adds_bos=adds_bos, length=L), max_length=12), texts)
    ours = nats(texts, (MODEL, tokenizer(adds_bos=adds_bos, length=L)), Protocol.named("lm-eval").but(window=12))
    assert ours == pytest.approx([-each for each in theirs], rel=1e-6)


def test_where_windows_repeat_the_harness_agrees_once_its_cache_of_logits_is_off() -> None:
    """Its cache answers a last window out of an earlier one with the same tokens, from
    the wrong end of it.
    """
    text, protocol = ("abcd" * 7)[:27], Protocol.named("lm-eval").but(window=12)
    cached, plain = (
        -rolling(harness(MODEL, tokenizer(adds_bos=True, length=L), max_length=12, logits_cache=on), [text])[0]
        for on in (True, False)
    )
    (ours,) = nats([text], (MODEL, tokenizer(adds_bos=True, length=L)), protocol)
    assert ours == pytest.approx(plain, rel=1e-6)
    assert abs(ours - cached) > 0.01


@pytest.mark.filterwarnings("default::nonplus.errors.ProtocolWarning")
def test_a_beginning_token_that_comes_twice_is_scored_as_there_and_warned_of() -> None:
    text = letters(20, seed=4)
    theirs = -rolling(harness(MODEL, tokenizer(adds_bos=True, length=L)), [text])[0]
    repaired = -rolling(harness(MODEL, tokenizer(adds_bos=True, length=L), add_bos_token=False), [text])[0]
    with pytest.warns(ProtocolWarning, match="the second BOS is scored"):
        (ours,) = nats([text], (MODEL, tokenizer(adds_bos=True, length=L)), "lm-eval")
    (without,) = nats(
        [text], (MODEL, tokenizer(adds_bos=True, length=L)), Protocol.named("lm-eval").but(specials="none")
    )
    assert ours == pytest.approx(theirs, rel=1e-6)
    assert without == pytest.approx(repaired, rel=1e-6)
    assert abs(ours - without) > 0.1


@pytest.mark.parametrize("adds_bos", [False, True])
def test_texts_that_begin_with_the_beginning_token_spelled_out(adds_bos: bool) -> None:
    its_tokenizer = tokenizer(adds_bos=adds_bos, length=L)
    spelled = its_tokenizer.bos_token
    texts = [f"{spelled}{letters(n, seed=n)}" for n in LENGTHS] + [f" {spelled}one", "one"]
    theirs = rolling(harness(MODEL, its_tokenizer), texts)
    ours = nats(texts, (MODEL, tokenizer(adds_bos=adds_bos, length=L)), "lm-eval")
    assert ours == pytest.approx([-each for each in theirs], rel=1e-6)


ARTICLES = [
    " \n = Robert Boulter = \n \n Robert Boulter is an English film , television and theatre actor . He had a guest "
    '@-@ starring role on the series " The Bill " in 2000 ; it cost £ 1 @,@ 000 ( about $ 1 @.@ 5k ) . \n',
    " = = Career = = \n In 2002 , the actors ' company 's play : “ naïve ” ! N people at 20 ° C came . \n ",
]


def wikitext(report: Report) -> tuple[float | None, ...]:
    return report.word_perplexity, report.byte_perplexity, report.bits_per_byte


@pytest.mark.parametrize("adds_bos", [False, True])
def test_the_wikitext_task_to_its_last_formula(adds_bos: bool) -> None:
    """The text is detokenised, the words and bytes are those of the original, and all
    is divided once.
    """
    from lm_eval.api.metrics import bits_per_byte, weighted_perplexity
    from lm_eval.tasks.wikitext.preprocess_wikitext import process_results, wikitext_detokenizer

    pages = [{"page": article} for article in ARTICLES]
    lm = harness(MODEL, tokenizer(adds_bos=adds_bos, length=L))
    likelihoods = rolling(lm, [wikitext_detokenizer(page) for page in pages])
    found = [process_results(page, (each,)) for page, each in zip(pages, likelihoods, strict=True)]
    theirs = (
        weighted_perplexity([each["word_perplexity"] for each in found]),
        weighted_perplexity([each["byte_perplexity"] for each in found]),
        bits_per_byte([each["bits_per_byte"] for each in found]),
    )
    protocol = Protocol.named("lm-eval").but(detokenize="wikitext")
    report = evaluate(ARTICLES, model=(MODEL, tokenizer(adds_bos=adds_bos, length=L)), protocol=protocol)
    assert wikitext(report) == pytest.approx(theirs, rel=1e-6)


@pytest.fixture(scope="module")
def stories(data: Path) -> Iterator[Path]:
    return data / "models" / "stories260K"


def test_a_real_model_whose_tokenizer_adds_a_beginning_token(stories: Path, data: Path) -> None:
    text = (data / "eval" / "tinystories_sample.txt").read_text(encoding="utf-8")
    texts = [each.strip() for each in text.split("<|endoftext|>")][:3]
    model = transformers.AutoModelForCausalLM.from_pretrained(stories)
    theirs = rolling(harness(model, transformers.AutoTokenizer.from_pretrained(stories), max_length=64), texts)
    ours = nats(texts, open_model(f"hf:{stories}"), Protocol.named("lm-eval").but(window=64))
    in_numpy = nats(texts, open_model(f"llama:{stories}"), Protocol.named("lm-eval").but(window=64))
    assert ours == pytest.approx([-each for each in theirs], rel=1e-6)
    assert in_numpy == pytest.approx([-each for each in theirs], rel=1e-6)

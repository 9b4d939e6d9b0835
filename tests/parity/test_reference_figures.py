"""Published figures of published models. ``pytest --reference`` fetches them (0.4 to
3.3 GB) and needs hours of CPU.

A tolerance is half a unit of the last published digit, or wider where the line says
why.
"""

import io
import json
import math
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from nonplus import Document, Protocol, evaluate, open_corpus, open_model, score
from nonplus.measure.interfaces import WindowModel

pytestmark = pytest.mark.filterwarnings("ignore::nonplus.errors.ProtocolWarning")


@cache
def published(name: str) -> WindowModel:
    return open_model(f"hf:{name}")


def rows(data: Path) -> list[str]:
    """``load_dataset("wikitext", "wikitext-2-raw-v1", split="test")["text"]``: lines
    with ends, blank ones empty.
    """
    raw = (data / "eval" / "wikitext2" / "wiki.test.raw").read_text(encoding="utf-8")
    return [line if line.strip() else "" for line in io.StringIO(raw, newline="\n")]


@pytest.mark.slow
def test_the_stream_is_the_one_that_the_documentation_speaks_of(data: Path) -> None:
    """Its tokenizer warns of a sequence of 287,644 tokens, on which 19.44 and 16.44
    were computed.
    """
    from tokenizers import ByteLevelBPETokenizer

    assert len(rows(data)) == 4358
    gpt2 = data / "tokenizers" / "gpt2"
    tokenizer = ByteLevelBPETokenizer(str(gpt2 / "vocab.json"), str(gpt2 / "merges.txt"))
    assert len(tokenizer.encode("\n\n".join(rows(data))).ids) == 287_644


def test_the_articles_are_as_many_as_the_harness_asks_for(data: Path) -> None:
    assert len(list(open_corpus(f"wikitext:{data / 'eval' / 'wikitext2' / 'wiki.test.raw'}"))) == 62


@pytest.mark.reference
@pytest.mark.parametrize(
    ("model", "protocol", "figure", "within"),
    [
        # transformers at 052b1dcd, docs/source/en/perplexity.md; some versions of the
        # page say 16.45
        ("openai-community/gpt2-large", "hf-doc:1024", 19.44, 0.006),
        ("openai-community/gpt2-large", "hf-doc:512", 16.44, 0.015),
        # huggingface/transformers#483, karpathy/llm.c#276
        ("openai-community/gpt2", "hf-doc:1024", 29.94, 0.006),
        # a blog (allenlu2009), one digit
        ("openai-community/gpt2", "hf-doc:512", 25.2, 0.06),
    ],
)
def test_wikitext_2_by_the_loop_of_the_documentation(
    data: Path, model: str, protocol: str, figure: float, within: float
) -> None:
    report = evaluate(rows_joined(data), model=published(model), protocol=protocol)
    assert report.perplexity == pytest.approx(figure, abs=within)


def rows_joined(data: Path) -> list[Document]:
    """One document, since the loop joins all rows, the empty ones too, and an empty
    document is an error of ours.
    """
    return [Document(text="\n\n".join(rows(data)), id="wikitext-2 test")]


@pytest.mark.reference
def test_wikitext_2_by_the_harness(data: Path) -> None:
    """huggingface/transformers#13761: lm-eval, task wikitext, gpt2."""
    articles = open_corpus(f"wikitext:{data / 'eval' / 'wikitext2' / 'wiki.test.raw'}")
    protocol = Protocol.named("lm-eval").but(detokenize="wikitext")
    report = evaluate(articles, model=published("openai-community/gpt2"), protocol=protocol)
    assert report.word_perplexity == pytest.approx(37.37, abs=0.006)


@pytest.mark.reference
def test_lambada_by_the_harness(data: Path) -> None:
    """EleutherAI/lm-evaluation-harness#2159, lambada_openai: 40.0554; e to the mean of
    the last words' surprisals.
    """

    def passages() -> Iterator[Document]:
        with (data / "eval" / "lambada" / "lambada_test.jsonl").open(encoding="utf-8") as lines:
            for line in lines:
                context, _, word = json.loads(line)["text"].rpartition(" ")
                yield Document(text=f" {word}", context=context)

    model = published("openai-community/gpt2")
    found = [math.fsum(each.nats) for each in score(passages(), model=model, protocol=Protocol(bos="none"))]
    assert len(found) == 5153
    assert math.exp(math.fsum(found) / len(found)) == pytest.approx(40.0554, abs=0.01)  # in what precision is not said


WITHOUT_FIRST = Protocol(bos="none")
HAPPY = "sentiment classification: I dropped my laptop on my knee, and someone stole my coffee. I am happy."
SAD = "sentiment classification: I dropped my laptop on my knee, and someone stole my coffee. I am sad."


@pytest.mark.reference
@pytest.mark.parametrize(
    ("text", "protocol", "figure", "within"),
    [
        # torchmetrics, gallery/text/perplexity: "Perplexity, shifted"; without the
        # shift it prints 1929.98
        ("The quick brown fox jumps over the lazy dog", WITHOUT_FIRST, 227.278, 0.01),
        # asahi417/lmppl, README
        (HAPPY, Protocol.named("lmppl"), 136.6426, 0.01),
        (SAD, Protocol.named("lmppl"), 139.2401, 0.01),
        # huggingface/evaluate, metrics/perplexity, example 2: the first row of
        # WikiText-2 that is not empty
        (" = Robert Boulter = \n", Protocol.named("evaluate"), 889.28, 0.1),
    ],
)
def test_one_text_under_gpt2(text: str, protocol: Protocol, figure: float, within: float) -> None:
    report = evaluate([text], model=published("openai-community/gpt2"), protocol=protocol)
    assert report.perplexity == pytest.approx(figure, abs=within)


@pytest.mark.reference
def test_each_token_of_hello_world() -> None:
    """awslabs/mlm-scoring, README, gpt2-117m-en-cased, which puts a beginning token
    before the text.
    """
    (scored,) = score(["Hello world!"], model=published("openai-community/gpt2"))
    assert scored.nats.tolist() == pytest.approx([8.293947, 6.387562, 1.313867], abs=1e-3)


@pytest.mark.reference
def test_the_keys_to_the_cabinet() -> None:
    """kanishkamisra/minicons, README: surprisals of sentences under distilgpt2, without
    their first token.
    """
    texts = ["The keys to the cabinet are on the table.", "The keys to the cabinet is on the table."]
    model = published("distilbert/distilgpt2")
    found = [math.fsum(each.nats) for each in score(texts, model=model, protocol=WITHOUT_FIRST)]
    assert found == pytest.approx([39.8797, 42.7585], abs=2e-3)

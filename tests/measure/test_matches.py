"""Facts that only some models give: unknown tokens apart from the others, the n-gram
that was found for each token, the size of the normalised text.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, final

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nonplus.errors import BadModel, SuspectInput
from nonplus.measure.forward import RunOptions
from nonplus.measure.records import Document
from nonplus.measure.report import Report
from nonplus.measure.scores import Matches, ScoredTexts
from nonplus.measure.scoring import score
from nonplus.measure.session import evaluate
from nonplus.measure.tokenizing import encode
from nonplus.models.synthetic import Bytes, Uniform
from nonplus.views.explanation import explanation

UNKNOWN = ord("?")
NATS = {letter: 1.0 + place for place, letter in enumerate(b"abc?")} | {ord("0"): math.inf}


class Letters(Bytes):
    unknown_id = UNKNOWN  # type: ignore[assignment]


class Own:
    """A protocol with nothing to choose."""

    signature, fingerprint, cautions, quantity = "own", "0" * 12, (), "perplexity"
    average, denominator = "tokens", "scored"

    def as_dict(self) -> dict[str, Any]:
        return {}


@final
class ByLetter:
    """A letter costs its nats, ``?`` is unknown, the n-gram found is as long as the
    place in the text, and normalising drops every ``c``.
    """

    name, identity, dtype, vocabulary = "by letter", "by letter 1", "float64", 256
    tokenizer, protocol = Letters(), Own()

    def score(self, documents: Iterable[Document], *, alternatives: int) -> Iterator[ScoredTexts]:
        together = list(documents)
        tokens = encode(together, self)
        kept = np.array([len(document.text.replace("c", "")) for document in together])
        nats = np.array([NATS[letter] for letter in tokens.ids.tolist()])
        length = np.concatenate([np.arange(1, 1 + len(document.text)) for document in together])
        yield ScoredTexts.complete(
            replace(tokens, normalised_bytes=kept),
            index=np.arange(len(nats)),
            nats=nats,
            seen=length - 1,
            matches=Matches(length, nats / 2),
        )


def measured(texts: Sequence[str | Document]) -> Report:
    return evaluate(texts, model=ByLetter())


@pytest.mark.filterwarnings("ignore::nonplus.errors.SuspectInput")
@given(st.lists(st.text("abc?", min_size=1, max_size=6), min_size=1, max_size=5))
def test_the_perplexity_without_unknown_tokens_is_that_of_the_others(texts: list[str]) -> None:
    known = [NATS[ord(letter)] for text in texts for letter in text if letter != "?"]
    report = measured(texts)
    if known and any("?" in text for text in texts):
        assert report.perplexity_without_unknown == pytest.approx(math.exp(sum(known) / len(known)))
    else:
        assert report.perplexity_without_unknown is None


def test_an_unknown_token_of_probability_0_leaves_the_others_a_perplexity() -> None:
    class Certain(Letters):
        unknown_id = ord("0")  # type: ignore[assignment]

    model = ByLetter()
    model.tokenizer = Certain()
    with pytest.warns(SuspectInput):
        report = evaluate(["aa0"], model=model)
    assert report.perplexity == math.inf
    assert report.perplexity_without_unknown == pytest.approx(math.e)


@pytest.mark.filterwarnings("ignore::nonplus.errors.SuspectInput")
def test_a_report_has_lines_about_unknown_tokens_only_where_there_are_any() -> None:
    lines = dict(measured(["ab?"]).lines())
    assert lines["  known tokens"] == "4.482 without the unknown ones"
    assert "  known tokens" not in dict(measured(["abc"]).lines())
    assert measured(["ab?"]).to_dict()["perplexity_without_unknown"] == pytest.approx(math.exp(1.5))
    assert measured(["abc"]).to_dict()["perplexity_without_unknown"] is None


@given(st.lists(st.text("abc", min_size=1, max_size=6), min_size=1, max_size=5))
def test_the_mean_match_is_over_all_tokens(texts: list[str]) -> None:
    lengths = [place for text in texts for place in range(1, 1 + len(text))]
    assert measured(texts).mean_match_length == pytest.approx(sum(lengths) / len(lengths))


def test_a_model_without_ngrams_has_no_mean_match() -> None:
    assert evaluate(["abc"], model=Uniform()).to_dict()["mean_match_length"] is None


def test_the_mean_match_is_a_line_of_the_report() -> None:
    report = measured([Document(text="ab", domain="x")])
    assert report.to_dict()["mean_match_length"] == 1.5
    assert dict(report.lines())["longest match"] == "n-grams of 1.50 tokens, on average"


def test_each_token_has_its_match_in_whole_and_in_part() -> None:
    rows = [list(text.rows(str)) for text in score(["ab", "c"], model=ByLetter())]
    assert [[(row.match, row.backoff) for row in own] for own in rows] == [[(1, 0.5), (2, 1.0)], [(1, 1.5)]]


@pytest.mark.filterwarnings("ignore::nonplus.errors.SuspectInput")
def test_what_was_kept_of_a_text_has_all_of_it(tmp_path: Path) -> None:
    texts, options = ["ab?c", "?c"], RunOptions(resume=tmp_path)
    computed, kept = (evaluate(texts, model=ByLetter(), options=options) for _ in range(2))
    assert kept.tally == computed.tally == measured(texts).tally
    assert kept.tally.unknown == 2
    assert kept.tally.matched == 6


def test_both_sizes_of_a_normalised_text_are_told_and_the_divisor_is_the_users() -> None:
    report = measured(["abcc", "ac"])
    assert "6 bytes (3 normalised)" in dict(report.lines())["scored"]
    said = report.to_dict()
    assert (said["bytes"], said["normalised_bytes"]) == (6, 3)
    assert report.bits_per_byte == pytest.approx(report.nats / math.log(2) / 6)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"matches": Matches(np.zeros(2, np.int64), np.zeros(2))}, "numbers of tokens, from 1 on"),
        ({"matches": Matches(np.ones(3, np.int64), np.zeros(3))}, r"matches\.length of shape"),
        ({"matches": Matches(np.ones(2, np.int64), np.zeros(2, np.int64))}, "dtype float"),
    ],
)
def test_matches_that_are_none_are_an_error_of_the_model(change: dict[str, Any], said: str) -> None:
    class Wrong:
        name, identity, dtype, vocabulary = "wrong", "wrong", "float64", 256
        tokenizer, protocol = Letters(), Own()

        def score(self, documents: Iterable[Document], *, alternatives: int) -> Iterator[ScoredTexts]:
            for texts in ByLetter().score(documents, alternatives=alternatives):
                yield replace(texts, **change)

    with pytest.raises(BadModel, match=said):
        evaluate(["ab"], model=Wrong())


def test_an_ngram_model_is_explained_as_one() -> None:
    report = measured(["abc"])
    said = explanation(report, vocabulary=256, order=5)
    assert "it sees 4 tokens before each" in said
    assert "had 2.00 tokens on average, of at most 5" in said
    assert "Kneser-Ney" in said
    assert "whatever stands before it" in explanation(report, vocabulary=256, order=1)
    assert "n-gram" not in explanation(report, vocabulary=256)

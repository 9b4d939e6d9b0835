"""The figures of a document are those of its own tokens, whatever comes beside it."""

import math
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from doubles import History
from hypothesis import given, settings
from hypothesis import strategies as st
from native_switch import switched

import nonplus
from nonplus.errors import BadInput, BadModel, BadProtocol
from nonplus.filtering.scoring.columns import ScoreColumns
from nonplus.filtering.scoring.scorer import Scorer, score_columns
from nonplus.measure.scores import ScoredText
from nonplus.measure.surprisals import Surprisals
from nonplus.models.synthetic import Bytes

NGRAM = Scorer("bundled:ngram")
SCORERS = {"window model": Scorer(History()), "n-grams": NGRAM}
WORDS = st.sampled_from(["the", "house", "of", "xqzt", "Ärger", "\n", "</s>", "\0", "。", "x" * 70, "(", "2026"])
TEXTS = st.lists(st.lists(WORDS, max_size=60).map(" ".join), max_size=4)
LONG = "Whether the weather be fine, or whether the weather be not. " * 40


def same(one: ScoreColumns, other: ScoreColumns) -> bool:
    """Whether they are equal to the last bit."""
    pairs = zip(one.as_dict().items(), other.as_dict().items(), strict=True)
    return all(a == b and x.tobytes() == y.tobytes() for (a, x), (b, y) in pairs)


def unit(value: float) -> Fraction:
    """To the nearest 2**-40."""
    return Fraction(round(Fraction(value) * 2**40), 2**40)


def windows(n: int) -> list[tuple[int, int]]:
    """Where windows of n tokens begin and end."""
    starts = list(range(0, n, 32))
    if len(starts) > 1 and n % 32:
        starts.pop()
    return list(pairwise([*starts, n]))


def stretches(n: int) -> list[tuple[int, int]]:
    """Where eight stretches of whole windows begin and end; none if there are fewer."""
    own = windows(n)
    bounds = [place * len(own) // 8 for place in range(9)]
    return [(own[a][0], own[b - 1][1]) for a, b in pairwise(bounds)] if len(own) >= 8 else []


def oracle(scored: ScoredText) -> dict[str, float]:
    """The figures of a document from its tokens one by one."""
    rows = [(nats, begin, end) for nats, begin, end in zip(scored.nats.tolist(), *spans(scored), strict=True)]
    finite = all(map(math.isfinite, scored.nats.tolist()))
    nats = sum(unit(row[0]) for row in rows) if finite else math.inf
    worst = []
    for first, last in windows(len(rows)):
        covered = sum(end - begin for _, begin, end in rows[first:last])
        if covered:
            inside = [row[0] for row in rows[first:last]]
            own = float(sum(map(unit, inside))) if all(map(math.isfinite, inside)) else math.inf
            worst.append((-own / covered / math.log(2), rows[first][1]))
    pieces = stretches(len(rows)) or [(n, n + 1) for n in range(len(rows))]
    error = math.nan
    if finite and len(pieces) > 1:
        mean = float(nats) / len(rows)
        sums = [float(sum(unit(r[0]) for r in rows[a:b])) if b - a > 1 else rows[a][0] for a, b in pieces]
        off = [y - mean * (b - a) for y, (a, b) in zip(sums, pieces, strict=True)]
        squares = sum(unit((each / (len(rows) / len(pieces))) ** 2) for each in off)
        error = math.sqrt(float(squares) / (len(pieces) * (len(pieces) - 1)))
    least, at = min(worst, default=(math.nan, 0))
    return {
        "nats": float(nats),
        "tokens": len(rows),
        "bytes": sum(end - begin for _, begin, end in rows),
        "unknown": len(scored.texts.tokens.unknown),
        "error": error,
        "worst": -least,
        "worst_begin": at,
    }


def spans(scored: ScoredText) -> tuple[list[int], list[int]]:
    """The byte at which each scored token begins, and at which it ends."""
    ends = scored.tokens.byte_ends.tolist()
    return [ends[i - 1] if i else 0 for i in scored.index.tolist()], [ends[i] for i in scored.index.tolist()]


@pytest.mark.parametrize("kind", SCORERS)
@pytest.mark.parametrize("kernel", ["C", "Python"])
@given(texts=TEXTS)
@settings(max_examples=30)
def test_the_figures_are_those_of_the_tokens_one_by_one(kind: str, kernel: str, texts: list[str]) -> None:
    model = SCORERS[kind]._model
    with switched(kernel):
        columns = SCORERS[kind].columns(texts)
    assert len(columns) == len(texts)
    for place, text in enumerate(texts):
        if text.strip():
            (scored,) = nonplus.score([text], model=model)
            found = {name: getattr(columns, name)[place].item() for name in oracle(scored)}
            assert found == pytest.approx(oracle(scored), rel=1e-15, abs=0, nan_ok=True)


@pytest.mark.parametrize("kind", SCORERS)
@given(texts=TEXTS)
@settings(max_examples=20)
def test_a_document_has_the_same_bits_alone_and_beside_others(kind: str, texts: list[str]) -> None:
    together = SCORERS[kind].columns([*texts, LONG])
    for place, text in enumerate([*texts, LONG]):
        assert same(together.at(slice(place, place + 1)), SCORERS[kind].columns([text]))


@pytest.mark.parametrize("kind", SCORERS)
def test_they_have_the_same_bits_with_and_without_c(kind: str) -> None:
    found = []
    for kernel in ("C", "Python"):
        with switched(kernel):
            found.append(SCORERS[kind].columns([LONG, "x", "", LONG[:1000] + "\0 xqzt"]))
    assert same(*found)


def test_they_are_those_of_a_report_on_the_document() -> None:
    columns, report = NGRAM.columns([LONG]), nonplus.evaluate(LONG, model="bundled:ngram")
    assert columns.bits_per_byte == [report.bits_per_byte]
    assert columns.perplexity == [report.perplexity]
    assert columns.tokens == [report.tally.scored]


def test_nothing_is_nothing() -> None:
    assert len(NGRAM.columns([])) == 0


@pytest.mark.parametrize("kind", SCORERS)
def test_a_blank_text_has_no_tokens_and_no_figures(kind: str) -> None:
    columns = SCORERS[kind].columns(["", " ", "\n\n\t", "\N{NO-BREAK SPACE}"])
    assert columns.tokens.tolist() == columns.bytes.tolist() == columns.nats.tolist() == [0] * 4
    for figure in ("bits_per_byte", "perplexity", "log_perplexity", "unknown_rate", "error", "worst"):
        assert np.isnan(getattr(columns, figure)).all()


def test_a_uniform_model_is_as_surprised_everywhere_and_has_no_error() -> None:
    columns = Scorer("uniform:256").columns(["abc", LONG])
    assert columns.worst == pytest.approx([8, 8], rel=1e-12)
    assert columns.bits_per_byte == pytest.approx([8, 8], rel=1e-12)
    assert columns.error.tolist() == [0.0, 0.0]


def surprisals(nats: list[float]) -> Surprisals:
    """Tokens of a byte each."""
    n = len(nats)
    ends = np.arange(1, n + 1)
    return Surprisals(
        nats=np.array(nats), begins=ends - 1, ends=ends, offsets=np.array([0, n]), unknown=np.zeros(1, np.int64)
    )


@given(st.lists(st.floats(0, 100), max_size=300), st.data())
def test_probability_0_is_infinite_in_its_window_and_in_the_document(nats: list[float], data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(nats)))
    columns = score_columns(surprisals([*nats[:place], math.inf, *nats[place:]]))
    assert columns.nats.tolist() == columns.perplexity.tolist() == columns.worst.tolist() == [math.inf]
    assert columns.worst_begin <= place < columns.worst_end
    assert np.isnan(columns.error)


@pytest.mark.parametrize("kernel", ["C", "Python"])
@given(st.lists(st.sampled_from([0.0, 1e-13, 7.5, 1e6, 1e18, 1e300]), min_size=2, max_size=300))
@settings(max_examples=50)
def test_a_sum_may_be_larger_than_the_units_of_64_bits_can_hold(kernel: str, nats: list[float]) -> None:
    with switched(kernel):
        columns = score_columns(surprisals(nats))
    assert columns.nats.tolist() == [float(sum(map(unit, nats)))]
    assert columns.error >= 0


@pytest.mark.parametrize("kind", SCORERS)
def test_half_of_a_surrogate_pair_is_no_text(kind: str) -> None:
    with pytest.raises(BadInput, match=r"half of a surrogate pair"):
        SCORERS[kind].columns(["good", "bad \ud800"])


@pytest.mark.parametrize(
    "protocol", ["llama.cpp", "hf-doc", nonplus.Protocol(newlines="normalise"), nonplus.Protocol(detokenize="wikitext")]
)
def test_a_protocol_that_changes_or_joins_texts_is_refused(protocol: object) -> None:
    with pytest.raises(BadProtocol, match=r"protocol=full"):
        Scorer(History(), protocol=protocol)


def test_there_must_be_such_a_model() -> None:
    with pytest.raises(BadModel, match=r"bundled:ngram"):
        Scorer("bundled:ngrams")


def test_the_identity_tells_models_and_protocols_apart() -> None:
    scorers = [NGRAM, Scorer(History()), Scorer(History(seed=1)), Scorer(History(), protocol="stride:4")]
    assert len({scorer.identity for scorer in scorers}) == 4


def test_a_model_without_identity_has_figures_and_is_compared_with_none(tmp_path: Path) -> None:
    model = nonplus.wrap(lambda ids: np.zeros((*ids.shape, 257)), tokenizer=Bytes(), context=64)
    assert Scorer(model).columns(["rain in may"]).tokens.tolist() == [10]
    with pytest.raises(BadModel, match=r"has no identity, .* give nonplus.wrap the model's weights=…"):
        Scorer(model).identity  # noqa: B018
    (tmp_path / "in.jsonl").write_text('{"text": "rain in may"}\n')
    with pytest.raises(BadModel, match=r"has no identity"):
        nonplus.filter_corpus([str(tmp_path / "in.jsonl")], str(tmp_path / "out"), keep="tokens > 1", model=model)

"""What an n-gram model gives a filter is what it gives any report, and less of it."""

import functools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from models import FIXTURES
from nasty_texts import characters
from native_switch import switched

import nonplus
from nonplus.errors import BadModel
from nonplus.kernels.native import framing as native
from nonplus.measure.records import Document
from nonplus.measure.surprisals import Surprisals
from nonplus.measure.utf8_texts import Utf8Texts
from nonplus.models.ngram.arpa.reading import read_arpa
from nonplus.models.ngram.model import NgramModel, plain_scored
from nonplus.models.ngram.ngrams import BEGIN, END, UNKNOWN, Block, NgramsInMemory
from nonplus.models.ngram.normalizers.named import NORMALIZERS, named
from nonplus.models.ngram.table.table import Table
from nonplus.models.ngram.text.rules import Rules
from nonplus.models.ngram.text.words import Words

WEATHER = read_arpa(FIXTURES / "weather.arpa")
WORDS = st.sampled_from(["rain", "falls", "snow", "sun", "\n", "\r\n", "</s>", "<unk>", "\0", "  ", "12"])
TEXTS = st.lists(st.lists(WORDS | characters, max_size=12).map(" ".join).filter(bool), min_size=1, max_size=4)
KERNELS = pytest.mark.parametrize("kernel", ["C", "Python"])


@functools.cache
def model(normalizer: str, *, begin: bool = True, end: bool = True) -> NgramModel:
    rules = Rules(named(normalizer), Words(WEATHER.words), begin=begin, end=end)
    return NgramModel(rules, Table.in_memory(WEATHER), name="weather", identity=normalizer)


def rows(own: Surprisals, place: int) -> list[tuple[float, int, int]]:
    tokens = slice(*own.offsets[[place, place + 1]].tolist())
    return list(zip(own.nats[tokens].tolist(), own.begins[tokens].tolist(), own.ends[tokens].tolist(), strict=True))


@KERNELS
@pytest.mark.parametrize("normalizer", NORMALIZERS)
@given(texts=TEXTS)
def test_they_are_those_of_the_scored_texts(kernel: str, normalizer: str, texts: list[str]) -> None:
    own_model = model(normalizer)
    with switched(kernel):
        own = own_model.surprisals(Utf8Texts.of(texts))
        (scored,) = own_model.score([Document(text=text, id=str(n)) for n, text in enumerate(texts)], alternatives=0)
    for place, text in enumerate(scored):
        has_words = set(text.tokens.ids.tolist()) - {END}
        expected = Surprisals.of(text.texts)
        assert rows(own, place) == (rows(expected, 0) if has_words else [])
        assert own.unknown[place] == (expected.unknown[0] if has_words else 0)


@pytest.mark.skipif(native.functions() is None, reason="the C kernel is not built or is switched off")
@pytest.mark.parametrize("wide", [np.int32, np.int64])
@given(sentences=st.lists(st.lists(st.lists(st.integers(0, 4), max_size=5), max_size=3), max_size=4), data=st.data())
def test_they_are_the_same_in_c_and_in_numpy(wide: type, sentences: list[list[list[int]]], data: st.DataObject) -> None:
    flat = [sentence for own in sentences for sentence in own]
    ids = np.array([i for sentence in flat for i in sentence], np.int32)
    widths = data.draw(st.lists(st.integers(0, 9), min_size=len(ids), max_size=len(ids)))
    nats = data.draw(st.lists(st.sampled_from([-1e-9, 0.0, 1.5, np.inf]), min_size=len(ids), max_size=len(ids)))
    framed = native.Framed(
        ids,
        np.cumsum(np.array(widths, wide), dtype=wide),
        np.array(nats, np.float64),
        np.cumsum([0, *map(len, flat)], dtype=np.int64),
        np.cumsum([0, *map(len, sentences)], dtype=np.int64),
    )
    marks = {"begin": BEGIN, "end": END, "unknown": UNKNOWN}
    found, expected = native.scored(framed, **marks), plain_scored(framed, **marks)
    for name in ("nats", "begins", "ends", "offsets", "unknown"):
        assert getattr(found, name).tolist() == getattr(expected, name).tolist()
        assert getattr(found, name).dtype == getattr(expected, name).dtype


@KERNELS
@pytest.mark.parametrize("begin", [True, False])
def test_models_without_marks_have_them_too(kernel: str, begin: bool) -> None:
    with switched(kernel):
        own = model("raw", begin=begin, end=False).surprisals(Utf8Texts.of(["", "rain falls", "\n", "sun"]))
    assert np.diff(own.offsets).tolist() == [0, 2, 0, 1]
    assert own.begins.tolist() == [0, 4, 0]
    assert own.ends.tolist() == [4, 10, 3]
    assert own.unknown.tolist() == [0, 0, 0, 1]


def test_a_probability_above_1_is_refused() -> None:
    block = Block(
        np.arange(4, dtype=np.int32)[:, None], np.array([-1, -1, -1, 0.5], np.float32), np.zeros(4, np.float32)
    )
    ngrams = NgramsInMemory(["<unk>", "<s>", "</s>", "rain"], (block,))
    bad = NgramModel(Rules(named("raw"), Words(ngrams.words)), Table.in_memory(ngrams), name="bad", identity="bad")
    assert bad.surprisals(Utf8Texts.of(["sun"])).nats.tolist() == pytest.approx([np.log(10)] * 2)
    with pytest.raises(BadModel, match="'rain' a probability of"):
        bad.surprisals(Utf8Texts.of(["sun rain"]))


def test_they_have_the_bundled_model_agree_with_its_report() -> None:
    bundled = nonplus.open_model("bundled:ngram")
    text = "It was a bright cold day in April,\n\n  and the clocks were striking thirteen: caf\u00e9."
    (scored,) = nonplus.score(text, model=bundled)
    assert rows(bundled.surprisals(Utf8Texts.of([text])), 0) == rows(Surprisals.of(scored.texts), 0)

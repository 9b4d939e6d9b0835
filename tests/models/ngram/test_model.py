"""An n-gram model scores whole texts as KenLM does where KenLM is right, and by itself
where it is not.
"""

import itertools
import math
import signal
import sys
import threading
import time
import warnings
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tokenizers
from hypothesis import given
from hypothesis import strategies as st
from models import FIXTURES

import nonplus
from nonplus.errors import BadModel, SuspectInput
from nonplus.measure.conformance import examine
from nonplus.measure.forward import RunOptions
from nonplus.measure.records import Document
from nonplus.measure.scores import ScoredText
from nonplus.measure.utf8_texts import Utf8Texts
from nonplus.models.loading import Loading
from nonplus.models.ngram.arpa.reading import read_arpa
from nonplus.models.ngram.bundle import open_bundle, write_bundle
from nonplus.models.ngram.model import NgramModel
from nonplus.models.ngram.ngrams import BEGIN, END, Block, NgramsInMemory
from nonplus.models.ngram.normalizers.named import NORMALIZERS, named
from nonplus.models.ngram.sources import TextOptions, scorer
from nonplus.models.ngram.table.table import Matches, Table
from nonplus.models.ngram.text.byte_words import ByteWords
from nonplus.models.ngram.text.pieces import Pieces
from nonplus.models.ngram.text.rules import Rules, joined
from nonplus.models.ngram.text.splitters import piece_model
from nonplus.models.ngram.text.words import NewWords, Split, Words

pytestmark = pytest.mark.filterwarnings("ignore::nonplus.errors.SuspectInput")

WEATHER = FIXTURES / "weather.arpa"
NAME = f"ngram:{WEATHER}"
KNOWN = ["rain", "falls", "in", "may", "snow"]
lines = st.lists(st.sampled_from([*KNOWN, "sun", "s\0n", "snöw", "<s>", "</s>", "<unk>"]), max_size=8)
texts = st.lists(lines.map(" ".join), min_size=1, max_size=5).map("\n".join).filter(bool)


def of_rules(normalizer: str = "raw", **options: object) -> NgramModel:
    """The model of the fixture, read by other rules."""
    ngrams = read_arpa(WEATHER)
    rules = Rules(named(normalizer), Words(ngrams.words), **options)  # type: ignore[arg-type]
    return NgramModel(rules, Table.in_memory(ngrams), name="weather", identity="weather")


MODEL = of_rules()
PIECES = nonplus.open_model("bundled:ngram")._rules.splitter


def scored(*texts: str | Document, model: object = MODEL) -> list[ScoredText]:
    return list(nonplus.score(texts, model=model))


@cache
def kenlm_model() -> Any:
    return pytest.importorskip("kenlm").Model(str(WEATHER))


def as_kenlm_may_see_it(line: str) -> str:
    """Special words are words that the model does not know, and so is one with NUL."""
    return " ".join(word if word in KNOWN else "unknown" for word in line.split(" ") if word)


# --------------------------------------------------------------------------- parity


@given(texts)
def test_every_token_has_the_score_and_the_match_of_kenlm(text: str) -> None:
    theirs = kenlm_model()
    own = text.split("\n")[:-1] if text.endswith("\n") else text.split("\n")
    expected = [each for line in own for each in theirs.full_scores(as_kenlm_may_see_it(line))]
    (ours,) = scored(text)
    np.testing.assert_allclose(-ours.nats / math.log(10), [score for score, _, _ in expected], rtol=0, atol=1e-6)
    assert ours.matches.length.tolist() == [length for _, length, _ in expected]
    assert [row.unknown for row in ours.rows(str)] == [unknown for _, _, unknown in expected]


@pytest.mark.parametrize("line", ["rain falls in may", "snow", "rain sun in", ""])
def test_a_line_has_the_sum_and_the_perplexity_of_kenlm(line: str) -> None:
    theirs = kenlm_model()
    report = nonplus.evaluate([line or "\n"], model=MODEL)
    assert -report.nats / math.log(10) == pytest.approx(theirs.score(line), abs=1e-6)
    assert report.perplexity == pytest.approx(theirs.perplexity(line), rel=1e-6)


def test_nul_in_front_of_a_document_does_not_make_it_probable() -> None:
    rng = np.random.default_rng(0)
    garbage = " ".join("".join(map(chr, rng.integers(97, 123, 6))) for _ in range(2000))
    alone, behind = (nonplus.evaluate([text], model=MODEL).perplexity for text in (garbage, f"a\0{garbage}"))
    assert behind == pytest.approx(alone, rel=1e-12)
    assert alone > 20
    kenlm = kenlm_model()
    assert kenlm.perplexity(f"a\0{garbage}") < 1.1  # what is avoided


def test_half_of_a_surrogate_pair_is_refused_with_its_text() -> None:
    for refused in (lambda: scored("rain", "snow \ud800"), lambda: scored(Document(text="rain", context="\udfff "))):
        with pytest.raises(nonplus.BadInput, match="half of a surrogate pair, which is not text"):
            refused()


# ----------------------------------------------------------------------------- laws


@given(st.lists(texts | st.just(""), max_size=6), st.booleans(), st.sampled_from(["raw", "standard"]))
def test_texts_encoded_together_have_the_tokens_that_each_has_in_its_sentences(
    these: list[str], specials: bool, normalizer: str
) -> None:
    rules = of_rules(normalizer)._rules

    def by_hand(text: str) -> list[tuple[int, int]]:
        """Without ``<s>``, and without a ``</s>`` that stands for no text."""
        found = rules.sentences([text])
        pairs = list(zip(found.ids_T.tolist(), found.byte_ends_T.tolist(), strict=True))
        before = [0, *(end for _, end in pairs)]
        return [
            (i, end)
            for (i, end), start in zip(pairs, before, strict=False)
            if specials or not (i == BEGIN or (i == END and end == start))
        ]

    together = of_rules(normalizer).tokenizer.encode(these, specials=specials)
    assert [list(zip(own.ids.tolist(), own.byte_ends.tolist(), strict=True)) for own in together] == [
        by_hand(text) for text in these
    ]


@given(st.lists(texts, min_size=1, max_size=6), st.sampled_from(["1", "3"]))
def test_documents_have_the_same_bits_alone_together_and_in_threads(these: list[str], threads: str) -> None:
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("OMP_NUM_THREADS", threads)
        together = scored(*these)
    for text, one in zip(these, together, strict=True):
        (alone,) = scored(text)
        assert np.array_equal(alone.nats, one.nats)
        assert np.array_equal(alone.matches.backoff, one.matches.backoff)
        assert np.array_equal(alone.tokens.byte_ends, one.tokens.byte_ends)


@given(texts, texts)
def test_a_context_is_read_before_the_text_and_is_not_scored(before: str, text: str) -> None:
    for context in (f"{before} ", f"{before}\n"):
        (whole,) = scored(context + text)
        (own,) = scored(Document(text=text, context=context))
        n = len(own.nats)
        assert np.array_equal(own.nats, whole.nats[-n:])
        assert np.array_equal(own.seen, whole.seen[-n:])
        assert sum(row.nats is None for row in own.rows(str)) == 0
        assert "".join(row.text for row in own.rows(str)) == text


@given(texts)
def test_tokens_tile_the_text_and_see_at_most_one_fewer_than_the_order(text: str) -> None:
    (one,) = scored(text)
    rows = list(one.rows(str))
    assert "".join(row.text for row in rows) == text
    places = [place for line in text.removesuffix("\n").split("\n") for place in range(1, 2 + len(line.split(" ")))]
    if "  " not in text and not text.startswith(" ") and "\n\n" not in text and text.split("\n")[0]:
        assert [row.seen for row in rows] == [min(place, 2) for place in places]
    assert all(row.match <= row.seen + 1 for row in rows)


@given(texts, st.integers(1, 9))
def test_readings_are_those_of_the_whole_distribution(text: str, k: int) -> None:
    plain = scored(text)
    (read,) = nonplus.score([text], model=MODEL, options=RunOptions(alternatives=k))
    assert np.array_equal(read.nats, plain[0].nats)
    np.testing.assert_allclose(read.readings.nats, read.nats, atol=1e-9)
    assert read.readings.top_ids.shape == (len(read.nats), min(k, 8))
    begin = 1
    assert not (read.readings.top_ids == begin)[:, :7].any()


@pytest.mark.slow
def test_a_document_of_four_million_tokens_is_summed_exactly() -> None:
    line, times = "rain falls in may snow", 700_000
    (one,) = scored(f"{line}\n")
    exact = times * math.fsum(one.nats.tolist())
    report = nonplus.evaluate([f"{line}\n" * times], model=MODEL)
    assert report.tokens == times * 6
    assert report.nats == pytest.approx(exact, rel=1e-9)


def test_a_run_that_is_resumed_has_the_same_sums(tmp_path: Path) -> None:
    these = [Document(text="rain falls sun", context="in may ", domain="x"), "rain falls\nin may"]
    plain = nonplus.evaluate(these, model=MODEL)
    kept = [nonplus.evaluate(these, model=MODEL, options=RunOptions(resume=tmp_path)) for _ in range(2)]
    assert [each.tally for each in kept] == [plain.tally] * 2
    assert [each.lost for each in kept] == [plain.lost] * 2


class Endless:
    """Uniform distributions without an end, of which the third brings Ctrl-C."""

    order, vocabulary = 1, 8

    def score(self, ids_T: Any, starts: Any) -> Matches:
        n = len(ids_T)
        return Matches(np.full(n, math.log(7)), np.ones(n, np.uint8), np.zeros(n, np.float32))

    def distributions(self, ids_T: Any, starts: Any, at_N: Any) -> Iterator[Any]:
        for number in itertools.count():
            if number == 2:
                signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
            yield np.full((0, 8), -math.log(7))


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no signal of a thread")
def test_ctrl_c_does_not_wait_for_the_alternatives_of_all_texts_under_way() -> None:
    model = NgramModel(MODEL._rules, Endless(), name="endless", identity="endless")
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            list(model.score([Document(text="rain falls")], alternatives=1))
    finally:
        signal.signal(signal.SIGINT, before)


class Interrupting:
    """Bytes as words; the third stretch of a text brings Ctrl-C."""

    def __init__(self) -> None:
        self._splitter, self.stretches = ByteWords(NewWords()), 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._splitter, name)

    def split(self, *parts: Any) -> Split:
        self.stretches += 1
        if self.stretches == 3:
            signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
        time.sleep(0.001)  # the main thread comes in
        return self._splitter.split(*parts)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no signal of a thread")
def test_ctrl_c_does_not_wait_for_all_words_of_a_long_document(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nonplus.models.ngram.text.rules.STRETCH", 10)
    splitter = Interrupting()
    model = NgramModel(Rules(named("raw"), splitter), Endless(), name="bytes", identity="bytes")
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            list(model.score([Document(text="rain falls\n" * 2000)], alternatives=0))
    finally:
        signal.signal(signal.SIGINT, before)
    assert splitter.stretches < 1000


@given(st.lists(texts | st.sampled_from(["\n\n", " ", "\n \nrain"]), min_size=1, max_size=4), st.integers(1, 30))
@pytest.mark.parametrize("normalizer", ["raw", "standard"])
def test_a_text_cut_in_stretches_has_the_words_that_it_has_at_once(
    normalizer: str, these: list[str], stretch: int
) -> None:
    for splitter in (Words(read_arpa(WEATHER).words), ByteWords(NewWords()), PIECES):
        cutting = Rules(named(normalizer), splitter)
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr("nonplus.models.ngram.text.rules.STRETCH", stretch)
            cut = cutting.cut(Utf8Texts.of(these))
            apart = cutting.framed(cut, joined(list(cutting.splits(cut))))
        at_once = cutting.sentences(these)
        for name in ("ids_T", "byte_ends_T", "starts", "documents", "normalised_bytes_D"):
            assert np.array_equal(getattr(apart, name), getattr(at_once, name)), name


def test_it_behaves_as_figures_require() -> None:
    assert [check.name for check in examine(MODEL) if not check.passed] == []


# ---------------------------------------------------------------------------- rules


def test_newlines_are_noted_only_where_the_rules_tell_them_apart() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        scored("rain falls\r\nin may\r\n")
        scored("rain falls\rin may", model=of_rules("standard"))
    with pytest.warns(SuspectInput, match=r"has CR newlines, .* turn them into LF in the source"):
        scored("rain falls\rin may")


def test_without_begin_and_end_only_words_are_scored() -> None:
    (one,) = scored("rain falls", model=of_rules(begin=False, end=False))
    assert one.seen.tolist() == [0, 1]
    assert one.nats[0] == pytest.approx(0.8 * math.log(10))
    assert nonplus.evaluate(["rain"], model=of_rules(begin=False)).protocol.signature.count("begin:none|end:</s>") == 1


def test_a_text_without_a_token_is_refused() -> None:
    with pytest.raises(nonplus.BadInput, match="finds no token in text 2; a text needs at least one"):
        scored("rain", " ", model=of_rules(begin=False, end=False))


def test_a_sentence_may_be_the_whole_document() -> None:
    (by_line,), (whole,) = scored("rain\nsnow"), scored("rain\nsnow", model=of_rules(unit="document"))
    assert (len(by_line.nats), len(whole.nats)) == (4, 3)


def test_bytes_after_normalising_are_those_of_the_text_without_its_context() -> None:
    (one,) = scored(Document(text="rain   falls", context="in  may "), model=of_rules("standard"))
    assert one.texts.tokens.normalised_bytes.tolist() == [10]  # the blank before it is the context's
    assert one.texts.tokens.lost == {"blanks and newlines"}
    assert scored("rain  falls")[0].texts.tokens.normalised_bytes is None
    # "1,2" is one number, and becomes the "0" of its first digit; "1," becomes "0,"
    pair = [Document(text="2", context="1,"), Document(text="2"), Document(text="2 b", context="a  ")]
    found = (each.texts.tokens.normalised_bytes for each in scored(*pair, model=of_rules("datatrove")))
    assert np.concatenate([*found]).tolist() == [0, 1, 3]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("", "names? the folder of a bundle, an ARPA file or"),
        ("nowhere.arpa", "there is none of the name 'nowhere.arpa'"),
        ("/dev/null", "takes the folder of a bundle or a regular file, and '/dev/null' is neither; check it"),
        (str(FIXTURES), "is no bundle: it has no manifest.json; write one with nonplus ngram train"),
        (__file__, r"without a line \\data\\"),
    ],
)
def test_a_name_that_is_no_model_is_explained(name: str, said: str) -> None:
    with pytest.raises(BadModel, match=said):
        nonplus.open_model(f"ngram:{name}")


def test_a_folder_of_transformers_is_named_as_such(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(BadModel, match=rf"is a model of transformers.*open it with hf:{tmp_path}"):
        nonplus.open_model(f"ngram:{tmp_path}")


def test_it_is_loaded_as_it_is() -> None:
    with pytest.raises(BadModel, match="it runs as it is, in float32; omit dtype='bfloat16'"):
        nonplus.open_model(NAME, loading=Loading(dtype="bfloat16"))


def test_no_chat_template_is_made_up() -> None:
    with pytest.raises(BadModel, match="an n-gram model has no chat template"):
        MODEL.tokenizer.chat([])


def test_ids_become_words() -> None:
    assert MODEL.tokenizer.decode([1, 3, 0, 2]) == "<s> rain <unk> </s>"


def test_a_model_whose_weights_make_a_word_more_than_certain_is_refused_there(tmp_path: Path) -> None:
    path = tmp_path / "heavy.arpa"
    path.write_text(WEATHER.read_text().replace("-1.1\tfalls\t0.3979400", "-1.1\tfalls\t3"))
    with pytest.raises(BadModel, match=r"gives the word 'snow' a probability of 10\^2 .*, and none is above 1"):
        scored("falls snow", model=f"ngram:{path}")


# ----------------------------------------------------------------------- tokenizers


def uniform_over(words: list[str]) -> NgramsInMemory:
    """Every word equally probable."""
    n = len(words)
    ids, probs = np.arange(n, dtype=np.int32)[:, None], np.full(n, -math.log10(n - 1), np.float32)
    return NgramsInMemory(words, (Block(ids, probs, np.zeros(n, np.float32)),))


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20))
def test_bytes_may_be_the_words(text: str) -> None:
    splitter = ByteWords(NewWords())
    ngrams = uniform_over(list(splitter.words))
    rules = Rules(named("raw"), splitter, unit="document")
    model = NgramModel(rules, Table.in_memory(ngrams), name="bytes", identity="bytes")
    (one,) = scored(text, model=model)
    assert len(one.nats) == len(text.encode()) + 1
    assert "".join(row.text for row in one.rows(str)) == text
    assert one.texts.tokens.lost == frozenset()
    assert model.vocabulary == 258  # every byte, </s> and <unk>
    assert one.nats.tolist() == pytest.approx([math.log(258)] * len(one.nats), rel=1e-6)


def test_pieces_of_a_tokenizers_file_come_back_from_a_bundle(tmp_path: Path) -> None:
    made = tokenizers.Tokenizer(tokenizers.models.WordLevel({"rain": 0, "fall": 1, "s": 2, "?": 3}, unk_token="?"))
    made.pre_tokenizer = tokenizers.pre_tokenizers.Split(tokenizers.Regex("fall|s|rain"), "isolated")
    made.save(str(tmp_path / "tokenizer.json"))
    splitter = Pieces(piece_model(tmp_path / "tokenizer.json"), NewWords())
    rules = Rules(named("raw"), splitter)
    rules.sentences(["rainfalls"])
    write_bundle(tmp_path / "made", uniform_over(list(rules.words)), rules=rules)
    bundle = open_bundle(tmp_path / "made")
    model = NgramModel(bundle.rules, bundle.table, name="pieces", identity="pieces")
    (one,) = scored("rainfalls", model=model)
    assert [row.text for row in one.rows(str)] == ["rain", "fall", "s", ""]
    assert "tokenizer:tokenizers" in model.protocol.signature


@pytest.mark.slow
@pytest.mark.parametrize("normalizer", NORMALIZERS)
@given(these=st.lists(texts | st.text(st.characters(exclude_categories=["Cs"]), min_size=1), min_size=1, max_size=4))
def test_by_any_normaliser_tokens_tile_the_users_text_and_texts_do_not_depend_on_each_other(
    normalizer: str, these: list[str]
) -> None:
    model = of_rules(normalizer)
    own = [text for text in these if len(model.tokenizer.encode([text], specials=True)[0].ids) > 1]
    together = scored(*own, model=model) if own else []
    for text, one in zip(own, together, strict=True):
        assert "".join(row.text for row in one.rows(str)) == text
        (alone,) = scored(text, model=model)
        assert np.array_equal(alone.nats, one.nats)
        assert np.array_equal(alone.tokens.byte_ends, one.tokens.byte_ends)


def test_a_back_off_weight_above_one_counts_until_a_probability_is_above_one(tmp_path: Path) -> None:
    arpa = tmp_path / "pos.arpa"
    unigrams = "-1\t<unk>\n-99\t<s>\t-0.5\n-0.1\t</s>\n-3.5\tb\n-0.1\ta\t3.0\n"
    arpa.write_text(f"\\data\\\nngram 1=5\nngram 2=1\n\n\\1-grams:\n{unigrams}\n\\2-grams:\n-0.2\t<s> a\n\n\\end\\\n")
    model = nonplus.open_model(f"ngram:{arpa}")
    (b,) = nonplus.score(["a b"], model=model)
    assert (b.nats / -math.log(10)).tolist() == pytest.approx([-0.2, 3.0 - 3.5, -0.1], abs=1e-6)
    said = r"gives the word 'a' a probability of 10\^2.9 in one place, and none is above 1: .* are 10\^3 together"
    with pytest.raises(BadModel, match=said):
        list(nonplus.score(["a a b"], model=model))


def test_a_model_that_reads_texts_in_another_way_is_that_of_its_file_opened_so():
    arpa = str(WEATHER)
    documents = [Document(text=text, id="a") for text in ("RAIN falls\nin may", "snow in\nMay", "sun")]
    again = scorer(arpa, TextOptions()).read_by(named("ccnet"), "line")
    afresh = scorer(arpa, TextOptions(normalizer="ccnet", unit="line"))
    (ours,), (theirs,) = (list(model.score(documents, alternatives=0)) for model in (again, afresh))
    assert ours.nats.tolist() == theirs.nats.tolist()
    assert again.protocol == afresh.protocol
    assert again.identity != afresh.identity

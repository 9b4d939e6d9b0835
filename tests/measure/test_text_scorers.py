"""A model that scores whole texts in its own way ends in the same record and report as
any other.
"""

import json
import math
import struct
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Literal, final

import numpy as np
import pytest
from doubles import History
from hypothesis import given
from hypothesis import strategies as st

import nonplus
from nonplus.errors import BadInput, BadModel, BadProtocol, SuspectInput
from nonplus.measure import kept_texts, resumed, tokenizing
from nonplus.measure.forward import RunOptions
from nonplus.measure.interfaces import Quantity, ScoresTexts
from nonplus.measure.protocol.choices import Protocol
from nonplus.measure.records import Document
from nonplus.measure.scores import ScoredTexts
from nonplus.measure.scoring import score
from nonplus.measure.session import Measurement, evaluate
from nonplus.measure.tokenizing import encode
from nonplus.models.synthetic import Bytes
from nonplus.views.explanation import explanation


@dataclass(frozen=True)
class Lines:
    """Tokens are bytes; a token costs a nat for each byte before it in its line."""

    quantity: Quantity = "perplexity"
    average: Literal["tokens", "texts"] = "tokens"
    denominator: Literal["scored", "lm-eval"] = "scored"
    cautions: tuple[str, ...] = ()
    signature = "lines|unit:bytes"
    fingerprint = "0123456789ab"

    def as_dict(self) -> dict[str, Any]:
        return {"name": "lines", "unit": "bytes"}


@final
class ByLine:
    """A text scorer of which every surprisal is known; it reads a few documents at a
    time.
    """

    name, identity, dtype, vocabulary = "by line", "by line 1", "float64", 256
    tokenizer = Bytes()

    def __init__(self, protocol: Lines = Lines(), *, together: int = 3) -> None:
        self.protocol = protocol
        self._together = together
        self.read = 0

    def score(self, documents: Iterable[Document], *, alternatives: int) -> Iterator[ScoredTexts]:
        if alternatives:
            raise BadModel("by line has no alternatives; leave alternatives out")
        several = iter(documents)
        while together := list(islice(several, self._together)):
            self.read += len(together)
            tokens = encode(together, self)
            nats = [float(place) for each in together for place in by_hand(each.text)]
            index, seen = np.arange(len(nats)), np.array(nats, np.int64)
            yield ScoredTexts.complete(tokens, index=index, nats=np.array(nats), seen=seen)


@dataclass(frozen=True)
class Letters:
    """Tokens from elsewhere: what they are called, and no way to make them."""

    identity = "letters"
    special_ids: frozenset[int] = frozenset()
    unknown_id: None = None

    def decode(self, ids: Sequence[int]) -> str:
        return bytes(ids).decode(errors="replace")

    def chat(self, messages: Sequence[Any]) -> str:
        raise BadModel("letters have no chat template; omit messages=…")


@final
class FromElsewhere:
    """A text scorer whose texts are not encoded here."""

    name, identity, dtype, vocabulary = "from elsewhere", "from elsewhere 1", "float64", None
    tokenizer = Letters()
    protocol = Lines()

    def score(self, documents: Iterable[Document], *, alternatives: int) -> Iterator[ScoredTexts]:
        return ByLine().score(documents, alternatives=alternatives)


def by_hand(text: str) -> list[int]:
    return [place for line in text.encode().splitlines(keepends=True) for place in range(len(line))]


texts = st.lists(st.text("ab\n", min_size=1, max_size=12), min_size=1, max_size=8)


def test_the_double_is_a_text_scorer_and_no_window_model_is_one() -> None:
    assert isinstance(ByLine(), ScoresTexts)
    assert not isinstance(History(), ScoresTexts)


@given(texts)
def test_every_token_of_every_document_comes_back_in_order(these: list[str]) -> None:
    assert [text.nats.tolist() for text in score(these, model=ByLine())] == [by_hand(text) for text in these]


@given(texts, st.integers(1, 5))
def test_the_report_is_that_of_all_tokens_whatever_is_read_together(these: list[str], together: int) -> None:
    report = evaluate(these, model=ByLine(together=together))
    expected = sum(sum(by_hand(text)) for text in these)
    assert report.nats == expected
    assert report.tally.bytes == sum(map(len, these))
    assert report.tally == evaluate(these, model=ByLine()).tally


def test_the_report_states_the_scorers_own_protocol_and_model() -> None:
    said = evaluate(["ab\ncd"], model=ByLine()).to_dict()
    assert (said["signature"], said["fingerprint"]) == ("lines|unit:bytes", "0123456789ab")
    assert (said["model"], said["model_identity"]) == ("by line", "by line 1")
    assert said["protocol"] == {"name": "lines", "unit": "bytes"}


def test_domains_and_positions_work_as_for_any_model() -> None:
    documents = [Document(text="abc", domain="x"), Document(text="ab", domain="y")]
    report = evaluate(documents, model=ByLine())
    assert {name: each.nats for name, each in report.by_domain()} == {"x": 3.0, "y": 1.0}
    assert [(row.seen_from, row.tokens) for row in report.positions] == [(0, 2.0), (1, 2.0), (2, 1.0)]


def test_a_scorer_may_average_over_texts() -> None:
    report = evaluate(["abc", "a"], model=ByLine(Lines(average="texts")))
    assert report.perplexity == pytest.approx((math.e + 1) / 2)


def test_a_run_that_is_certain_enough_reads_no_further() -> None:
    model = ByLine(together=5)
    measurement = Measurement(model, until=0.5)
    assert sum(len(texts) for texts, _ in measurement.run(["abcdefg", "abcdef"] * 500)) < 100
    assert measurement.enough
    assert model.read < 110


def test_no_protocol_can_be_chosen_for_it() -> None:
    with pytest.raises(BadProtocol, match="scores whole texts in its own way"):
        evaluate(["ab"], model=ByLine(), protocol=Protocol(window=8))
    with pytest.raises(BadProtocol, match="omit protocol=full"):
        nonplus.evaluate(["ab"], model=ByLine(), protocol="full")
    with pytest.raises(BadProtocol, match="omit protocol=stride:5 and newlines='normalise'"):
        evaluate(["ab"], model=ByLine(), protocol=Protocol.named("stride:5").but(newlines="normalise"))
    with pytest.raises(BadProtocol, match="omit stride=4 and bos='first'"):
        evaluate(["ab"], model=ByLine(), protocol=Protocol(stride=4, bos="first"))
    assert nonplus.evaluate(["ab"], model=ByLine()).protocol == Lines()


def test_the_size_of_a_batch_is_an_option_of_windows_only() -> None:
    with pytest.raises(BadProtocol, match="omit budget=8"):
        evaluate(["ab"], model=ByLine(), options=RunOptions(budget=8))


@given(texts, st.data())
def test_a_run_that_was_broken_off_goes_on_where_it_was_and_ends_as_an_unbroken_one(
    tmp_path_factory: pytest.TempPathFactory, these: list[str], data: st.DataObject
) -> None:
    options = RunOptions(resume=tmp_path_factory.mktemp("kept"))
    unbroken = list(score(these, model=ByLine()))
    done = these[: data.draw(st.integers(0, len(these)))]
    again = ByLine()
    if done:
        list(score(done, model=ByLine(), options=options))
    resumed = list(score(these, model=again, options=options))
    assert again.read == len({*these} - {*done})
    for one, other in zip(resumed, unbroken, strict=True):
        assert one.document == other.document
        for name in ("index", "nats", "weight", "seen"):
            assert np.array_equal(getattr(one, name), getattr(other, name))
        assert np.array_equal(one.tokens.ids, other.tokens.ids)
        assert np.array_equal(one.tokens.byte_ends, other.tokens.byte_ends)
        assert one.tokens.first == other.tokens.first


@given(st.lists(st.text("ab\n", min_size=1, max_size=3), max_size=40), st.sets(st.text("ab\n", min_size=1, max_size=3)))
def test_slices_of_which_any_text_may_be_kept_come_in_order_and_each_text_is_scored_once(
    tmp_path_factory: pytest.TempPathFactory, these: list[str], before: set[str]
) -> None:
    options, model = RunOptions(resume=tmp_path_factory.mktemp("kept")), ByLine()
    these = ["a", *these]
    if before:
        list(score(before, model=ByLine(), options=options))
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(tokenizing, "AHEAD", 5)
        patched.setattr(resumed, "_MOST_WAITING", 4)
        given = list(score(these, model=model, options=options))
    assert [text.document.text for text in given] == these
    assert [text.nats.tolist() for text in given] == [by_hand(text) for text in these]
    assert model.read == len({*these} - before)


def test_what_is_missing_is_asked_for_by_one_call_so_that_a_model_may_work_on_several_slices(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []

    class Called(ByLine):  # type: ignore[misc]
        def score(self, documents: Iterable[Document], *, alternatives: int) -> Iterator[ScoredTexts]:
            calls.append(alternatives)
            return super().score(documents, alternatives=alternatives)

    monkeypatch.setattr(tokenizing, "AHEAD", 5)
    these = [f"{n:03}" for n in range(30)]
    assert len(list(score(these, model=Called(), options=RunOptions(resume=tmp_path)))) == 30
    assert len(calls) == 1


def test_a_scorer_may_give_no_text_at_a_time(tmp_path: Path) -> None:
    class Hesitant(ByLine):  # type: ignore[misc]
        def score(self, documents: Iterable[Document], *, alternatives: int) -> Iterator[ScoredTexts]:
            for texts in super().score(documents, alternatives=alternatives):
                yield from (texts.part(0, 0), texts, texts.part(0, 0))

    options = RunOptions(resume=tmp_path)
    for _ in range(2):
        assert [text.document.text for text in score(["ab", "c"], model=Hesitant(), options=options)] == ["ab", "c"]


@pytest.mark.parametrize("resume", [True, False])
def test_what_was_read_before_a_text_that_is_none_is_scored_and_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, resume: bool
) -> None:
    monkeypatch.setattr(tokenizing, "AHEAD", 2)
    run = score(
        ["ab", "cd", "ef", ""], model=ByLine(together=2), options=RunOptions(resume=tmp_path if resume else None)
    )
    assert [next(run).document.text for _ in range(3)] == ["ab", "cd", "ef"]
    with pytest.raises(BadInput, match="text 4 is empty"):
        next(run)


def test_what_is_finished_of_a_run_that_an_error_ends_is_given_and_kept(tmp_path: Path) -> None:
    class Failing:
        name, identity, dtype, vocabulary = "by line", "by line 1", "float64", 256
        tokenizer, protocol = Bytes(), Lines()

        def score(self, documents: Iterable[Document], *, alternatives: int) -> Iterator[ScoredTexts]:
            yield from islice(ByLine(together=1).score(documents, alternatives=alternatives), 2)
            raise BadModel("it stopped; start it again")

    options = RunOptions(resume=tmp_path)
    run = score(["ab", "cd", "ef"], model=Failing(), options=options)
    assert [next(run).document.text, next(run).document.text] == ["ab", "cd"]
    with pytest.raises(BadModel, match="it stopped"):
        next(run)
    again = ByLine()
    assert len(list(score(["ab", "cd", "ef"], model=again, options=options))) == 3
    assert again.read == 1


def test_scores_of_one_scorer_are_not_those_of_another(tmp_path: Path) -> None:
    class Other(ByLine):  # type: ignore[misc]
        identity = "by line 2"

    options, other = RunOptions(resume=tmp_path), Other()
    list(score(["ab"], model=ByLine(), options=options))
    list(score(["ab"], model=other, options=options))
    assert other.read == 1


def test_scores_that_were_kept_in_another_layout_are_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    options, model = RunOptions(resume=tmp_path), ByLine()
    list(score(["ab"], model=model, options=options))
    list(score(["ab"], model=model, options=options))
    assert model.read == 1
    monkeypatch.setattr(kept_texts, "TEXTS", "texts-1")
    list(score(["ab"], model=model, options=options))
    assert model.read == 2


words = st.sampled_from([-1, 0, 1, 2, 9, 1 << 31, 1 << 62, -1 << 63]).map(lambda number: struct.pack("<q", number))
fields = st.integers(0, 9)
codes = ["BBBB=B=B=f=f", "BBBB=B=B=d=d", "=BBBB=B=B=f=f", "BBBB=B=B=f=f=B=f", "BBBB=BBff", "HBBB=B=B=f=f", "B" * 7]
values = st.sampled_from([None, True, False, -1, 0, 1, 2, 5, 10**15, 10**30, 0.5, "x", [], ["x"], [1], {}, *codes])


@pytest.mark.filterwarnings("ignore::nonplus.errors.SuspectInput")
@given(st.dictionaries(st.integers(0, 60), words, max_size=3), st.dictionaries(fields, values, max_size=1))
def test_what_no_run_has_written_under_a_right_checksum_is_refused_or_scores(
    tmp_path_factory: pytest.TempPathFactory, numbers: dict[int, bytes], fields: dict[int, Any]
) -> None:
    options = RunOptions(resume=tmp_path_factory.mktemp("kept"))
    evaluate(["ab\nc"], model=ByLine(), options=options)
    (path,) = options.resume.glob("*.answers")
    column = path.read_bytes()[12 + 4 + 24 :]
    length = 8 + int.from_bytes(column[:8], "little")
    head = json.loads(column[8:length])
    said = json.dumps([fields.get(place, value) for place, value in enumerate(head)]).encode()
    said += b" " * ((len(column) - length - len(said)) % 8)
    content = bytearray(struct.pack("<q", len(said)) + said + column[length:])
    for place, word in numbers.items():
        start = 8 * (place % (len(content) // 8))
        content[start : start + 8] = word
    body = path.read_bytes()[12 : 12 + 20] + struct.pack("<II", len(content) // 8, 1) + content
    path.write_bytes(struct.pack("<4sII", b"NPL1", len(body), zlib.crc32(body)) + body)
    with suppress(BadInput):
        report = evaluate(["ab\nc"], model=ByLine(), options=options)
        assert report.tally.bytes <= 4


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "its head is longer than it is"),
        (struct.pack("<q", 16) + b"[" * 16, "Expecting value"),
        (struct.pack("<q", 8) + b"[1, 2]  ", "its head has other fields"),
    ],
)
def test_a_kept_text_that_no_run_has_written_is_refused_with_its_folder(
    tmp_path: Path, content: bytes, said: str
) -> None:
    options = RunOptions(resume=tmp_path)
    evaluate(["ab"], model=ByLine(), options=options)
    (path,) = tmp_path.glob("*.answers")
    body = path.read_bytes()[12 : 12 + 20] + struct.pack("<II", len(content) // 8, 1) + content
    path.write_bytes(struct.pack("<4sII", b"NPL1", len(body), zlib.crc32(body)) + body)
    with pytest.raises(BadInput, match=rf"resume={tmp_path} keeps for text 1, .*: {said}.*; give another folder"):
        evaluate(["ab"], model=ByLine(), options=options)


def test_alternatives_are_the_scorers_business() -> None:
    with pytest.raises(BadModel, match="has no alternatives"):
        list(score(["ab"], model=ByLine(), options=RunOptions(alternatives=2)))


def test_a_text_that_is_none_is_refused_before_it_comes_to_the_scorer() -> None:
    with pytest.raises(BadInput, match="is empty"):
        evaluate(["ab", ""], model=ByLine())
    with pytest.raises(BadInput, match="half of a surrogate pair"):
        evaluate(["ab", "\ud83d"], model=ByLine())


@pytest.mark.parametrize(("nats", "said"), [(math.nan, "gives NaN"), (-5.0, "log-probability 5, and none is above 0")])
def test_surprisals_that_cannot_be_are_an_error_of_the_scorer(nats: float, said: str) -> None:
    class Wrong:
        name, identity, dtype, vocabulary = "wrong", "wrong", "float64", 256
        tokenizer, protocol = Bytes(), Lines()

        def score(self, documents: Iterable[Document], *, alternatives: int) -> Iterator[ScoredTexts]:
            tokens = encode(list(documents), self)
            index = np.arange(len(tokens.ids))
            yield ScoredTexts.complete(tokens, index=index, nats=np.full(len(index), nats), seen=index)

    with pytest.raises(BadModel, match=said):
        evaluate(["ab"], model=Wrong())


def test_a_window_model_with_a_method_called_score_stays_a_window_model() -> None:
    class Scoring(History):
        def score(self) -> None: ...

    assert evaluate(["ab"], model=Scoring()).nats == evaluate(["ab"], model=History()).nats


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda parts: parts[:-1], "gives nothing for text 3"),
        (lambda parts: [parts[0], *parts], "was to score text 2, text 3 next, and gives text 1"),
        (lambda parts: parts[::-1], "was to score text 1, text 2, text 3 next, and gives text 3"),
    ],
)
def test_a_scorer_gives_each_document_once_and_in_order(change: Any, said: str) -> None:
    class Muddled:
        name, identity, dtype, vocabulary = "muddled", "muddled", "float64", 256
        tokenizer, protocol = Bytes(), Lines()

        def score(self, documents: Iterable[Document], *, alternatives: int) -> Iterator[ScoredTexts]:
            yield from change(list(ByLine(together=1).score(documents, alternatives=alternatives)))

    with pytest.raises(BadModel, match=said):
        evaluate(["a", "b", "c"], model=Muddled())


def test_a_view_of_a_document_looks_at_no_other(monkeypatch):
    looked_up = []

    def counting(sorted_: np.ndarray, places: np.ndarray, **options: Any) -> Any:
        looked_up.append(np.size(places))
        return found(sorted_, places, **options)

    (texts,) = ByLine(together=500).score([Document(text="ab\nc")] * 500, alternatives=0)
    found = np.searchsorted
    monkeypatch.setattr(np, "searchsorted", counting)
    assert len(list(texts)) == 500
    assert sum(looked_up) <= 500 * 6


def test_a_model_whose_texts_are_encoded_elsewhere_has_the_figures_of_one_that_encodes():
    here, elsewhere = (evaluate(["ab\nAB", "b"], model=model) for model in (ByLine(), FromElsewhere()))
    assert elsewhere.perplexity == here.perplexity
    assert not elsewhere.lost


def test_carriage_returns_are_warned_of_where_nothing_tells_whether_the_model_sees_them():
    with pytest.warns(SuspectInput, match="CRLF newlines.*turn them into LF"):
        evaluate(["a\r\nb"], model=FromElsewhere())


def test_where_the_vocabulary_is_not_known_the_explanation_does_not_say_what_guessing_in_it_gives():
    report = evaluate(["ab"], model=FromElsewhere())
    assert "equally likely tokens. A model that is certain and right would give 1." in explanation(
        report, vocabulary=None
    )
    assert "A uniform guess over its vocabulary would give 256; a model" in explanation(report, vocabulary=256)

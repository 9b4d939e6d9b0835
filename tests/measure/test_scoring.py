"""Scoring: every way through the engine gives the closed form, and nothing is lost on
the way.
"""

import math
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from doubles import History, Spelled
from hypothesis import given
from hypothesis import strategies as st

from nonplus.errors import BadInput, BadModel, BadProtocol, ProtocolWarning
from nonplus.measure.batches import Rows, batch
from nonplus.measure.forward import RunOptions
from nonplus.measure.interfaces import Special
from nonplus.measure.packing import Lines, group, pack
from nonplus.measure.protocol.choices import Protocol
from nonplus.measure.protocol.resolved import ResolvedProtocol, resolve
from nonplus.measure.records import Batch, Document, Encoding, Floats, Window, Windows
from nonplus.measure.scores import ScoredText, ScoredTexts, TokenNames
from nonplus.measure.scoring import score
from nonplus.measure.session import Measurement, evaluate
from nonplus.measure.tokenizing import encode
from nonplus.models.synthetic import Bytes, Uniform

texts = st.lists(st.text("abcdé ", min_size=1, max_size=40), min_size=1, max_size=8)


def nats(scored: list[ScoredText]) -> list[list[float]]:
    return [each.nats.tolist() for each in scored]


def by_hand(text: str, model: History, context: int) -> list[float]:
    """Protocol full, one token at a time: blocks of ``context - 1`` new tokens, the
    last one filled up on its left.
    """
    ids, room, found = list(text.encode()), context - 1, []
    for i in range(len(ids)):
        stop = room + 1 if i <= room else room + 1 + math.ceil((i - room) / room) * room
        start = max(0, min(stop, len(ids)) - 1 - room)
        found.append(-model.log_probability([256, *ids[start:i]], ids[i]))
    return found


@given(texts, st.integers(2, 12))
def test_full_gives_the_closed_form_for_every_token(these: list[str], context: int) -> None:
    model = History(max_context=context)
    for scored, text in zip(score(these, model=model), these, strict=True):
        assert scored.nats.tolist() == pytest.approx(by_hand(text, model, context), rel=1e-12)


@given(texts, st.integers(1, 200), st.booleans())
def test_neither_batch_size_nor_packing_changes_a_figure(these: list[str], budget: int, packs: bool) -> None:
    plain = list(score(these, model=History()))
    other = list(score(these, model=History(packs=packs), options=RunOptions(budget=budget)))
    assert nats(other) == nats(plain)


@given(texts, st.data())
def test_the_order_of_documents_changes_only_the_order_of_results(these: list[str], data: st.DataObject) -> None:
    order = data.draw(st.permutations(range(len(these))))
    plain = nats(list(score(these, model=History())))
    shuffled = nats(list(score([these[i] for i in order], model=History())))
    assert shuffled == [plain[i] for i in order]


@given(texts)
def test_a_report_is_the_same_to_the_last_bit_in_any_order(these: list[str]) -> None:
    forth, back = (evaluate(order, model=History()) for order in (these, these[::-1]))
    assert (forth.tally.nats, forth.perplexity, forth.tally.scored) == (
        back.tally.nats,
        back.perplexity,
        back.tally.scored,
    )


@given(texts)
def test_perplexity_is_e_to_the_mean_surprisal_of_all_tokens(these: list[str]) -> None:
    model = History()
    by_token = [n for text in these for n in by_hand(text, model, model.max_context)]
    report = evaluate(these, model=model)
    assert report.perplexity == pytest.approx(math.exp(math.fsum(by_token) / len(by_token)), rel=1e-9)
    assert report.tokens == len(by_token) == sum(len(text.encode()) for text in these)
    assert report.bits_per_byte == pytest.approx(math.fsum(by_token) / math.log(2) / report.tally.bytes, rel=1e-9)


@given(st.text("ab", min_size=1, max_size=12), st.text("cd", min_size=1, max_size=30))
def test_context_is_fed_and_not_scored(context: str, text: str) -> None:
    model = History(max_context=64)
    (scored,) = score([Document(text=text, context=context)], model=model)
    fed = [256, *context.encode()]
    ids = list(text.encode())
    expected = [-model.log_probability([*fed, *ids[:i]], ids[i]) for i in range(len(ids))]
    assert scored.nats.tolist() == pytest.approx(expected, rel=1e-12)
    assert scored.unscored == 0


def test_without_a_prefix_the_first_token_is_counted_as_unscored() -> None:
    (scored,) = score(["abc"], model=History(bos=None))
    assert (len(scored.nats), scored.unscored, scored.index.tolist()) == (2, 1, [1, 2])


@given(st.text("aДé中🦊\u0301 ", min_size=1, max_size=9).filter(lambda text: len(text.encode()) > 1))
def test_bytes_of_a_character_are_counted_with_the_token_that_covers_them(text: str) -> None:
    """Each byte is a token of 8 bits, and the first one is not scored."""
    report = evaluate([text], model=Uniform(256), protocol=Protocol(bos="none"))
    assert report.tally.bytes == report.tally.scored == len(text.encode()) - 1
    assert report.bits_per_byte == pytest.approx(8, rel=1e-12)


@given(st.text("aДé中🦊\u0301 ", min_size=1, max_size=9))
def test_the_rows_of_a_text_give_the_text_a_character_with_its_first_byte(text: str) -> None:
    (scored,) = score([text], model=Uniform(256))
    rows = list(scored.rows(TokenNames(Bytes().decode)))
    assert "".join(row.text for row in rows) == text
    first = [1 - (byte & 0xC0 == 0x80) for byte in text.encode()]
    assert [len(row.text) for row in rows] == first
    assert [row.start for row in rows] == [sum(first[:n]) for n in range(len(first))]


def test_the_bytes_of_a_text_are_counted_from_the_end_of_its_context() -> None:
    (scored,) = score([Document(text="Да", context="é ")], model=Uniform(256))
    assert (scored.tokens.first, scored.tokens.byte_ends.tolist()) == (3, [0, 0, 0, 1, 2, 3, 4])


def test_byte_ends_that_fall_are_an_error_of_the_model() -> None:
    class Falling:
        identity = "falling"

        def decode(self, ids: list[int]) -> str:
            return Bytes().decode(ids)

        def encode(self, texts: list[str], **options: Any) -> list[Encoding]:
            return [replace(each, byte_ends=each.byte_ends[::-1]) for each in Bytes().encode(texts, **options)]

    with pytest.raises(
        BadModel, match="ends before the one that precedes it, or after the text; the byte_ends of an Encoding rise"
    ):
        list(score(["ab", "c"], model=History(tokenizer=Falling())))  # type: ignore[arg-type]


def test_a_prefix_that_the_text_brings_itself_is_not_doubled() -> None:
    model = History(vocabulary=259, tokenizer=Spelled())
    (scored,) = score([Document(text="ab", context="<s>")], model=model)
    assert scored.nats[0] == pytest.approx(-model.log_probability([256], ord("a")), rel=1e-12)


@pytest.mark.filterwarnings("ignore:protocol full. history was trained with another token than EOS")
@pytest.mark.parametrize("bos", ["every", "first", "none", "eos"])
def test_every_choice_of_prefix_is_fed_as_it_says(bos: str) -> None:
    model = History(max_context=8)
    list(score(["abcdefghijklmnop"], model=model, protocol=Protocol(bos=bos)))  # type: ignore[arg-type]
    begins = {int(r[0]) for asked in model.asked for r in asked.input_BT}
    expected = {"every": {256}, "first": {256, *b"ho"}, "none": {*b"aih"}, "eos": {257, *b"ho"}}[bos]
    assert begins <= expected
    assert (256 in begins, 257 in begins) == (bos in ("every", "first"), bos == "eos")


@given(texts, st.integers(1, 5))
def test_readings_give_the_same_surprisals_and_a_true_rank(these: list[str], top: int) -> None:
    plain = list(score(these, model=History()))
    read = list(score(these, model=History(), options=RunOptions(alternatives=top)))
    assert nats(read) == nats(plain)
    for each in read:
        assert each.readings is not None
        first = each.readings.rank == 1
        assert np.array_equal(each.readings.top_ids[first, 0], each.tokens.ids[each.index][first])
        assert each.readings.top_ids.shape == (len(each.nats), top)
        assert (each.readings.entropy > 0).all()


class Cramped(History):
    """Takes no more than ``most`` tokens of input at once."""

    most = 40

    def logprobs(self, batch: Batch) -> Floats:
        if batch.input_BT.size > self.most:
            raise MemoryError
        return super().logprobs(batch)


def test_a_batch_that_does_not_fit_is_halved_and_nothing_is_lost() -> None:
    these = ["abcdefgh"[: 1 + i % 8] * 2 for i in range(40)]
    cramped = Cramped(budget=400)
    assert nats(list(score(these, model=cramped))) == nats(list(score(these, model=History())))
    assert max(asked.input_BT.size for asked in cramped.asked) <= Cramped.most


def test_what_does_not_fit_is_remembered_for_the_rest_of_the_run() -> None:
    refused = []

    class Counting(Cramped):
        def logprobs(self, batch: Batch) -> Floats:
            refused.extend([batch] if batch.input_BT.size > self.most else [])
            return super().logprobs(batch)

    list(score(["abcdefgh" * 2] * 400, model=Counting(budget=64)))
    assert len(refused) == 1


def test_a_window_that_can_never_fit_is_an_error_that_says_what_to_do() -> None:
    class Full(Cramped):
        most = 1

    with pytest.raises(BadModel, match=r"single window of .* tokens does not fit into memory; use a window="):
        list(score(["abcdef"], model=Full()))


def test_an_answer_that_is_no_number_is_an_error_of_the_model() -> None:
    model = History()
    model.logprobs = lambda batch: np.full(len(batch.at_N), np.nan)  # type: ignore[method-assign]
    with pytest.raises(BadModel, match="history gives NaN in float64"):
        list(score(["abc"], model=model))


def test_documents_are_read_only_as_far_as_they_are_needed() -> None:
    read = []

    def endless() -> Iterator[str]:
        while True:
            read.append(1)
            yield "some text " * 200

    model = History(max_context=1024, budget=64)
    model.logprobs = lambda batch: np.full(len(batch.at_N), -1.0)  # type: ignore[method-assign]
    list(islice(score(endless(), model=model), 3))
    assert len(read) < 1000


def test_what_is_finished_when_interrupted_comes_out_as_partial() -> None:
    class Interrupted(History):
        def logprobs(self, batch: Batch) -> Floats:
            if len(self.asked) == 3:
                raise KeyboardInterrupt
            return super().logprobs(batch)

    found = []
    with pytest.raises(KeyboardInterrupt):
        found.extend(each for each in _kept(score(["abcdefgh" * 40], model=Interrupted(budget=32)), found))
    (partial,) = found
    complete = next(iter(score(["abcdefgh" * 40], model=History())))
    assert partial.partial
    assert 0 < len(partial.nats) < len(complete.nats)
    assert partial.nats.tolist() == [complete.nats[i] for i in partial.index]


def _kept(scored: Iterator[ScoredText], found: list[ScoredText]) -> Iterator[ScoredText]:
    for each in scored:
        found.append(each)
    yield from ()


@given(texts)
def test_a_resumed_run_asks_nothing_twice_and_says_the_same(
    tmp_path_factory: pytest.TempPathFactory, these: list[str]
) -> None:
    folder = tmp_path_factory.mktemp("answers")
    first, second = History(), History()
    unbroken = nats(list(score(these, model=first, options=RunOptions(resume=folder))))
    assert nats(list(score(these, model=second, options=RunOptions(resume=folder)))) == unbroken
    assert first.asked
    assert not second.asked


def test_another_protocol_or_model_shares_no_answers(tmp_path: Path) -> None:
    options = RunOptions(resume=tmp_path)
    list(score(["abc"], model=History(), options=options))
    for model, protocol in ((History(seed=1), Protocol()), (History(), Protocol(bos="none"))):
        list(score(["abc"], model=model, protocol=protocol, options=options))
        assert model.asked


def test_an_impossible_token_makes_the_perplexity_infinite_and_is_named() -> None:
    class Never(History):
        def logprobs(self, batch: Batch) -> Floats:
            return np.where(batch.target_N == ord("z"), -np.inf, super().logprobs(batch))

    report = evaluate(["abz", "z"], model=Never())
    assert math.isinf(report.perplexity)
    assert report.tally.zero_places == (("text 1", 2), ("text 2", 0))
    assert report.to_dict()["perplexity"] == "Infinity"


def test_until_stops_when_the_interval_is_narrow_enough() -> None:
    many = evaluate((f"{i:016b}" for i in range(2000)), model=History(budget=16), until=0.2)
    assert 20 <= many.tally.documents < 2000
    half = (math.log(many.interval.high) - math.log(many.interval.low)) / 2
    assert math.exp(half) - 1 <= 0.2


def test_a_mean_of_texts_has_no_interval_to_stop_at() -> None:
    with pytest.raises(BadProtocol, match=r"no interval to stop at; omit until=0\.1"):
        evaluate(["abc"], model=History(), protocol=Protocol.named("evaluate"), until=0.1)


def test_hf_doc_books_one_token_fewer_for_every_later_window() -> None:
    text = "abcdefghijklmnop"
    with pytest.warns(ProtocolWarning, match="counts only 3 of every 4"):
        report = evaluate([text], model=History(max_context=8), protocol=Protocol.named("hf-doc:4"))
    assert report.tally.scored == 15
    assert report.tokens == 7 + 3 + 3


@pytest.mark.parametrize(
    ("document", "protocol", "error", "says"),
    [
        ("", "full", BadInput, "text 1 is empty"),
        ("a\ud800", "full", BadInput, "half of a surrogate pair"),
        ("abc", "llama.cpp:16", BadProtocol, "needs at least 32 tokens, the text has 3"),
        ("abc", "gptq:16", BadProtocol, "needs at least 16 tokens"),
        ("a" * 30, "evaluate", BadProtocol, "one piece of at most 15 tokens, and text 1 has 30"),
        ("abc", "gptq:4096", BadProtocol, "window=4096 is longer than the 16 tokens that history takes"),
        ("abc", "stride:16", BadProtocol, "stride=16 is more than the 15 tokens"),
    ],
)
def test_what_cannot_be_measured_is_said(document: str, protocol: str, error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        list(score([document], model=History(), protocol=Protocol.named(protocol)))


def test_a_text_of_which_nothing_can_be_scored_is_an_error() -> None:
    with pytest.raises(BadInput, match="no token could be scored: of 1 tokens, none"):
        evaluate(["a"], model=History(bos=None))


def test_a_window_too_small_to_score_anything_is_named_among_the_causes() -> None:
    with pytest.raises(BadInput, match=r"under llama\.cpp:2; .* or a larger window"):
        evaluate(["abcdef"], model=History(), protocol=Protocol.named("llama.cpp:2"))


def test_no_text_at_all_is_an_error() -> None:
    with pytest.raises(BadInput, match="there is no text"):
        list(score([], model=History()))


def test_ids_beyond_the_vocabulary_are_an_error_of_the_model() -> None:
    with pytest.raises(BadModel, match="gives the id 122 for text 1, and history knows only ids from 0 to 99"):
        list(score(["z"], model=History(vocabulary=100, bos=None, eos=None)))


def test_eos_needs_an_end_token() -> None:
    with pytest.raises(BadProtocol, match="bos=eos needs an EOS token"):
        list(score(["a"], model=History(eos=None), protocol=Protocol(bos="eos")))


def test_a_stream_has_no_contexts() -> None:
    with pytest.raises(BadProtocol, match="has a context"):
        list(score([Document(text="a", context="b")], model=History(), protocol=Protocol.named("gptq:8")))


# ---------------------------------------------------------------- batches


@given(st.lists(st.integers(1, 50), max_size=60), st.integers(1, 300))
def test_grouping_loses_nothing_and_keeps_to_the_budget(lengths: list[int], budget: int) -> None:
    groups = [each.tolist() for each in group(np.array(lengths, np.int64), budget=budget)]
    assert sorted(i for g in groups for i in g) == list(range(len(lengths)))
    for g in groups:
        longest = max(lengths[i] for i in g)
        assert len(g) == 1 or len(g) * longest <= budget
        assert sum(lengths[i] for i in g) >= 0.92 * longest * len(g)


@given(st.lists(st.integers(1, 50), max_size=60), st.integers(50, 300))
def test_packing_loses_nothing_and_keeps_to_the_width(lengths: list[int], width: int) -> None:
    packed = [as_lists(each) for each in pack(np.array(lengths, np.int64), width=width, budget=4 * width)]
    assert sorted(i for lines in packed for line in lines for i in line) == list(range(len(lengths)))
    assert all(sum(lengths[i] for i in line) <= width for lines in packed for line in lines)


@given(st.lists(st.integers(1, 9) | st.integers(1, 50), max_size=200), st.integers(9, 100))
def test_each_row_goes_to_the_first_of_the_latest_lines_that_has_room(lengths: list[int], width: int) -> None:
    """The oracle: one row after the other."""
    lines: list[list[int]] = []
    for i in sorted(range(len(lengths)), key=lambda i: -lengths[i]):
        rooms = ((line, width - sum(lengths[k] for k in line)) for line in lines[-64:])
        home = next((line for line, room in rooms if room >= lengths[i]), None)
        if home is None:
            lines.append([i])
        else:
            home.append(i)
    packed = pack(np.array(lengths, np.int64), width=width, budget=4 * width)
    assert sorted(line for together in packed for line in as_lists(together)) == sorted(lines)


def as_lists(lines: Lines) -> list[list[int]]:
    return [each.tolist() for each in np.split(lines.rows, np.cumsum(lines.counts)[:-1])]


@given(
    st.lists(st.tuples(st.text("ab", min_size=1, max_size=12), st.text("c", max_size=12)), min_size=1, max_size=8),
    st.sampled_from(["full", "stride:4", "hf-doc:4", "lm-eval", "evaluate"]),
    st.sampled_from([None, 256, ord("a"), ord("c")]),
)
def test_texts_are_cut_together_as_each_alone(these: list[tuple[str, str]], name: str, bos: int | None) -> None:
    model = History(max_context=8, bos=bos)
    protocol = resolve(Protocol.named(name).but(too_long="truncate" if name == "evaluate" else "refuse"), model)
    texts = encode([Document(text=text, context=context) for text, context in these], model)
    windows, weights = protocol.windows_of(texts), protocol.weights(protocol.windows_of(texts))
    alone = [(place, window) for place in range(len(texts)) for window in protocol.windows(texts[place])]
    columns = zip(windows.document, windows.start, windows.first, windows.stop, windows.prefixed, strict=True)
    assert [(place, Window(*own)) for place, *own in columns] == alone
    assert weights.tolist() == [weight(protocol, window) for _, window in alone]


def weight(protocol: ResolvedProtocol, window: Window) -> float:
    """The loop of transformers loses a label in each window whose first token another
    one scored.
    """
    n, choices = window.stop - window.first, protocol.choices
    loses = choices.booking != "exact" and (window.prefixed or (window.start > 0 and choices.stride < choices.window))
    return (n - 1) / n if loses else 1.0


def test_a_row_asks_for_each_scored_token_what_comes_before_it() -> None:
    texts = encode([Document(text="abcdef")], Uniform())
    asked = Rows.of([(texts, Windows.of([Window(1, 3, 6, prefixed=True)]))], [256])[0]
    assert asked.input.tolist() == [256, *b"bcde"]
    assert asked.target.tolist() == list(b"def")
    made = batch([[asked], [asked]])
    assert made.at_N.tolist() == [2, 3, 4, 7, 8, 9]


def test_special_tokens_of_the_double_are_what_the_tests_rely_on() -> None:
    assert History().special == Special(bos=256, eos=257)


# ----------------------------------------------------------------------- interruptions


def given_by(run: Iterator[tuple[ScoredTexts, object]], *, after: int) -> list[tuple[str, list[float]]]:
    """What a run gives if whoever takes its parts throws Ctrl-C after some."""
    found = []
    parts, taken = iter(run), 0
    part = next(parts)
    while True:
        found += [(text.document.id, text.nats.tolist()) for text in part[0]]
        taken += 1
        try:
            part = run.throw(KeyboardInterrupt()) if taken == after else next(parts)
        except (StopIteration, KeyboardInterrupt):
            return found


@pytest.mark.parametrize("after", [1, 2, 5])
@pytest.mark.parametrize("until", [0.0, 1e-9])
def test_a_text_taken_before_ctrl_c_is_neither_given_nor_counted_again(after: int, until: float) -> None:
    these = [f"text number {i}" for i in range(40)]
    measurement = Measurement(History(max_context=8, budget=8), until=until)
    found = given_by(measurement.run(these), after=after)
    whole = {text.document.id: text.nats.tolist() for text in score(these, model=History(max_context=8))}
    assert len({id_ for id_, _ in found}) == len(found)
    report = measurement.report(interrupted=True)
    assert report.tally.scored == sum(len(nats) for _, nats in found)
    finished = [(id_, nats) for id_, nats in found if len(nats) == len(whole[id_])]
    assert all(nats == whole[id_] for id_, nats in finished)
    assert len(finished) >= len(found) - 40 + after


class Struck(History):
    """Raises KeyboardInterrupt in its ``strike``-th batch."""

    strike = 3

    def logprobs(self, batch: Batch) -> Floats:
        if len(self.asked) + 1 == self.strike:
            raise KeyboardInterrupt
        return super().logprobs(batch)


def test_an_interruption_in_the_engine_gives_what_is_scored_with_its_true_surprisals() -> None:
    text = "one long text, of which windows are scored one after the other"
    (whole,) = score([text], model=History(max_context=8))
    run = Measurement(Struck(max_context=8, budget=8)).run([text])
    ((part,), _) = next(run)
    with pytest.raises(KeyboardInterrupt):
        next(run)
    assert part.partial
    assert 0 < len(part.nats) < len(whole.nats)
    known = dict(zip(whole.index.tolist(), whole.nats.tolist(), strict=True))
    assert part.nats.tolist() == [known[place] for place in part.index.tolist()]
    assert (part.weight == 1).all()


# -------------------------------------------------------------- what a model may not do


class Careless(History):
    """Gives what no model may give."""

    def __init__(self, answer: object) -> None:
        super().__init__()
        self.answer = answer

    def logprobs(self, batch: Batch) -> Floats:
        return np.asarray(self.answer)


@pytest.mark.parametrize(
    ("answer", "said"),
    [([3.0, -1.0, -1.0], "log-probability 3, and none is above 0"), ([-1.0], "shape"), ([[-1.0]] * 3, "shape")],
)
def test_what_cannot_be_log_probabilities_of_the_targets_is_an_error_of_the_model(answer: object, said: str) -> None:
    with pytest.raises(BadModel, match=said):
        evaluate(["abc"], model=Careless(answer))


@pytest.mark.parametrize("level", [0, 1, 95, math.nan])
def test_a_level_outside_0_and_1_is_refused_before_anything_is_read(level: float) -> None:
    with pytest.raises(BadInput, match=r"use level=0\.95"):
        evaluate(iter([]), model=History(), level=level)


@pytest.mark.parametrize("field", ["context", "original"])
def test_half_a_surrogate_pair_is_refused_wherever_it_stands(field: str) -> None:
    with pytest.raises(BadInput, match=f"of its {field}, half of a surrogate pair"):
        evaluate([Document(text="a", **{field: "b\ud83d"})], model=History())

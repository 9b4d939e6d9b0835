"""A stream that comes in parts gives the figures of the stream as one document."""

from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import chain, islice
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.doubles import History, Spelled

from nonplus.errors import BadInput, BadModel, BadProtocol
from nonplus.measure import scoring, stream
from nonplus.measure.forward import RunOptions
from nonplus.measure.protocol.choices import Protocol
from nonplus.measure.records import Document
from nonplus.measure.scores import TokenNames
from nonplus.measure.scoring import Meter
from nonplus.measure.session import Measured, Measurement, evaluate
from nonplus.measure.statistics import stretches
from nonplus.measure.statistics.document_sums import DocumentSums
from nonplus.models import fast_encoder
from nonplus.models.bundled_cards import bundled_folder
from nonplus.models.llama.tokenizer import FileTokenizer
from nonplus.models.synthetic import Bytes, Unigram

BITS = st.sampled_from(["the ", "a", " ", "\n", "é", "🦊", "中文", "\r\n", "<s>", "<unk>", "word", "\u3000x", "ab c"])
TEXTS = st.lists(st.lists(BITS, max_size=12).map("".join), min_size=1, max_size=6).filter("".join)
PROTOCOLS = st.builds(
    lambda name, window, overlap, joiner, newline, special: Protocol.named(name).but(
        window=window,
        stride=max(1, window - overlap) if name in ("hf-doc", "full") else 0,
        joiner=joiner,
        last_newline=newline,
        special_text=special,
        unit="stream",
    ),
    st.sampled_from(["hf-doc", "llama.cpp", "gptq", "full"]),
    st.integers(3, 8),
    st.integers(1, 4),
    st.sampled_from(["\n\n", "", " ", "\n"]),
    st.sampled_from(["keep", "drop"]),
    st.sampled_from(["parsed", "plain"]),
)
TOKENIZERS = st.sampled_from([Bytes(), Bytes(before=(256,), after=(257,)), Spelled(), Spelled(before=(256,))])


@contextmanager
def small(*, part: int, ahead: int, blocks: int) -> Iterator[pytest.MonkeyPatch]:
    with pytest.MonkeyPatch.context() as changed:
        changed.setattr(stream, "_PART", part)
        changed.setattr(stream, "AHEAD", ahead)
        changed.setattr(stretches, "_MOST", blocks)
        yield changed


def measured(texts: Sequence[str], model: Any, protocol: Protocol, alternatives: int = 0) -> tuple[int, dict[str, Any]]:
    """How many parts there were, and all that is known of the text."""
    measurement, meter = Measurement(model, protocol), Meter()
    names = TokenNames(model.tokenizer.decode)
    rows, text, parts = [], "", 0
    for scored, sums in measurement.run(texts, options=RunOptions(alternatives=alternatives), meter=meter):
        (one,), (own,) = scored, sums
        rows += one.rows(names)
        text += one.document.text
        parts += 1
    report = replace(measurement.report(), seconds=0)
    return parts, dict(
        rows=rows, text=text, report=report, sums=own.sums, partial=own.partial, documents=meter.documents
    )


def outcome(*args: Any) -> Any:
    """What was measured, or the refusal."""
    try:
        return measured(*args)
    except (BadInput, BadProtocol) as refusal:
        return 1, str(refusal)


@pytest.mark.filterwarnings("ignore::nonplus.errors.SuspectInput", "ignore::nonplus.errors.ProtocolWarning")
@given(TEXTS, PROTOCOLS, TOKENIZERS, st.integers(1, 30), st.integers(1, 40), st.integers(2, 16), st.integers(0, 2))
@settings(max_examples=150, deadline=None)
def test_parts_of_a_stream_add_up_to_the_stream_as_one_document(
    texts: list[str],
    protocol: Protocol,
    tokenizer: Any,
    part: int,
    ahead: int,
    blocks: int,
    alternatives: int,
) -> None:
    model = History(vocabulary=259, tokenizer=tokenizer, max_context=8)
    with small(part=part, ahead=ahead, blocks=blocks) as changed:
        _, in_parts = outcome(texts, model, protocol, alternatives)
        changed.setattr(scoring, "comes_in_parts", lambda _: False)
        one, whole = outcome(texts, model, protocol, alternatives)
    assert one == 1
    assert in_parts == whole


@pytest.mark.filterwarnings("ignore::nonplus.errors.SuspectInput", "ignore::nonplus.errors.ProtocolWarning")
@pytest.mark.slow
@given(st.lists(st.lists(BITS, max_size=99).map("".join), min_size=1, max_size=9).filter("".join), PROTOCOLS)
@settings(max_examples=60, deadline=None)
def test_a_tokenizer_that_streams_gives_the_tokens_of_the_whole(texts: list[str], protocol: Protocol) -> None:
    model = History(vocabulary=8192, tokenizer=FileTokenizer(bundled_folder("tiny")), max_context=8)
    with small(part=20, ahead=50, blocks=8) as changed:
        changed.setattr(fast_encoder, "_PIECE", 100)
        changed.setattr(fast_encoder, "_OVERLAPS", (25, 50, 75))
        _, in_parts = outcome(texts, model, protocol)
        changed.undo()
        changed.setattr(stretches, "_MOST", 8)
        changed.setattr(scoring, "comes_in_parts", lambda _: False)
        _, whole = outcome(texts, model, protocol)
    assert in_parts == whole


def test_a_long_stream_comes_in_more_than_one_part() -> None:
    with small(part=10, ahead=20, blocks=8):
        parts, _ = measured(["some text " * 9, "more"], History(), Protocol.named("gptq").but(window=4))
    assert parts == 8  # 96 bytes, in parts of three windows


def test_a_part_ends_with_a_whole_character() -> None:
    model = History(max_context=4)
    with small(part=1, ahead=20, blocks=8):
        parts, found = measured(["é" * 10, "a" + "é" * 10], model, Protocol.named("gptq").but(window=3, joiner=""))
    assert parts == 7
    assert found["text"] == "é" * 10 + "a" + "é" * 10


def test_an_interrupted_stream_counts_as_one_partial_document() -> None:
    measurement = Measurement(History(budget=8), Protocol.named("gptq").but(window=4))

    def stopped(run: Generator[Measured, None, None]) -> Iterator[Measured]:
        yield run.throw(KeyboardInterrupt())

    def interrupted() -> Iterator[DocumentSums]:
        run = measurement.run(["some text " * 200])
        for _, sums in chain(islice(run, 3), stopped(run), run):
            yield from sums

    found: list[DocumentSums] = []
    with small(part=10, ahead=20, blocks=8), pytest.raises(KeyboardInterrupt):
        found.extend(interrupted())
    last = found[-1]
    tally = measurement.report(interrupted=True).tally
    assert (tally.documents, tally.partial, last.partial) == (1, 1, True)
    assert tally.scored == last.sums.scored > 25


def test_a_surrogate_is_located_in_the_stream() -> None:
    texts = ["ab", "c\ud800"]
    with pytest.raises(BadInput, match=r"'stream' holds '\\ud800' at character 5, "):
        evaluate(texts, model=History(), protocol=Protocol.named("gptq").but(window=2))


@pytest.mark.parametrize(("texts", "message"), [([], "there is no text"), ([""], "stream is empty")])
def test_a_stream_without_text_is_refused(texts: list[str], message: str) -> None:
    with pytest.raises(BadInput, match=message):
        evaluate(texts, model=History(), protocol=Protocol.named("gptq").but(window=2))


def test_a_stream_takes_no_context() -> None:
    with pytest.raises(BadProtocol, match="second has a context"):
        evaluate(
            ["abcdef", Document(text="b", id="second", context="a")],
            model=History(),
            protocol=Protocol.named("gptq").but(window=2),
        )


def test_an_id_beyond_the_vocabulary_is_refused_in_a_stream() -> None:
    with pytest.raises(BadModel, match="gives the id 195 for stream"):
        evaluate(["abé"], model=Unigram([1 / 190] * 190), protocol=Protocol.named("gptq").but(window=2))

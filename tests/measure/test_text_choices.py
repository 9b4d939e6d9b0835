"""What a protocol does to a text before windows are cut: newlines, and text that spells
special tokens.
"""

import warnings

import pytest
from doubles import History, Spelled
from hypothesis import given
from hypothesis import strategies as st

from nonplus.errors import ProtocolWarning, SuspectInput
from nonplus.measure.protocol.choices import Protocol
from nonplus.measure.protocol.resolved import resolve
from nonplus.measure.records import Document
from nonplus.measure.scoring import score
from nonplus.measure.session import evaluate
from nonplus.models.synthetic import Bytes

BOS, EOS = 256, 257
LF = Protocol(newlines="normalise")
unheard = pytest.mark.filterwarnings("ignore::nonplus.errors.SuspectInput")
led_astray = pytest.mark.filterwarnings("ignore::nonplus.errors.ProtocolWarning")


def ids(text: str | Document, protocol: Protocol, *, tokenizer: object = Spelled()) -> list[int]:
    model = History(vocabulary=259, tokenizer=tokenizer, max_context=64)  # type: ignore[arg-type]
    (scored,) = score([text], model=model, protocol=protocol)
    return scored.tokens.ids.tolist()


# ----------------------------------------------------------------------------- newlines


@unheard
@given(st.text("a\r\n", min_size=1))
def test_a_text_is_scored_with_the_newlines_that_it_has(text: str) -> None:
    assert ids(text, Protocol()) == list(text.encode())


@given(st.lists(st.sampled_from(["a", "\r\n", "\n", "\r"]), min_size=1))
def test_normalised_newlines_are_those_that_python_reads_in_text_mode(pieces: list[str]) -> None:
    import io

    text = "".join(pieces)
    expected = io.TextIOWrapper(io.BytesIO(text.encode()), encoding="utf-8").read()
    assert bytes(ids(text, LF)).decode() == expected


def test_context_and_original_are_normalised_too_and_bytes_are_those_of_the_normalised_text() -> None:
    document = Document(text="a\r\nb", context="c\r\n", original="a \r\n b")
    (scored,) = score([document], model=History(), protocol=LF)
    assert scored.document == Document(text="a\nb", context="c\n", original="a \n b", id="text 1")
    assert evaluate(["a\r\nb"], model=History(), protocol=LF).tally.bytes == 3
    assert evaluate(["a\r\nb"], model=History(), protocol=LF.but(denominator="lm-eval")).tally.bytes == 3


@pytest.mark.parametrize(("newline", "kind"), [("\r\n", "CRLF"), ("\r", "CR")])
@pytest.mark.parametrize("unit", ["document", "stream"])
def test_newlines_that_are_kept_are_noted_once_in_a_run(unit: str, newline: str, kind: str) -> None:
    texts = ["plain", f"one{newline}two{newline}three", f"four{newline}five"]
    with pytest.warns(
        SuspectInput, match=f"^text 2 has {kind} newlines, the first at character 3, .*use newlines=normalise"
    ) as caught:
        list(score(texts, model=History(max_context=99), protocol=Protocol(unit=unit)))  # type: ignore[arg-type]
    assert len(caught) == 1


def test_normalised_newlines_are_not_noted() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        list(score(["a\r\nb"], model=History(), protocol=LF))


@given(st.lists(st.text("a\n", min_size=1), min_size=1))
def test_only_one_newline_at_the_end_of_the_stream_is_dropped(texts: list[str]) -> None:
    protocol = Protocol(unit="stream", joiner="", last_newline="drop")
    (scored,) = score([*texts, "a\n\n"], model=History(max_context=99), protocol=protocol)
    assert scored.document.text == "".join(texts) + "a\n"


# ----------------------------------------------------------------------- special tokens


def test_text_that_spells_a_special_token_is_that_token_or_text_as_the_protocol_says() -> None:
    assert ids("a</s>b", Protocol()) == [*b"a", EOS, *b"b"]
    assert ids("a</s>b", Protocol(special_text="plain")) == list(b"a</s>b")


@pytest.mark.parametrize(
    ("name", "special_text"),
    [
        ("full", "parsed"),
        ("stride", "parsed"),
        ("hf-doc", "parsed"),
        ("lm-eval", "parsed"),
        ("llama.cpp", "plain"),
        ("gptq", "parsed"),
        ("paloma", "parsed"),
        ("evaluate", "parsed"),
        ("lmppl", "parsed"),
    ],
)
def test_a_preset_reads_special_tokens_in_text_as_its_peer_does(name: str, special_text: str) -> None:
    assert Protocol.named(name).special_text == special_text


@led_astray
def test_under_lm_eval_the_tokenizer_adds_no_bos_to_a_text_that_begins_with_it() -> None:
    tokenizer = Spelled(before=(BOS,))
    assert ids("<s>a", Protocol.named("lm-eval"), tokenizer=tokenizer) == [BOS, *b"a"]
    assert ids("a<s>", Protocol.named("lm-eval"), tokenizer=tokenizer) == [BOS, *b"a", BOS]
    assert ids("<s>a", Protocol.named("lmppl"), tokenizer=tokenizer) == [BOS, BOS, *b"a"]


@led_astray
def test_under_lm_eval_texts_with_and_without_bos_keep_their_order() -> None:
    model = History(vocabulary=259, tokenizer=Spelled(before=(BOS,)))
    texts = ["<s>a", "b", "c", "<s>d"]
    scored = score(texts, model=model, protocol=Protocol.named("lm-eval"))
    assert [each.tokens.ids.tolist() for each in scored] == [[BOS, letter] for letter in b"abcd"]


def test_bos_replaces_the_first_token_only_if_the_tokenizer_adds_it() -> None:
    text = "<s>abcdefg"  # its first token is BOS either way
    protocol = Protocol.named("llama.cpp:4").but(special_text="parsed", specials="none")
    for before, begins in (((), {BOS, ord("d")}), ((BOS,), {BOS})):
        model = History(vocabulary=259, tokenizer=Spelled(before=before))
        list(score([text], model=model, protocol=protocol))
        assert {int(row[0]) for batch in model.asked for row in batch.input_BT} == begins


# --------------------------------------------------------------------------- end tokens


@pytest.mark.parametrize("name", ["lm-eval", "paloma"])
def test_an_ordinary_token_as_eos_is_a_caution(name: str) -> None:
    model = History(bos=None, eos=ord("t"))
    with pytest.warns(ProtocolWarning, match=r"the EOS token of history, id 116, is 't', which texts hold too"):
        list(score(["ab"], model=model, protocol=Protocol.named(name)))


def test_an_ordinary_token_as_bos_is_a_caution_too() -> None:
    with pytest.warns(ProtocolWarning, match=r"the BOS token of history, id 116, is 't', .*use bos=none"):
        list(score(["ab"], model=History(bos=ord("t"))))


@pytest.mark.parametrize("name", ["lm-eval", "paloma"])
def test_a_special_token_as_eos_is_none(name: str) -> None:
    for tokenizer in (Spelled(), Bytes()):
        model = History(bos=None, vocabulary=259, tokenizer=tokenizer)
        assert resolve(Protocol.named(name), model).cautions == ()

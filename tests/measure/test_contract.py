"""A model that breaks its contract is named, with what it should give; nothing else is
raised, and no figure comes out.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from doubles import History

from nonplus.errors import BadModel
from nonplus.measure.forward import RunOptions
from nonplus.measure.interfaces import Special
from nonplus.measure.records import Batch, Document, Encoding
from nonplus.measure.scores import Readings, ScoredTexts
from nonplus.measure.scoring import score
from nonplus.measure.session import evaluate
from nonplus.measure.tokenizing import encode
from nonplus.models.synthetic import Bytes, Uniform


class Windows:
    """History under another name, with what it gives changed."""

    name, identity, dtype, tokenizer, vocabulary = "mine", "mine", "float64", Bytes(), 258
    special, max_context, budget, packs = Special(bos=256, eos=257), 16, 64, False

    def __init__(self, change: Callable[[Any], Any]) -> None:
        self._change = change
        self._model = History()

    def logprobs(self, batch: Batch) -> Any:
        return self._change(self._model.logprobs(batch))

    def distributions(self, batch: Batch) -> Any:
        return self._change(self._model.distributions(batch))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda given: given.tolist(), "mine gives log-probabilities as a list; give a NumPy array of dtype float"),
        (lambda given: tuple(given), "as a tuple"),
        (lambda given: None, "as None"),
        (lambda given: float(given[0]), "as a float"),
        (lambda given: given.astype(int), "as an array of int64"),
        (lambda given: given.astype(complex), "as an array of complex128"),
        (lambda given: given.astype(object), "as an array of object"),
        (lambda given: given.astype(str), "as an array of <U"),
        (lambda given: given[:-1], r"of shape \(4,\); give them in the shape \(5,\)"),
        (lambda given: given[:, None], r"of shape \(5, 1\); give them in the shape \(5,\)"),
        (lambda given: given[0], r"float64"),
        (lambda given: -given, "gives the log-probability .*, and none is above 0; normalise"),
        (lambda given: given * np.nan, "gives NaN in float64"),
    ],
)
def test_log_probabilities_that_are_none(change: Callable[[Any], Any], said: str) -> None:
    with pytest.raises(BadModel, match=said):
        evaluate(["hello"], model=Windows(change))


def test_log_probabilities_may_be_of_a_narrower_float() -> None:
    narrow = evaluate(["hello"], model=Windows(lambda given: given.astype(np.float32)))
    assert narrow.nats == pytest.approx(evaluate(["hello"], model=History()).nats, abs=1e-5)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda chunks: None, "mine gives None; its method distributions gives arrays of log-probabilities, one after"),
        (lambda chunks: 5, "mine gives a int; its method distributions"),
        (lambda chunks: [chunk.tolist() for chunk in chunks], "a chunk of log-probabilities as a list"),
        (lambda chunks: [chunk.astype(int) for chunk in chunks], "as an array of int64"),
        (lambda chunks: [chunk[:, :-1] for chunk in chunks], r"of shape \(3, 257\); give them in the shape \(3, 258\)"),
        (lambda chunks: [chunk[0] for chunk in chunks], r"of shape \(258,\); give them in the shape \(258, 258\)"),
        (lambda chunks: next(chunks), r"of shape \(258,\)"),
        (lambda chunks: [chunk[None] for chunk in chunks], r"of shape \(1, 3, 258\)"),
        (lambda chunks: list(chunks)[:-1], "distributions that break their rule; they are as many as the targets, 5"),
        (lambda chunks: [*chunks] * 2, "distributions that break their rule; they are as many as the targets, 5"),
        (lambda chunks: [], "they are as many as the targets, 5"),
        (lambda chunks: [-chunk for chunk in chunks], "none is above 0; normalise"),
        (lambda chunks: [chunk * np.nan for chunk in chunks], "gives NaN in float64"),
    ],
)
def test_distributions_that_are_none(change: Callable[[Any], Any], said: str) -> None:
    with pytest.raises(BadModel, match=said):
        list(score(["hello"], model=Windows(change), options=RunOptions(alternatives=2)))


class Spelling:
    """Bytes, with what encode gives changed."""

    identity, special_ids, unknown_id = "mine", frozenset[int](), None

    def __init__(self, change: Callable[[list[Encoding]], Any]) -> None:
        self._change = change

    def encode(self, texts: Any, *, specials: bool, special_text: Any = "parsed") -> Any:
        return self._change(Bytes().encode(texts, specials=specials, special_text=special_text))

    def decode(self, ids: Any) -> str:
        return Bytes().decode(ids)

    def chat(self, messages: Any) -> str:
        return Bytes().chat(messages)


def of_encodings(**changed: Callable[[np.ndarray], Any]) -> Callable[[list[Encoding]], Any]:
    return lambda given: [
        replace(each, **{name: change(getattr(each, name)) for name, change in changed.items()}) for each in given
    ]


@pytest.mark.parametrize("texts", [["hello"], ["hello", "you"]])
@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda given: None, "gives None; its method encode gives a list of Encoding"),
        (lambda given: [each.ids for each in given], "gives an array of int32 for a text; give an Encoding"),
        (lambda given: given[1:], "gives encodings that break their rule; they are as many as the texts"),
        (of_encodings(ids=np.ndarray.tolist), "gives the ids of an Encoding as a list"),
        (of_encodings(ids=lambda ids: ids * 1.0), "as an array of float64"),
        (of_encodings(byte_ends=lambda ends: ends[1:]), "the byte_ends of an Encoding of shape"),
        (
            of_encodings(ids=lambda ids: ids - 200),
            r"the id -\d+ for text 1, and uniform:256 knows only ids from 0 to 255",
        ),
        (of_encodings(ids=lambda ids: ids + 200), r"the id 3\d\d for text"),
    ],
)
def test_encodings_that_are_none(change: Callable[[list[Encoding]], Any], said: str, texts: list[str]) -> None:
    with pytest.raises(BadModel, match=said):
        evaluate(texts, model=Uniform(tokenizer=Spelling(change)))


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"counts": [5, 3]}, "gives the counts of Encodings as a list"),
        ({"counts": np.array([5])}, "gives encodings that break their rule; they are as many as the texts, 2"),
        ({"counts": np.array([5, 4])}, "they add up to the number of tokens, 8"),
        ({"counts": np.array([9, -1])}, "they add up to the number of tokens, 8"),
        ({"ids": np.zeros(8)}, "gives the ids of Encodings as an array of float64"),
        ({"byte_ends": np.zeros(7, int)}, "gives the byte_ends of Encodings of shape"),
    ],
)
def test_columns_of_encodings_that_are_none(changed: dict[str, Any], said: str) -> None:
    model = Uniform(tokenizer=Spelling(lambda given: replace(given, **changed)))
    with pytest.raises(BadModel, match=said):
        evaluate(["hello", "you"], model=model)


def test_encodings_that_a_tokenizer_keeps_are_not_written_to() -> None:
    def lasting(given: np.ndarray) -> np.ndarray:
        kept = given.astype(np.int32).clip(max=4)  # the last byte is left to nobody
        kept.flags.writeable = False
        return kept

    report = evaluate(["hello"], model=Uniform(tokenizer=Spelling(of_encodings(byte_ends=lasting))))
    assert report.bits_per_byte == pytest.approx(8)


class Stated:
    """The protocol of :class:`Texts`."""

    signature, fingerprint, cautions, quantity = "mine", "0123456789ab", (), "perplexity"
    average, denominator = "tokens", "scored"

    def as_dict(self) -> dict[str, Any]:
        return {"name": "mine"}


class Texts:
    """A text scorer of bytes, one nat each, with what it gives changed."""

    name, identity, dtype, tokenizer, vocabulary = "mine", "mine", "float64", Bytes(), 256
    protocol: Any = Stated()

    def __init__(self, change: Callable[[ScoredTexts], Any]) -> None:
        self._change = change

    def score(self, documents: Iterable[Document], *, alternatives: int) -> Iterator[ScoredTexts]:
        tokens = encode(list(documents), self)
        own = [np.arange(first, n) for first, n in zip(tokens.firsts, np.diff(tokens.offsets), strict=True)]
        index = np.concatenate([place + offset for place, offset in zip(own, tokens.offsets, strict=False)])
        seen, n = np.concatenate(own), len(index)
        read = Readings(np.ones(n), np.ones(n), np.ones(n, int), np.zeros((n, 2), int), np.ones((n, 2)))
        given = ScoredTexts.complete(
            tokens, index=index, nats=np.ones(n), seen=seen, readings=read if alternatives else None
        )
        yield self._change(given)


def columns(**changed: Callable[[np.ndarray], Any]) -> Callable[[ScoredTexts], ScoredTexts]:
    return lambda texts: replace(texts, **{name: change(getattr(texts, name)) for name, change in changed.items()})


def of_tokens(**changed: Callable[[Any], Any]) -> Callable[[ScoredTexts], ScoredTexts]:
    def change(texts: ScoredTexts) -> ScoredTexts:
        tokens = {name: change(getattr(texts.tokens, name)) for name, change in changed.items()}
        return replace(texts, tokens=replace(texts.tokens, **tokens))

    return change


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda texts: None, "mine gives None; its method score gives ScoredTexts, many at a time"),
        (lambda texts: {"nats": [1.0]}, "mine gives a dict; its method score gives ScoredTexts"),
        (lambda texts: next(iter(texts)), "mine gives a ScoredText; its method score gives ScoredTexts"),
        (columns(tokens=lambda tokens: tokens[0]), "mine gives a ScoredTexts"),
        (columns(nats=list), "mine gives nats as a list; give a NumPy array of dtype float"),
        (columns(nats=lambda nats: nats[:-1]), r"nats of shape \(5,\); give them in the shape \(6,\)"),
        (columns(nats=lambda nats: nats.astype(int)), "nats as an array of int64"),
        (columns(nats=lambda nats: nats * np.nan), "gives NaN in float64"),
        (columns(nats=lambda nats: -nats), "log-probability 1, and none is above 0"),
        (columns(index=list), "index as a list"),
        (columns(index=lambda index: index.astype(float)), "index as an array of float64"),
        (columns(index=lambda index: index[::-1]), "index that break their rule; they rise, and lie between 0 and 6"),
        (columns(index=lambda index: index + 2), "lie between 0 and 6"),
        (columns(index=lambda index: index - 2), "lie between 0 and 6"),
        (columns(index=lambda index: index - 1), "index that break their rule; they leave the tokens of a context out"),
        (columns(weight=lambda weight: weight[:2]), r"weight of shape \(2,\)"),
        (columns(weight=lambda weight: -weight), "weight that break their rule; they are finite, from 0 on"),
        (columns(weight=lambda weight: weight * np.nan), "they are finite, from 0 on"),
        (columns(seen=lambda seen: seen.astype(float)), "seen as an array of float64"),
        (columns(seen=lambda seen: seen - 9), "seen that break their rule"),
        (columns(partial=lambda partial: partial[:1]), r"partial of shape \(1,\); give them in the shape \(2,\)"),
        (columns(partial=lambda partial: partial.astype(int)), "partial as an array of int64"),
        (of_tokens(ids=list), "tokens.ids as a list"),
        (
            of_tokens(byte_ends=lambda ends: ends[1:]),
            r"tokens.byte_ends of shape \(6,\); give them in the shape \(7,\)",
        ),
        (of_tokens(byte_ends=lambda ends: ends[::-1].copy()), "tokens.byte_ends that break their rule; they rise"),
        (of_tokens(byte_ends=lambda ends: ends + 1), "tokens.byte_ends that break their rule.*within its bytes"),
        (
            of_tokens(offsets=lambda offsets: offsets[:-1]),
            r"tokens.offsets of shape \(2,\); give .* shape \(3,",
        ),
        (of_tokens(offsets=lambda offsets: offsets + 1), "tokens.offsets that break their rule; they rise from 0 to"),
        (of_tokens(offsets=lambda offsets: offsets[[0, 2, 1]]), "tokens.offsets that break their rule"),
        (
            of_tokens(unknown=lambda _: np.array([7])),
            "tokens.unknown that break their rule; they rise, and lie between",
        ),
        (of_tokens(spelled=lambda _: np.array([3, 2])), "tokens.spelled that break their rule"),
        (of_tokens(firsts=lambda firsts: firsts + 9), "tokens.firsts that break their rule"),
        (of_tokens(documents=lambda documents: documents[:1]), r"tokens.offsets of shape \(3,\)"),
    ],
)
def test_scored_texts_that_are_none(change: Callable[[ScoredTexts], Any], said: str) -> None:
    documents = [Document(text="abc", context="x"), Document(text="def")]
    with pytest.raises(BadModel, match=said):
        evaluate(documents, model=Texts(change))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda read: None, "mine gives no readings for alternatives=2; give them, or raise BadModel in score"),
        (lambda read: replace(read, entropy=read.entropy[1:]), r"readings.entropy of shape \(2,\)"),
        (lambda read: replace(read, rank=read.rank / 1), "readings.rank as an array of float64"),
        (lambda read: replace(read, top_ids=read.top_ids[:, 0]), "readings.top_ids of shape"),
        (lambda read: replace(read, top_nats=read.top_nats[:, :1]), r"top_nats of shape \(3, 1\); .* \(3, 2\)"),
    ],
)
def test_readings_that_are_none(change: Callable[[Readings], Any], said: str) -> None:
    with pytest.raises(BadModel, match=said):
        list(score(["abc"], model=Texts(columns(readings=change)), options=RunOptions(alternatives=2)))


def test_what_keeps_the_contract_goes_through_unchanged() -> None:
    documents = [Document(text="abc", context="x"), Document(text="def")]
    report = evaluate(documents, model=Texts(lambda texts: texts))
    assert (report.nats, report.tally.bytes, report.tally.unscored) == (6.0, 6, 0)
    (text,) = score(["abc"], model=Texts(lambda texts: texts), options=RunOptions(alternatives=2))
    assert text.readings is not None


def test_a_scorer_that_returns_nothing() -> None:
    class Silent(Texts):
        def score(self, documents: Iterable[Document], *, alternatives: int) -> Any:
            return None

    with pytest.raises(BadModel, match="mine gives None; its method score gives ScoredTexts, one after the other"):
        evaluate(["ab"], model=Silent(lambda texts: texts))

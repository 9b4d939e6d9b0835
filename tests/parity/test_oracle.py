"""Every protocol agrees, token by token, with the oracle that writes it out over
P(token | history).
"""

import math

import oracle
import pytest
from doubles import History
from hypothesis import assume, given, reject
from hypothesis import strategies as st

from nonplus.errors import BadInput
from nonplus.measure.forward import RunOptions
from nonplus.measure.protocol.choices import Protocol
from nonplus.measure.records import Document
from nonplus.measure.report import Report
from nonplus.measure.scores import ScoredText
from nonplus.measure.scoring import score
from nonplus.measure.session import evaluate
from nonplus.models.synthetic import Bytes

BOS, EOS = 256, 257

# What a protocol warns of is what makes its figure its own; the warnings have tests of
# their own.
pytestmark = pytest.mark.filterwarnings("ignore::nonplus.errors.ProtocolWarning")

texts = st.lists(st.text("ab é\n", min_size=1, max_size=40), min_size=1, max_size=4)
options_ = st.builds(RunOptions, budget=st.integers(1, 120))
plain, adding = Bytes(), Bytes(before=(BOS,))
tokenizers = st.sampled_from([plain, adding])


def models(
    *, context: tuple[int, int] = (2, 12), tokenizer: st.SearchStrategy[Bytes] = tokenizers
) -> st.SearchStrategy[History]:
    return st.builds(History, max_context=st.integers(*context), packs=st.booleans(), tokenizer=tokenizer)


without_bos = st.builds(
    History, bos=st.none(), max_context=st.integers(2, 12), packs=st.booleans(), tokenizer=st.just(plain)
)


def ids(text: str, model: History, *, specials: bool) -> list[int]:
    return [*(model.tokenizer.before if specials else ()), *text.encode()]


def agree(
    these: list[str] | list[Document],
    model: History,
    protocol: Protocol,
    expected: list[oracle.Scores],
    *,
    options: RunOptions | None = None,
) -> Report:
    """Score, compare every token with the oracle, and give the report over the same
    texts.
    """
    found = list(score(these, model=model, protocol=protocol, options=options))
    assert [each.index.tolist() for each in found] == [list(scores) for scores in expected]
    for each, scores in zip(found, expected, strict=True):
        assert pairs(each) == [pytest.approx(pair, rel=1e-12) for pair in scores.values()]
        assert each.unscored == len(each.tokens.ids) - each.tokens.first - len(scores)
    if not any(expected):
        with pytest.raises(BadInput, match="no token could be scored"):
            evaluate(these, model=model, protocol=protocol, options=options)
        reject()
    report = evaluate(these, model=model, protocol=protocol, options=options)
    assert report.nats == pytest.approx(math.fsum(oracle.total(scores) for scores in expected), rel=1e-9, abs=1e-9)
    assert report.tally.scored == sum(len(scores) for scores in expected)
    return report


def pairs(scored: ScoredText) -> list[tuple[float, float]]:
    return list(zip(scored.nats.tolist(), scored.weight.tolist(), strict=True))


def covers(report: Report, units: list[str], expected: list[oracle.Scores], before: int) -> None:
    """The report divides by what was scored, and only by that; ``before`` ids stand
    before a text's own bytes.
    """
    found = [oracle.covered(u, {i - before for i in scores}) for u, scores in zip(units, expected, strict=True)]
    chars, n_bytes, words = (sum(column) for column in zip(*found, strict=True))
    assert (report.tally.chars, report.tally.bytes, report.tally.words) == (chars, n_bytes, words)
    if any(weight != 1.0 for scores in expected for _, weight in scores.values()):
        assert report.bits_per_byte is None  # its nats leave out tokens whose bytes are counted
    elif n_bytes:
        assert report.bits_per_byte == pytest.approx(report.nats / math.log(2) / n_bytes, rel=1e-9)


@given(texts, models() | without_bos, options_)
def test_full(these: list[str], model: History, options: RunOptions) -> None:
    bos = model.special.bos
    expected = [
        oracle.full(
            model.log_probability,
            ids(text, model, specials=False),
            L=model.max_context,
            S=model.max_context - (bos is not None),
            bos=bos,
        )
        for text in these
    ]
    report = agree(these, model, Protocol.named("full"), expected, options=options)
    covers(report, these, expected, before=0)
    assert report.perplexity == pytest.approx(oracle.perplexity(expected), rel=1e-9)


@given(texts, models() | without_bos, options_, st.data())
def test_stride(these: list[str], model: History, options: RunOptions, data: st.DataObject) -> None:
    bos = model.special.bos
    stride = data.draw(st.integers(1, model.max_context - (bos is not None)))
    expected = [
        oracle.full(model.log_probability, ids(text, model, specials=False), L=model.max_context, S=stride, bos=bos)
        for text in these
    ]
    report = agree(these, model, Protocol.named(f"stride:{stride}"), expected, options=options)
    covers(report, these, expected, before=0)


@given(st.text("abc", min_size=1, max_size=20), texts, models(tokenizer=st.just(plain)), st.data())
def test_context_is_fed_and_never_scored(context: str, these: list[str], model: History, data: st.DataObject) -> None:
    stride = data.draw(st.integers(1, model.max_context - 1))
    expected = [
        oracle.full(
            model.log_probability,
            list((context + text).encode()),
            L=model.max_context,
            S=stride,
            bos=BOS,
            first=len(context),
        )
        for text in these
    ]
    documents = [Document(text=text, context=context) for text in these]
    report = agree(documents, model, Protocol.named(f"stride:{stride}"), expected)
    covers(report, these, expected, before=len(context))
    assert report.perplexity == pytest.approx(oracle.perplexity(expected), rel=1e-9)


@given(texts, models() | without_bos, options_)
def test_lm_eval(these: list[str], model: History, options: RunOptions) -> None:
    prefix = EOS if model.special.bos is None else BOS
    expected = [
        oracle.lm_eval(model.log_probability, ids(text, model, specials=True), L=model.max_context, prefix=prefix)
        for text in these
    ]
    report = agree(these, model, Protocol.named("lm-eval"), expected, options=options)
    words, n_bytes = map(sum, zip(*map(oracle.lm_eval_words_and_bytes, these), strict=True))
    assert report.word_perplexity == pytest.approx(math.exp(report.nats / words), rel=1e-9)
    assert report.byte_perplexity == pytest.approx(math.exp(report.nats / n_bytes), rel=1e-9)
    assert report.bits_per_byte == pytest.approx(report.nats / n_bytes / math.log(2), rel=1e-9)


def test_lm_eval_scores_the_detokenised_text_and_divides_by_the_original() -> None:
    original, scored = " a , b @-@ c \n", " a, b-c\n"
    model = History(max_context=8)
    expected = oracle.lm_eval(model.log_probability, list(scored.encode()), L=8, prefix=BOS)
    report = agree([original], model, Protocol.named("lm-eval").but(detokenize="wikitext"), [expected])
    assert report.word_perplexity == pytest.approx(math.exp(oracle.total(expected) / 7), rel=1e-9)
    assert report.byte_perplexity == pytest.approx(math.exp(oracle.total(expected) / 14), rel=1e-9)


@given(texts, models(), st.data())
def test_hf_doc(these: list[str], model: History, data: st.DataObject) -> None:
    stride = data.draw(st.integers(1, model.max_context))
    stream = "\n\n".join(these)
    tokens = ids(stream, model, specials=True)
    # A last window of one token has no label, and the loop's mean over no label is not
    # a number; see test_hf_doc.py.
    assume(stride < model.max_context or len(tokens) % stride != 1)
    expected = oracle.hf_doc(model.log_probability, tokens, L=model.max_context, S=stride)
    report = agree(these, model, Protocol.named(f"hf-doc:{stride}"), [expected])
    covers(report, [stream], [expected], before=len(tokens) - len(stream.encode()))
    assert report.perplexity == pytest.approx(oracle.perplexity([expected]), rel=1e-9)


@given(texts, models(context=(3, 12)))
def test_llama_cpp(these: list[str], model: History) -> None:
    stream, length = oracle.llama_cpp_prompt("".join(these)), model.max_context
    tokens = ids(stream, model, specials=True)
    assume(len(tokens) >= 2 * length)
    bos = BOS if model.tokenizer is adding else None
    expected = oracle.llama_cpp(model.log_probability, tokens, L=length, bos=bos)
    report = agree(these, model, Protocol.named(f"llama.cpp:{length}"), [expected])
    covers(report, [stream], [expected], before=len(model.tokenizer.before))
    assert report.perplexity == pytest.approx(oracle.perplexity([expected]), rel=1e-9)


@given(texts, models())
def test_gptq(these: list[str], model: History) -> None:
    stream, length = "\n\n".join(these), model.max_context
    tokens = ids(stream, model, specials=True)
    assume(len(tokens) >= length)
    expected = oracle.gptq(model.log_probability, tokens, L=length)
    report = agree(these, model, Protocol.named(f"gptq:{length}"), [expected])
    covers(report, [stream], [expected], before=len(model.tokenizer.before))
    assert report.perplexity == pytest.approx(oracle.perplexity([expected]), rel=1e-9)


@given(texts, models(), options_)
def test_paloma(these: list[str], model: History, options: RunOptions) -> None:
    expected = [
        oracle.paloma(model.log_probability, ids(text, model, specials=False), L=model.max_context, eos=EOS)
        for text in these
    ]
    report = agree(these, model, Protocol.named("paloma"), expected, options=options)
    words, n_bytes = map(sum, zip(*map(oracle.lm_eval_words_and_bytes, these), strict=True))
    assert report.perplexity == pytest.approx(oracle.perplexity(expected), rel=1e-9)
    assert (report.tally.words, report.tally.bytes) == (words, n_bytes)


@given(texts, models(context=(81, 99)), options_)
def test_evaluate(these: list[str], model: History, options: RunOptions) -> None:
    expected = [oracle.evaluate(model.log_probability, ids(text, model, specials=False), bos=BOS) for text in these]
    report = agree(these, model, Protocol.named("evaluate"), expected, options=options)
    covers(report, these, expected, before=0)
    assert report.perplexity == pytest.approx(oracle.mean_of_perplexities(expected), rel=1e-9)


@given(texts, models(), options_)
def test_lmppl(these: list[str], model: History, options: RunOptions) -> None:
    expected = [
        oracle.lmppl(model.log_probability, ids(text, model, specials=True), L=model.max_context) for text in these
    ]
    report = agree(these, model, Protocol.named("lmppl"), expected, options=options)
    covers(report, these, expected, before=len(model.tokenizer.before))
    assert report.perplexity == pytest.approx(oracle.mean_of_perplexities(expected), rel=1e-9)

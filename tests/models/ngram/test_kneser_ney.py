"""Training: the same probabilities as a textbook, whatever the memory and the order."""

import hashlib
import math
import struct
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from models import bits
from tests.native_switch import switched
from textbook import estimated
from training import PLACE, by_words, in_memory, lines, new_rules, trained, trained_in

import nonplus
from nonplus.errors import BadInput, SuspectInput
from nonplus.measure.records import Document
from nonplus.models.ngram.bundle import open_bundle
from nonplus.models.ngram.ngrams import SPECIAL_WORDS
from nonplus.models.ngram.normalizers.named import named
from nonplus.models.ngram.text.rules import Rules
from nonplus.models.ngram.text.words import NewWords
from nonplus.models.ngram.training import reading, trainer
from nonplus.models.ngram.training.folder import WorkFolder
from nonplus.models.ngram.training.meter import TrainingMeter
from nonplus.models.ngram.training.options import TrainingOptions

few = settings(max_examples=50)  # each example writes files
orders = st.integers(1, 6)
prunes = st.lists(st.integers(0, 2), max_size=5).map(lambda drawn: (0, *sorted(drawn)))
flags = st.booleans()


@pytest.fixture(params=["C", "Python"], scope="module", autouse=True)
def kernel(request):
    """Every test runs with the C kernel and without it."""
    with switched(request.param):
        yield


def cut(prune, order):
    """Thresholds for at most ``order`` orders."""
    return prune[:order]


@few
@given(texts=lines, order=orders, prune=prunes, begin=flags, end=flags)
def test_a_model_is_the_one_of_the_textbook(texts, order, prune, begin, end):
    model = trained(texts, new_rules(begin=begin, end=end), order=order, prune=cut(prune, order))
    sentences = [["<s>"] * begin + text.split() + ["</s>"] * end for text in texts]
    thresholds = (cut(prune, order) + prune[-1:] * order)[:order]
    expected = estimated(sentences, model.words, order, thresholds)
    found = by_words(model)
    assert found.keys() == expected.keys()
    for ngram, (prob, weight) in expected.items():
        backoff = weight if len(ngram) < order else 1
        assert found[ngram] == pytest.approx([math.log10(prob), math.log10(backoff)], abs=2e-7)


@few
@given(texts=st.lists(lines.map("\n".join), min_size=1, max_size=3), unit=st.sampled_from((None, "line", "document")))
@pytest.mark.parametrize(("normalizer", "usual"), [("standard", "line"), ("raw", "line"), ("datajuicer", "document")])
@pytest.mark.filterwarnings("ignore::nonplus.errors.SuspectInput")  # a text is too small for discounts
def test_a_sentence_is_a_line_or_a_document_as_chosen_or_as_the_normaliser_says(texts, unit, normalizer, usual):
    with tempfile.TemporaryDirectory(dir=PLACE) as place:
        folder, options = Path(place, "model"), TrainingOptions(order=3, normalizer=normalizer, unit=unit)
        report = nonplus.train_ngrams(texts, folder, options=options)
        bundle = open_bundle(folder)
        found = by_words(in_memory(bundle.ngrams))
    wanted = unit or usual
    assert (report.options["unit"], bundle.manifest.rules["unit"]) == (wanted, wanted)
    parts = [part for text in texts for part in (text.split("\n") if wanted == "line" else [text])]
    expected = estimated([["<s>", *part.split(), "</s>"] for part in parts], bundle.ngrams.words, 3, (0, 0, 0))
    assert {ngram: values[0] for ngram, values in found.items()} == pytest.approx(
        {ngram: math.log10(prob) for ngram, (prob, _) in expected.items()}, abs=2e-7
    )


@few
@given(texts=lines, order=st.integers(1, 4), prune=prunes)
def test_probabilities_after_every_history_sum_to_1(texts, order, prune):
    model = trained(texts, order=order, prune=cut(prune, order))
    found = by_words(model)
    predicted = [word for word in model.words if word != "<s>"]

    def prob(history, word):
        if (*history, word) in found:
            return 10 ** found[*history, word][0]
        weight = 10 ** found[history][1] if history in found else 1.0
        return weight * prob(history[1:], word)

    for history in {ngram for ngram in found if len(ngram) < order} | {()}:
        assert sum(prob(history, word) for word in predicted) == pytest.approx(1, abs=1e-5)


@few
@given(texts=lines, order=orders, prune=prunes, data=st.data())
def test_the_order_of_documents_changes_no_bit(texts, order, prune, data):
    options = {"order": order, "prune": cut(prune, order), "vocabulary": 3}
    permuted = data.draw(st.permutations(texts))
    assert bits(trained(permuted, **options)) == bits(trained(texts, **options))


@few
@given(texts=lines, order=orders, prune=prunes, most=st.integers(1, 20))
def test_the_memory_changes_no_bit(texts, order, prune, most):
    options = {"order": order, "prune": cut(prune, order)}
    whole = trained(texts, **options)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(trainer, "_most_ngrams", lambda room, order, occurrences: most)
        assert bits(trained(texts, **options)) == bits(whole)


def test_a_word_that_cannot_be_counted_is_refused(tmp_path):
    text, _ = trained_in(WorkFolder(tmp_path / "work", {}), ["a b"], order=2)
    many = replace(text, counts_V=text.counts_V + (1 << 32))
    with pytest.raises(BadInput, match=r"a word occurs 4,294,967,297 times, and .* up to 4,294,967,295"):
        trainer.train(many, TrainingOptions(order=2), TrainingMeter())


@few
@given(
    texts=st.lists(lines.map("\n".join), min_size=1, max_size=3),
    size=st.integers(1, 30),
    name=st.sampled_from(("raw", "standard")),
)
def test_a_text_of_many_lines_is_read_in_parts(texts, size, name):
    def model():
        return trained(texts, Rules(named(name), NewWords()), order=3)

    whole = model()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reading, "_BATCH", size)
        assert bits(model()) == bits(whole)


@pytest.mark.parametrize("name", ["raw", "standard"])
@pytest.mark.parametrize("text", ["a b\n \n", "\n \na b", "a b\n \n\nc", "\n \n\n", "\n", "a\n\n\n\n"])
def test_a_part_of_blank_lines_is_no_sentence_of_its_own(text, name, tmp_path):
    def sizes_in(folder):
        work, rules = WorkFolder(folder, {}), Rules(named(name), NewWords())
        reading.read([text, "b"], rules=rules, vocabulary=0, folder=work, meter=TrainingMeter())
        return reading.sizes_of(work)

    whole = sizes_in(tmp_path / "whole")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reading, "_BATCH", 1)
        assert sizes_in(tmp_path / "parts") == whole


def test_another_kind_of_sentence_is_refused():
    with pytest.raises(BadInput, match="unit=page is no kind of sentence; use unit=line or unit=document"):
        TrainingOptions(unit="page")


@given(texts=st.lists(st.text(max_size=9), max_size=4), size=st.integers(1, 4))
def test_the_digest_of_documents_is_the_sum_of_those_of_each_however_long(texts, size):
    numbers = [struct.unpack(">4Q", hashlib.sha256(text.encode()).digest()) for text in texts]
    totals = [sum(column) % (1 << 64) for column in zip(*numbers, strict=True)] or [0] * 4
    digest = reading.Digest()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reading, "_BATCH", size)
        assert digest.add(texts) == sum(len(text.encode()) for text in texts)
    assert digest.hex == struct.pack(">4Q", *totals).hex()


@few
@given(texts=lines, most=st.integers(1, 4))
def test_the_most_frequent_words_are_kept_and_others_are_unknown(texts, most):
    count_of = {}
    for word in " ".join(texts).split():
        count_of[word] = count_of.get(word, 0) + 1
    ranked = sorted(count_of, key=lambda word: (-count_of[word], word.encode()))
    model = trained(texts, order=2, vocabulary=most)
    assert list(model.words) == [*SPECIAL_WORDS, *ranked[:most]]
    renamed = [" ".join(word if word in ranked[:most] else "OTHER" for word in text.split()) for text in texts]
    sentences = [["<s>", *text.replace("OTHER", "<unk>").split(), "</s>"] for text in renamed]
    expected = estimated(sentences, model.words, 2, (0, 0))
    assert by_words(model).keys() == expected.keys()
    for ngram, (prob, _) in expected.items():
        assert by_words(model)[ngram][0] == pytest.approx(math.log10(prob), abs=2e-7)


def test_words_that_the_memory_does_not_hold_are_refused_and_nothing_is_left(tmp_path):
    texts = [" ".join(f"w{i}" for i in range(50_000))]
    with pytest.raises(BadInput, match=r"memory=138M is too little for the 50,003 different words of the text"):
        nonplus.train_ngrams(texts, tmp_path / "model", options=TrainingOptions(memory="138M"))
    assert not any(tmp_path.iterdir())


@pytest.mark.filterwarnings("ignore::nonplus.errors.SuspectInput")
@pytest.mark.parametrize("blank", [[], [""], ["  ", "\n"], "  "])
@pytest.mark.parametrize("tokenizer", ["words", "bytes"])
def test_documents_without_text_make_no_model_and_add_nothing_to_one(
    tmp_path: Path, blank: list[str] | str, tokenizer: str
) -> None:
    options = TrainingOptions(order=2, tokenizer=tokenizer)
    for documents in (blank, iter(blank), [nonplus.Document(id="1", text=text) for text in blank]):
        with pytest.raises(BadInput, match="there is no sentence to train on; give documents with text"):
            nonplus.train_ngrams(documents, tmp_path / "model", options=options)
        assert not list(tmp_path.iterdir())
    for name, texts in (("with", ["a b", *blank]), ("without", ["a b"])):
        nonplus.train_ngrams(texts, arpa=tmp_path / name, options=options)
    assert (tmp_path / "with").read_bytes() == (tmp_path / "without").read_bytes()


def test_only_as_lmplz_a_discount_of_0_is_taken(tmp_path):
    # lmplz -o 2 --discount_fallback (KenLM 0.3.0): D1=0.666667 D2=0 D3+=3
    found = {}
    for exact in (False, True):
        with pytest.warns(SuspectInput, match="too small"):
            found[exact] = nonplus.train_ngrams(
                ["e\ne\nc a b e"],
                tmp_path / f"model-{exact}",
                options=TrainingOptions(order=2, normalizer="raw", exact_lmplz=exact),
            ).discounts[1]
    assert (found[True].two, found[True].more) == (0, 3)
    assert found[False].two == 1


def test_a_discount_of_0_that_leaves_nothing_is_refused_and_nothing_is_left(tmp_path):
    options = TrainingOptions(order=2, normalizer="raw", exact_lmplz=True)
    with pytest.raises(BadInput, match=r"leaves no probability .* lmplz writes -inf; .* leave out exact_lmplz=True"):
        nonplus.train_ngrams(["a e\ne\nb a e"], tmp_path / "model", options=options)
    assert not [*tmp_path.iterdir()]


def test_a_word_too_long_for_an_arpa_file_is_refused_before_the_training(tmp_path):
    with pytest.raises(BadInput, match=r"begins 'aaa.* has 600,000 bytes, .* at most 524,256, .* output=FOLDER"):
        nonplus.train_ngrams(["b " + 600_000 * "a"], arpa=tmp_path / "model.arpa", options=TrainingOptions(order=2))
    assert not [*tmp_path.iterdir()]


def test_a_context_is_not_trained_on_and_that_is_said(tmp_path):
    documents = [Document(text="a b", context="c "), "b c"]
    with pytest.warns(SuspectInput) as said:
        report = nonplus.train_ngrams(documents, tmp_path / "model", options=TrainingOptions(order=2))
    assert "1 document with a context, which is not trained on" in str(said[0].message)
    assert report.bytes == 6

"""Pruning by counts: a model becomes what its text would have made of it."""

import gzip
import hashlib
import json
import tempfile
from itertools import chain, pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from models import FIXTURES
from tests.native_switch import switched
from training import PLACE, lines

import nonplus
from nonplus.errors import BadInput, BadModel, BadProtocol
from nonplus.models.ngram.training import kept_text, trainer

pytestmark = pytest.mark.filterwarnings("ignore::nonplus.errors.SuspectInput")

BOOK = Path(__file__).parents[3] / "examples" / "lost_world.txt"
TEXT = "text.ids.gz"


@pytest.fixture(params=["C", "Python"], scope="module", autouse=True)
def kernel(request):
    """Every test runs with the C kernel and without it."""
    with switched(request.param):
        yield


def files_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def trained(texts, folder: Path, *, quantize=0, packed=False, keep_text=False, **options) -> Path:
    """A bundle."""
    chosen = nonplus.TrainingOptions(**options)
    nonplus.train_ngrams(texts, folder, options=chosen, quantize=quantize, packed=packed, keep_text=keep_text)
    return folder


prunes = st.lists(st.integers(0, 3), max_size=3).map(lambda drawn: (0, *sorted(drawn)))


@settings(max_examples=25)  # each example writes files
@given(
    texts=lines,
    order=st.integers(1, 4),
    before=prunes,
    counts=prunes,
    vocabulary=st.sampled_from((0, 3)),
    exact=st.booleans(),
    form=st.fixed_dictionaries({"quantize": st.sampled_from((0, 4)), "packed": st.booleans()}),
    most=st.integers(1, 20),
)
def test_a_bundle_pruned_by_counts_is_the_one_trained_so_to_the_last_bit(
    texts, order, before, counts, vocabulary, exact, form, most
):
    before, counts = before[:order], counts[:order]
    options = {"order": order, "vocabulary": vocabulary, "exact_lmplz": exact, **form}
    with tempfile.TemporaryDirectory(dir=PLACE) as place, pytest.MonkeyPatch.context() as patch:
        folder = Path(place)
        expected = trained(texts, folder / "expected", prune=counts, **options)
        kept = trained(texts, folder / "kept", prune=before, keep_text=True, **options)
        patch.setattr(trainer, "_most_ngrams", lambda room, order, occurrences: most)
        patch.setattr(kept_text, "_STRETCH", most)
        pruned = nonplus.prune_ngrams(kept, folder / "pruned", counts=counts)
        assert files_of(folder / "pruned") == files_of(expected)
        assert pruned.written.lost[0] == "the new model does not keep the text, so it cannot be pruned by counts"
        assert (pruned.threshold, pruned.divergence) == (None, None)


@pytest.mark.parametrize(
    "options",
    [
        {"exact_lmplz": True},
        {"vocabulary": 200, "exact_lmplz": True},
        {"tokenizer": "bytes", "normalizer": "ccnet"},
        {"tokenizer": "sentencepiece:300", "unit": "document"},
        {"normalizer": "raw"},
    ],
    ids=str,
)
def test_a_book_pruned_by_counts_is_the_one_trained_so_however_it_is_read(tmp_path, options):
    if "sentencepiece" in options.get("tokenizer", ""):
        pytest.importorskip("sentencepiece")
    expected = trained(BOOK, tmp_path / "expected", prune=(0, 0, 1), order=4, **options)
    kept = trained(BOOK, tmp_path / "kept", keep_text=True, order=4, **options)
    nonplus.prune_ngrams(kept, tmp_path / "pruned", counts=[0, 0, 1], memory="200M")
    nonplus.prune_ngrams(kept, tmp_path / "pruned.arpa", counts=[0, 0, 1])
    given_options = nonplus.TrainingOptions(prune=(0, 0, 1), order=4, **options)
    nonplus.train_ngrams(BOOK, arpa=tmp_path / "expected.arpa", options=given_options)
    assert files_of(tmp_path / "pruned") == files_of(expected)
    assert (tmp_path / "pruned.arpa").read_bytes() == (tmp_path / "expected.arpa").read_bytes()


def test_a_bundle_that_keeps_its_text_is_otherwise_the_same_and_can_replace_itself(tmp_path):
    kept = trained(BOOK, tmp_path / "kept", keep_text=True, order=3)
    plain = trained(BOOK, tmp_path / "plain", order=3)
    with_text, without = files_of(kept), files_of(plain)
    assert with_text.pop("manifest.json") != without.pop("manifest.json")
    text = np.frombuffer(gzip.decompress(with_text.pop(TEXT)), "<u4")
    assert with_text == without
    assert (int((text == 0).sum()) - 1, int((text > 2).sum())) == (404, 4881)  # sentences, and tokens with </s>
    nonplus.prune_ngrams(kept, kept, counts=(0, 1))
    assert sorted(files_of(kept)) == ["manifest.json", "ngrams.table", "words.txt"]
    assert [each.name for each in tmp_path.iterdir() if each.is_dir()].count("kept") == 1


def test_other_forms_and_other_prunings_say_that_the_text_is_gone(tmp_path):
    kept = trained(BOOK, tmp_path / "kept", keep_text=True, order=2)
    lost = "the new model does not keep the text, so it cannot be pruned by counts"
    assert lost in nonplus.convert_ngrams(kept, tmp_path / "packed", packed=True).lost
    assert lost in nonplus.convert_ngrams(kept, tmp_path / "kept.arpa").lost
    assert lost in nonplus.prune_ngrams(kept, tmp_path / "small", ngrams=3000).written.lost
    assert not (tmp_path / "packed" / TEXT).exists()


def test_a_model_without_its_text_is_refused_with_what_to_do(tmp_path):
    plain = trained(["one two", "three"], tmp_path / "plain", order=2, vocabulary=9)
    for model, options in ((plain, " order=2 vocabulary=9"), (FIXTURES / "weather.arpa", "")):
        sentence = (
            f"which a model does not keep; train again on the text, with{options} prune=0,1, or with keep_text=True to "
            "prune by any counts later; or prune by what n-grams are worth"
        )
        with pytest.raises(BadProtocol, match=sentence):
            nonplus.prune_ngrams(model, tmp_path / "pruned", counts=(0, 1))
    assert sorted(each.name for each in tmp_path.iterdir()) == ["plain"]


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"counts": (0, 2, 1)}, "counts=0,2,1 falls from one order to the next"),
        ({"counts": (1,)}, "counts=1 would leave out words; begin with 0, as in counts=0,1, and train with vocabulary"),
        ({"counts": (0, 0, 1)}, "counts=0,0,1 has thresholds for 3 orders, and order=2"),
        ({"counts": (0, 0.5)}, "counts=0,0.5 has a threshold that is no count"),
        ({"counts": (0, 1), "memory": "1M"}, "memory=1M is too little to train in"),
        ({"counts": (0, 1), "ngrams": 9}, "got ngrams=9 and counts=0,1"),
        ({"ngrams": 9, "memory": "1G"}, "memory=1G is about counts=0,0,1, which estimates anew; leave it out"),
    ],
)
def test_counts_that_do_not_fit_are_refused_and_nothing_is_left(tmp_path, options, sentence):
    kept = trained(["one two", "three"], tmp_path / "kept", order=2, keep_text=True)
    with pytest.raises((BadInput, BadProtocol), match=sentence):
        nonplus.prune_ngrams(kept, tmp_path / "pruned", **options)
    assert [each.name for each in tmp_path.iterdir()] == ["kept"]


def test_an_arpa_file_keeps_no_text(tmp_path):
    with pytest.raises(BadInput, match=r"keep_text=True is about a bundle, and an ARPA file has none; give output="):
        nonplus.train_ngrams(["one"], arpa=tmp_path / "one.arpa", keep_text=True)


def test_nothing_to_train_on_is_said(tmp_path):
    with pytest.raises(BadInput, match="there is no sentence to train on; give documents with text"):
        nonplus.train_ngrams([], tmp_path / "none")
    assert not any(tmp_path.iterdir())


def u32(*digits: int) -> bytes:
    return gzip.compress(np.array(digits, "<u4").tobytes(), mtime=0)


def put(content: bytes, kept: Path) -> None:
    """Replace the text of a bundle, and make the checksum fit."""
    (kept / TEXT).write_bytes(content)
    manifest = json.loads((kept / "manifest.json").read_text())
    manifest["files"][TEXT] = {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    (kept / "manifest.json").write_text(json.dumps(manifest))


# Words: <unk>, <s>, </s>, one, three, two; as digits 1 to 6.
@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (u32(0, 2, 4, 6, 3, 0)[:-9], "is damaged: "),
        (b"no gzip", "is damaged: "),
        (gzip.compress(bytes(5)), "ends within a word"),
        (u32(0, 2, 4, 7, 3, 0), "has a word 6, and the last of the model is 5"),
        (u32(0, 2, 4, 2, 3, 0), "has <s> or </s> within a sentence"),
        (u32(0, 2, 4, 3, 4, 0), "has <s> or </s> within a sentence"),
        (u32(2, 4, 6, 3, 0), "has <s> or </s> within a sentence"),
        (u32(0, 2, 4, 6, 3), "ends within a sentence"),
        (u32(), "ends within a sentence"),
        (u32(0, 0), "has no words"),
    ],
    ids=range(10),
)
@pytest.mark.parametrize("stretch", [1, 1 << 20])
def test_a_text_that_is_damaged_is_refused(tmp_path, monkeypatch, content, sentence, stretch):
    """Also where someone made the checksum fit."""
    kept = trained(["one two", "three"], tmp_path / "kept", order=2, keep_text=True)
    put(content, kept)
    monkeypatch.setattr(kept_text, "_STRETCH", stretch)
    with pytest.raises((BadModel, BadInput), match=sentence):
        nonplus.prune_ngrams(kept, tmp_path / "pruned", counts=(0, 1))
    assert [each.name for each in tmp_path.iterdir()] == ["kept"]


sentences = st.tuples(  # in digits
    st.just([0]),
    st.sampled_from(([], [2])),
    st.lists(st.sampled_from((1, 4, 5, 6)), max_size=4),
    st.sampled_from(([], [3])),
)


@settings(max_examples=25)  # each example writes files
@given(
    digits=st.lists(sentences, max_size=6).map(lambda drawn: [*chain(*chain(*drawn)), 0])
    | st.lists(st.integers(0, 6), max_size=12).map(lambda drawn: [0, *drawn, 0]),
    order=st.integers(1, 3),
    most=st.integers(1, 20),
)
def test_any_digits_are_a_text_or_refused(digits, order, most):
    """What is counted is what is there, and nothing beside it."""
    pairs = list(pairwise(digits))
    whole = all((word != 2 or before == 0) and (before != 3 or word == 0) for before, word in pairs)
    bigrams = {pair for pair in pairs if 0 not in pair}
    with tempfile.TemporaryDirectory(dir=PLACE) as place, pytest.MonkeyPatch.context() as patch:
        kept, out = (
            trained(["one two three"], Path(place) / "kept", order=order, keep_text=True),
            Path(place) / "pruned",
        )
        put(u32(*digits), kept)
        patch.setattr(trainer, "_most_ngrams", lambda room, order, occurrences: most)
        if whole and set(digits) - {0, 2}:
            counts = nonplus.prune_ngrams(kept, out, counts=()).written.counts
            assert counts[:2] == (6, len(bigrams))[:order]
        else:
            with pytest.raises(BadModel, match=r"has no words|has <s> or </s> within a sentence"):
                nonplus.prune_ngrams(kept, out, counts=())

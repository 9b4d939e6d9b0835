"""A model in another form is the same model, and what is not the same is said."""

import re
from pathlib import Path

import numpy as np
import pytest
import tokenizers
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from models import FIXTURES, models
from models import bits as bits_of
from test_packed import blocks

import nonplus
from nonplus.errors import BadInput, BadModel, BadProtocol
from nonplus.measure.scoring import score
from nonplus.models.ngram.arpa.reading import read_arpa
from nonplus.models.ngram.bundle import open_bundle, write_bundle
from nonplus.models.ngram.converting import Form, convert
from nonplus.models.ngram.inspection import inspected
from nonplus.models.ngram.manifest import Pruning, Training
from nonplus.models.ngram.ngrams import SPECIAL_WORDS, Block, NgramsInMemory
from nonplus.models.ngram.normalizers.named import named
from nonplus.models.ngram.opening import open_ngram
from nonplus.models.ngram.pruning.files import PruneOptions
from nonplus.models.ngram.sources import TextOptions, scorer
from nonplus.models.ngram.text.rules import Rules
from nonplus.models.ngram.text.words import Words
from nonplus.sizes import bytes_of

WEATHER = FIXTURES / "weather.arpa"
TRAINING = Training(text_sha256="00ff", bytes=70, tokens=14)


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    ngrams = read_arpa(WEATHER)
    rules = Rules(named("standard"), Words(ngrams.words))
    write_bundle(tmp_path / "weather", ngrams, rules=rules, training=TRAINING, quantiles={"en": {"0.5": 9.0}})
    return tmp_path / "weather"


@given(models(max_order=3), st.booleans())
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_through_a_bundle_and_an_arpa_file_no_value_changes(
    tmp_path: Path, model: NgramsInMemory, packed: bool
) -> None:
    if not all(np.isfinite(block.log10_probs_M).all() for block in model.orders):
        return  # an ARPA file has -99 there
    write_bundle(tmp_path / "first", model, rules=Rules(named("raw"), Words(model.words)))
    convert(str(tmp_path / "first"), tmp_path / "model.arpa")
    convert(str(tmp_path / "model.arpa"), tmp_path / "second", form=Form(packed=packed))
    assert bits_of(blocks(open_bundle(tmp_path / "second").ngrams)) == bits_of(blocks(model))


def test_a_bundle_in_another_form_reads_text_as_before_and_knows_its_training(bundle: Path, tmp_path: Path) -> None:
    convert(str(bundle), tmp_path / "other", form=Form(packed=True, quantize=6))
    one, other = open_bundle(bundle), open_bundle(tmp_path / "other")
    assert other.rules.identity == one.rules.identity
    assert (other.manifest.training, other.manifest.quantiles) == (TRAINING, None)
    assert (other.manifest.bits, other.manifest.ngrams) == (6, "ngrams.packed")


def test_a_quantised_bundle_stays_quantised_unless_float32_is_asked_for(bundle: Path, tmp_path: Path) -> None:
    convert(str(bundle), tmp_path / "six", form=Form(quantize=6))
    assert convert(str(tmp_path / "six"), tmp_path / "packed", form=Form(packed=True)).bits == 6
    assert convert(str(tmp_path / "packed"), tmp_path / "whole", form=Form(quantize=0)).bits == 0
    six, whole = (open_bundle(tmp_path / name).ngrams for name in ("six", "whole"))
    assert bits_of(blocks(six)) == bits_of(blocks(whole))


def test_errors_are_those_of_every_rounding_since_the_model_was_whole(bundle: Path, tmp_path: Path) -> None:
    three = convert(str(bundle), tmp_path / "three", form=Form(quantize=3))
    packed = convert(str(tmp_path / "three"), tmp_path / "packed", form=Form(packed=True))
    assert min(three.errors[0]) > 0
    assert (packed.errors, packed.lost) == (three.errors, ())
    assert inspected(str(tmp_path / "packed")).errors == three.errors
    two = convert(str(tmp_path / "packed"), tmp_path / "two", form=Form(quantize=2))
    assert "rounded to 2 bits" in two.lost[0]
    whole = convert(str(tmp_path / "two"), tmp_path / "whole", form=Form(quantize=0))
    assert (whole.errors, whole.lost) == (two.errors, ())
    first, last = (blocks(open_bundle(folder).ngrams).orders[1:] for folder in (bundle, tmp_path / "whole"))
    for before, after, errors in zip(first, last, whole.errors, strict=True):
        assert abs(after.log10_probs_M - before.log10_probs_M).max() <= errors[0]
        assert abs(after.log10_backoffs_M - before.log10_backoffs_M).max() <= (*errors, 0.0)[1]


def test_what_is_lost_is_said(bundle: Path, tmp_path: Path) -> None:
    assert "does not say how text is read" in convert(str(WEATHER), tmp_path / "a").lost[0]
    assert "an ARPA file does not say how text is read" in convert(str(bundle), tmp_path / "a.arpa").lost[0]
    rounded = convert(str(bundle), tmp_path / "b", form=Form(quantize=2, packed=True))
    assert any("rounded to 2 bits" in lost for lost in rounded.lost)
    assert any("the reference quantiles of perplexity are left out" in lost for lost in rounded.lost)
    assert max(map(max, rounded.errors)) > 0
    assert convert(str(bundle), tmp_path / "c", form=Form(packed=True)).lost == ()


def test_a_foreign_model_reads_text_as_it_is_told_to(tmp_path: Path) -> None:
    text = TextOptions(normalizer="standard", tokenizer="words", unit="document")
    assert convert(str(WEATHER), tmp_path / "weather", text=text).lost == ()
    rules = open_bundle(tmp_path / "weather").rules
    assert (rules.normalizer.id, rules.splitter.as_dict(), rules.unit) == ("standard-1", {"kind": "words"}, "document")


@pytest.mark.parametrize(
    ("form", "out", "sentence"),
    [
        ({"packed": True}, "a.arpa", "an ARPA file such as .*a.arpa holds float32, got packed=True; leave it out"),
        ({"quantize": 8}, "a.arpa", "an ARPA file such as .*a.arpa holds float32, got quantize=8; leave it out"),
        ({}, "a.klm", r"a.klm names a file of a kind that is not written; end it with \.arpa, or name a folder"),
        ({"quantize": 17}, "a", "quantize=17 is no number of bits for a value, which has 2 to 16; use quantize=8"),
    ],
)
def test_a_form_that_does_not_fit_is_refused(form: dict, out: str, sentence: str, tmp_path: Path) -> None:
    with pytest.raises(BadProtocol, match=sentence):
        convert(str(WEATHER), tmp_path / out, form=Form(**form))
    assert not [*tmp_path.iterdir()]


def byte_model(folder: Path) -> Path:
    """The ARPA file of a model of bytes, of two words of text."""
    words = [*SPECIAL_WORDS, *(f"<0x{byte:02X}>" for byte in sorted(set(b"rain falls")))]
    probs = np.full(len(words), -1, np.float32)
    block = Block(np.arange(len(words), dtype=np.int32)[:, None], probs, np.zeros_like(probs))
    write_bundle(folder / "made", NgramsInMemory(words, (block,)), rules=Rules(named("raw"), Words(words)))
    return convert(str(folder / "made"), folder / "bytes.arpa").path


def test_a_tokenizer_to_which_most_words_of_the_model_are_unknown_is_refused(tmp_path: Path) -> None:
    letters = tokenizers.Tokenizer(tokenizers.models.BPE(dict(zip("rain fls", range(8), strict=True)), []))
    (tmp_path / "tokenizer.json").write_text(letters.to_str())
    for tokenizer in ("bytes", str(tmp_path / "tokenizer.json")):
        said = f"tokenizer={re.escape(tokenizer)} is not the tokenizer of this model: .* of 100% .* such as '.*'"
        with pytest.raises(BadModel, match=said):
            convert(str(WEATHER), tmp_path / "other", text=TextOptions(tokenizer=tokenizer))


def test_a_tokenizer_that_makes_the_words_of_the_model_is_taken(tmp_path: Path) -> None:
    assert convert(str(byte_model(tmp_path)), tmp_path / "bytes", text=TextOptions(tokenizer="bytes")).lost == ()
    ids = {word: number for number, word in enumerate([*read_arpa(WEATHER).words, " "])}
    whole = tokenizers.Tokenizer(tokenizers.models.WordLevel(ids, unk_token="<unk>"))
    whole.pre_tokenizer = tokenizers.pre_tokenizers.WhitespaceSplit()
    (tmp_path / "tokenizer.json").write_text(whole.to_str())
    convert(str(WEATHER), tmp_path / "other", text=TextOptions(tokenizer=str(tmp_path / "tokenizer.json")))
    assert open_bundle(tmp_path / "other").rules.splitter.as_dict()["kind"] == "tokenizers"


def test_a_kenlm_binary_of_hash_tables_reads_text_as_it_is_told_to(tmp_path: Path) -> None:
    ids = {word: number for number, word in enumerate(read_arpa(WEATHER).words)}
    whole = tokenizers.Tokenizer(tokenizers.models.WordLevel(ids, unk_token="<unk>"))
    whole.pre_tokenizer = tokenizers.pre_tokenizers.WhitespaceSplit()
    (tmp_path / "tokenizer.json").write_text(whole.to_str())
    text = TextOptions(normalizer="ccnet", tokenizer=str(tmp_path / "tokenizer.json"))
    convert(str(WEATHER), tmp_path / "bundle", text=text)
    one, other = scorer(str(FIXTURES / "weather.probing"), text), open_ngram(str(tmp_path / "bundle"))
    texts = ["Rain falls in May", "snow\u0300 in 12\nrain"]
    assert [each.nats.tolist() for each in score(texts, model=one)] == [
        each.nats.tolist() for each in score(texts, model=other)
    ]
    assert one.protocol.fingerprint == other.protocol.fingerprint
    assert len({one.identity, other.identity, scorer(str(FIXTURES / "weather.probing"), TextOptions()).identity}) == 3


def test_a_bundle_says_itself_how_it_reads_text(bundle: Path) -> None:
    with pytest.raises(BadModel, match="says how text is read; open it with ngram:"):
        scorer(str(bundle), TextOptions(normalizer="raw"))


@pytest.mark.parametrize("packed", [True, False])
def test_a_bundle_stays_packed_or_not_unless_it_is_asked_for(bundle: Path, tmp_path: Path, packed: bool) -> None:
    convert(str(bundle), tmp_path / "given", form=Form(packed=packed, quantize=6))
    kept = nonplus.prune_ngrams(tmp_path / "given", tmp_path / "pruned", ngrams=12).written
    convert(str(tmp_path / "given"), tmp_path / "same")
    convert(str(tmp_path / "given"), tmp_path / "other", form=Form(packed=not packed))
    found = {name: open_bundle(tmp_path / name).manifest for name in ("given", "pruned", "same", "other")}
    assert found["pruned"].ngrams == found["same"].ngrams == found["given"].ngrams != found["other"].ngrams
    assert kept.bits == found["same"].bits == 6


def test_a_bundle_is_not_told_how_to_read_text(bundle: Path, tmp_path: Path) -> None:
    with pytest.raises(BadModel, match=r"says how text is read, got normalizer=raw; leave it out"):
        convert(str(bundle), tmp_path / "other", text=TextOptions(normalizer="raw"))


def test_a_pruned_file_tells_what_was_there_before(bundle: Path, tmp_path: Path) -> None:
    done = nonplus.prune_ngrams(bundle, tmp_path / "small", ngrams=12, packed=True)
    assert (done.counts_before, sum(done.written.counts)) == ((8, 8, 4), 12)
    assert done.written.bytes < done.bytes_before
    assert done.divergence > 0
    again = nonplus.prune_ngrams(bundle, tmp_path / "same.arpa", entropy=done.threshold)
    assert again.written.counts == done.written.counts


def test_a_model_pruned_to_bytes_is_packed_into_no_more(bundle: Path, tmp_path: Path) -> None:
    small = tmp_path / "small"
    for most in (2500, "2.5K", 1900):
        done = nonplus.prune_ngrams(bundle, small, to_bytes=most)
        assert (
            sum(file.stat().st_size for file in small.iterdir())
            == done.written.bytes
            <= bytes_of(str(most), option="to_bytes", example="6M")
        )
    with pytest.raises(BadInput, match=r"got to_bytes=10; allow at least to_bytes=\d+") as refused:
        nonplus.prune_ngrams(bundle, small, to_bytes=10)
    least = int(str(refused.value).rpartition("=")[2])
    assert sum(nonplus.prune_ngrams(bundle, small, to_bytes=least).written.counts) == 8


def test_a_bundle_says_how_it_was_pruned_and_keeps_no_quantiles_of_the_model_before(
    bundle: Path, tmp_path: Path
) -> None:
    done = nonplus.prune_ngrams(bundle, tmp_path / "one", ngrams=16)
    nonplus.prune_ngrams(tmp_path / "one", tmp_path / "two", ngrams=12)
    convert(str(tmp_path / "two"), tmp_path / "three", form=Form(packed=True))
    one, three = (open_bundle(tmp_path / name).manifest for name in ("one", "three"))
    assert one.pruned == (Pruning(method="ngrams=16", threshold=done.threshold, counts=(8, 8, 4)),)
    assert [(each.method, each.counts) for each in three.pruned] == [
        ("ngrams=16", (8, 8, 4)),
        ("ngrams=12", done.written.counts),
    ]
    assert (one.quantiles, three.quantiles) == (None, None)
    nonplus.prune_ngrams(bundle, tmp_path / "all", entropy=0.0)
    assert open_bundle(tmp_path / "all").manifest.quantiles == {"en": {"0.5": 9.0}}


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({}, "pruning takes one of entropy=1e-8, ngrams=1000000, to_bytes=6000000 and counts=0,0,1, got none"),
        ({"entropy": 1e-8, "ngrams": 5}, "pruning takes one of .*, got entropy=1e-08 and ngrams=5"),
        ({"entropy": -1.0}, "entropy=-1.0 is below 0 or no number; give one from 0 on"),
        ({"entropy": float("nan")}, "entropy=nan is below 0 or no number"),
        (
            {"entropy": 2.0},
            "entropy=2.0 would keep .* 200% higher.* from entropy=1e-9 to entropy=1e-6",
        ),
    ],
)
def test_pruning_takes_one_measure(options: dict, sentence: str) -> None:
    with pytest.raises(BadProtocol, match=sentence):
        PruneOptions(**options)


def test_the_public_functions_take_what_the_command_line_takes(bundle: Path, tmp_path: Path) -> None:
    converted = nonplus.convert_ngrams(bundle, tmp_path / "packed", quantize=6, packed=True)
    pruned = nonplus.prune_ngrams(tmp_path / "packed", tmp_path / "fewer", ngrams=12, quantize=0, packed=False)
    assert (converted.bits, pruned.written.bits, sum(pruned.written.counts)) == (6, 0, 12)
    assert nonplus.inspect_ngrams(tmp_path / "fewer").counts == pruned.written.counts
    nonplus.convert_ngrams(WEATHER, tmp_path / "made", normalizer="ccnet", tokenizer="words", unit="document")
    assert nonplus.inspect_ngrams(f"ngram:{tmp_path / 'made'}").manifest.rules["unit"] == "document"

"""The bundled models: small, licensed, the same in NumPy and torch, as good as their
cards state.
"""

import json
import math
from pathlib import Path

import numpy as np
import pytest

import nonplus
from nonplus.corpora import open_corpora
from nonplus.models import bundled_models
from nonplus.models.bundled_cards import bundled_folder, described, is_of_ngrams
from nonplus.models.ngram.bundle import open_bundle
from nonplus.models.ngram.converting import convert
from nonplus.models.ngram.packed.file import packed, unpacked

BYTES = {"tiny": 8_000_000, "base": 30_000_000, "ngram": 6_000_000}
BITS_PER_BYTE = {"tiny": 1.70, "base": 1.35, "ngram": 1.95}  # of WikiText-2 test, at most
MODELS = pytest.mark.parametrize("name", bundled_models())
TRANSFORMERS = pytest.mark.parametrize("name", [name for name in bundled_models() if not is_of_ngrams(name)])
GOLDENS = Path(__file__).resolve().parents[1] / "parity" / "goldens"
TEXT = Path(__file__).resolve().parents[2] / "examples" / "lost_world.txt"


@MODELS
def test_it_takes_no_more_room_than_it_may(name: str) -> None:
    assert described(name).bytes <= BYTES[name]


@TRANSFORMERS
def test_it_is_a_folder_as_transformers_has_them(name: str) -> None:
    folder = bundled_folder(name)
    config = json.loads((folder / "config.json").read_text())
    assert config["architectures"] == ["LlamaForCausalLM"]
    assert {"model.safetensors", "tokenizer.json", "tokenizer_config.json"} <= {p.name for p in folder.iterdir()}


@MODELS
def test_it_has_a_card_that_names_its_licence(name: str) -> None:
    assert "CC BY-SA 4.0" in (bundled_folder(name) / "README.md").read_text()


@MODELS
def test_it_is_as_good_as_it_was_made_to_be(name: str) -> None:
    first = described(name).figures[0]
    assert (first.text, first.quantity) == ("WikiText-2 test", "bits per byte")
    assert first.value <= BITS_PER_BYTE[name]


def test_the_first_token_of_a_text_is_scored() -> None:
    (scored,) = nonplus.score("Once upon a time")
    assert scored.unscored == 0


def test_text_in_any_script_can_be_scored_whole() -> None:
    report = nonplus.evaluate(["Ελλάδα", "日本", "🙂", "\x00\t"])
    assert report.tally.bytes == sum(len(text.encode()) for text in ("Ελλάδα", "日本", "🙂", "\x00\t"))


def test_english_surprises_it_less_than_the_same_words_shuffled() -> None:
    plain = nonplus.evaluate("The quick brown fox jumps over the lazy dog.").perplexity
    shuffled = nonplus.evaluate("Dog lazy the over jumps fox brown quick the.").perplexity
    assert plain < shuffled / 2


@TRANSFORMERS
@pytest.mark.parametrize("protocol", ["full", "stride:128", "hf-doc:128", "lm-eval", "llama.cpp:256", "gptq:256"])
@pytest.mark.filterwarnings("ignore::nonplus.ProtocolWarning")
def test_torch_and_numpy_give_the_same_figure(name: str, protocol: str) -> None:
    pytest.importorskip("torch")
    pytest.importorskip("transformers")
    text = TEXT.read_text()[:4000]
    ours = nonplus.evaluate(text, protocol=protocol, model=f"bundled:{name}")
    theirs = nonplus.evaluate(text, protocol=protocol, model=f"hf:{bundled_folder(name)}")
    assert theirs.nats == pytest.approx(ours.nats, rel=1e-6)
    assert theirs.protocol.fingerprint == ours.protocol.fingerprint


@MODELS
@pytest.mark.slow
def test_a_language_of_the_card_has_the_bits_per_byte_that_are_measured_now(name: str, data: Path) -> None:
    """Else the card is of other weights, or nonplus counts otherwise than it did."""
    (english,) = (figure for figure in described(name).figures if figure.text == "English")
    text = data / "domains" / "udhr" / "eng.txt"
    report = nonplus.evaluate(text, model=f"bundled:{name}")
    assert report.bits_per_byte == pytest.approx(english.value, rel=1e-6)
    assert report.protocol.fingerprint == english.fingerprint


@TRANSFORMERS
def test_a_witness_without_nonplus_finds_about_the_bits_per_byte_of_the_card(name: str) -> None:
    """Golden: torch and transformers alone, by the command and versions in the file.

    Its windows begin with no context from the one before, so it finds a little more.
    """
    witness = json.loads((GOLDENS / f"wikitext-{name}.json").read_text(encoding="utf-8"))
    assert witness["weights_sha256"] == described(name).sha256, "record it anew: recipes/bundled/wikitext.py"
    ours = described(name).figures[0]
    assert (ours.text, ours.quantity) == ("WikiText-2 test", "bits per byte")
    assert 0.99 * witness["bits_per_byte"] < ours.value < witness["bits_per_byte"]


def test_kenlm_finds_the_bits_per_byte_on_the_card_of_the_ngrams() -> None:
    """Golden: kenlm on the ARPA file of the same n-grams and pieces of tokenizers, by
    the command and versions in the file. kenlm adds in float32.
    """
    witness = json.loads((GOLDENS / "wikitext-ngram.json").read_text(encoding="utf-8"))
    card = described("ngram")
    assert witness["weights_sha256"] == card.sha256, "record it anew: recipes/bundled/kenlm_wikitext.py"
    first = json.loads((bundled_folder("ngram") / "figures.json").read_text(encoding="utf-8"))["figures"][0]
    assert first["tokens"] == witness["tokens"]
    assert first["value"] * math.log(2) * first["bytes"] == pytest.approx(witness["nats"], rel=1e-6)


def test_kenlm_gives_a_line_the_surprisal_that_the_ngrams_give(tmp_path: Path) -> None:
    """Parity, on the ARPA file that convert makes."""
    kenlm = pytest.importorskip("kenlm")
    tokenizers = pytest.importorskip("tokenizers")
    folder = bundled_folder("ngram")
    convert(str(folder), tmp_path / "ngram.arpa")
    peer = kenlm.Model(str(tmp_path / "ngram.arpa"))
    cutter = tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))
    lines = [" ".join(line.split()) for line in TEXT.read_text().splitlines()[:200] if line.strip()]
    for line, ours in zip(lines, nonplus.score(lines, model="bundled:ngram"), strict=True):
        theirs = -math.log(10) * peer.score(" ".join(cutter.encode(line).tokens))
        assert ours.nats.sum() == pytest.approx(theirs, rel=1e-5)


def test_the_ngrams_packed_anew_are_the_same_to_the_last_bit() -> None:
    bundle = open_bundle(bundled_folder("ngram"), whole=True)
    again = unpacked(packed(bundle.ngrams, bits=bundle.manifest.bits), bundle.ngrams.words)
    for order in range(1, bundle.manifest.order + 1):
        (ours,), (theirs,) = bundle.ngrams.blocks(order), again.ngrams.blocks(order)
        assert np.array_equal(ours.ids_Mk, theirs.ids_Mk)
        assert ours.log10_probs_M.tobytes() == theirs.log10_probs_M.tobytes()
        assert ours.log10_backoffs_M.tobytes() == theirs.log10_backoffs_M.tobytes()


def test_a_novel_has_a_usual_perplexity_and_its_words_in_order_of_the_alphabet_a_high_one() -> None:
    """By the quantiles in the manifest; the novel is one of their texts."""
    known = open_bundle(bundled_folder("ngram")).manifest.quantiles["en"]
    novel = nonplus.evaluate(TEXT, model="bundled:ngram").perplexity
    assert known["0.05"] < novel < known["0.95"]
    shuffled = " ".join(sorted(TEXT.read_text()[:20_000].split()))
    assert nonplus.evaluate(shuffled, model="bundled:ngram").perplexity > known["0.95"]


@pytest.mark.slow
def test_on_wikitext_tiny_is_as_good_as_its_card_says(data: Path) -> None:
    """``nonplus score wikitext:wiki.test.raw --detokenize wikitext --model tiny``."""
    corpus = open_corpora([f"wikitext:{data / 'eval' / 'wikitext2' / 'wiki.test.raw'}"])
    protocol = nonplus.Protocol(detokenize="wikitext")
    report = nonplus.evaluate(corpus, protocol=protocol, model="bundled:tiny")
    assert report.bits_per_byte == pytest.approx(described("tiny").figures[0].value, rel=1e-6)

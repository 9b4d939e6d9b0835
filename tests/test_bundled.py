"""The model in the package: small, licensed, the same through NumPy and torch, and as good as its card says."""

import json
from importlib.resources import files
from pathlib import Path

import pytest

import nonplus
from nonplus.corpora import open_corpora

FOLDER = Path(str(files("nonplus") / "bundled" / "tiny"))
TEXT = Path(__file__).resolve().parent.parent / "examples" / "lost_world.txt"


def test_it_takes_at_most_eight_megabytes() -> None:
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) <= 8_000_000


def test_it_is_a_standard_folder_with_a_card_that_names_its_licence() -> None:
    config = json.loads((FOLDER / "config.json").read_text())
    assert config["architectures"] == ["LlamaForCausalLM"]
    assert {"model.safetensors", "tokenizer.json", "tokenizer_config.json"} <= {p.name for p in FOLDER.iterdir()}
    assert "CC BY-SA 4.0" in (FOLDER / "README.md").read_text()


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


@pytest.mark.parametrize("protocol", ["full", "stride:128", "hf-doc:128", "lm-eval", "llama.cpp:256", "gptq:256"])
@pytest.mark.filterwarnings("ignore::nonplus.ProtocolWarning")
def test_torch_and_numpy_give_the_same_figure(protocol: str) -> None:
    pytest.importorskip("torch")
    pytest.importorskip("transformers")
    text = TEXT.read_text()[:4000]
    ours = nonplus.evaluate(text, protocol=protocol)
    theirs = nonplus.evaluate(text, protocol=protocol, model=f"hf:{FOLDER}")
    assert theirs.nats == pytest.approx(ours.nats, rel=1e-6)
    assert theirs.rules.fingerprint == ours.rules.fingerprint


@pytest.mark.slow
def test_on_wikitext_it_is_as_good_as_its_card_says(data: Path) -> None:
    """Golden: nonplus 0.1.0, `nonplus score wikitext:wiki.test.raw --detokenize wikitext`."""
    corpus = open_corpora([f"wikitext:{data / 'eval' / 'wikitext2' / 'wiki.test.raw'}"])
    report = nonplus.evaluate(corpus, protocol=nonplus.Protocol(detokenize="wikitext"))
    card = (FOLDER / "README.md").read_text()
    assert report.bits_per_byte is not None
    assert report.bits_per_byte <= 1.70
    assert f"{report.bits_per_byte:.3f} bits per byte" in card

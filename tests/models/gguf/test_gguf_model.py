"""Models in GGUF files: the figures of the numbers that their blocks stand for."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="files are opened by transformers")
pytest.importorskip("transformers", reason="files are opened by transformers")
pytest.importorskip("gguf", reason="files are written with it")

import gguf
import written

import nonplus
from nonplus import Protocol, RunOptions
from nonplus.errors import BadModel
from nonplus.models.loading import Loading

pytestmark = pytest.mark.slow

KINDS = ("F32", "F16", "Q8_0", "Q4_0", "Q4_1")
TEXT = 'Once upon a time, there was a little dog named 42.\n He said: "hello" and é — ok.'
FREQUENCIES = "rope_freqs.weight"


@pytest.fixture(scope="module")
def stories(data):
    return data / "models" / "stories260K"


@pytest.fixture(scope="module")
def config(stories):
    return json.loads((stories / "config.json").read_text())


@pytest.fixture(scope="module")
def files(stories, tmp_path_factory):
    """A file of each kind, by kind."""
    folder = tmp_path_factory.mktemp("gguf")
    return {kind: written.write(folder / f"{kind}.gguf", stories, kind) for kind in KINDS}


@pytest.fixture(scope="module")
def models(files):
    return {kind: nonplus.open_model(f"gguf:{file}") for kind, file in files.items()}


@pytest.fixture(scope="module")
def original(stories):
    return nonplus.open_model(f"hf:{stories}")


def nats_of(model, text=TEXT):
    (scored,) = nonplus.score(text, model=model)
    return scored.nats


# ------------------------------------------------------------------------------ figures


def test_a_file_of_float32_has_the_figures_of_the_model_that_it_was_made_from(models, original):
    np.testing.assert_allclose(nats_of(models["F32"]), nats_of(original), atol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_has_the_figures_of_its_unpacked_blocks_in_float64(models, files, config, kind):
    ids = [1, *models[kind].tokenizer.encode([TEXT], specials=False)[0].ids.tolist()]
    logprob_TV = written.logprobs(written.unpacked(files[kind]), config, ids)
    expected = -logprob_TV[np.arange(len(ids) - 1), ids[1:]]
    np.testing.assert_allclose(nats_of(models[kind]), expected, atol=2e-5)


def test_fewer_bits_change_the_figures(models, original):
    apart = [np.abs(nats_of(models[kind]) - nats_of(original)).mean() for kind in ("F16", "Q8_0", "Q4_1")]
    assert apart == sorted(apart)
    assert apart[0] > 1e-6


def test_frequencies_that_a_file_divides_are_divided(files, stories, config, models, tmp_path):
    factors = np.array([1, 2, 4, 8], np.float32)
    file = written.write(tmp_path / "long.gguf", stories, more={FREQUENCIES: factors})
    ours = nonplus.open_model(f"gguf:{file}")
    ids = [1, *ours.tokenizer.encode([TEXT], specials=False)[0].ids.tolist()]
    logprob_TV = written.logprobs(written.unpacked(files["F32"]), config, ids, factors=factors)
    np.testing.assert_allclose(nats_of(ours), -logprob_TV[np.arange(len(ids) - 1), ids[1:]], atol=2e-5)
    assert ours.identity != models["F32"].identity


@pytest.mark.parametrize("factors", [np.ones((4, 32), np.float32), np.array([1, 2, 4, 8, 9], np.float32)])
def test_frequencies_that_would_be_passed_over_are_refused(stories, tmp_path, factors):
    file = written.write(tmp_path / "long.gguf", stories, "Q8_0", more={FREQUENCIES: factors})
    with pytest.raises(BadModel, match=r"divides rotary frequencies by .* numbers of .* in a llama, and here"):
        nonplus.open_model(f"gguf:{file}")


def test_weights_are_float32_unless_another_dtype_is_asked_for(files, models):
    assert models["Q8_0"].dtype == "float32"
    halved = nonplus.open_model(f"gguf:{files['Q8_0']}", loading=Loading(dtype="bfloat16"))
    assert halved.dtype == "bfloat16"
    exact = nonplus.open_model(f"gguf:{files['Q8_0']}", loading=Loading(dtype="float64"))
    np.testing.assert_allclose(nats_of(exact), nats_of(models["Q8_0"]), atol=2e-5)


# ---------------------------------------------------------------------- the same record


def test_the_name_says_how_the_numbers_are_stored_most_of_them_first(models, files):
    assert models["Q8_0"].name == f"{files['Q8_0']} of Q8_0, F32"
    assert models["F32"].name == f"{files['F32']} of F32"


def test_tokens_context_and_special_tokens_are_those_of_the_original(models, original, data):
    ours, texts = models["Q4_0"], [TEXT, "", "  two spaces", (data / "eval" / "tinyshakespeare.txt").read_text()[:9999]]
    for mine, theirs in zip(
        ours.tokenizer.encode(texts, specials=True), original.tokenizer.encode(texts, specials=True), strict=True
    ):
        assert mine.ids.tolist() == theirs.ids.tolist()
        assert mine.byte_ends.tolist() == theirs.byte_ends.tolist()
    assert (ours.max_context, ours.special) == (original.max_context, original.special)
    assert ours.tokenizer.special_ids == original.tokenizer.special_ids


def test_a_copy_is_the_same_model_and_one_changed_block_another(files, models, tmp_path):
    copy = shutil.copy(files["Q4_0"], tmp_path / "copied.gguf")
    assert nonplus.open_model(str(copy)).identity == models["Q4_0"].identity
    (tensor,) = (t for t in gguf.GGUFReader(copy).tensors if t.name == "blk.2.attn_v.weight")
    with Path(copy).open("r+b") as file:
        file.seek(int(tensor.data_offset) + 5)
        (changed,) = file.read(1)
        file.seek(int(tensor.data_offset) + 5)
        file.write(bytes([changed ^ 1]))
    assert nonplus.open_model(str(copy)).identity != models["Q4_0"].identity


def test_what_lies_beside_a_file_makes_no_difference(files, models, tmp_path):
    shutil.copy(files["Q8_0"], tmp_path / "model.gguf")
    for name in ("config.json", "tokenizer_config.json", "adapter_config.json", "tokenizer.json"):
        (tmp_path / name).write_text('{"no": "use"}')
    ours = nonplus.open_model(f"gguf:{tmp_path}")
    assert ours.identity == models["Q8_0"].identity
    assert ours.tokenizer.identity == models["Q8_0"].tokenizer.identity


def test_figures_do_not_depend_on_batch_order_or_length_of_the_others(models, data):
    stories = (data / "eval" / "tinystories_sample.txt").read_text().split("<|endoftext|>")
    texts = [TEXT, *stories, "A."]
    model = models["Q4_1"]
    alone = {text: nats_of(model, text) for text in texts}
    for order in (texts, texts[::-1]):
        for budget in (64, 4096):
            for scored, text in zip(
                nonplus.score(order, model=model, options=RunOptions(budget=budget)), order, strict=True
            ):
                np.testing.assert_allclose(scored.nats, alone[text], atol=2e-5)


def test_every_token_is_scored_once_in_windows_too(models):
    report = nonplus.evaluate(TEXT * 30, model=models["Q8_0"], protocol=Protocol(window=32))
    (encoding,) = models["Q8_0"].tokenizer.encode([TEXT * 30], specials=False)
    assert report.tally.scored == len(encoding.ids)


def test_a_file_is_found_from_the_folder_that_one_is_in(files, models, monkeypatch):
    monkeypatch.chdir(files["F16"].parent)
    ours = nonplus.open_model("gguf:F16.gguf")
    assert (ours.name, ours.identity) == ("F16.gguf of F16, F32", models["F16"].identity)


def test_opening_prints_nothing(files, capfd):
    nonplus.open_model(f"gguf:{files['F16']}")
    assert capfd.readouterr() == ("", "")


# ----------------------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    ("key", "value", "here"),
    [
        ("llama.expert_count", 8, "0"),
        ("llama.rope.scaling.type", "yarn", "'none'"),
        ("llama.attention.scale", 2, "'nothing like it'"),
    ],
)
def test_a_setting_that_transformers_does_not_use_is_refused(stories, tmp_path, key, value, here):
    of = gguf.GGUFValueType.STRING if isinstance(value, str) else gguf.GGUFValueType.UINT32
    file = written.write(tmp_path / "other.gguf", stories, metadata=[(key, value, of)])
    with pytest.raises(BadModel, match=rf"sets {key} to {value!r}.*compute with {here}.*with hf:"):
        nonplus.open_model(f"gguf:{file}")


def test_a_setting_that_changes_nothing_is_no_reason_to_refuse(stories, tmp_path, models):
    settings = [
        ("llama.expert_count", 0, gguf.GGUFValueType.UINT32),
        ("llama.rope.scaling.type", "none", gguf.GGUFValueType.STRING),
        ("llama.attention.key_length", 8, gguf.GGUFValueType.UINT32),
    ]
    file = written.write(tmp_path / "same.gguf", stories, metadata=settings)
    assert nonplus.open_model(f"gguf:{file}").identity == models["F32"].identity


def test_tensors_that_transformers_leaves_out_are_refused(stories, tmp_path):
    file = written.write(tmp_path / "biased.gguf", stories, more={"blk.0.attn_q.bias": np.ones(64, np.float32)})
    with pytest.raises(BadModel, match=r"holds 260,096 numbers, and the LlamaForCausalLM .* has 260,032.*with hf:"):
        nonplus.open_model(f"gguf:{file}")


def test_a_file_larger_than_memory_is_refused_before_it_is_unpacked(files, monkeypatch):
    monkeypatch.setattr("os.sysconf", lambda name: 1000)
    with pytest.raises(BadModel, match=r"take 0\.0 GB in float32, more than the 0\.0 GB of this machine; use dtype="):
        nonplus.open_model(f"gguf:{files['Q8_0']}")

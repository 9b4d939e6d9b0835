"""The recipe of the bundled model, in small: it goes on where it was stopped, and reads every row equally often."""

import hashlib
import importlib
import json
import math
import random
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")
pyppmd = pytest.importorskip("pyppmd")

ROOT = Path(__file__).resolve().parents[2]
FILES = ("model", "head", "data", "export", "train")


@pytest.fixture
def recipe(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The recipe's modules, with a model so small that a step takes milliseconds; torch.compile does nothing."""
    monkeypatch.setattr(sys, "path", [str(ROOT / "recipes" / "bundled"), *sys.path])
    monkeypatch.setattr(torch, "compile", lambda module, **_: module)
    modules = SimpleNamespace(**{name: importlib.import_module(name) for name in FILES})
    toy = modules.model.Shape(width=16, layers=2, heads=2, inner=32, context=32, rows=((0.5, 16), (1.0, 32)))
    modules.model.SHAPES["toy"] = toy
    yield modules
    for name in FILES:
        del sys.modules[name]


@pytest.fixture
def packed(tmp_path: Path) -> Path:
    """A training text as the real one is laid out: shards, their checksums, and the tokenizer."""
    words = random.Random(0)
    shards = []
    (tmp_path / "train").mkdir()
    for name in ("mix-0.ppmd", "mix-2.ppmd"):
        texts = [" ".join(words.choices(["the", "cat", "sat", "on", "a", "mat,", "naïve"], k=40)) for _ in range(20)]
        raw = "\0".join(texts).encode()
        packed = pyppmd.compress(raw, max_order=16, mem_size=1 << 20, variant="I")
        (tmp_path / "train" / name).write_bytes(packed)
        shards.append({"file": name, "sha256_raw": hashlib.sha256(raw).hexdigest()})
    (tmp_path / "train" / "mix.json").write_text(json.dumps({"shards": shards}))
    (tmp_path / "tokenizers" / "ours").mkdir(parents=True)
    bundled = ROOT / "src" / "nonplus" / "bundled" / "tiny" / "tokenizer.json"
    shutil.copyfile(bundled, tmp_path / "tokenizers" / "ours" / "bpe8192-mix.json")
    return tmp_path


@pytest.fixture(autouse=True)
def small_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """The shards were packed with a model of 256 MB; these need a megabyte."""
    monkeypatch.setattr(pyppmd, "decompress", lambda raw, **o: _decompress(raw, **{**o, "mem_size": 1 << 20}))


_decompress = pyppmd.decompress


def options(recipe: Any, folder: Path, **changes: Any) -> Any:
    few = {"steps": 8, "tokens": 128, "part": 64, "save_every": 3, "threads": 1}
    return recipe.train.Recipe(model="toy", work=folder / "work", out=folder / "out", **(few | changes))


def weights(folder: Path) -> dict[str, Any]:
    checkpoint: dict[str, Any] = torch.load(folder / "work" / "toy" / "checkpoint.pt")
    assert set(checkpoint) == {"model", "rules", "step", "cpu_seconds"}
    return checkpoint["model"]


def same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def test_a_run_in_pieces_ends_with_the_very_weights_of_a_run_in_one(recipe: Any, packed: Path, tmp_path: Path) -> None:
    whole, pieces = tmp_path / "whole", tmp_path / "pieces"
    recipe.train.train(options(recipe, whole), packed)
    for _ in range(8):
        assert not (pieces / "out").exists()
        recipe.train.train(options(recipe, pieces, seconds=0.0), packed)  # one step and no more
    assert same(weights(whole), weights(pieces))
    published = [folder / "out" / "toy" / "model.safetensors" for folder in (whole, pieces)]
    assert published[0].read_bytes() == published[1].read_bytes()


def test_a_run_that_was_killed_goes_on_from_its_last_checkpoint(
    recipe: Any, packed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    recipe.train.train(options(recipe, whole), packed)
    with monkeypatch.context() as until:
        steps = iter([recipe.train.gradient_step] * 5)
        until.setattr(recipe.train, "gradient_step", lambda *given: next(steps)(*given))
        with pytest.raises(StopIteration):
            recipe.train.train(options(recipe, killed), packed)
    assert torch.load(killed / "work" / "toy" / "checkpoint.pt")["step"] == 3
    recipe.train.train(options(recipe, killed), packed)
    assert same(weights(whole), weights(killed))


def test_fewer_steps_given_when_a_run_goes_on_bring_its_end_nearer(recipe: Any, packed: Path, tmp_path: Path) -> None:
    recipe.train.train(options(recipe, tmp_path, seconds=0.0), packed)
    recipe.train.train(options(recipe, tmp_path, steps=2), packed)
    assert torch.load(tmp_path / "work" / "toy" / "checkpoint.pt")["step"] == 2
    assert (tmp_path / "out" / "toy" / "model.safetensors").exists()


def test_the_rate_falls_from_the_share_of_the_steps_that_is_left_for_it(recipe: Any, tmp_path: Path) -> None:
    chosen = options(recipe, tmp_path, steps=1000, decay=0.4)
    rates = [recipe.train.rate_factor(step, chosen) for step in (0, 59, 600, 800, 999)]
    assert rates == pytest.approx([1 / 60, 1, 1, 0.5, 0.0025])


def test_the_published_folder_is_read_by_transformers_and_by_numpy(recipe: Any, packed: Path, tmp_path: Path) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    import nonplus

    recipe.train.train(options(recipe, tmp_path, steps=1), packed)
    folder = tmp_path / "out" / "toy"
    text = "the cat sat on a naïve mat"
    ids = AutoTokenizer.from_pretrained(folder)(text, return_tensors="pt")["input_ids"]
    fed = torch.cat([torch.zeros(1, 1, dtype=torch.int64), ids], dim=1)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype="float32")
    with torch.no_grad():
        theirs = model(fed, labels=fed).loss.item()
    assert nonplus.evaluate(text, model=f"llama:{folder}").log_perplexity == pytest.approx(theirs, rel=1e-5)
    assert (folder / "loss.jsonl").exists()


def test_every_epoch_reads_every_row_once_in_an_order_of_its_own(recipe: Any, tmp_path: Path) -> None:
    chosen = options(recipe, tmp_path)
    read = np.concatenate([recipe.train.row_numbers(step, 10, chosen) for step in range(5)]).reshape(2, 10)
    assert np.sort(read).tolist() == [list(range(10))] * 2
    assert read[0].tolist() != read[1].tolist()


def test_parts_that_do_not_make_up_a_step_are_refused(recipe: Any, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="give multiples"):
        options(recipe, tmp_path, part=48)


def test_a_damaged_shard_is_refused(recipe: Any, packed: Path) -> None:
    listing = json.loads((packed / "train" / "mix.json").read_text())
    listing["shards"][0]["sha256_raw"] = "0" * 64
    (packed / "train" / "mix.json").write_text(json.dumps(listing))
    with pytest.raises(ValueError, match="fetch the shard again"):
        list(recipe.data.documents(packed / "train"))


@pytest.mark.parametrize(
    ("name", "digest"),
    [
        ("mix-1.ppmd", "7f7946c081288dabc28f9231419b741370aedcf1c06a6c2e77987b7d8d7bba21"),
        ("mix-3.ppmd", "d5f8bd1b848cae6355aad7000db4ecb36be0891c4af36d81b666ae6c28084074"),
    ],
)
def test_the_lost_byte_of_a_shard_is_put_back(recipe: Any, data: Path, name: str, digest: str) -> None:
    """Golden: sha256 of the first 500,000 bytes of the text whose own is in mix.json; as packed, both end before."""
    decoder = pyppmd.Ppmd8Decoder(16, 256 << 20)
    assert hashlib.sha256(decoder.decode(recipe.data.packed(data / "train" / name), 500_000)).hexdigest() == digest


def test_the_loss_by_chunks_is_that_of_cross_entropy_and_so_are_its_gradients(recipe: Any) -> None:
    """Oracle: float64; products in bfloat16 keep three digits."""
    torch.manual_seed(0)
    hidden, weight = torch.randn(300, 8), torch.randn(50, 8)
    targets = torch.randint(50, (300,))
    found, known = (
        [a.requires_grad_() for a in pair] for pair in ([hidden, weight], [hidden.double(), weight.double()])
    )
    loss = recipe.head.TiedHeadLoss.apply(*found, targets)
    exact = torch.nn.functional.cross_entropy(known[0] @ known[1].T, targets)
    loss.backward()
    exact.backward()
    assert math.isclose(loss.item(), exact.item(), rel_tol=5e-3)
    for one, other in zip(found, known, strict=True):
        assert torch.linalg.norm(one.grad - other.grad) < 0.01 * torch.linalg.norm(other.grad)

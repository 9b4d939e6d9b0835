"""The recipe of the bundled model, in small: it goes on where it was stopped, and reads
every row equally often.
"""

import hashlib
import importlib
import itertools
import json
import math
import random
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")
pyppmd = pytest.importorskip("pyppmd")
pytest.importorskip("matplotlib")

ROOT = Path(__file__).resolve().parents[2]
FILES = ("model", "head", "data", "train")


@pytest.fixture
def recipe(recipe_path: None, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The recipe's modules, with a model so small that a step takes milliseconds;
    torch.compile does nothing.
    """
    monkeypatch.setattr(torch, "compile", lambda module, **_: module)
    modules = SimpleNamespace(**{name: importlib.import_module(name) for name in FILES})
    toy = modules.model.Shape(width=16, layers=2, heads=2, inner=32, context=32, rows=((0.5, 16),))
    modules.model.SHAPES["toy"] = toy
    return modules


@pytest.fixture
def packed(tmp_path: Path) -> Path:
    """A training text as the real one is laid out: shards, their checksums, and the
    tokenizer.
    """
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
    bundled = ROOT / "src" / "nonplus" / "models" / "bundled" / "tiny" / "tokenizer.json"
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
    return checkpoint["model"]


def steps_done(folder: Path) -> int:
    step: int = torch.load(folder / "work" / "toy" / "checkpoint.pt")["progress"]["step"]
    return step


def log_of(folder: Path) -> list[dict[str, Any]]:
    lines = (folder / "work" / "toy" / "loss.jsonl").read_text().splitlines()
    return [
        {key: value for key, value in json.loads(line).items() if key not in ("cpu_seconds", "seconds")}
        for line in lines
    ]


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
    assert steps_done(killed) == 3
    recipe.train.train(options(recipe, killed), packed)
    assert same(weights(whole), weights(killed))


def test_the_log_of_a_run_that_was_killed_is_that_of_a_run_in_one(
    recipe: Any, packed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed after step 9, with lines for steps 4 and 8 and a checkpoint at 6."""
    monkeypatch.setattr(recipe.train, "LOG_EVERY", 4)
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    recipe.train.train(options(recipe, whole, steps=12, save_every=6), packed)
    with monkeypatch.context() as until:
        steps = iter([recipe.train.gradient_step] * 9)
        until.setattr(recipe.train, "gradient_step", lambda *given: next(steps)(*given))
        with pytest.raises(StopIteration):
            recipe.train.train(options(recipe, killed, steps=12, save_every=6), packed)
    assert [line["step"] for line in log_of(killed)] == [4, 8]
    recipe.train.train(options(recipe, killed, steps=12, save_every=6), packed)
    assert log_of(killed) == log_of(whole)
    assert [line["tokens"] for line in log_of(whole)] == [512, 1024, 1536]
    assert (killed / "out" / "toy" / "loss.jsonl").read_text().count("\n") == 3


def test_larger_steps_go_on_where_smaller_ones_ended(recipe: Any, packed: Path, tmp_path: Path) -> None:
    recipe.train.train(options(recipe, tmp_path, steps=2), packed)
    recipe.train.train(options(recipe, tmp_path, steps=3, tokens=256), packed)
    progress = torch.load(tmp_path / "work" / "toy" / "checkpoint.pt")["progress"]
    assert progress["row"] * 32 == 2 * 128 + 256


def test_a_checkpoint_of_another_order_of_the_text_is_refused(recipe: Any, packed: Path, tmp_path: Path) -> None:
    recipe.train.train(options(recipe, tmp_path, steps=1), packed)
    with pytest.raises(ValueError, match="made with seed 1, and this run has 2; use the same one"):
        recipe.train.train(options(recipe, tmp_path, seed=2), packed)


def test_a_checkpoint_of_another_text_is_refused(recipe: Any, packed: Path, tmp_path: Path) -> None:
    recipe.train.train(options(recipe, tmp_path, steps=1), packed)
    listing = packed / "train" / "mix.json"
    listing.write_text(json.dumps({"shards": json.loads(listing.read_text())["shards"][:1]}))
    with pytest.raises(ValueError, match="made with text tokens-"):
        recipe.train.train(options(recipe, tmp_path), packed)


def test_figures_of_former_weights_go_when_others_are_exported(recipe: Any, packed: Path, tmp_path: Path) -> None:
    (tmp_path / "out" / "toy").mkdir(parents=True)
    (tmp_path / "out" / "toy" / "figures.json").write_text("{}")
    recipe.train.train(options(recipe, tmp_path, steps=1), packed)
    assert not (tmp_path / "out" / "toy" / "figures.json").exists()
    assert [*(tmp_path / "out").iterdir()] == [tmp_path / "out" / "toy"]


def test_fewer_steps_given_when_a_run_goes_on_bring_its_end_nearer(recipe: Any, packed: Path, tmp_path: Path) -> None:
    recipe.train.train(options(recipe, tmp_path, seconds=0.0), packed)
    recipe.train.train(options(recipe, tmp_path, steps=2), packed)
    assert steps_done(tmp_path) == 2
    assert (tmp_path / "out" / "toy" / "model.safetensors").exists()


def test_the_rate_falls_from_the_share_of_the_steps_that_is_left_for_it(recipe: Any, tmp_path: Path) -> None:
    chosen = options(recipe, tmp_path, steps=1000, decay=0.4)
    rates = [recipe.train.rate_factor(step, step / 1000, chosen) for step in (0, 59, 600, 800, 999)]
    assert rates == pytest.approx([1 / 60, 1, 1, 0.5, 0.0025])


def test_a_training_by_the_clock_ends_in_its_seconds_whatever_its_speed(
    recipe: Any, packed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each look at the clock takes half a second: one in each step."""
    clock = itertools.count(0.0, 0.5)
    monkeypatch.setattr(recipe.train, "time", SimpleNamespace(monotonic=lambda: next(clock), process_time=lambda: 0.0))
    shares, lengths = [], []
    factor, batch = recipe.train.rate_factor, recipe.train.batch
    monkeypatch.setattr(recipe.train, "rate_factor", lambda *given: shares.append(given[1]) or factor(*given))
    monkeypatch.setattr(recipe.train, "batch", lambda *given: lengths.append(given[2]) or batch(*given))
    assert recipe.train.train(options(recipe, tmp_path, steps=1000, finish=4.0), packed)
    assert shares[::2] == [step / 8 for step in range(8)], "once for each of the two optimizers"
    assert lengths == [16] * 4 + [32] * 4
    assert (tmp_path / "out" / "toy" / "model.safetensors").exists()


def test_shorter_rows_can_be_had_for_a_smaller_share_of_the_training(
    recipe: Any, packed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lengths = []
    batch = recipe.train.batch
    monkeypatch.setattr(recipe.train, "batch", lambda *given: lengths.append(given[2]) or batch(*given))
    recipe.train.train(options(recipe, tmp_path, short=0.5), packed)
    assert lengths == [16] * 2 + [32] * 6


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
    parts = [recipe.train.row_numbers(first, chosen.rows, 10, chosen.seed) for first in range(0, 20, chosen.rows)]
    read = np.concatenate(parts).reshape(2, 10)
    assert np.sort(read).tolist() == [list(range(10))] * 2
    assert read[0].tolist() != read[1].tolist()


def test_parts_that_do_not_make_up_a_step_are_refused(recipe: Any, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="a step must be a multiple of a part"):
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
    """Golden: sha256 of the first 500,000 bytes of the text whose own is in mix.json;
    as packed, both end before.
    """
    decoder = pyppmd.Ppmd8Decoder(16, 256 << 20)
    assert hashlib.sha256(decoder.decode(recipe.data.packed(data / "train" / name), 500_000)).hexdigest() == digest


@pytest.mark.parametrize(("dtype", "digits"), [(torch.float32, 1e-5), (torch.bfloat16, 1e-2)])
def test_the_loss_by_chunks_is_that_of_cross_entropy_and_so_are_its_gradients(
    recipe: Any, dtype: torch.dtype, digits: float
) -> None:
    """Oracle: float64."""
    torch.manual_seed(0)
    hidden, weight = torch.randn(300, 8), torch.randn(50, 8)
    targets = torch.randint(50, (300,))
    found, known = (
        [a.requires_grad_() for a in pair] for pair in ([hidden, weight], [hidden.double(), weight.double()])
    )
    loss = recipe.head.TiedHeadLoss.apply(*found, targets, dtype)
    exact = torch.nn.functional.cross_entropy(known[0] @ known[1].T, targets)
    loss.backward()
    exact.backward()
    assert math.isclose(loss.item(), exact.item(), rel_tol=digits)
    for one, other in zip(found, known, strict=True):
        assert torch.linalg.norm(one.grad - other.grad) < digits * torch.linalg.norm(other.grad)


def test_products_are_as_narrow_as_the_device_can(recipe: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for has, dtype in (({"avx512_bf16": True}, torch.bfloat16), ({"avx2": True, "amx_bf16": False}, torch.float32)):
        monkeypatch.setattr(torch.cpu, "get_capabilities", lambda has=has: has)
        assert recipe.train.product_format("cpu") == dtype
        assert recipe.train.product_format("cuda") == torch.bfloat16

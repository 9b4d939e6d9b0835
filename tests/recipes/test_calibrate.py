"""A model that is too sure is made less sure, by as much as a held-out text says."""

import importlib
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

from nonplus.models.bundled_cards import bundled_folder  # noqa: E402

TEXT = (Path(__file__).resolve().parents[2] / "examples" / "lost_world.txt").read_text(encoding="utf-8")[:6000]


@pytest.fixture
def calibrate(recipe_path: None) -> Any:
    return importlib.import_module("calibrate")


def test_the_factor_has_the_fewest_nats(calibrate: Any) -> None:
    """Targets drawn from the model's own distributions at 1.3 times its logits."""
    torch.manual_seed(0)
    hidden, weight = torch.randn(4000, 8), torch.randn(30, 8)
    targets = torch.multinomial((hidden @ weight.T * 1.3).softmax(1), 1)[:, 0]
    factor = calibrate.sharpness(hidden, weight, targets)
    nats = [torch.nn.functional.cross_entropy(hidden @ weight.T * at, targets).item() for at in (factor, 1.2, 1.4)]
    assert factor == pytest.approx(1.3, rel=0.05)
    assert nats[0] <= min(nats[1:])


def test_a_published_model_gets_its_logits_divided_and_nothing_else(calibrate: Any, tmp_path: Path) -> None:
    made = transformers.AutoModelForCausalLM.from_pretrained(bundled_folder("tiny"), dtype="auto")
    tokenizer = transformers.AutoTokenizer.from_pretrained(bundled_folder("tiny"))
    with torch.no_grad():
        made.model.norm.weight *= 1.3  # too sure
    made.save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    temperature = calibrate.calibrate(tmp_path, TEXT)
    assert temperature == pytest.approx(1.3, rel=0.15)
    again = transformers.AutoModelForCausalLM.from_pretrained(tmp_path, dtype="auto")
    ids = tokenizer(TEXT[:500], return_tensors="pt")["input_ids"]
    with torch.no_grad():
        logits = [model.float()(ids).logits for model in (made, again)]
    torch.testing.assert_close(logits[1] * temperature, logits[0], rtol=2e-3, atol=1e-2)
    changed = [name for name, weight in again.named_parameters() if not torch.equal(weight, made.get_parameter(name))]
    assert changed == ["model.norm.weight"]
    assert calibrate.calibrate(tmp_path, TEXT) == pytest.approx(1, abs=2e-3)

"""evaluate's metric and lmppl, which do not start under transformers 5: what they said,
what their code says, and we.

``goldens/record.py`` ran the tools themselves; the field "command" of each file says
how.
"""

import hashlib
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from goldens.texts import LONG, MIDDLE, SHORT

from nonplus import BadProtocol, evaluate, open_model, score
from nonplus.measure.interfaces import WindowModel

pytestmark = pytest.mark.filterwarnings("ignore::nonplus.errors.ProtocolWarning")

GOLDENS = Path(__file__).parent / "goldens"


def recorded(tool: str) -> dict[str, Any]:
    return json.loads((GOLDENS / f"{tool}.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def stories(data: Path) -> Path:
    return data / "models" / "stories260K"


@pytest.fixture(params=["llama", pytest.param("hf", marks=pytest.mark.slow)])
def model(request: pytest.FixtureRequest, stories: Path) -> WindowModel:
    if request.param == "hf":
        pytest.importorskip("torch")
    return open_model(f"{request.param}:{stories}")


def loaded(folder: Path) -> tuple[Any, Any]:
    transformers = pytest.importorskip("transformers")
    return transformers.AutoModelForCausalLM.from_pretrained(folder), transformers.AutoTokenizer.from_pretrained(folder)


def retold_evaluate(folder: Path, predictions: list[str], batch_size: int) -> list[float]:
    """huggingface/evaluate at a7dd3383, metrics/perplexity/perplexity.py: ``_compute``
    without ``max_length``.
    """
    torch = pytest.importorskip("torch")
    model, tokenizer = loaded(folder)
    encodings = tokenizer(predictions, add_special_tokens=False, padding=True, return_tensors="pt")
    ppls = []
    for start in range(0, len(predictions), batch_size):
        ids = encodings.input_ids[start : start + batch_size]
        mask = encodings.attention_mask[start : start + batch_size]
        ids = torch.cat([torch.full((len(ids), 1), tokenizer.bos_token_id), ids], dim=1)
        mask = torch.cat([torch.ones((len(mask), 1), dtype=torch.int64), mask], dim=1)
        with torch.no_grad():
            shift_logits = model(ids, attention_mask=mask).logits[..., :-1, :]
        losses = torch.nn.functional.cross_entropy(shift_logits.transpose(1, 2), ids[..., 1:], reduction="none")
        ppls += torch.exp((losses * mask[..., 1:]).sum(1) / mask[..., 1:].sum(1)).tolist()
    return ppls


def retold_lmppl(folder: Path, texts: list[str], batch_size: int) -> list[float]:
    """asahi417/lmppl 0.3.2, lmppl/ppl_recurrent_lm.py: ``LM.get_perplexity`` for a
    tokenizer that has a pad token.
    """
    torch = pytest.importorskip("torch")
    model, tokenizer = loaded(folder)
    ppls = []
    for start in range(0, len(texts), batch_size):
        inputs = tokenizer(texts[start : start + batch_size], truncation=True, padding=True, return_tensors="pt")
        inputs.pop("token_type_ids", None)
        with torch.no_grad():
            shift_logits = model(**inputs).logits[..., :-1, :]
        label = inputs.input_ids.masked_fill(inputs.input_ids == tokenizer.pad_token_id, -100)[:, 1:]
        losses = torch.nn.functional.cross_entropy(shift_logits.transpose(1, 2), label, reduction="none")
        ppls += [math.exp(mean) for mean in (losses.sum(-1) / (label != -100).sum(-1)).tolist()]
    return ppls


def log_perplexities(texts: list[str], model: WindowModel, protocol: str) -> list[float]:
    return [float(np.mean(each.nats)) for each in score(texts, model=model, protocol=protocol)]


@pytest.mark.parametrize("tool", ["evaluate", "lmppl"])
def test_the_numbers_were_recorded_on_these_texts_and_weights(tool: str, stories: Path) -> None:
    golden = recorded(tool)
    assert golden["texts_sha256"] == hashlib.sha256("\0".join([*SHORT, MIDDLE, LONG]).encode()).hexdigest()
    assert golden["weights_sha256"] == hashlib.sha256((stories / "model.safetensors").read_bytes()).hexdigest()


@pytest.mark.slow
def test_evaluate_retold_says_what_evaluate_said(stories: Path) -> None:
    golden = recorded("evaluate")
    assert retold_evaluate(stories, [*SHORT, MIDDLE], 4) == pytest.approx(golden["perplexities"], rel=1e-6)


@pytest.mark.slow
def test_lmppl_retold_says_what_lmppl_said(stories: Path) -> None:
    golden = recorded("lmppl")
    assert retold_lmppl(stories, [*SHORT, MIDDLE, LONG], 3) == pytest.approx(golden["perplexities"], rel=1e-6)


def test_the_preset_evaluate_says_what_evaluate_said(model: WindowModel) -> None:
    golden, texts = recorded("evaluate"), [*SHORT, MIDDLE]
    assert log_perplexities(texts, model, "evaluate") == pytest.approx(np.log(golden["perplexities"]), rel=1e-6)
    report = evaluate(texts, model=model, protocol="evaluate")
    assert report.perplexity == pytest.approx(golden["mean_perplexity"], rel=1e-6)


def test_the_preset_lmppl_says_what_lmppl_said_and_cuts_where_it_cut(model: WindowModel) -> None:
    golden, texts = recorded("lmppl"), [*SHORT, MIDDLE, LONG]
    assert log_perplexities(texts, model, "lmppl") == pytest.approx(np.log(golden["perplexities"]), rel=1e-6)
    report = evaluate(texts, model=model, protocol="lmppl")
    assert report.perplexity == pytest.approx(np.mean(golden["perplexities"]), rel=1e-6)
    (cut,) = score([LONG], model=model, protocol="lmppl")
    assert len(cut.nats) == model.max_context - 1
    assert cut.unscored > 1


def test_a_text_too_long_for_one_piece_is_refused_by_the_preset_evaluate(model: WindowModel) -> None:
    with pytest.raises(BadProtocol, match="in one piece of at most 511 tokens"):
        evaluate([LONG], model=model, protocol="evaluate")

"""The torchmetrics gallery's session on perplexity, with only the import changed.

There a GPT-2 scores a sentence: not shifted, shifted, and padded with the EOS token,
which is then ignored. Its weights cannot be had here, so its figures are not compared;
a random GPT-2 has the same relations between them.
"""

import math
import warnings
from pathlib import Path

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")
pytest.importorskip("torchmetrics")

import torch
import torchmetrics.text
from short_documents import VOCABULARY, gpt2, log_perplexity
from transformers import AutoModelForCausalLM, AutoTokenizer

import nonplus
from nonplus.errors import SuspectInput
from nonplus.metrics.torchmetrics import Perplexity

END = VOCABULARY - 1
SENTENCE = torch.randint(1, END, (1, 14), generator=torch.Generator().manual_seed(2))


def padded(ids, length=20, *, side="right"):
    """``ids`` (1, T), padded with the EOS token, and their mask."""
    padding, real = torch.full((1, length - ids.shape[1]), END), torch.ones_like(ids)
    parts = (ids, padding) if side == "right" else (padding, ids)
    marks = (real, torch.zeros_like(padding)) if side == "right" else (torch.zeros_like(padding), real)
    return torch.cat(parts, 1), torch.cat(marks, 1)


@torch.no_grad()
def answered(model, ids, mask=None):
    """Logits (1, T, V) and loss; positions count from the first real token."""
    if mask is None:
        return model(input_ids=ids, labels=ids)
    positions = (mask.cumsum(1) - 1).clamp(min=0)
    return model(input_ids=ids, attention_mask=mask, position_ids=positions, labels=ids)


def session(metric_class, ids=SENTENCE):
    """What a reader of the gallery types."""
    model = gpt2()
    output = answered(model, ids)
    found = {"loss": math.exp(output.loss)}
    metric = metric_class()
    found["not shifted"] = float(metric(preds=output.logits, target=ids))
    metric = metric_class()
    found["shifted"] = float(metric(preds=output.logits[:, :-1], target=ids[:, 1:]))
    longer, mask = padded(ids)
    logits = answered(model, longer, mask).logits
    metric = metric_class()
    found["padded"] = float(metric(preds=logits[:, :-1], target=longer[:, 1:]))
    metric = metric_class(ignore_index=END)
    found["EOS ignored"] = float(metric(preds=logits[:, :-1], target=longer[:, 1:]))
    return found


def test_the_session_gives_the_same_with_only_the_import_changed():
    assert session(Perplexity) == pytest.approx(session(torchmetrics.text.Perplexity), rel=1e-5)


def test_the_relations_that_the_gallery_shows_hold():
    found = session(Perplexity)
    assert found["shifted"] == pytest.approx(found["loss"], rel=1e-6)
    assert found["EOS ignored"] == pytest.approx(found["shifted"], rel=1e-6)
    assert found["padded"] != pytest.approx(found["shifted"], rel=1e-2)
    assert found["not shifted"] != pytest.approx(found["shifted"], rel=1e-2)


def test_the_metric_can_shift():
    metric = Perplexity(shift=True)
    assert float(metric(answered(gpt2(), SENTENCE).logits, SENTENCE)) == pytest.approx(session(Perplexity)["shifted"])


@pytest.mark.parametrize("side", ["left", "right"])
def test_a_mask_excludes_padding_and_keeps_real_eos_tokens(side):
    """Oracle: the document in float64. Ignoring an id ignores real EOS tokens too."""
    model, document = gpt2(), SENTENCE.clone()
    document[0, [5, 9, 13]] = END
    truth = math.exp(log_perplexity(model, document))
    longer, mask = padded(document, side=side)
    logits = answered(model, longer, mask).logits
    masked, ignored = Perplexity(shift=True), Perplexity(shift=True, ignore_index=END)
    masked.update(logits, longer, attention_mask=mask)
    ignored.update(logits, longer)
    assert float(masked.compute()) == pytest.approx(truth, rel=1e-6)
    assert (masked.tally.scored, ignored.tally.scored) == (13, 10 if side == "right" else 11)
    assert float(ignored.compute()) != pytest.approx(truth, rel=1e-2)


def test_calling_the_metric_twice_counts_both_as_torchmetrics_does():
    """Each call returns the value of its own batch, ``compute`` that of both."""
    ours, theirs = Perplexity(), torchmetrics.text.Perplexity()
    logits = answered(gpt2(), SENTENCE).logits
    for preds, target in ((logits, SENTENCE), (logits[:, :-1], SENTENCE[:, 1:])):
        assert float(ours(preds, target)) == pytest.approx(float(theirs(preds, target)), rel=1e-5)
    assert float(ours.compute()) == pytest.approx(float(theirs.compute()), rel=1e-5)


def test_a_forgotten_shift_is_suspected_on_real_text():
    """The gallery's first figure is 1930 where 227 is right; ours warns of that."""
    folder = Path(nonplus.__file__).parent / "models" / "bundled" / "tiny"
    model = AutoModelForCausalLM.from_pretrained(folder, dtype="float32").eval()
    text = "The old man went down to the river in the morning, and he saw that the boat was gone from its place."
    ids = AutoTokenizer.from_pretrained(folder)(text, return_tensors="pt").input_ids
    logits = answered(model, ids).logits
    with pytest.warns(SuspectInput, match="shift=True"):
        Perplexity().update(logits, ids)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Perplexity(shift=True).update(logits, ids)

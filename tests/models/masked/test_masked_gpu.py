"""A masked model on a GPU has the figures that it has on a CPU, but for the rounding of
its dtype.
"""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="these are models of torch")
pytest.importorskip("transformers", reason="these are models of transformers")

from masked_tiny import masked  # noqa: E402

from nonplus.measure.forward import RunOptions  # noqa: E402
from nonplus.measure.scoring import score  # noqa: E402
from nonplus.models.masked.model import from_object  # noqa: E402

pytestmark = [
    pytest.mark.skipif(not torch.cuda.is_available(), reason="torch finds no GPU"),
    pytest.mark.filterwarnings("ignore::nonplus.errors.ProtocolWarning"),  # what a caution says
]

TEXTS = ["the river rose in the night.", "a dog barked", "unhappiness, the souvenir is the dog's " * 20]
BOUNDS = {"float32": 1e-4, "bfloat16": 1.0}  # nats of a token; random weights enlarge roundings


@pytest.mark.parametrize("kind", ["Bert", "ModernBert"])
@pytest.mark.parametrize("way", ["original", "within_word_l2r"])
@pytest.mark.parametrize("dtype", BOUNDS)
def test_surprisals_are_those_of_the_same_weights_on_the_cpu_in_float64(kind, way, dtype):
    model, tokenizer = masked(kind, dtype=getattr(torch, dtype))
    found = list(score(TEXTS, model=from_object(model.cuda(), tokenizer, way=way)))
    exact = list(score(TEXTS, model=from_object(model.cpu().double(), tokenizer, way=way)))
    for a, b in zip(found, exact, strict=True):
        np.testing.assert_allclose(a.nats, b.nats, rtol=0, atol=BOUNDS[dtype])


def test_small_and_large_batches_and_readings_agree():
    model, tokenizer = masked(dtype=torch.float32)
    ours = from_object(model.cuda(), tokenizer)
    whole = list(score(TEXTS, model=ours, options=RunOptions(alternatives=3)))
    parts = list(score(TEXTS, model=ours, options=RunOptions(budget=64)))
    for a, b in zip(whole, parts, strict=True):
        np.testing.assert_allclose(a.nats, b.nats, rtol=0, atol=1e-4)
        np.testing.assert_allclose(a.readings.nats, a.nats, rtol=0, atol=1e-5)

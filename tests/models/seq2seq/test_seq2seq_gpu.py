"""On a GPU an encoder-decoder has the figures that it has on a CPU, but for the
rounding of its dtype.
"""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="these are models of torch")
pytest.importorskip("transformers", reason="these are models of transformers")

from seq2seq_tiny import encoder_decoder  # noqa: E402

from nonplus.measure.forward import RunOptions  # noqa: E402
from nonplus.measure.records import Document  # noqa: E402
from nonplus.measure.scoring import score  # noqa: E402
from nonplus.models.seq2seq.model import from_object  # noqa: E402

pytestmark = [
    pytest.mark.skipif(not torch.cuda.is_available(), reason="torch finds no GPU"),
    pytest.mark.filterwarnings("ignore::nonplus.errors.ProtocolWarning"),  # what a caution says
]

PAIRS = [
    Document(text="Der Fluss stieg.", context="The river rose in the night."),
    Document(text="Ein Hund bellte.", context="A dog."),
    Document(text="Niemand fragte.", context="Nobody asked."),
]
BOUNDS = {"float32": 1e-4, "bfloat16": 0.5}  # nats of a token


@pytest.mark.parametrize("kind", ["T5", "Bart"])
@pytest.mark.parametrize("dtype", BOUNDS)
def test_surprisals_are_those_of_the_same_weights_on_the_cpu_in_float64(kind, dtype):
    calm = {"initializer_factor": 0.5} if kind == "T5" else {}  # larger weights enlarge every rounding
    model, tokenizer = encoder_decoder(kind, dtype=getattr(torch, dtype), **calm)
    found = list(score(PAIRS, model=from_object(model.cuda(), tokenizer)))
    exact = list(score(PAIRS, model=from_object(model.cpu().double(), tokenizer)))
    for a, b in zip(found, exact, strict=True):
        np.testing.assert_allclose(a.nats, b.nats, rtol=0, atol=BOUNDS[dtype])


def test_small_and_large_batches_and_readings_agree():
    model, tokenizer = encoder_decoder("T5", dtype=torch.float32)
    ours = from_object(model.cuda(), tokenizer)
    whole = list(score(PAIRS, model=ours, options=RunOptions(alternatives=3)))
    parts = list(score(PAIRS, model=ours, options=RunOptions(budget=64)))
    for a, b in zip(whole, parts, strict=True):
        np.testing.assert_allclose(a.nats, b.nats, rtol=0, atol=1e-4)
        np.testing.assert_allclose(a.readings.nats, a.nats, rtol=0, atol=1e-5)

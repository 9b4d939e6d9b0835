"""The budget and packing move a figure by rounding alone, within the bounds that the
documentation states for each dtype.
"""

import numpy as np
import pytest

pytest.importorskip("torch", reason="these are models of torch")
pytest.importorskip("transformers", reason="these are models of transformers")

from nonplus.measure.forward import RunOptions
from nonplus.measure.scoring import score
from nonplus.models.bundled_cards import bundled_folder
from nonplus.models.hf.model import open_hf
from nonplus.models.loading import Loading

TEXT = (
    "The river rose in the night, and by morning the lower road was under water; nobody had seen it so high. "
    "My father went down with a lantern and a rope. He came back at noon, wet to the neck, and would not speak."
)
TEXTS = [TEXT[start:][:length] for start, length in ((0, 200), (30, 90), (4, 130), (90, 100), (70, 40), (0, 60))]

# docs/explanation/numerics.md: nats of a token, and part of the mean over a corpus
BOUNDS = {"float64": (1e-9, 1e-12), "float32": (1e-4, 1e-6), "bfloat16": (0.5, 1e-3)}


@pytest.mark.parametrize("dtype", BOUNDS)
def test_budget_and_packing_change_a_figure_by_the_rounding_of_the_dtype(dtype):
    folder = str(bundled_folder("tiny"))
    opened = [open_hf(folder, Loading(dtype=dtype, device="cpu", packing=packing)) for packing in (False, True)]
    assert [model.packs for model in opened] == [False, True]

    def nats(model, budget):
        return np.concatenate([each.nats for each in score(TEXTS, model=model, options=RunOptions(budget=budget))])

    alone = nats(opened[0], 1)
    of_a_token, of_the_mean = BOUNDS[dtype]
    for model in opened:
        for budget in (64, 1024):
            found = nats(model, budget)
            assert np.abs(found - alone).max() <= of_a_token
            assert abs(found.mean() / alone.mean() - 1) <= of_the_mean

"""Models trained in a temporary folder, with and without the C kernel."""

import tempfile
from pathlib import Path

import numpy as np
from hypothesis import strategies as st

from nonplus.models.ngram.ngrams import Block, NgramsInMemory
from nonplus.models.ngram.normalizers.named import named
from nonplus.models.ngram.text.rules import Rules
from nonplus.models.ngram.text.words import NewWords
from nonplus.models.ngram.training import trainer
from nonplus.models.ngram.training.folder import WorkFolder
from nonplus.models.ngram.training.meter import TrainingMeter
from nonplus.models.ngram.training.options import TrainingOptions
from nonplus.models.ngram.training.reading import read

lines = st.lists(st.lists(st.sampled_from("abcde"), min_size=1, max_size=7).map(" ".join), min_size=1, max_size=12)


# In memory where that is a folder: each example waits for the disk several times.
_MEMORY = Path("/dev/shm")
PLACE = str(_MEMORY) if _MEMORY.is_dir() else None


def new_rules(**options):
    return Rules(named("raw"), NewWords(), **options)


def trained_in(folder, texts, rules=None, **options):
    """A text read into a work folder, and its model there."""
    chosen, meter = TrainingOptions(**options), TrainingMeter()
    text = read(texts, rules=rules or new_rules(), vocabulary=chosen.vocabulary, folder=folder, meter=meter)
    return text, trainer.train(text, chosen, meter)


def trained(texts, rules=None, **options):
    """A model in memory."""
    with tempfile.TemporaryDirectory(dir=PLACE) as place:
        _, model = trained_in(WorkFolder(Path(place, "work"), {}), texts, rules, **options)
        return in_memory(model)


def in_memory(model):
    columns = ("ids_Mk", "log10_probs_M", "log10_backoffs_M")
    orders = [
        [np.concatenate([getattr(block, name) for block in model.blocks(k)]) for name in columns]
        for k in range(1, len(model.counts) + 1)
    ]
    return NgramsInMemory(model.words, tuple(Block(*each) for each in orders))


def by_words(model):
    """Base-10 logarithms of probability and weight of each n-gram, by its words."""
    found = {}
    for block in model.orders:
        rows = zip(block.ids_Mk.tolist(), block.log10_probs_M.tolist(), block.log10_backoffs_M.tolist(), strict=True)
        found |= {tuple(model.words[i] for i in ids): values for ids, *values in rows}
    return found

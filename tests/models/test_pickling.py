"""A model that is pickled, e.g. for another process, is opened again from its file."""

import pickle
import shutil
from pathlib import Path

import pytest

import nonplus
from nonplus.errors import BadModel
from nonplus.models import has_device, open_model
from nonplus.models.loading import Loading
from nonplus.models.ngram.arpa.reading import read_arpa
from nonplus.models.ngram.model import NgramModel
from nonplus.models.ngram.normalizers.named import named
from nonplus.models.ngram.sources import TextOptions, scorer
from nonplus.models.ngram.table.table import Table
from nonplus.models.ngram.text.rules import Rules
from nonplus.models.ngram.text.words import Words

EXAMPLES = Path(__file__).parents[2] / "examples"
NAMES = [
    "bundled:tiny",
    "bundled:ngram",
    "uniform:256",
    f"ngram:{EXAMPLES / 'weather.arpa'}",
    f"ngram:{EXAMPLES / 'weather.klm'}",
]

pytestmark = pytest.mark.filterwarnings("ignore::nonplus.errors.SuspectInput")


@pytest.mark.parametrize("name", NAMES)
def test_a_pickled_model_scores_as_before_and_its_weights_are_not_in_the_pickle(name: str) -> None:
    model = open_model(name)
    held = pickle.dumps(model)
    assert len(held) < 10_000
    again = pickle.loads(held)
    before, after = (nonplus.evaluate("rain falls in may", model=each) for each in (model, again))
    assert (after.tally, after.model, after.model_identity) == (before.tally, before.model, before.model_identity)


@pytest.mark.parametrize("name", NAMES)
def test_models_that_run_as_they_are_have_no_choice_of_a_device(name: str) -> None:
    assert not has_device(name)
    with pytest.raises(BadModel, match="cannot be loaded with device='cuda': it runs as it is"):
        open_model(name, loading=Loading(device="cuda"))


@pytest.mark.parametrize("name", ["hf:gpt2", "gpt2", "elsewhere:7"])
def test_models_that_are_loaded_have_a_choice_of_a_device(name: str) -> None:
    assert has_device(name)
    assert not has_device(object())


def test_a_file_that_is_read_by_other_rules_is_so_again() -> None:
    model = scorer(str(EXAMPLES / "weather.klm"), TextOptions(normalizer="ccnet"))
    assert pickle.loads(pickle.dumps(model)).protocol == model.protocol


def test_a_model_that_changed_since_it_was_pickled_is_refused(tmp_path: Path) -> None:
    file = shutil.copy(EXAMPLES / "weather.arpa", tmp_path / "weather.arpa")
    held = pickle.dumps(open_model(f"ngram:{file}"))
    file.write_text(file.read_text().replace("ngram 1", "ngram 1 "))
    with pytest.raises(BadModel, match=r"weather.arpa was pickled as the model .* pickle it again"):
        pickle.loads(held)


def test_a_model_in_memory_is_not_pickled() -> None:
    ngrams = read_arpa(EXAMPLES / "weather.arpa")
    rules = Rules(named("raw"), Words(ngrams.words))
    model = NgramModel(rules, Table.in_memory(ngrams), name="weather", identity="weather")
    with pytest.raises(BadModel, match="weather is in no file that a pickle could name; write a bundle"):
        pickle.dumps(model)

"""Opening models by name."""

import re
import sys

import numpy as np
import pytest
from doubles import History

from nonplus.errors import BadModel, MissingExtra
from nonplus.measure.records import Batch
from nonplus.models import DEFAULT, bundled_models, open_model
from nonplus.models.loading import Loading
from nonplus.optional import MODELS, schemes

ONE_TOKEN = Batch(np.array([[0]]), np.array([[0]]), np.array([0]), np.array([1]))


@pytest.mark.parametrize(("name", "vocabulary"), [("uniform:", 256), ("uniform:1000", 1000)])
def test_a_scheme_opens_what_follows_the_colon(name, vocabulary):
    assert open_model(name).vocabulary == vocabulary


def test_a_unigram_model_is_fitted_on_the_file_it_names(tmp_path):
    (tmp_path / "text.txt").write_text("aaa")
    model = open_model(f"unigram:{tmp_path / 'text.txt'}")
    a, b = model.logprobs(Batch(np.array([[0]]), np.array([[0]]), np.array([0, 0]), np.array([ord("a"), ord("b")])))
    assert a - b == pytest.approx(np.log(4))


def test_no_name_opens_the_bundled_model():
    bare = DEFAULT.removeprefix("bundled:")
    assert open_model().identity == open_model(DEFAULT).identity == open_model(bare).identity


def test_a_model_is_passed_through():
    model = History()
    assert open_model(model) is model


@pytest.mark.parametrize(("wrong", "kind"), [({}, "dict"), (History, "type")])
def test_an_object_that_is_no_model_is_refused_with_what_a_model_is(wrong, kind):
    with pytest.raises(BadModel, match=rf"a pair \(model, tokenizer\).*WindowModel or TextScorer.* type {kind};"):
        open_model(wrong)


class NothingElse:
    """A model of either kind in which everything but its one method fails."""

    name, dtype, packs = "nothing else", "float32", False

    @property
    def identity(self):
        raise AssertionError("a digest of all weights, for nothing")


class Window(NothingElse):
    def logprobs(self, batch):
        raise NotImplementedError


class Scorer:
    name, dtype = "a scorer", "float32"
    identity = NothingElse.identity

    def score(self, documents, *, alternatives):
        raise NotImplementedError


@pytest.mark.parametrize("model", [Window(), Scorer()])
def test_either_kind_of_model_is_known_by_its_one_method_and_passed_through(model):
    assert open_model(model) is model
    assert open_model(model, loading=Loading(dtype="float32", device="cpu")) is model
    with pytest.raises(BadModel, match="with packing=True: it runs as it is, in float32; omit packing"):
        open_model(model, loading=Loading(packing=True))


def test_an_unknown_scheme_lists_the_known_ones():
    with pytest.raises(BadModel, match=rf"no scheme 'tf'.*{':, '.join(schemes(MODELS))}:"):
        open_model("tf:model")


def test_the_docstring_of_open_model_has_every_scheme():
    assert set(schemes(MODELS)) <= set(re.findall(r"``(\w+):", str(open_model.__doc__)))


@pytest.mark.parametrize("name", ["", "hf:"])
def test_an_empty_name_is_refused(name):
    pytest.importorskip("transformers")
    with pytest.raises(BadModel, match="the name of the model is empty; give a folder, or a name on the hub"):
        open_model(name)


def test_an_unknown_bundled_model_lists_the_known_ones():
    with pytest.raises(BadModel, match=rf"'huge'.*{', '.join(bundled_models())}"):
        open_model("bundled:huge")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("uniform:many", "size of a vocabulary, got 'many'"),
        ("uniform:0", "at least one token"),
        ("unigram:nowhere.txt", "no file 'nowhere.txt'"),
        ("llama:nowhere", "nowhere.*no config.json"),
    ],
)
def test_what_cannot_be_opened_is_told_why(name, message):
    with pytest.raises(BadModel, match=message):
        open_model(name)


@pytest.mark.parametrize(
    "option",
    [
        {"dtype": "bfloat16"},
        {"device": "cuda"},
        {"device_map": "auto"},
        {"adapter": "lora"},
        {"revision": "main"},
        {"quantization": "4bit"},
        {"trust_remote_code": True},
    ],
)
@pytest.mark.parametrize("name", ["bundled:tiny", "uniform:"])
def test_an_option_that_would_do_nothing_is_refused(name, option):
    with pytest.raises(BadModel, match=rf"{re.escape(repr(next(iter(option.values()))))}.*omit {next(iter(option))}"):
        open_model(name, loading=Loading(**option))


def test_an_option_that_asks_for_what_is_there_is_met():
    model = open_model("bundled:tiny", loading=Loading(dtype="float32", device="cpu", packing=True))
    assert model.dtype == "float32"


@pytest.mark.parametrize("name", ["hf:gpt2", "gpt2", "some/folder"])
def test_transformers_models_without_torch_end_with_the_line_that_installs_it(name, monkeypatch):
    for module in [each for each in sys.modules if each.startswith("nonplus.models.hf.")]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(MissingExtra, match=r"pip install 'nonplus\[hf\]'$"):
        open_model(name)


def test_an_installed_package_may_declare_a_scheme(tmp_path, monkeypatch):
    (tmp_path / "coins.py").write_text(
        "from nonplus.models.synthetic import Uniform\n\ndef open_coin(name, loading):\n    return Uniform(int(name))\n"
    )
    declared = tmp_path / "coins-1.0.dist-info"
    declared.mkdir()
    (declared / "METADATA").write_text("Metadata-Version: 2.1\nName: coins\nVersion: 1.0\n")
    (declared / "entry_points.txt").write_text("[nonplus.models]\ncoin = coins:open_coin\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert open_model("coin:2").logprobs(ONE_TOKEN).tolist() == [np.log(0.5)]
    with pytest.raises(BadModel, match="coin:"):
        open_model("dice:6")

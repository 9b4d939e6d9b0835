"""Which file a name means, and what does not suit any."""

import sys

import pytest

from nonplus.errors import BadModel, MissingExtra
from nonplus.models import open_model
from nonplus.models.gguf.location import found
from nonplus.models.loading import Loading


def made(folder, *names):
    for name in names:
        (folder / name).touch()


def test_a_folder_means_its_only_file(tmp_path):
    made(tmp_path, "model.gguf", "README.md")
    assert found(str(tmp_path)) == found(str(tmp_path / "model.gguf")) == tmp_path / "model.gguf"


def test_a_folder_with_several_lists_them(tmp_path):
    made(tmp_path, *(f"model-Q{bits}.gguf" for bits in range(9)))
    with pytest.raises(BadModel, match=r"9 GGUF files: model-Q0.gguf, .* and 1 more; name one, as in gguf:.*Q0.gguf"):
        found(str(tmp_path))


def test_a_folder_without_one_says_so(tmp_path):
    with pytest.raises(BadModel, match=r"holds no file whose name ends in \.gguf"):
        found(str(tmp_path))


def test_a_name_that_is_nowhere_lists_what_lies_beside_it(tmp_path):
    made(tmp_path, "model-Q8_0.gguf")
    with pytest.raises(BadModel, match=r"no file or folder .*Q4_0.gguf'; beside it lie model-Q8_0.gguf; give"):
        found(str(tmp_path / "model-Q4_0.gguf"))


@pytest.mark.parametrize("name", ["", "model-00002-of-00002.gguf"])
def test_parts_of_a_model_are_to_be_joined(tmp_path, name):
    made(tmp_path, "model-00001-of-00002.gguf", "model-00002-of-00002.gguf")
    merge = r"2 parts of a model.*llama-gguf-split --merge model-00001-of-00002.gguf model.gguf"
    with pytest.raises(BadModel, match=merge):
        found(str(tmp_path / name))


@pytest.mark.parametrize("name", ["gguf:nowhere.gguf", "nowhere.gguf"])
def test_a_name_that_ends_so_means_a_file_of_that_kind(name):
    with pytest.raises(BadModel, match=r"there is no file or folder 'nowhere\.gguf'"):
        open_model(name)


def test_no_name_is_refused():
    with pytest.raises(BadModel, match=r"the name of the file is empty; give one, as in gguf:model\.gguf"):
        open_model("gguf:")


def test_after_hf_a_file_of_that_kind_is_sent_to_its_scheme(tmp_path):
    pytest.importorskip("torch")
    pytest.importorskip("transformers")
    made(tmp_path, "model.gguf")
    with pytest.raises(BadModel, match=r"is a file, .*; use gguf:.*model.gguf"):
        open_model(f"hf:{tmp_path / 'model.gguf'}")
    with pytest.raises(BadModel, match=r"holds no config.json.*, or gguf:.* for its GGUF file"):
        open_model(f"hf:{tmp_path}")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"revision": "main"},
            "revision='main' does not suit the file 'model.gguf': that is for models on the hub; omit",
        ),
        ({"quantization": "4bit"}, "it is quantised as it is; omit quantization='4bit'"),
        ({"trust_remote_code": True}, "it comes without code; omit trust_remote_code=True"),
    ],
)
def test_options_for_other_files_are_refused(tmp_path, options, message):
    made(tmp_path, "model.gguf")
    with pytest.raises(BadModel, match=message):
        open_model(f"gguf:{tmp_path}", loading=Loading(**options))


def test_without_the_package_the_extra_is_named(tmp_path, monkeypatch):
    made(tmp_path, "model.gguf")
    for module in ("gguf", "gguf.constants"):
        monkeypatch.setitem(sys.modules, module, None)
    monkeypatch.delitem(sys.modules, "nonplus.models.gguf.header", raising=False)
    with pytest.raises(MissingExtra, match=r"the scheme gguf: needs gguf.*pip install 'nonplus\[gguf\]'"):
        open_model(f"gguf:{tmp_path}")

import sys

import pytest

from nonplus.corpora import open_corpus
from nonplus.errors import BadInput, MissingExtra

PLUGIN = """
from nonplus.measure.records import Document

def shout(location, rows):
    return [Document(text=location.upper(), id="shout")]
"""


@pytest.fixture
def _plugin(tmp_path, monkeypatch):
    """An installed package that adds the scheme ``shout``."""
    (tmp_path / "shouting.py").write_text(PLUGIN)
    metadata = tmp_path / "shouting-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: shouting\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text("[nonplus.corpora]\nshout = shouting:shout\n")
    monkeypatch.syspath_prepend(tmp_path)
    yield
    sys.modules.pop("shouting", None)


@pytest.mark.usefixtures("_plugin")
def test_an_installed_package_adds_a_scheme_by_its_entry_point(read):
    assert [document.text for document in read("shout:hello there")] == ["HELLO THERE"]


@pytest.mark.usefixtures("_plugin")
def test_an_unknown_scheme_is_refused_with_a_list_of_all_schemes():
    with pytest.raises(
        BadInput, match=r"'jsnol' is not a scheme of a corpus; the schemes are text, .*jsonl.*, shout; .*text:"
    ):
        open_corpus("jsnol:rows.jsonl")


def test_a_web_address_is_refused_as_an_unknown_scheme():
    with pytest.raises(BadInput, match="'https' is not a scheme"):
        open_corpus("https://example.org/rows.jsonl")


@pytest.mark.parametrize(
    ("source", "module", "extra"),
    [
        ("rows.jsonl.zst", "zstandard", "zstd"),
        ("rows.parquet", "pyarrow", "parquet"),
        ("hub:owner/name", "datasets", "datasets"),
        ("dataset:.", "datasets", "datasets"),
    ],
)
def test_a_missing_extra_is_named_with_the_line_that_installs_it(source, module, extra, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, module, None)
    if ":" not in source:
        (tmp_path / source).write_bytes(b"\x28\xb5\x2f\xfd a frame of zstd")
    with pytest.raises(MissingExtra, match=rf"needs {module}.*pip install 'nonplus\[{extra}\]'$"):
        list(open_corpus(source))

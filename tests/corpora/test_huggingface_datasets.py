import sys

import pytest

from nonplus.corpora import open_corpus
from nonplus.errors import BadInput, BadRecord
from nonplus.measure.records import Document

datasets = pytest.importorskip("datasets")
if "torch" in sys.modules and sys.modules["torch"] is None:
    pytest.skip("datasets trips over the None by which --without-torch hides torch", allow_module_level=True)


@pytest.fixture
def folder(tmp_path, jsonl):
    """Data files as a hub repository would hold them."""
    jsonl([{"text": "one", "n": 1}, {"text": "two", "n": 2}], name="train.jsonl")
    jsonl([{"text": "three", "n": 3}], name="test.jsonl")
    return tmp_path


@pytest.mark.parametrize("scheme", ["hub", "dataset"])
def test_the_rows_of_a_split_are_documents_with_their_numbers_as_ids(scheme, folder, read):
    assert read(f"{scheme}:{folder}?split=train") == [
        Document(text="one", id=f"{folder}:0"),
        Document(text="two", id=f"{folder}:1"),
    ]


@pytest.mark.parametrize("scheme", ["hub", "dataset"])
@pytest.mark.parametrize(("query", "asked"), [("", "no split is named"), ("?split=dev", "there is no split 'dev'")])
def test_one_of_several_splits_must_be_named(scheme, folder, read, query, asked):
    with pytest.raises(BadInput, match=rf"{asked}; put \?split= and one of these after it: train, test"):
        read(f"{scheme}:{folder}{query}")


def test_a_configuration_that_does_not_exist_is_refused_with_the_message_of_the_library(folder, read):
    with pytest.raises(BadInput, match=r"cannot be read: BuilderConfig 'other' not found.*; check its name"):
        read(f"hub:{folder}?config=other&split=train")


@pytest.mark.parametrize("query", ["splti=test", "test", "split=test&config=x"])
def test_what_follows_the_question_mark_must_be_known(folder, query):
    with pytest.raises(BadInput, match=r"the \? after a data set takes split=…, joined by &; got"):
        open_corpus(f"dataset:{folder}?{query}")


@pytest.mark.parametrize("source", ["hub:", "dataset:", "hub:?split=test"])
def test_a_data_set_needs_a_name(source):
    with pytest.raises(BadInput, match="no data set is named; write hub:owner/name"):
        open_corpus(source)


def test_an_unreachable_hub_is_reported(read):
    with pytest.raises(BadInput, match=r"the data set nobody/nothing cannot be read: .*download it to a file first"):
        read("hub:nobody/nothing?split=test")


def test_a_saved_data_set_is_read_with_or_without_splits(tmp_path, read):
    rows = datasets.Dataset.from_list([{"text": "one", "n": 1}])
    rows.save_to_disk(tmp_path / "bare")
    datasets.DatasetDict({"train": rows, "test": rows}).save_to_disk(tmp_path / "split")
    assert read(f"dataset:{tmp_path}/bare") == [Document(text="one", id=f"{tmp_path}/bare:0")]
    assert read(f"dataset:{tmp_path}/split?split=test") == [Document(text="one", id=f"{tmp_path}/split:0")]


@pytest.mark.parametrize(
    ("name", "content"),
    [("rows.csv", "text,n\none,1\n"), ("rows.json", '[{"text": "one"}]'), ("rows.tsv", "text\tn\none\t1\n")],
)
def test_a_table_in_one_file_is_read(tmp_path, monkeypatch, read, name, content):
    (tmp_path / name).write_text(content)
    assert read(f"dataset:{tmp_path / name}") == [Document(text="one", id=f"{tmp_path / name}:0")]
    monkeypatch.chdir(tmp_path)
    assert read(f"dataset:{name}") == [Document(text="one", id=f"{name}:0")]


def test_a_local_folder_is_not_taken_for_a_name_on_the_hub(folder, monkeypatch, read):
    monkeypatch.chdir(folder.parent)
    assert len(read(f"dataset:{folder.name}?split=train")) == 2


def test_columns_that_are_not_read_are_not_decoded(tmp_path, read):
    image = datasets.Features({"text": datasets.Value("string"), "picture": datasets.Image()})
    rows = {"text": ["one"], "picture": [{"bytes": b"no picture", "path": None}]}
    datasets.Dataset.from_dict(rows, features=image).save_to_disk(tmp_path / "saved")
    assert [document.text for document in read(f"dataset:{tmp_path}/saved")] == ["one"]


def test_a_missing_column_is_refused_with_a_list_of_the_columns(folder, read):
    with pytest.raises(BadRecord, match="no field 'body'; its fields are 'text', 'n'; name the right one with field=…"):
        read(f"dataset:{folder}?split=test", field="body")


def test_a_missing_folder_is_reported_before_anything_is_read():
    with pytest.raises(BadInput, match="no such file: nowhere"):
        open_corpus("dataset:nowhere?split=test")


def test_a_broken_data_file_is_refused(tmp_path, jsonl, read):
    jsonl(['{"text": "one"}', '{"text": '])
    with pytest.raises(BadInput, match=r"cannot be read: .*JSON"):
        read(f"dataset:{tmp_path}/rows.jsonl")

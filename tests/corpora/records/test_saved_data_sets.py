import json

import numpy as np
import pytest

from nonplus.corpora.records import RecordFields, open_records, record_files
from nonplus.errors import BadInput

datasets = pytest.importorskip("datasets")
pytest.importorskip("pyarrow")

FIELDS = RecordFields()


@pytest.fixture
def saved(tmp_path):
    """A data set of five rows in two files, and two of them saved together."""
    datasets.disable_progress_bars()
    data = datasets.Dataset.from_dict({"text": list("abcde"), "n": list(range(5))})
    data.save_to_disk(tmp_path / "one", num_shards=2)
    datasets.DatasetDict({"train": data, "test": data.select([0])}).save_to_disk(tmp_path / "two")
    return tmp_path


def texts(source) -> list[str]:
    return [
        text for file in record_files(source, FIELDS) for batch in file.units(lambda _: True) for text in batch.texts
    ]


def test_a_saved_data_set_is_read_file_by_file_in_its_order(saved):
    assert texts(str(saved / "one")) == texts(f"dataset:{saved}/one") == list("abcde")
    assert [file.suffix for file in record_files(str(saved / "one"), FIELDS)] == [".arrows"] * 2


def test_a_split_is_named_after_a_question_mark(saved):
    assert texts(f"dataset:{saved}/two?split=test") == ["a"]
    assert texts(f"dataset:{saved}/two?split=train") == list("abcde")


@pytest.mark.parametrize("query", ["", "?split=validation"])
def test_of_several_splits_one_must_be_named(saved, query):
    with pytest.raises(BadInput, match=r"\?split= and one of these: train, test"):
        record_files(f"dataset:{saved}/two{query}", FIELDS)


def test_what_is_written_can_be_loaded_again(saved, tmp_path):
    (file,) = record_files(f"dataset:{saved}/two?split=train", FIELDS)
    (batch,) = file.units(lambda _: True)
    part = tmp_path / "part.arrows"
    part.write_bytes(batch.written(np.array([1, 3]), {"score": np.arange(5) / 2}))
    assert datasets.Dataset.from_file(str(part)).to_dict() == {"text": ["b", "d"], "n": [1, 3], "score": [0.5, 1.5]}


def test_what_was_not_saved_by_the_library_is_refused(saved):
    with pytest.raises(BadInput, match="save_to_disk did not write it"):
        record_files(f"dataset:{saved}", FIELDS)
    (saved / "one" / "state.json").write_text("[1")
    with pytest.raises(BadInput, match=r"state\.json is no JSON"):
        record_files(str(saved / "one"), FIELDS)
    (saved / "one" / "state.json").write_text("{}")
    with pytest.raises(BadInput, match="does not list data files"):
        record_files(str(saved / "one"), FIELDS)
    (saved / "one" / "state.json").write_text(json.dumps({"_data_files": [{"filename": "gone.arrow"}]}))
    with pytest.raises(BadInput, match="no such file"):
        open_records(str(saved / "one"), FIELDS)

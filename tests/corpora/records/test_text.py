import gzip
import json

import numpy as np
import pytest

from nonplus.corpora.records import RecordFields, Sizes, open_records, record_files


def all_of(batch) -> np.ndarray:
    return np.arange(len(batch.texts))


def test_each_line_is_a_record_and_is_written_as_it_was(tmp_path):
    path = tmp_path / "lines.txt"
    path.write_bytes(b"one\r\n\ntw\xffo\n{three}")
    opened = open_records(f"lines:{path}", RecordFields(id="id"))
    (batch,) = opened.units(lambda _: True)
    assert opened.suffix == ".txt"
    assert batch.texts == ["one", "", "{three}"]
    assert batch.places.tolist() == [1, 2, 4]
    assert batch.attributes == {"id": [None, None, None]}
    assert [(each.place, each.raw) for each in batch.rejected] == [(3, b"tw\xffo")]
    assert "not UTF-8: byte 0xff at byte 2" in batch.rejected[0].reason
    assert batch.written(all_of(batch), {"x": [1, 2, 3]}) == b"one\r\n\n{three}\n"


def test_lines_that_came_compressed_are_written_compressed(tmp_path):
    path = tmp_path / "lines.txt.gz"
    path.write_bytes(gzip.compress(b"one\ntwo\nthree\n"))
    opened = open_records(f"lines:{path}", RecordFields(), sizes=Sizes(unit=5))
    batches = list(opened.units(lambda _: True))
    assert opened.suffix == ".txt.gz"
    assert [batch.texts for batch in batches] == [["one", "two"], ["three"]]
    assert gzip.decompress(b"".join(batch.written(all_of(batch), {}) for batch in batches)) == b"one\ntwo\nthree\n"


def test_text_files_are_a_record_each_and_are_written_as_objects(tmp_path):
    (tmp_path / "a.txt").write_bytes(b"\xef\xbb\xbfone\r\ntwo")
    (tmp_path / "b.md").write_bytes(b"")
    (tmp_path / "c.txt.gz").write_bytes(gzip.compress('"three" ü'.encode()))
    (opened,) = record_files(str(tmp_path), RecordFields(id="id", source="source"))
    (batch,) = opened.units(lambda _: True)
    names = [str(tmp_path / name) for name in ("a.txt", "b.md", "c.txt.gz")]
    assert batch.texts == ["one\r\ntwo", "", '"three" ü']
    assert batch.places.tolist() == [1, 2, 3]
    assert batch.attributes == {"id": names, "source": [None] * 3}
    rows = [json.loads(line) for line in batch.written(np.array([2, 0]), {"x": np.arange(3)}).splitlines()]
    assert rows == [
        {"id": names[2], "text": '"three" ü', "x": 2},
        {"id": names[0], "text": "one\r\ntwo", "x": 0},
    ]


def test_units_of_text_files_have_the_fewest_files_of_so_many_bytes_on_disk(tmp_path):
    for name in "abcde":
        (tmp_path / f"{name}.txt").write_text(name * 10)
    (opened,) = record_files(str(tmp_path), RecordFields(), sizes=Sizes(unit=20))
    assert [batch.texts for batch in opened.units(lambda _: True)] == [
        ["a" * 10, "b" * 10],
        ["c" * 10, "d" * 10],
        ["e" * 10],
    ]
    assert [batch.number for batch in opened.units(lambda number: number == 1)] == [1]
    assert opened.size == 50


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"caf\xe9", "not UTF-8: byte 0xe9 at offset 3"),
        (b"%PDF-1.7", "is a PDF document"),
        (b"x" * 100, "longer than max_bytes=64"),
        (gzip.compress(b"one", mtime=0)[:-5], "is damaged"),
    ],
)
def test_a_file_that_is_no_text_is_rejected(tmp_path, content, reason):
    (tmp_path / "a.txt").write_bytes(b"one")
    (tmp_path / "b.txt").write_bytes(content)
    (opened,) = record_files(str(tmp_path), RecordFields(), sizes=Sizes(record=64))
    (batch,) = opened.units(lambda _: True)
    assert batch.texts == ["one"]
    ((place, reason_given, _),) = [(each.place, each.reason, each.raw) for each in batch.rejected]
    assert place == 2
    assert reason in reason_given


def test_the_digest_of_text_files_changes_with_each_of_them(tmp_path):
    for name in "ab":
        (tmp_path / f"{name}.txt").write_text(name)
    (opened,) = record_files(str(tmp_path), RecordFields())
    before = opened.digest()
    assert opened.digest() == before
    (tmp_path / "b.txt").write_text("c")
    assert opened.digest() != before

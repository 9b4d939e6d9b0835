import io
import json
import tarfile
import zipfile

import numpy as np
import pytest

from nonplus.corpora.records import RecordFields, Sizes, open_records
from nonplus.errors import BadInput, SuspectInput

FILES = {
    "a.jsonl": b'{"text": "one"}\n{"text": "two"}',
    "b.txt": b'\xef\xbb\xbfthree\n"\xc3\xbc"',
    "c/d.ndjson": b'\xef\xbb\xbf{"text": "four"}\n',
    "e.md": b"fi\xffve",
}


def tar(files: dict[str, bytes], mode: str) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=f"w{mode}") as archive:
        for name, content in files.items():
            header = tarfile.TarInfo(name)
            header.size = len(content)
            archive.addfile(header, io.BytesIO(content))
    return out.getvalue()


def zipped(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return out.getvalue()


MADE = {
    "a.tar": lambda files: tar(files, ""),
    "a.tar.gz": lambda files: tar(files, ":gz"),
    "a.tar.xz": lambda files: tar(files, ":xz"),
    "a.zip": zipped,
}


@pytest.mark.parametrize(("name", "suffix"), [*zip(MADE, (".jsonl", ".jsonl.gz", ".jsonl.xz", ".jsonl"), strict=True)])
def test_the_files_of_an_archive_are_read_as_one(tmp_path, name, suffix):
    path = tmp_path / name
    path.write_bytes(MADE[name](FILES))
    opened = open_records(str(path), RecordFields(id="id"))
    (batch,) = opened.units(lambda _: True)
    assert opened.suffix == suffix
    assert batch.texts == ["one", "two", 'three\n"ü"', "four"]
    assert batch.attributes["id"] == [None, None, f"{path}/b.txt", None]
    assert batch.places.tolist() == [1, 2, 3, 4]
    assert [(each.place, each.reason.partition(":")[0]) for each in batch.rejected] == [(5, "not UTF-8")]


def test_a_text_file_of_an_archive_is_written_as_an_object_with_the_field_of_the_others(tmp_path):
    path = tmp_path / "a.tar"
    path.write_bytes(tar({"a.txt": b"one", "b.jsonl": b'{"body": "two"}'}, ""))
    (batch,) = open_records(str(path), RecordFields(text="body")).units(lambda _: True)
    rows = [json.loads(line) for line in batch.written(np.arange(2), {"x": [1, 2]}).splitlines()]
    assert rows == [{"id": f"{path}/a.txt", "body": "one", "x": 1}, {"body": "two", "x": 2}]


def test_a_text_of_an_archive_that_is_too_long_is_rejected(tmp_path):
    path = tmp_path / "a.tar"
    path.write_bytes(tar({"a.txt": b"x" * 200, "b.txt": b"y"}, ""))
    (batch,) = open_records(str(path), RecordFields(), sizes=Sizes(record=150)).units(lambda _: True)
    assert batch.texts == ["y"]
    assert "longer than 150 bytes" in batch.rejected[0].reason


def test_other_files_of_an_archive_are_left_out_with_a_note(tmp_path):
    path = tmp_path / "a.tar"
    path.write_bytes(tar({"a.txt": b"one", "b.csv": b"x"}, ""))
    with pytest.warns(SuspectInput, match=r"1 member of .*a\.tar left out"):
        list(open_records(str(path), RecordFields()).units(lambda _: True))
    path.write_bytes(tar({"b.csv": b"x"}, ""))
    with pytest.raises(BadInput, match=r"a\.tar has no files to read"):
        list(open_records(str(path), RecordFields()).units(lambda _: True))


@pytest.mark.parametrize("scheme", ["lines", "warc"])
def test_an_archive_is_no_file_of_lines_or_pages(tmp_path, scheme):
    path = tmp_path / "a.tar"
    path.write_bytes(tar(FILES, ""))
    with pytest.raises(BadInput, match="is a tar archive, where a file is needed; unpack it"):
        list(open_records(f"{scheme}:{path}", RecordFields()).units(lambda _: True))


def test_units_before_the_damage_of_an_archive_come_first(tmp_path):
    path = tmp_path / "a.tar"
    rows = b"".join(b'{"text": "%d"}\n' % number for number in range(10_000))
    path.write_bytes(tar({"a.jsonl": rows}, "")[:100_000])
    units = open_records(str(path), RecordFields(), sizes=Sizes(unit=5000)).units(lambda _: True)
    assert len(next(units).texts) > 100
    with pytest.raises(BadInput, match=r"the archive .*a\.tar is damaged"):
        list(units)

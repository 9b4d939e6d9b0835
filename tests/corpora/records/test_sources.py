import io
import os

import pytest

from nonplus.corpora.records import RecordFields, open_records, record_files
from nonplus.errors import BadInput

FIELDS = RecordFields()
ROW = b'{"text": "one"}\n'


def texts(file) -> list[str]:
    return [text for batch in file.units(lambda _: True) for text in batch.texts]


def names(source, folder) -> list[str]:
    return [file.name.removeprefix(f"{folder}/") for file in record_files(str(source), FIELDS)]


@pytest.fixture
def folder(tmp_path):
    for name in ("b.jsonl", "a.ndjson", "inner/c.jsonl.gz"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(ROW)
    return tmp_path


def test_a_folder_and_a_pattern_stand_for_their_files_by_path(folder):
    assert names(folder, folder) == ["a.ndjson", "b.jsonl", "inner/c.jsonl.gz"]
    assert names(folder / "*.jsonl", folder) == ["b.jsonl"]


def test_text_files_come_after_the_others_and_are_one(folder):
    for name in "de":
        (folder / f"{name}.txt").write_text(name)
    *_, together = record_files(str(folder), FIELDS)
    assert together.path == str(folder)
    assert texts(together) == ["d", "e"]


def test_a_scheme_says_how_records_are_read_whatever_the_suffix(tmp_path):
    (tmp_path / "rows.json").write_bytes(ROW)
    (tmp_path / "notes.log").write_text("one\ntwo\n")
    assert texts(open_records(f"jsonl:{tmp_path}/rows.json", FIELDS)) == ["one"]
    assert texts(open_records(f"jsonl:{tmp_path}/*.json", FIELDS)) == ["one"]
    assert texts(open_records(f"lines:{tmp_path}/notes.log", FIELDS)) == ["one", "two"]
    assert texts(open_records(f"file:{tmp_path}/notes.log", FIELDS)) == ["one\ntwo\n"]


def test_a_table_of_another_format_is_not_taken_for_a_text(tmp_path):
    for name in ("rows.csv", "rows.tsv", "rows.csv.gz"):
        (tmp_path / name).write_text("text\none\n")
        with pytest.raises(BadInput, match=r"is not read as records; give \.jsonl"):
            record_files(str(tmp_path / name), FIELDS)
    assert texts(open_records(f"file:{tmp_path}/rows.csv", FIELDS)) == ["text\none\n"]


def test_what_can_be_read_only_once_is_refused_however_it_is_named(tmp_path):
    os.mkfifo(tmp_path / "rows.jsonl")
    for source in ("-", "jsonl:-", str(tmp_path / "rows.jsonl"), f"jsonl:{tmp_path}/rows.jsonl", "/dev/null"):
        with pytest.raises(BadInput, match="a pipe can be read only once"):
            record_files(source, FIELDS)


def test_the_url_of_a_file_is_no_scheme(folder):
    pytest.importorskip("fsspec")
    assert texts(open_records((folder / "b.jsonl").as_uri(), FIELDS)) == ["one"]


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("nothing.jsonl", "no such file: nothing.jsonl"),
        ("some text", "no such file: some text"),
        ("hub:owner/name", "not read from there"),
        ("csv:rows.csv", "not read as records; give .jsonl"),
        ("memory://nothing/", "no files at memory://nothing"),
    ],
)
def test_what_is_no_file_of_records_is_refused_with_what_to_do(source, reason):
    pytest.importorskip("fsspec")
    with pytest.raises(BadInput, match=reason):
        record_files(source, FIELDS)


@pytest.mark.parametrize("name", ["rows.csv", "notes.log", "rows.gz"])
def test_a_file_of_another_kind_is_no_text_unless_it_is_called_so(tmp_path, name):
    path = tmp_path / name
    path.write_text("one\ntwo\n")
    with pytest.raises(BadInput, match=r"is not read as records; give .*, or write jsonl:, lines:, file:"):
        record_files(str(path), FIELDS)


def test_of_several_files_none_is_opened_as_one(folder):
    with pytest.raises(BadInput, match="is 3 files, where one is needed"):
        open_records(str(folder), FIELDS)


def test_files_at_urls_are_read_as_those_on_disk():
    fsspec = pytest.importorskip("fsspec")
    fsspec.filesystem("memory").pipe({"/box/a.jsonl": ROW * 2, "/box/b.csv": b"", "/box/c.txt": b"three"})
    rows, text = record_files("memory://box", FIELDS)
    assert (rows.name, rows.size, texts(rows)) == ("memory:///box/a.jsonl", 32, ["one", "one"])
    assert texts(text) == ["three"]
    before = rows.digest()
    assert rows.digest() == before
    fsspec.filesystem("memory").pipe("/box/a.jsonl", ROW)
    assert rows.digest() != before


def test_tables_at_urls_are_read_as_those_on_disk():
    fsspec, pa = pytest.importorskip("fsspec"), pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    table = pa.table({"text": ["one", "two"]})
    content = {"/tables/a.parquet": io.BytesIO(), "/tables/b.arrow": io.BytesIO(), "/tables/c.arrows": io.BytesIO()}
    parquet.write_table(table, content["/tables/a.parquet"])
    for path, begin in (("/tables/b.arrow", pa.ipc.new_file), ("/tables/c.arrows", pa.ipc.new_stream)):
        with begin(content[path], table.schema) as writer:
            writer.write_table(table)
    fsspec.filesystem("memory").pipe({path: out.getvalue() for path, out in content.items()})
    assert [texts(file) for file in record_files("memory://tables", FIELDS)] == [["one", "two"]] * 3

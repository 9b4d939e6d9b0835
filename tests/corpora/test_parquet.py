import random

import pytest

from nonplus.corpora import open_corpus
from nonplus.errors import BadInput, BadRecord
from nonplus.measure.records import Document

pyarrow = pytest.importorskip("pyarrow")
parquet = pytest.importorskip("pyarrow.parquet")


@pytest.fixture
def write(tmp_path):
    def table(rows, **options):
        path = tmp_path / "rows.parquet"
        parquet.write_table(pyarrow.Table.from_pylist(rows), path, **options)
        return path

    return table


def test_a_row_is_a_document_with_its_number_from_0_as_id(write, read):
    path = write([{"text": "one", "n": 1}, {"text": "two", "n": 2}])
    assert read(str(path)) == [Document(text="one", id=f"{path}:0"), Document(text="two", id=f"{path}:1")]


def test_rows_keep_their_order_and_numbers_over_row_groups(write, read):
    path = write([{"text": f"row {number}"} for number in range(1000)], row_group_size=150)
    assert read(str(path))[999] == Document(text="row 999", id=f"{path}:999")


def test_fields_give_the_text_its_context_its_domain_and_its_id(write, read):
    path = write([{"body": "four", "q": "2+2?", "source": "sums", "key": 17}])
    options = {"field": "body", "context_field": "q", "domain_field": "source", "id_field": "key"}
    assert read(str(path), **options) == [Document(text="four", context="2+2?", domain="sums", id="17")]


def test_a_missing_column_is_refused_with_a_list_of_the_columns(write, read):
    with pytest.raises(BadRecord, match=r"rows\.parquet: no field 'text'; its fields are 'body', 'n'; .*field=…"):
        read(str(write([{"body": "x", "n": 1}])))


def test_a_row_without_text_is_refused_with_its_number(write, read):
    with pytest.raises(BadRecord, match=r"rows\.parquet, at row 1: the field 'text' is null"):
        read(str(write([{"text": "x"}, {"text": None}])))


def test_a_column_of_another_type_is_refused(write, read):
    with pytest.raises(BadRecord, match="at row 0: the field 'text' is of type bytes"):
        read(str(write([{"text": b"x"}])))


def test_a_text_that_is_not_utf8_is_refused(tmp_path, read):
    bytes_ = pyarrow.array([b"caf\xe9"], pyarrow.binary())
    text = pyarrow.Array.from_buffers(pyarrow.string(), 1, bytes_.buffers())
    path = tmp_path / "rows.parquet"
    parquet.write_table(pyarrow.table({"text": text}), path)
    with pytest.raises(BadRecord, match=r"rows\.parquet: a text is not UTF-8"):
        read(str(path))


def test_a_file_that_is_not_parquet_is_refused(tmp_path, read):
    path = tmp_path / "rows.parquet"
    path.write_text("words")
    with pytest.raises(BadInput, match=r"rows\.parquet is damaged or not a Parquet file"):
        read(str(path))


def test_a_truncated_file_is_refused(write, read):
    path = write([{"text": f"row {number}"} for number in range(1000)])
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(BadInput, match=r"rows\.parquet is damaged or not a Parquet file"):
        read(str(path))


def test_a_missing_file_and_a_folder_are_refused(tmp_path, read):
    with pytest.raises(BadInput, match=r"no such file: nowhere\.parquet"):
        read("parquet:nowhere.parquet")
    with pytest.raises(BadInput, match=r"is a folder, where a file is needed|cannot be read"):
        read(f"parquet:{tmp_path}")


def test_memory_does_not_grow_with_the_number_of_rows(write):
    texts = random.Random(3)
    path = write([{"text": texts.randbytes(100).hex()} for _ in range(100_000)], row_group_size=100_000)
    assert path.stat().st_size > 10_000_000
    held = pyarrow.total_allocated_bytes()
    most = max(pyarrow.total_allocated_bytes() - held for _ in open_corpus(str(path)))
    assert most < 5_000_000  # bytes; the file has ten million, in one row group


def test_a_parquet_file_on_standard_input_is_refused():
    with pytest.raises(BadInput, match="read from its end, so it cannot come from standard input"):
        open_corpus("parquet:-")


def test_a_text_that_is_too_long_is_refused_before_it_is_decompressed(write, read):
    path = write([{"text": "a" * 1_000_000}], compression="gzip")
    with pytest.raises(BadRecord, match=r"a text in the column 'text' is longer than max_bytes=1000"):
        read(str(path), max_bytes=1000)
    assert len(read(str(path), max_bytes=1_000_100)) == 1

import datetime
import io

import numpy as np
import pytest

from nonplus.corpora.records import RecordFields, Sizes, joined, open_records
from nonplus.errors import BadInput

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")

SUFFIXES = (".parquet", ".arrow", ".arrows")
MOMENT = datetime.datetime(2026, 11, 26, tzinfo=datetime.UTC)


def content_of(table, suffix: str, rows: int = 0) -> bytes:
    """A file of the table, in row groups or record batches of so many rows."""
    out = io.BytesIO()
    rows = rows or max(1, len(table))
    if suffix == ".parquet":
        pq.write_table(table, out, row_group_size=rows)
    else:
        begin = pa.ipc.new_file if suffix == ".arrow" else pa.ipc.new_stream
        with begin(out, table.schema) as writer:
            writer.write_table(table, max_chunksize=rows)
    return out.getvalue()


def table_of(content: bytes, suffix: str):
    if suffix == ".parquet":
        return pq.read_table(io.BytesIO(content))
    return (pa.ipc.open_file if suffix == ".arrow" else pa.ipc.open_stream)(content).read_all()


def texts_table(*texts, **columns):
    return pa.table({"text": pa.array(texts, pa.string()), **columns})


def all_of(batch) -> np.ndarray:
    return np.arange(len(batch.texts))


@pytest.fixture(params=SUFFIXES)
def suffix(request) -> str:
    return request.param


@pytest.fixture
def units(tmp_path, suffix):
    """The units of a table in a file; keywords are fields, or the sizes."""

    def read(table, *, rows: int = 0, sizes: Sizes | None = None, **fields):
        path = tmp_path / f"table{suffix}"
        path.write_bytes(content_of(table, suffix, rows))
        opened = open_records(str(path), RecordFields(**fields), sizes=sizes or Sizes())
        assert opened.suffix == suffix
        return list(opened.units(lambda _: True))

    return read


def test_a_row_is_a_record_with_its_number_and_attributes(units):
    columns = {
        "id": pa.array([7, None, 9]),
        "meta": pa.array([{"lang": "en"}, {"lang": None}, None]),
        "when": pa.array([MOMENT] * 3),
    }
    (batch,) = units(texts_table("one", None, "three", **columns), id="id", language="meta.lang", source="when")
    assert batch.texts == ["one", "three"]
    assert batch.places.tolist() == [1, 3]
    assert batch.attributes["id"] == ["7", "9"]
    assert batch.attributes["language"] == ["en", None]
    assert batch.attributes["source"] == [str(MOMENT)] * 2
    assert [(each.place, each.reason.partition(",")[0]) for each in batch.rejected] == [(2, "the field 'text' is null")]


TEXTS = ["one", None, "three"]
TYPES = {
    "large_string": pa.array(TEXTS, pa.large_string()),
    "string_view": pa.array(TEXTS, pa.string_view()),
    "dictionary": pa.array(TEXTS).dictionary_encode(),
    "binary": pa.array([b"one", None, b"three"]),
    "large_binary": pa.array([b"one", None, b"three"], pa.large_binary()),
    "inside": pa.array([{"of": "one"}, None, {"of": "three"}]),
}


@pytest.mark.parametrize("kind", TYPES)
def test_a_text_may_have_any_type_of_arrow_that_holds_text(units, kind):
    (batch,) = units(pa.table({"text": TYPES[kind]}), text="text.of" if kind == "inside" else "text")
    assert batch.texts == ["one", "three"]
    assert batch.places.tolist() == [1, 3]


def test_a_column_of_nulls_is_rejected_row_by_row(units):
    (batch,) = units(pa.table({"text": pa.nulls(3)}))
    assert (batch.texts, [each.place for each in batch.rejected]) == ([], [1, 2, 3])


def test_bytes_that_are_no_utf8_are_rejected(units):
    (batch,) = units(pa.table({"text": pa.array([b"one", b"tw\xff", b"three"])}))
    assert batch.texts == ["one", "three"]
    assert [(each.place, each.raw) for each in batch.rejected] == [(2, b"tw\xff")]


def test_a_text_column_that_lies_about_utf8_is_read_row_by_row_in_parquet(tmp_path):
    column = pa.array([b"one", b"tw\xff", b"three"])
    table = pa.table({"text": pa.Array.from_buffers(pa.string(), 3, column.buffers())})
    path = tmp_path / "table.parquet"
    path.write_bytes(content_of(table, ".parquet"))
    (batch,) = open_records(str(path), RecordFields()).units(lambda _: True)
    assert batch.texts == ["one", "three"]
    assert [each.place for each in batch.rejected] == [2]


def test_a_text_that_is_too_long_is_rejected(units):
    (batch,) = units(texts_table("ü" * 5, "ü" * 6, "a" * 11), sizes=Sizes(record=10))
    assert batch.texts == ["ü" * 5]
    assert ["longer than 10 bytes" in each.reason for each in batch.rejected] == [True, True]


def test_chosen_rows_are_written_with_all_their_columns_and_the_new_ones(units, suffix):
    columns = {"list": pa.array([[1], [2, 3], None]), "name": pa.array(["a", "b", "a"]).dictionary_encode()}
    (batch,) = units(texts_table("one", None, "three", **columns))
    new = {"x": np.array([0.5, np.nan]), "n": np.array([1, 2]), "why": ["so", None], "nothing": [None, None]}
    table = table_of(batch.written(np.array([1, 0]), new), suffix)
    assert table.to_pylist() == [
        {"text": "three", "list": None, "name": "a", "x": None, "n": 2, "why": None, "nothing": None},
        {"text": "one", "list": [1], "name": "a", "x": 0.5, "n": 1, "why": "so", "nothing": None},
    ]
    assert [str(table.schema.field(name).type) for name in new] == ["double", "int64", "string", "string"]


def test_no_chosen_row_is_a_file_without_rows(units, suffix):
    (batch,) = units(texts_table("one"))
    table = table_of(batch.written(np.array([], np.int64), {"x": np.array([1.0])}), suffix)
    assert (len(table), table.column_names) == (0, ["text", "x"])


def test_the_written_bytes_do_not_depend_on_how_rows_were_grouped(tmp_path, suffix):
    table = texts_table(*(f"text {number}" for number in range(1000)), d=pa.array(["a", "b"] * 500).dictionary_encode())
    written = set()
    for rows in (7, 100, 1000):
        path = tmp_path / f"{rows}{suffix}"
        path.write_bytes(content_of(table, suffix, rows))
        (batch,) = open_records(str(path), RecordFields()).units(lambda _: True)
        written.add(batch.written(all_of(batch), {"x": np.arange(1000)}))
    assert len(written) == 1


def test_all_units_have_all_rows_once_and_are_the_same_if_some_are_passed_over(tmp_path, suffix):
    texts = [f"text {number} " * (number % 7) for number in range(500)]
    path = tmp_path / f"table{suffix}"
    path.write_bytes(content_of(texts_table(*texts), suffix, 60))
    opened = open_records(str(path), RecordFields(), sizes=Sizes(unit=3000))
    every = list(opened.units(lambda _: True))
    assert len(every) > 4
    assert [text for batch in every for text in batch.texts] == texts
    assert [place for batch in every for place in batch.places.tolist()] == list(range(1, 501))
    for wanted in ({1}, {0, 3}, {2, 3}, {len(every) - 1}):
        some = list(opened.units(wanted.__contains__))
        assert [(each.number, each.texts, each.places.tolist()) for each in some] == [
            (each.number, each.texts, each.places.tolist()) for each in every if each.number in wanted
        ]


def test_a_large_row_group_is_several_units_and_small_ones_are_one(tmp_path):
    table = texts_table(*(str(number) * 50 for number in range(200)))
    units = {}
    for rows in (200, 2):
        path = tmp_path / f"{rows}.parquet"
        path.write_bytes(content_of(table, ".parquet", rows))
        units[rows] = [
            len(each.texts)
            for each in open_records(str(path), RecordFields(), sizes=Sizes(unit=2000)).units(lambda _: True)
        ]
    assert len(units[200]) > 4
    assert max(units[200]) - min(units[200]) <= 1
    assert set(map(bool, units[2])) == {True}
    assert len(units[2]) < 100


def test_a_record_batch_without_rows_ends_no_unit_and_begins_none(tmp_path):
    batch = pa.record_batch({"text": ["x" * 200]})
    with pa.OSFile(str(tmp_path / "c.arrows"), "wb") as file, pa.ipc.new_stream(file, batch.schema) as stream:
        for _ in range(40):
            stream.write_batch(batch)
            stream.write_batch(batch.slice(0, 0))
    units = open_records(str(tmp_path / "c.arrows"), RecordFields(), sizes=Sizes(unit=1000)).units(lambda _: True)
    assert [len(unit.texts) for unit in units] == [4] * 10


def test_kept_parts_are_one_file_together(units, tmp_path, suffix):
    batches = units(texts_table(*"abcdefgh"), rows=2, sizes=Sizes(unit=150))
    assert len(batches) > 1
    out = io.BytesIO()
    joined(suffix, (batch.written(all_of(batch), {"x": [batch.number] * len(batch.texts)}) for batch in batches), out)
    table = table_of(out.getvalue(), suffix)
    assert "".join(table["text"].to_pylist()) == "abcdefgh"
    assert table["x"].to_pylist() == [batch.number for batch in batches for _ in batch.texts]


def test_no_parts_are_an_empty_file(suffix):
    out = io.BytesIO()
    joined(suffix, iter(()), out)
    assert table_of(out.getvalue(), suffix).num_rows == 0


def test_parts_of_different_columns_cannot_be_one_file(suffix):
    parts = [content_of(texts_table("a"), suffix), content_of(pa.table({"body": ["a"]}), suffix)]
    with pytest.raises(BadInput, match="files of different columns cannot be one file"):
        joined(suffix, iter(parts), io.BytesIO())


@pytest.mark.parametrize("other", SUFFIXES)
def test_a_table_is_written_in_the_format_that_is_asked_for(tmp_path, suffix, other):
    path = tmp_path / f"table{suffix}"
    path.write_bytes(content_of(texts_table("one", "two"), suffix))
    opened = open_records(str(path), RecordFields()).written_as(f"kept{other}")
    (batch,) = opened.units(lambda _: True)
    assert opened.suffix == other
    assert table_of(batch.written(all_of(batch), {}), other)["text"].to_pylist() == ["one", "two"]


def test_a_table_is_not_written_as_lines(tmp_path, suffix):
    path = tmp_path / f"table{suffix}"
    path.write_bytes(content_of(texts_table("one"), suffix))
    with pytest.raises(BadInput, match=r"written as \.parquet or \.arrow or \.arrows, and kept\.jsonl ends otherwise"):
        open_records(str(path), RecordFields()).written_as("kept.jsonl")


@pytest.mark.parametrize(
    ("table", "fields", "reason"),
    [
        (
            pa.table({"body": ["a"], "id": [1]}),
            {},
            "no column 'text'; its columns are 'body', 'id'; name the right one",
        ),
        (pa.table({"Text": ["a"]}), {}, r"did you mean field='Text'\?"),
        (pa.table({"text": ["a"]}), {"id": "key"}, "no column 'key'.*id_field=…"),
        (pa.table({"text": [1]}), {}, "'text' of .* has the type int64, where text is needed"),
        (pa.table({"text": [["a"]]}), {}, "has the type list<"),
        (pa.table({"text": [{"a": 1}]}), {"text": "text.a"}, "'text.a' of .* has the type int64"),
        (pa.table({"text": ["a"], "x": [1]}), {"taken": ("x",)}, "a column 'x' already"),
        (pa.table([["a"], ["b"]], names=["text", "text"]), {}, "several columns 'text'"),
        (pa.table({}), {}, "no column 'text'; it has no columns"),
    ],
)
def test_a_table_that_cannot_give_records_is_refused_with_what_it_has(units, table, fields, reason):
    with pytest.raises(BadInput, match=reason):
        units(table, **fields)


def test_a_table_without_rows_has_no_records(units):
    assert [batch.texts for batch in units(texts_table())] in ([], [[]])


@pytest.mark.parametrize("cut", [1, 9, 300])
def test_a_truncated_file_is_refused_by_name(tmp_path, suffix, cut):
    content = content_of(texts_table(*(f"text {number}" for number in range(1000))), suffix, 100)
    path = tmp_path / f"cut{suffix}"
    path.write_bytes(content[:-cut])
    with pytest.raises(BadInput, match=rf"cut\{suffix} is damaged"):
        list(open_records(str(path), RecordFields()).units(lambda _: True))


@pytest.mark.parametrize("content", [lambda one, two: one[:-8], lambda one, two: one + two], ids=["cut", "two streams"])
def test_a_stream_that_does_not_end_where_the_file_does_is_damaged(tmp_path, content):
    path = tmp_path / "odd.arrows"
    path.write_bytes(
        content(content_of(texts_table("one", "two"), ".arrows", 1), content_of(texts_table("b"), ".arrows"))
    )
    with pytest.raises(BadInput, match="the stream does not end where the file does"):
        list(open_records(str(path), RecordFields()).units(lambda _: True))


def test_few_bytes_that_stand_for_many_are_refused(tmp_path):
    path = tmp_path / "bomb.parquet"
    path.write_bytes(content_of(texts_table(*["x" * 100_000] * 500), ".parquet"))
    with pytest.raises(BadInput, match=r"take more than .* bytes, although the file says"):
        list(open_records(str(path), RecordFields(), sizes=Sizes(unit=1 << 16, record=1 << 20)).units(lambda _: True))


def test_what_hugging_face_notes_about_columns_goes_when_columns_come(units, suffix):
    table = texts_table("one").replace_schema_metadata({"huggingface": "{}", "mine": "kept"})
    (batch,) = units(table)
    assert table_of(batch.written(all_of(batch), {}), suffix).schema.metadata[b"huggingface"] == b"{}"
    metadata = table_of(batch.written(all_of(batch), {"x": [1]}), suffix).schema.metadata
    assert (b"huggingface" in metadata, metadata[b"mine"]) == (False, b"kept")

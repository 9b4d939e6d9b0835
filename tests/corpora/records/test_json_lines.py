import bz2
import gzip
import json
import lzma
import pickle
from itertools import islice

import numpy as np
import pytest

from nonplus.corpora.records import RecordFields, Sizes, joined, open_records
from nonplus.errors import BadInput

SMALL = Sizes(unit=64)


def zstd(data: bytes) -> bytes:
    return pytest.importorskip("zstandard").compress(data)


def unzstd(data: bytes) -> bytes:
    return pytest.importorskip("zstandard").ZstdDecompressor().decompressobj().decompress(data)


PACKED = {
    "": (bytes, bytes),
    ".gz": (gzip.compress, gzip.decompress),
    ".bz2": (bz2.compress, bz2.decompress),
    ".xz": (lzma.compress, lzma.decompress),
    ".zst": (zstd, unzstd),
}


def rows(number: int) -> bytes:
    return b"".join(b'{"text": "line %d", "id": %d}\n' % (place, place) for place in range(number))


def all_of(batch) -> np.ndarray:
    return np.arange(len(batch.texts))


def test_a_record_is_its_text_its_line_and_what_else_was_asked_for(read):
    (batch,) = read(b'{"text": "one", "id": 7, "meta": {"lang": "en"}}\n{"text": "two"}', id="id", language="meta.lang")
    assert batch.texts == ["one", "two"]
    assert batch.places.tolist() == [1, 2]
    assert batch.attributes == {"id": ["7", None], "language": ["en", None]}


def test_a_name_with_dots_is_a_field_of_that_name_before_it_is_a_path(read):
    (batch,) = read(b'{"a.b": "named", "a": {"b": "inside"}}\n{"a": {"b": "inside"}}', text="a.b")
    assert batch.texts == ["named", "inside"]


@pytest.mark.parametrize(
    ("value", "text"),
    [("true", "true"), ("1.50", "1.5"), ("null", None), ("[1]", None), ("-0", "0"), (str(10**30), str(10**30))],
)
def test_scalars_become_text_and_all_else_is_missing(read, value, text):
    (batch,) = read(f'{{"text": "one", "id": {value}}}'.encode(), id="id")
    assert batch.attributes["id"] == [text]


def test_blank_lines_are_no_records_and_are_counted_as_lines(read):
    (batch,) = read(b'\n{"text": "one"}\n \t\r\n\r\n{"text": "two"}\n\n')
    assert batch.places.tolist() == [2, 5]
    assert not batch.rejected


def test_new_columns_stand_before_the_last_brace_and_the_rest_is_as_it_was(read):
    (batch,) = read(b'\xef\xbb\xbf  {"text" :"\\u0061", "n":1.50, "n":2 } \r\n{"text":"b"}')
    columns = {"x": np.array([0.1, 2.0]), "n": np.array([3, 4]), "why": ["so", None]}
    assert batch.written(all_of(batch), columns) == (
        b'  {"text" :"\\u0061", "n":1.50, "n":2 ,"x":0.1,"n":3,"why":"so"} \r\n{"text":"b","x":2.0,"n":4,"why":null}\n'
    )
    assert batch.with_texts({0: "c}"})(all_of(batch), {"x": np.array([1, 2])}) == (
        b'  {"text" :"c}", "n":1.50, "n":2 ,"x":1} \r\n{"text":"b","x":2}\n'
    )


def test_chosen_records_are_written_in_the_order_of_the_choice(read):
    (batch,) = read(rows(3))
    written = batch.written(np.array([2, 0]), {"n": np.array([10, 11, 12])})
    assert [json.loads(line)["n"] for line in written.splitlines()] == [12, 10]
    assert batch.written(np.array([], np.int64), {"n": np.array([10, 11, 12])}) == b""


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b'{"text": "cut', "not JSON, Unterminated string starting at character 9"),
        (b'{"text": "a"} {"text": "b"}', "not JSON, Extra data at character 14"),
        (b'\xef\xbb\xbf{"text": "a"}', "not JSON"),
        (b'{"text": NaN}', "NaN is no number"),
        (b'{"text": "a", "n": -Infinity}', "-Infinity is no number"),
        (b'{"text": "a\xff"}', "not UTF-8: byte 0xff at byte 11"),
        (b'{"text": "\\ud800"}', "half of a surrogate pair"),
        (b'{"text": "a", "b": "\\udc00"}', "half of a surrogate pair"),
        (b'{"text": "a", "n": ' + b"9" * 5000 + b"}", "over 4,300 digits"),
        (b'{"text": "a", "n": ' + b"[" * 200 + b"]" * 200 + b"}", "more than 200 deep"),
        (b'{"text": "' + b"a" * 100 + b'"}', "longer than 100 bytes"),
        (b"[1]", "of type list, where an object"),
        (b"null", "the record is null"),
        (b"{}", "it has no fields"),
        (b'{"body": "a", "id": 1}', "no field 'text'; its fields are 'body', 'id'"),
        (b'{"text": null}', "the field 'text' is null"),
        (b'{"text": 7}', "of type int"),
        (b'{"text": "a", "new": 1}', "it has a field 'new' already"),
    ],
)
def test_a_line_that_is_no_record_is_rejected_with_its_place_and_the_reason(read, line, reason):
    sizes = Sizes(record=100 if "longer" in reason else 10_000)
    (batch,) = read(b'{"text": "first"}\n' + line + b'\n{"text": "last"}\n', sizes=sizes, taken=("new",))
    assert batch.texts == ["first", "last"]
    (rejection,) = batch.rejected
    assert (rejection.place, rejection.raw) == (2, line[:200])
    assert reason in rejection.reason


def test_a_missing_field_at_the_end_of_a_path_is_no_null(read):
    (batch,) = read(b'{"a": {}}\n{"a": {"b": null}}\n{"a": 1}', text="a.b")
    assert [rejection.reason.partition(";")[0] for rejection in batch.rejected] == [
        "no field 'a.b'",
        "the field 'a.b' is null, where text is needed",
        "no field 'a.b'",
    ]


@pytest.mark.parametrize("ending", PACKED)
def test_units_and_what_is_written_are_the_same_however_a_file_is_compressed(read, ending):
    pack, unpack = PACKED[ending]
    content = rows(20)
    plain = read(content, sizes=SMALL)
    packed = read(pack(content[:100]) + pack(content[100:]), f"rows.jsonl{ending}", sizes=SMALL)
    assert len(plain) > 5
    assert [batch.texts for batch in packed] == [batch.texts for batch in plain]
    assert b"".join(unpack(batch.written(all_of(batch), {})) for batch in packed) == content


@pytest.mark.parametrize("ending", PACKED)
def test_what_units_wrote_is_one_file_together(tmp_path, read, ending):
    pack, _ = PACKED[ending]
    batches = read(pack(rows(20)), f"rows.jsonl{ending}", sizes=SMALL)
    with open(tmp_path / f"all.jsonl{ending}", "wb") as out:
        joined(f".jsonl{ending}", (batch.written(all_of(batch), {}) for batch in batches), out)
    (whole,) = read((tmp_path / f"all.jsonl{ending}").read_bytes(), f"again.jsonl{ending}")
    assert whole.texts == [text for batch in batches for text in batch.texts]


@pytest.mark.parametrize("ending", [".gz", ".bz2", ".xz", ".zst"])
def test_units_before_the_damage_come_then_an_error_that_names_the_file(tmp_path, read, ending):
    pack, _ = PACKED[ending]
    whole = read(rows(1000), sizes=SMALL)
    path = tmp_path / f"cut.jsonl{ending}"
    path.write_bytes(pack(rows(1000)) + pack(rows(1000))[:-5])
    units = open_records(str(path), RecordFields(), sizes=SMALL).units(lambda _: True)
    assert [batch.texts for batch in islice(units, len(whole))] == [batch.texts for batch in whole]
    with pytest.raises(BadInput, match=rf"cut\.jsonl\{ending} is damaged"):
        list(units)


@pytest.mark.parametrize(("suffix", "ending"), [(f".jsonl{ending}", ending) for ending in PACKED])
def test_records_are_written_as_the_given_suffix_says(tmp_path, suffix, ending):
    path = tmp_path / "rows.jsonl"
    path.write_bytes(rows(3))
    opened = open_records(str(path), RecordFields()).written_as(f"kept{suffix}")
    (batch,) = opened.units(lambda _: True)
    assert opened.suffix == suffix
    assert PACKED[ending][1](batch.written(all_of(batch), {})) == rows(3)


@pytest.mark.parametrize(("name", "suffix"), [("KEPT.JSONL.GZ", ".jsonl.gz"), ("kept.ndjson.zst", ".ndjson.zst")])
def test_the_whole_end_of_a_name_counts_in_any_case(tmp_path, name, suffix):
    path = tmp_path / "rows.jsonl"
    path.write_bytes(rows(3))
    assert open_records(str(path), RecordFields()).written_as(name).suffix == suffix


def test_a_name_that_json_lines_do_not_have_is_refused(tmp_path):
    path = tmp_path / "rows.jsonl"
    path.write_bytes(rows(3))
    with pytest.raises(
        BadInput, match=r"can be written as \.jsonl or \.ndjson, .*, and kept\.jsonl\.rar ends otherwise"
    ):
        open_records(str(path), RecordFields()).written_as("kept.jsonl.rar")


def test_a_file_can_be_pickled_and_knows_itself_again(tmp_path):
    path = tmp_path / "rows.jsonl"
    path.write_bytes(rows(3))
    opened = open_records(str(path), RecordFields())
    before = opened.digest()
    assert pickle.loads(pickle.dumps(opened)).digest() == before
    path.write_bytes(rows(4))
    assert opened.digest() != before

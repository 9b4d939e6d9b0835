"""Some records get other texts; all others are written as they were."""

import json

import numpy as np
import pytest

from nonplus.corpora.records import RecordFields, open_records
from nonplus.corpora.records.table_files import table_file

ROWS = b'{"id":7, "text":"one\\n\\u00e9"}\n{"text":"two"}\n\nnot JSON\n{"text" : "three", "n":1.50}\n'


def test_in_json_lines_only_the_value_changes(read):
    (batch,) = read(ROWS)
    written = batch.with_texts({0: "ö", 2: ""})
    assert written(np.arange(3), {}) == '{"id":7, "text":"ö"}\n{"text":"two"}\n{"text" : "", "n":1.50}\n'.encode()
    assert written(np.array([0]), {"new": [1, 2, 3]}) == '{"id":7, "text":"ö","new":1}\n'.encode()
    assert batch.with_texts({})(np.arange(3), {}) == batch.written(np.arange(3), {})
    assert batch.written(np.array([1]), {}) == b'{"text":"two"}\n'


def test_a_path_leads_to_the_text(read):
    (batch,) = read(b'{"meta":{"body":"a"},"body":"b"}\n', text="meta.body")
    assert batch.with_texts({0: "c"})(np.array([0]), {}) == b'{"meta":{"body":"c"},"body":"b"}\n'


def test_a_line_of_plain_text_is_written_anew(tmp_path):
    (tmp_path / "rows.txt").write_bytes(b"one. two\r\nthree\n")
    (batch,) = open_records(f"lines:{tmp_path / 'rows.txt'}", RecordFields()).units(lambda _: True)
    assert batch.with_texts({0: "one. "})(np.arange(2), {}) == b"one. \r\nthree\n"


def test_files_of_text_are_written_with_what_is_left_of_them(tmp_path):
    for name in ("a.txt", "b.txt"):
        (tmp_path / name).write_text(f"{name}\nrest")
    (batch,) = open_records(str(tmp_path), RecordFields()).units(lambda _: True)
    rows = batch.with_texts({1: "b.txt\n"})(np.arange(2), {}).splitlines()
    assert [json.loads(row)["text"] for row in rows] == ["a.txt\nrest", "b.txt\n"]


@pytest.mark.parametrize("suffix", [".parquet", ".arrow"])
def test_a_table_has_the_new_texts_in_columns_of_the_same_types(tmp_path, suffix):
    pa = pytest.importorskip("pyarrow")
    from nonplus.corpora.records import RecordFields, open_records

    columns = {
        "text": pa.array(["one", None, "three"]).dictionary_encode(),
        "raw": pa.array([b"1", b"\xff", b"3"], pa.large_binary()),
        "meta": pa.array([{"n": 1, "body": "x"}, {"n": 2, "body": None}, {"n": 3, "body": "z"}]),
    }
    table = pa.table(columns)
    path = tmp_path / f"rows{suffix}"
    path.write_bytes(table_file(table, suffix))
    for field in ("text", "raw", "meta.body"):
        (batch,) = open_records(str(path), RecordFields(text=field)).units(lambda _: True)
        out = tmp_path / f"out{suffix}"
        out.write_bytes(batch.with_texts({1: "ö"})(np.arange(2), {}))
        (again,) = open_records(str(out), RecordFields(text=field)).units(lambda _: True)
        assert again.texts == [batch.texts[0], "ö"]
        kept = open_records(str(out), RecordFields(text="text"))
        assert [unit.texts for unit in kept.units(lambda _: True)] == [["one", "ö" if field == "text" else "three"]]


def test_a_warc_record_has_the_length_of_its_new_text_and_no_digest_of_the_old(tmp_path):
    def record(text, *more):
        fields = [
            "WARC/1.0",
            "WARC-Type: conversion",
            *more,
            f"Content-Length: {len(text.encode())}",
            "WARC-Date: 2026",
        ]
        return "\r\n".join([*fields, "", text, "", ""]).encode()

    digests = ("WARC-Block-Digest: sha1:ABC", "WARC-Payload-Digest: sha1:DEF")
    (tmp_path / "cc.warc.wet").write_bytes(record("one\ntail", *digests) + record("two", *digests))
    (batch,) = open_records(str(tmp_path / "cc.warc.wet"), RecordFields()).units(lambda _: True)
    written = batch.with_texts({0: "ö\n"})(np.arange(2), {})
    assert written == record("ö\n") + record("two", *digests)

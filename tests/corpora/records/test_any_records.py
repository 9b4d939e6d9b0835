"""Whatever a file holds, each of its records is read or rejected, or it is refused."""

import bz2
import gzip
import io
import json
import lzma
import random
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nonplus.corpora.records import RecordFields, Sizes, open_records
from nonplus.errors import NonplusError

ROWS = b"".join(json.dumps({"text": f"line {n} ü", "id": n, "m": {"l": "en"}}).encode() + b"\n" for n in range(40))
ODD_LINES = st.sampled_from(
    [
        b"",
        b" \t",
        b"\r",
        b"{}",
        b"[1]",
        b"null",
        b'{"text": "one"}',
        b'{"text": "two"}\r',
        b'  {"text": "three" } ',
        b'{"text": ""}',
        b'{"text": "\\u0000"}',
        b'{"text": "a\x00b"}',
        b'{"text": "\\ud83d"}',
        b'{"text": "\xff"}',
        b'{"text": NaN}',
        b'{"text": "a", "n": NaN}',
        b'{"text": 1, "text": "last"}',
        b'{"text": "first", "text": null}',
        b'\xef\xbb\xbf{"text": "mark"}',
        b'{"text": "long", "n": "' + b"x" * 60 + b'"}',
        b'{"new": 1, "text": "taken"}',
        b'{"text": "a"} {"text": "b"}',
        b'{"text": "cut',
    ]
)


def slowly(content: bytes, *, longest: int) -> tuple[list[tuple[int, str, dict]], list[int]]:
    """The place, the text and the object of each record, and the places of the others,
    line by line with Python's own parser.
    """
    readable, rejected = [], []
    for place, line in enumerate(content.removeprefix(b"\xef\xbb\xbf").split(b"\n"), 1):
        try:
            if not line.strip(b" \t\r") and len(line) <= longest:
                continue
            if b"NaN" in line or line.startswith(b"\xef\xbb\xbf") or len(line) > longest:
                raise ValueError(line)
            row = json.loads(line)
            row["text"].encode()
            if "new" in row:
                raise ValueError(line)
            readable.append((place, row["text"], row))
        except (ValueError, TypeError, KeyError, AttributeError):
            rejected.append(place)
    return readable, rejected


@given(st.lists(ODD_LINES), st.integers(1, 200), st.sampled_from([50, 1000]), st.booleans())
def test_records_are_those_of_a_reader_that_goes_line_by_line(tmp_path_factory, lines, unit, longest, last_newline):
    content = b"\n".join(lines) + b"\n" * last_newline
    path = tmp_path_factory.mktemp("odd") / "rows.jsonl"
    path.write_bytes(content)
    opened = open_records(str(path), RecordFields(taken=("new",)), sizes=Sizes(unit=unit, record=longest))
    batches = list(opened.units(lambda _: True))
    readable, rejected = slowly(content, longest=longest)
    found = [pair for batch in batches for pair in zip(batch.places.tolist(), batch.texts, strict=True)]
    assert found == [(place, text) for place, text, _ in readable]
    assert [each.place for batch in batches for each in batch.rejected] == rejected
    assert sum(batch.records for batch in batches) == len(readable) + len(rejected)
    written = b"".join(batch.written(np.arange(len(batch.texts)), {"new": batch.places / 4}) for batch in batches)
    assert [json.loads(line) for line in written.split(b"\n")[:-1]] == [
        {**row, "new": place / 4} for place, _, row in readable
    ]


def packed(name: str) -> bytes:
    """A file that nothing is wrong with, in parts where it can have parts."""
    halves = ROWS[:1000], ROWS[1000:]
    match name.rpartition(".")[2]:
        case "gz":
            return b"".join(gzip.compress(half, mtime=0) for half in halves)
        case "bz2":
            return b"".join(map(bz2.compress, halves))
        case "xz":
            return b"".join(map(lzma.compress, halves))
        case "zst":
            return b"".join(map(pytest.importorskip("zstandard").compress, halves))
        case "wet":
            head = "WARC/1.0\r\nWARC-Type: conversion\r\nContent-Length: 20\r\n\r\n"
            return b"".join(f"{head}{n:020}\r\n\r\n".encode() for n in range(40))
        case "parquet" | "arrow" | "arrows" as kind:
            return table(kind)
        case _:
            return ROWS


def table(kind: str) -> bytes:
    pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    words = pa.array([f"text {number}" for number in range(60)])
    columns = {
        "text": words,
        "id": pa.array(range(60)),
        "list": pa.array([["a", "b"]] * 60),
        "word": pa.array(["x", "y", "z"] * 20).dictionary_encode(),
        "inner": pa.array([{"q": "x"}] * 60),
    }
    out = io.BytesIO()
    if kind == "parquet":
        pq.write_table(pa.table(columns), out, row_group_size=20)
        return out.getvalue()
    with (pa.ipc.new_file if kind == "arrow" else pa.ipc.new_stream)(out, pa.table(columns).schema) as writer:
        writer.write_table(pa.table(columns), max_chunksize=20)
    return out.getvalue()


def damaged(content: bytes, chance: random.Random) -> bytes:
    """A few bytes replaced, put in, left out or repeated, or the end cut off."""
    data = bytearray(content)
    for _ in range(chance.choice([1, 1, 1, 2, 5, 30])):
        place, other = chance.randrange(len(data)), chance.randrange(len(data))
        match chance.randrange(6):
            case 0 | 1:
                data[place] = chance.randrange(256)
            case 2:
                data[place : place + 1] = b""
            case 3:
                data[place:place] = bytes([chance.randrange(256)]) * chance.choice([1, 4, 100])
            case 4:
                data[place : place + 4] = chance.choice([b"\xff\xff\xff\xff", b"\0\0\0\0", b"\xff\xff\xff\x7f"])
            case _:
                data[place : place + 50] = data[other : other + 50]
        data = data or bytearray(b"\0")
    return bytes(data if chance.random() < 0.8 else data[: chance.randrange(len(data))])


NAMES = (
    "a.jsonl",
    "a.jsonl.gz",
    "a.jsonl.bz2",
    "a.jsonl.xz",
    "a.jsonl.zst",
    "a.wet",
    "a.parquet",
    "a.arrow",
    "a.arrows",
)


@pytest.mark.parametrize("seed", range(60))
@pytest.mark.parametrize("name", NAMES)
def test_a_damaged_file_is_read_or_refused_and_no_record_counts_twice(tmp_path, name, seed):
    chance = random.Random(seed)
    content = damaged(packed(name), chance)
    path = tmp_path / name
    path.write_bytes(content)
    sizes = Sizes(unit=chance.choice([50, 500, 1 << 22]), record=chance.choice([100, 1 << 23]))
    counted: list[int] = []
    refused = ""
    try:
        for batch in open_records(str(path), RecordFields(id="id", taken=("new",)), sizes=sizes).units(lambda _: True):
            assert len(batch.texts) == len(batch.places) == len(batch.attributes["id"])
            assert batch.records == len(batch.texts) + len(batch.rejected)
            counted += [*batch.places.tolist(), *(each.place for each in batch.rejected)]
            batch.written(np.arange(len(batch.texts)), {"new": np.arange(len(batch.texts)) / 3})
    except NonplusError as problem:
        refused = str(problem)
    assert not refused or name in refused
    assert len(counted) == len({*counted})
    if name == "a.jsonl" and not refused:
        lines = content.removeprefix(b"\xef\xbb\xbf").split(b"\n")
        assert sorted(counted) == [place for place, line in enumerate(lines, 1) if line.strip(b" \t\r")]


def told(path, takes=lambda _: True):
    """The digest of each unit, and all that comes of it; of units before a damage."""
    found = {}
    try:
        for batch in open_records(str(path), RecordFields(), sizes=Sizes(unit=300)).units(takes):
            written = batch.written(np.arange(len(batch.texts)), {})
            found[batch.number] = batch.digest(), (batch.texts, batch.places.tolist(), batch.rejected, written)
    except NonplusError:
        pass
    return found


@pytest.mark.parametrize("name", NAMES)
def test_units_of_the_same_digest_have_the_same_records(tmp_path, name):
    path, content = tmp_path / name, packed(name)
    path.write_bytes(content)
    sound = told(path)
    assert len({digest for digest, _ in sound.values()}) == len(sound) > 1
    assert {**told(path, lambda number: number % 2), **told(path, lambda number: not number % 2)} == sound
    for seed in range(30):
        path.write_bytes(damaged(content, random.Random(seed)))
        for number, (digest, outcome) in told(path).items():
            if digest == sound.get(number, ("",))[0]:
                assert outcome == sound[number][1]


@pytest.mark.slow
@pytest.mark.parametrize("size", [6 << 20, 100 << 20])
def test_a_line_of_many_megabytes_without_a_blank_is_read_or_rejected_in_bounded_memory(tmp_path, size):
    path = tmp_path / "rows.jsonl"
    path.write_bytes(b'{"text": "first"}\n{"text": "' + b"x" * size + b'"}\n{"text": "last"}\n')
    tracemalloc.start()
    try:
        batches = list(open_records(str(path), RecordFields()).units(lambda _: True))
        assert tracemalloc.get_traced_memory()[1] < 200 << 20
    finally:
        tracemalloc.stop()
    texts = [text for batch in batches for text in batch.texts]
    rejected = [each.place for batch in batches for each in batch.rejected]
    assert (len(texts), rejected) == ((3, []) if size <= 1 << 23 else (2, [2]))
    assert texts[-1] == "last"

import gzip
import io
import json
from itertools import islice

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nonplus.corpora.records import RecordFields, Sizes, joined, open_records
from nonplus.corpora.records.warc_reading import warc_records
from nonplus.errors import BadInput

INFO = (
    b"WARC/1.0\r\nWARC-Type: warcinfo\r\nWARC-Record-ID: <urn:uuid:0>\r\nWARC-Date: 2026-11-26T00:00:00Z\r\n"
    b"Content-Length: 10\r\n\r\nisPartOf: \r\n\r\n"
)


def record(number: int, content: bytes | str, kind: str = "conversion", *headers: str) -> bytes:
    content = content.encode() if isinstance(content, str) else content
    lines = [
        "WARC/1.0",
        f"WARC-Type: {kind}",
        f"WARC-Target-URI: https://site-{number}.example.org/page?a=1",
        f"WARC-Record-ID: <urn:uuid:{number}>",
        "WARC-Date: 2026-11-26T00:00:00Z",
        *headers,
        f"Content-Length: {len(content)}",
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + content + b"\r\n\r\n"


def all_of(batch) -> np.ndarray:
    return np.arange(len(batch.texts))


@pytest.fixture
def units(tmp_path):
    """The units of a WET file with this content; keywords are fields, or the sizes."""

    def read(content: bytes, name: str = "cc.warc.wet", *, sizes: Sizes | None = None, **fields):
        path = tmp_path / name
        path.write_bytes(content)
        return list(open_records(str(path), RecordFields(**fields), sizes=sizes or Sizes()).units(lambda _: True))

    return read


def test_a_page_that_was_converted_is_a_record(units):
    second = record(2, "zwei ü", "conversion", "WARC-Identified-Content-Language: deu,eng")
    (batch,) = units(INFO + record(1, "one\r\n\r\ntwo") + second, id="id", language="language", source="source")
    assert batch.texts == ["one\r\n\r\ntwo", "zwei ü"]
    assert batch.places.tolist() == [2, 3]
    assert batch.attributes == {
        "id": ["<urn:uuid:1>", "<urn:uuid:2>"],
        "language": [None, "deu"],
        "source": ["site-1.example.org", "site-2.example.org"],
    }


def test_a_field_may_be_any_named_field_of_a_record(units):
    (batch,) = units(record(1, "one"), id="warc-date", source="WARC-Target-URI", language="WARC-Nothing")
    assert batch.attributes == {
        "id": ["2026-11-26T00:00:00Z"],
        "source": ["https://site-1.example.org/page?a=1"],
        "language": [None],
    }


def test_a_record_is_written_as_it_was_with_the_columns_as_named_fields(units):
    (batch,) = units(record(1, "one") + record(2, "two") + record(3, "three"))
    columns = {
        "nonplus_bits_per_byte": np.array([1.5, 2.0, np.nan]),
        "nonplus_reason": ["", "a\nb", ""],
        "nonplus_tokens": np.array([1, 2, 3]),
    }
    head, rest = record(2, "two").split(b"\r\n\r\n", 1)
    new = b"\r\nWARC-Nonplus-Bits-Per-Byte: 2.0\r\nWARC-Nonplus-Reason: a b\r\nWARC-Nonplus-Tokens: 2\r\n\r\n"
    last = record(3, "three").replace(b"\r\n\r\nthree", b"\r\nWARC-Nonplus-Tokens: 3\r\n\r\nthree")
    assert batch.written(np.array([1, 2]), columns) == head + new + rest + last
    assert batch.written(np.array([2, 0]), {}) == record(3, "three") + record(1, "one")


@pytest.mark.parametrize("ending", ["", ".gz"])
def test_each_record_is_a_member_of_its_own_and_parts_can_be_joined(units, tmp_path, ending):
    texts = [f"text {number}" for number in range(20)]
    content = [record(number, text) for number, text in enumerate(texts)]
    packed = b"".join(map(gzip.compress, content)) if ending else b"".join(content)
    batches = units(packed, f"cc.warc.wet{ending}", sizes=Sizes(unit=40))
    assert len(batches) > 3
    out = io.BytesIO()
    joined(f".warc.wet{ending}", (batch.written(all_of(batch), {}) for batch in batches), out)
    assert (gzip.decompress(out.getvalue()) if ending else out.getvalue()) == b"".join(content)
    assert out.getvalue().count(b"\x1f\x8b\x08") == (20 if ending else 0)
    (again,) = units(out.getvalue(), f"again.warc.wet{ending}")
    assert again.texts == texts


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (record(2, b"tw\xff"), "not UTF-8: byte 0xff at byte 2 of the content"),
        (record(2, "x" * 101), "longer than 100 bytes"),
        (record(2, "two", "conversion", "WARC-X-Y: 1"), "it has a field WARC-X-Y already"),
    ],
)
def test_a_page_that_is_no_text_is_rejected(units, bad, reason):
    (batch,) = units(record(1, "one") + bad + record(3, "three"), sizes=Sizes(record=100), taken=("x_y",))
    assert batch.texts == ["one", "three"]
    ((place, why, raw),) = [(each.place, each.reason, each.raw) for each in batch.rejected]
    assert (place, raw[:8]) == (2, b"WARC/1.0")
    assert reason in why


@pytest.mark.parametrize("kind", ["response", "resource"])
def test_pages_as_they_were_fetched_are_refused_with_what_to_take_instead(units, kind):
    with pytest.raises(BadInput, match=r"pages as they were fetched \(record 2 is a .*Common Crawl's WET files"):
        units(INFO + record(1, "<p>one", kind))


def test_a_field_for_the_text_is_refused(units):
    with pytest.raises(BadInput, match="omit field=body"):
        units(record(1, "one"), text="body")


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda whole: whole[:-6], "record 2 ends 2 bytes before its end"),
        (lambda whole: whole[:-20], "the head of record 2 has no end"),
        (
            lambda whole: whole.replace(b"Content-Length: 5", b"Content-Length: x"),
            r"how long it is \(Content-Length: x\)",
        ),
        (lambda whole: whole.replace(b"Content-Length: 5\r\n", b""), "does not say how long it is"),
        (lambda whole: whole.replace(b"Content-Length: 5", b"Content-Length: 3"), "record 3 does not begin with WARC/"),
        (lambda whole: whole.replace(b"Content-Length: 5", b"Content-Length: 900"), "bytes before its end"),
        (lambda whole: b"garbage\n" + whole, "it does not begin with WARC/"),
    ],
)
def test_damage_is_an_error_and_never_the_end_of_a_file(tmp_path, damage, reason):
    path = tmp_path / "cut.warc.wet"
    path.write_bytes(damage(record(1, "one") + record(2, "two--")))
    with pytest.raises(BadInput, match=reason):
        list(open_records(str(path), RecordFields()).units(lambda _: True))


def test_units_before_the_damage_come_first(tmp_path):
    path = tmp_path / "cut.warc.wet.gz"
    path.write_bytes(b"".join(gzip.compress(record(number, "x" * 50)) for number in range(100))[:-9])
    units = open_records(str(path), RecordFields(), sizes=Sizes(unit=102)).units(lambda _: True)
    assert [len(batch.texts) for batch in islice(units, 49)] == [2] * 49
    with pytest.raises(BadInput, match=r"cut\.warc\.wet\.gz is damaged"):
        list(units)


@given(st.lists(st.binary(max_size=40)), st.booleans())
def test_any_content_is_read_as_it_is_and_windows_newlines_do_not_matter(contents, windows):
    newline = b"\r\n" if windows else b"\n"
    stream = b"".join(
        newline.join([b"WARC/1.1", b"content-length : %d" % len(content), b"", content, b"", b""])
        for content in contents
    )
    found = list(warc_records(io.BytesIO(stream), "cc", longest=100))
    assert [(each.number, each.content) for each in found] == list(enumerate(contents, 1))


@pytest.mark.peers
@given(st.lists(st.text(st.characters(codec="utf-8"), max_size=40)))
def test_fastwarc_reads_the_same(texts):
    warc = pytest.importorskip("fastwarc.warc")
    content = INFO + b"".join(record(number, json.dumps(text)) for number, text in enumerate(texts))
    ours = [
        (each.field("WARC-Record-ID"), each.content.decode())
        for each in warc_records(io.BytesIO(content), "cc", longest=1000)
    ]
    theirs = [(each.record_id, each.reader.read().decode()) for each in warc.ArchiveIterator(io.BytesIO(content))]
    assert ours == theirs

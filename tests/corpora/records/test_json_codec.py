import json
import random

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from nonplus.corpora.records import RecordFields, json_codec, json_objects
from nonplus.corpora.records.json_codec import exactly, in_json
from nonplus.corpora.records.json_objects import objects_of
from nonplus.corpora.records.lines import Block

BYTES = [
    b'{"a": NaN}',
    b'{"a": Infinity}',
    b'{"a": -Infinity}',
    b'{"a": 1e400}',
    b'{"a": 1, "a": 2}',
    b'{"a": -0}',
    b'{"a": "\\ud83d\\ude00"}',
    b'{"a": "\\ud83d"}',
    b'{"\\udc00": 1}',
    b'{"a": "\\ud800", "a": 1}',
    b'{"a": "\\\\ud800"}',
    b'{"a": "\xed\xa0\x80"}',
    b'{"a": "\xff"}',
    b'{"a": "\x00"}',
    b'{"a": "\\u0000"}',
    b'{"a": "\x7f"}',
    b'{"a": "tab\there"}',
    b'\xef\xbb\xbf{"a": 1}',
    b"\xff\xfe{\x00}\x00",
    b"{\x00}\x00",
    b'{"a": 01}',
    b'{"a": 1.}',
    b'{"a": .5}',
    b'{"a": +1}',
    b'{"a": 1,}',
    b'{"a": 1} x',
    b'{"a": 1}{"b": 2}',
    b"{'a': 1}",
    b'{"a": "\\x41"}',
    b'{"a": "\\u12"}',
    b'{"a": \x0b1}',
    b'{"a": \xc2\xa01}',
    b'{"a": ' + b"[" * 199 + b"]" * 199 + b"}",
    b'{"a": ' + b"[" * 200 + b"]" * 200 + b"}",
    b'{"a": ' + b"[" * 100_000,
    b'{"a": "' + b"[{" * 1000 + b'"}',
    b'{"a": "\\"' + b"[{" * 1000 + b'\\\\"}',
    b'{"a": "\\\\\\"' + b"[{" * 1000 + b'"}',
    b'{"b": ' + b"[" * 900 + b"]" * 900 + b', "b": 1}',
    b'{"a": ' + b"9" * 310 + b"}",
    b'{"a": ' + b"9" * 5000 + b"}",
    b"",
    b"{",
    b"[1]",
    b"7",
    b'"a"',
    b"null",
]
SCALARS = st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False) | st.text()
NAMES = st.sampled_from("abc") | st.text()
OBJECTS = st.dictionaries(
    NAMES, st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(NAMES, inner), max_leaves=8)
)


def outcome(*records: bytes):
    fields = RecordFields(text="a", id="b", taken=("c",))
    found = objects_of(Block(0, len(records), range(len(records)), [*records], []), fields)
    return found.texts, found.attributes, found.places, found.rejected


def is_same(*records: bytes) -> bool:
    """Whether orjson and Python's own parser give the same."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_objects, "fast_parser", lambda: exactly)
        expected = outcome(*records)
    return outcome(*records) == expected


@pytest.mark.parametrize("record", BYTES, ids=lambda record: repr(record[:30]))
def test_a_record_that_tempts_parsers_to_differ_gives_the_same_with_orjson_and_without(record):
    pytest.importorskip("orjson")
    assert is_same(record)
    assert is_same(b'{"a": "1"}', record, b'{"a": "2"}')


@given(OBJECTS, st.booleans(), st.randoms(use_true_random=False))
def test_valid_and_damaged_records_give_the_same_with_orjson_and_without(value, ascii_only, chance):
    pytest.importorskip("orjson")
    record = json.dumps(value, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass")
    assert is_same(record, damaged(record, chance), damaged(record, chance), record)


def damaged(record: bytes, chance: random.Random) -> bytes:
    """A byte replaced, left out or put in."""
    place = chance.randrange(len(record))
    new = bytes([chance.choice(b'{}[]",:\\u0d8eE+-.\x00\x1f\x7f\x80\xed\xff ')])
    return record[:place] + chance.choice([new, b"", new + record[place : place + 1]]) + record[place + 1 :]


def test_an_integer_of_any_size_is_read_exactly():
    assert exactly(b'{"a": 123456789012345678901234567890}') == {"a": 123456789012345678901234567890}


@given(st.lists(st.floats()))
@example([0.0, -0.0, 1e-4, 9.99e-5, 1e16, 9999999999999998.0, 5e-324, 1.7e308, float("inf"), float("nan")])
def test_a_float_is_written_as_python_writes_it_and_null_if_it_is_not_finite(values):
    expected = [repr(value).encode() if np.isfinite(value) else b"null" for value in values]
    assert in_json(np.array(values, np.float64)) == expected
    assert in_json(values) == expected
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_codec, "_dumps", lambda: json_codec._plainly)
        assert in_json(np.array(values, np.float64)) == expected


@given(st.lists(st.none() | st.booleans() | st.integers() | st.text() | st.floats(allow_nan=False)))
def test_values_of_any_kind_are_written_as_json(values):
    assert [json.loads(value) for value in in_json(values)] == [
        None if isinstance(value, float) and np.isinf(value) else value for value in values
    ]


@given(st.lists(st.integers(-(2**63), 2**63 - 1)))
def test_integers_are_written_with_all_their_digits(values):
    assert in_json(np.array(values, np.int64)) == [str(value).encode() for value in values]
    assert in_json(np.array([value > 0 for value in values], bool)) == [
        b"true" if value > 0 else b"false" for value in values
    ]

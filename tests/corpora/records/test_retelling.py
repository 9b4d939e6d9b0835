"""The text of an object of JSON is replaced, and nothing else in it."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nonplus.corpora.records.retelling import with_text

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
NAMES = st.sampled_from(["text", "a", "b.text", "b", "é", 'quo"te', ""])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=8,
)
PLACE = "here and nowhere else"
LAYOUTS = st.sampled_from([{}, {"separators": (",", ":")}, {"indent": 1}, {"sort_keys": True}])


@given(st.dictionaries(NAMES, VALUES), st.sampled_from(["text", "b.text"]), TEXT, TEXT, LAYOUTS)
def test_only_the_value_of_the_field_changes(row, field, old, new, layout):
    if field in row or field == "text":
        row[field] = PLACE
    else:
        row["b"] = {"a": 1, "text": PLACE, "z": [2.50]}
    before, after = json.dumps(row, **layout).split(json.dumps(PLACE))
    record, changed = (f"{before}{json.dumps(text, ensure_ascii=False)}{after}".encode() for text in (old, new))
    assert with_text(record, field, new) == changed


@pytest.mark.parametrize(
    ("record", "field", "expected"),
    [
        ('{"text":"a","n":1.50}', "text", '{"text":"Ω","n":1.50}'),
        ('{ "n" : [1, {"text":2}] ,\t"text" : "a" }', "text", '{ "n" : [1, {"text":2}] ,\t"text" : "Ω" }'),
        ('{"text":"a","text":"b"}', "text", '{"text":"a","text":"Ω"}'),
        ('{"t\\u0065xt":"a"}', "text", '{"t\\u0065xt":"Ω"}'),
        ('{"b":{"text":"a"},"b.text":"b"}', "b.text", '{"b":{"text":"a"},"b.text":"Ω"}'),
        ('{"b":{"c":{},"text":"a"}}', "b.text", '{"b":{"c":{},"text":"Ω"}}'),
        ('{"b":1,"b":{"text":"a"}}', "b.text", '{"b":1,"b":{"text":"Ω"}}'),
        ('{"text":"\\ud83d\\ude00 \\/","x":"\\u00e9"}', "text", '{"text":"Ω","x":"\\u00e9"}'),
    ],
)
def test_the_other_bytes_stay_as_they_are(record, field, expected):
    assert with_text(record.encode(), field, "Ω").decode() == expected

"""A manifest says what is in a bundle, and is refused where it does not fit itself."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nonplus.errors import BadModel
from nonplus.models.ngram.manifest import File, Manifest, Training

names = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
numbers = st.floats(allow_nan=False, allow_infinity=False)
json_values = st.recursive(st.none() | st.booleans() | st.integers() | names, lambda inner: st.lists(inner, max_size=3))
trainings = st.builds(
    Training,
    text_sha256=names,
    bytes=st.integers(0),
    tokens=st.integers(0),
    options=st.dictionaries(names, json_values, max_size=3),
    discounts=st.lists(st.tuples(numbers, numbers, numbers), max_size=3).map(tuple),
)
manifests = st.builds(
    Manifest,
    rules=st.dictionaries(names, json_values, max_size=3),
    rules_identity=names,
    order=st.integers(1, 6),
    counts=st.lists(st.integers(0), max_size=6).map(tuple),
    vocabulary=st.integers(3),
    bits=st.sampled_from([0, 2, 8, 16]),
    ngrams=names,
    files=st.dictionaries(names, st.builds(File, bytes=st.integers(0), sha256=names), max_size=3),
    training=st.none() | trainings,
    quantiles=st.none() | st.dictionaries(names, st.dictionaries(names, numbers, max_size=3), max_size=2),
)


@given(manifests)
def test_a_manifest_comes_back_from_its_json(manifest: Manifest) -> None:
    assert Manifest.from_json(manifest.to_json()) == manifest


def held() -> dict[str, Any]:
    manifest = Manifest(
        rules={"normalizer": "raw-1"},
        rules_identity="ef",
        order=2,
        counts=(5, 7),
        vocabulary=5,
        bits=0,
        ngrams="ngrams.table",
        files={"words.txt": File(bytes=3, sha256="ab")},
        training=Training(text_sha256="cd", bytes=1, tokens=2, discounts=((0.5, 1.0, 1.5),)),
    )
    return json.loads(manifest.to_json())


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        (["format"], 2, r"format=2, and this nonplus reads format=1"),
        (["kind"], "hf", r"kind='hf', where it is one of 'ngram'"),
        (["order"], "5", r"order='5', where it is a whole number"),
        (["order"], True, r"order=True, where it is a whole number"),
        (["counts"], 7, r"counts=7, where it is a list"),
        (["counts", 1], 1.5, r"counts\[1\]=1.5, where it is a whole number"),
        (["rules"], [], r"rules=\[\], where it is an object"),
        (["files", "words.txt"], {"bytes": 3}, r"no field 'files.words.txt.sha256'"),
        (["training", "discounts", 0, 2], None, r"training.discounts\[0\]\[2\]=None, where it is a number"),
        (["quantiles"], {"en": {"0.3": "low"}}, r"quantiles.en.0.3='low', where it is a number"),
        (["weights"], 1, r"a field 'weights', which format 1 has not"),
        (["training", "case"], "lower", r"a field 'training.case', which format 1 has not"),
    ],
)
def test_a_field_of_a_wrong_kind_is_named(path: list[Any], value: Any, said: str) -> None:
    whole = held()
    inner = whole
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    with pytest.raises(BadModel, match=said):
        Manifest.from_json(json.dumps(whole))


@pytest.mark.parametrize(
    "missing", ["rules", "rules_identity", "order", "counts", "vocabulary", "bits", "ngrams", "files"]
)
def test_a_missing_field_is_named(missing: str) -> None:
    whole = held()
    del whole[missing]
    with pytest.raises(BadModel, match=f"no field '{missing}', which each has"):
        Manifest.from_json(json.dumps(whole))


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "[" * 5000, '{"format": 1e999}', "\ufeff{}"])
@pytest.mark.filterwarnings("error")
def test_what_is_no_manifest_is_refused(text: str) -> None:
    with pytest.raises(BadModel, match="manifest"):
        Manifest.from_json(text)

"""The scores of a unit come back from their file as they were."""

import io
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nonplus.errors import BadInput
from nonplus.filtering.rules.scored import Scored
from nonplus.filtering.units.score_files import keys_of, read, written

arrow = pytest.importorskip("pyarrow")
TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
ROWS = st.lists(st.tuples(st.floats(), st.integers(0, 2**40), st.none() | TEXTS, st.binary()), max_size=20)


@given(ROWS)
def test_scores_attributes_keys_and_places_come_back(rows):
    nats, tokens, languages, keys = map(list, zip(*rows, strict=True)) if rows else ([], [], [], [])
    columns = {"nats": np.array(nats, np.float64), "tokens": np.array(tokens, np.int64)}
    scored = Scored(columns=columns, attributes={"language": languages}, keys=keys)
    places, back = read(written(np.arange(len(rows)), scored), "a")
    assert places.tolist() == list(range(len(rows)))
    assert {name: values.tobytes() for name, values in back.columns.items()} == {
        name: values.tobytes() for name, values in columns.items()
    }
    assert [back.attributes["language"], back.keys] == [languages, keys]


def test_the_file_is_valid_arrow():
    scored = Scored(columns={"tokens": np.array([3])}, attributes={"id": ["é"]}, keys=[b"k"])
    table = arrow.ipc.open_file(io.BytesIO(written(np.array([7]), scored))).read_all()
    table.validate(full=True)
    assert table.to_pylist() == [{"place": 7, "id": "é", "key": b"k", "tokens": 3}]


@pytest.mark.parametrize("spoil", [lambda content: content[:-9], lambda content: b"", lambda content: b"ARROW1" * 9])
def test_a_damaged_file_is_named(spoil):
    content = written(np.array([7]), Scored(columns={"tokens": np.array([3])}, keys=[b"k"]))
    with pytest.raises(BadInput, match=r"^scores/x\.arrow is damaged"):
        read(spoil(content), "scores/x.arrow")


def test_a_record_is_known_by_its_id_or_by_its_text():
    assert keys_of(["a", "b"], {"id": ["x", None]}) == [b"x", keys_of(["b"], {})[0]]
    assert keys_of(["a"], {}) != keys_of(["b"], {})


def test_writing_scores_does_not_load_pandas():
    script = (
        "import sys, numpy as np\n"
        "from nonplus.filtering.rules.scored import Scored\n"
        "from nonplus.filtering.units.score_files import written\n"
        "written(np.array([7]), Scored(columns={'tokens': np.array([3])}, attributes={'id': ['a']}, keys=[b'k']))\n"
        "print('pandas' in sys.modules)"
    )
    assert (
        subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout == "False\n"
    )

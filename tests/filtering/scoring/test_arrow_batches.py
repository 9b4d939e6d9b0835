"""Tables of Arrow in, the same tables with figures out."""

import multiprocessing
import pickle
import subprocess
import sys
import textwrap

import numpy as np
import pytest
from doubles import History
from hypothesis import given
from hypothesis import strategies as st

import nonplus
from nonplus.errors import BadInput

pa = pytest.importorskip("pyarrow")

SCORER = nonplus.Scorer()
TEXTS = ["It was a bright cold day.", "", "caf\u00e9 \u6f22", None, "qzx \0 qqq", " \n", "x" * 300]
NAMES = [
    "bits_per_byte",
    "perplexity",
    "nats",
    "tokens",
    "bytes",
    "unknown_rate",
    "standard_error",
    "worst_window",
    "worst_window_at",
    "model",
]


def expected(texts, scorer=SCORER):
    """The figures of each text from those of texts of Python."""
    figures = scorer.columns([text or "" for text in texts]).as_dict()
    rows = []
    for place, text in enumerate(texts):
        own = {name: column[place].item() for name, column in figures.items()}
        none = {name for name, value in own.items() if text is None or value != value}
        none |= {"worst_window_at"} if "worst_window" in none else set()
        rows.append({name: None if name in none else value for name, value in own.items()})
    return rows


def figures(table, prefix="nonplus_"):
    """The figures that a table has, row by row, without the name of the model."""
    own = [name for name in table.column_names if name.startswith(prefix) and not name.endswith("model")]
    return [{name.removeprefix(prefix): value for name, value in row.items()} for row in table.select(own).to_pylist()]


def forms(texts):
    """Columns of Arrow that hold the same texts."""
    plain = pa.array(texts, pa.string())
    yield "string", plain
    yield "large_string", plain.cast(pa.large_string())
    yield "string_view", plain.cast(pa.string_view())
    yield "dictionary", plain.dictionary_encode()
    yield "dictionary of large strings", plain.cast(pa.large_string()).dictionary_encode()
    yield "chunks", pa.chunked_array([plain[:2], plain[2:2], plain[2:]])
    yield "slice", pa.array(["\u00e9 before", None, *texts, "after"], pa.string())[2:-1]
    yield "slice of chunks", pa.chunked_array([["before"], texts, ["after"]], pa.string())[1:-1]


@pytest.mark.parametrize(("kind", "column"), list(forms(TEXTS)), ids=[name for name, _ in forms(TEXTS)])
def test_any_column_of_text_has_the_figures_of_its_texts(kind, column):
    table = pa.table({"id": list(range(len(TEXTS))), "text": column})
    found = SCORER.score_batch(table)
    assert found.column_names == ["id", "text", *(f"nonplus_{name}" for name in NAMES)]
    assert found.select(["id", "text"]).equals(table)
    assert figures(found) == expected(TEXTS)
    assert found["nonplus_model"].to_pylist() == ["bundled:ngram"] * len(TEXTS)


@given(st.lists(st.none() | st.text(st.characters(exclude_categories=["Cs"]), max_size=30), max_size=6), st.data())
def test_a_table_in_any_chunks_has_the_same_figures(texts, data):
    cuts = sorted(data.draw(st.lists(st.integers(0, len(texts)), max_size=3)))
    chunks = [texts[a:b] for a, b in zip([0, *cuts], [*cuts, len(texts)], strict=True)]
    found = SCORER.score_batch(pa.table({"text": pa.chunked_array(chunks, pa.string())}))
    assert figures(found) == expected(texts)


def test_a_window_model_scores_tables_too():
    scorer = nonplus.Scorer(History())
    assert figures(scorer.score_batch(pa.table({"text": TEXTS}))) == expected(TEXTS, scorer)


def test_a_record_batch_comes_back_as_a_table():
    found = SCORER.score_batch(pa.record_batch({"text": TEXTS}))
    assert isinstance(found, pa.Table)
    assert figures(found) == expected(TEXTS)


def test_a_table_without_rows_gets_the_columns():
    for empty in (pa.table({"text": pa.array([], pa.string())}), pa.table({"text": pa.chunked_array([], pa.string())})):
        found = SCORER.score_batch(empty)
        assert found.num_rows == 0
        assert found.column_names == ["text", *(f"nonplus_{name}" for name in NAMES)]


def test_a_column_of_nulls_has_no_figures():
    found = SCORER.score_batch(pa.table({"text": pa.nulls(3)}))
    assert all(value is None for row in figures(found) for value in row.values())


def test_the_column_and_the_prefix_can_be_others():
    found = SCORER.score_batch(pa.table({"body": TEXTS}), text="body", prefix="")
    assert found.column_names == ["body", *NAMES]


def test_figures_do_not_depend_on_pythons_memory():
    table = pa.table({"text": ["some words of a text", "others"] * 20_000})
    SCORER.score_batch(table)
    before = sys.getallocatedblocks()
    found = SCORER.score_batch(table)
    assert sys.getallocatedblocks() - before < 2_000  # no object for a row
    assert found.num_rows == 40_000


@pytest.mark.parametrize(
    ("batch", "message"),
    [
        (pa.table({"texts": ["a"]}), r"no column 'text'; its columns are texts; did you mean text=texts"),
        (pa.table({"text": [1, 2]}), r"'text' is of type int64, where text is needed"),
        (pa.table({"text": [b"a"]}), r"'text' is of type binary"),
        (pa.table({"text": ["a"], "nonplus_nats": [1]}), r"a column 'nonplus_nats' already.*another prefix=…"),
        (["a"], r"a batch is of type list, where a table of Arrow is needed"),
    ],
)
def test_what_cannot_be_scored_is_refused(batch, message):
    with pytest.raises(BadInput, match=message):
        SCORER.score_batch(batch)


def test_bytes_that_are_no_text_are_refused():
    bad = pa.Array.from_buffers(
        pa.string(), 1, [None, pa.py_buffer(np.array([0, 3], np.int32)), pa.py_buffer(b"a\xff\xfe")]
    )
    with pytest.raises(BadInput, match=r"no UTF-8"):
        SCORER.score_batch(pa.table({"text": bad}))


def test_a_scorer_goes_to_another_process_by_the_name_of_its_model():
    data = pickle.dumps(SCORER)
    assert len(data) < 2_000
    assert figures(pickle.loads(data).score_batch(pa.table({"text": TEXTS}))) == expected(TEXTS)
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert figures(pool.apply(SCORER.score_batch, [pa.table({"text": TEXTS})])) == expected(TEXTS)


@pytest.mark.slow
def test_ray_data_maps_it_over_batches(tmp_path):
    """In a process of its own, which is ended if Ray waits for ever."""
    pytest.importorskip("ray.data")
    pytest.importorskip("pandas")
    script = """
        import nonplus, ray
        ray.init(num_cpus=3, include_dashboard=False, log_to_driver=False)
        rows = ray.data.from_items([{"text": text} for text in ["some words", "qzx qqq", "others"]])
        scored = rows.map_batches(nonplus.Scorer().score_batch, batch_format="pyarrow", concurrency=1)
        for row in sorted(scored.take_all(), key=lambda row: row["text"]):
            print(row["text"], row["nonplus_bits_per_byte"])
    """
    run = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", textwrap.dedent(script)],
        capture_output=True,
        text=True,
        timeout=300,
        cwd=tmp_path,
    )
    assert run.returncode == 0, run.stderr[-3000:]
    texts = ["others", "qzx qqq", "some words"]
    bits = SCORER.columns(texts).bits_per_byte.tolist()
    assert run.stdout.splitlines() == [f"{text} {own}" for text, own in zip(texts, bits, strict=True)]

"""What Python hands over as documents."""

import math
from pathlib import Path

import numpy as np
import pytest

import nonplus
from nonplus import BadInput, BadModel, BadProtocol, Document, evaluate, open_corpus, score
from nonplus.corpora import CorpusOptions

TEXTS = ["some text", "more text"]
NATS = evaluate(TEXTS, model="uniform:256").nats


def pandas():
    return pytest.importorskip("pandas").DataFrame({"text": TEXTS, "n": [1, 2]})


def arrow():
    return pytest.importorskip("pyarrow").table({"text": TEXTS, "n": [1, 2]})


def datasets():
    return pytest.importorskip("datasets").Dataset.from_dict({"text": TEXTS, "n": [1, 2]})


TABLES = {
    "pandas": pandas,
    "arrow": arrow,
    "datasets": datasets,
    "columns": lambda: {"text": TEXTS, "n": [1, 2]},
    "an array of columns": lambda: {"text": np.array(TEXTS, object)},
}
COLUMNS = {
    "pandas column": lambda: pandas()["text"],
    "arrow column": lambda: arrow()["text"],
    "datasets column": lambda: datasets()["text"],
    "rows": lambda: [{"text": text, "n": None} for text in TEXTS],
    "a stream of rows": lambda: (
        pytest.importorskip("datasets").Dataset.from_dict({"text": TEXTS}).to_iterable_dataset()
    ),
    "array": lambda: np.array(TEXTS),
    "tuple": lambda: tuple(TEXTS),
    "generator": lambda: (text for text in TEXTS),
    "documents": lambda: [Document(text=text) for text in TEXTS],
}


@pytest.mark.parametrize("form", [*TABLES, *COLUMNS])
def test_the_texts_of_tables_columns_rows_and_iterables_are_measured(form):
    documents = (TABLES | COLUMNS)[form]()
    assert evaluate(documents, model="uniform:256").nats == NATS


@pytest.mark.parametrize("form", TABLES)
def test_another_column_is_chosen_by_selecting_it_or_by_the_options_of_a_corpus(form):
    table = TABLES[form]()
    with pytest.raises(BadInput, match=r"no column 'body' \(field\); its columns are 'text'.*table\['text'\].*field=…"):
        open_corpus(table, options=CorpusOptions(field="body"))
    corpus = open_corpus(table, options=CorpusOptions(field="text"))
    assert [document.id for document in corpus] == ["the table:0", "the table:1"]
    assert corpus.source == "your table (field text), 2 documents"


def test_a_table_without_a_column_text_is_refused_and_not_scored_by_its_column_names():
    frame = pytest.importorskip("pandas").DataFrame({"body": TEXTS})
    with pytest.raises(BadInput, match=r"the table has no column 'text' .* 'body'"):
        evaluate(frame, model="uniform:256")


@pytest.mark.parametrize(
    ("documents", "message"),
    [
        (None, "the documents are null"),
        (5, "the documents are of type int"),
        (b"bytes", r"bytes, where text is needed; decode them"),
        (["one", None], "item 2 of the documents is null"),
        (["one", math.nan], "item 2 of the documents is NaN"),
        ([b"one"], "item 1 of the documents is of type bytes"),
        ([["one"]], "item 1 of the documents is of type list"),
        (str, "the documents are of type type"),
        ({"text": ["one", None]}, "the table, at row 1: the field 'text' is null"),
        ({"text": ["one", math.nan]}, "the table, at row 1: the field 'text' is NaN"),
        ({"text": ["one"], "n": [1, 2]}, None),
        ({"text": "one"}, r"is no table of columns; if it is a row, pass \[row\]"),
        ({"train": {"text": ["one"]}}, r"several tables, 'train'; pass one of them, as in tables\['train'\]"),
        ([{"body": "one"}], "the rows, at row 1: no field 'text'"),
        ([{"text": 5}], "the rows, at row 1: the field 'text' is of type int"),
        ([Document(text=5)], "the text of document 1 is of type int"),  # type: ignore[arg-type]
        ([Document(text="one", id=5)], "the id of document 1 is of type int"),  # type: ignore[arg-type]
        ([Document(text="one", context="\ud83d")], "surrogate"),
        ([Document(text="one", id="\ud83d")], "surrogate"),
        ([Document(text="one", domain="\ud83d")], "surrogate"),
        ([Path("no such file")], "no such file"),
    ],
)
def test_whatever_is_not_text_is_refused_as_what_it_is(documents, message):
    if message is None:
        assert evaluate(documents, model="uniform:256").tally.documents == 1
        return
    with pytest.raises(BadInput, match=message):
        evaluate(documents, model="uniform:256")
    with pytest.raises(BadInput, match=message):
        list(score(documents, model="uniform:256"))


def test_columns_of_unequal_length_are_refused():
    with pytest.raises(BadInput, match=r"differ in length: .*make them equal"):
        open_corpus({"text": ["one"], "id": [1, 2]}, options=CorpusOptions(id_field="id"))


@pytest.mark.parametrize("name", ["ok.txt", "missing.jsonl", "book.epub", "a/b", "*.txt", "README"])
def test_a_lone_word_that_may_be_a_path_is_refused_with_what_to_pass_instead(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for existing in ("ok.txt", "README"):
        Path(existing).write_text("words in a file")
    with pytest.raises(BadInput, match="looks like a path; pass Path") as refused:
        evaluate(name, model="uniform:256")
    assert f"Path({name!r})" in str(refused.value)
    assert f"[{name!r}]" in str(refused.value)
    assert evaluate([name], model="uniform:256").tally.bytes == len(name) - 1


def test_a_lone_source_is_refused_with_how_to_open_it():
    with pytest.raises(BadInput, match=r"pass open_corpus\('hub:owner/name'\) to read it"):
        evaluate("hub:owner/name", model="uniform:256")


def test_paths_in_an_iterable_are_read(tmp_path):
    for name, text in zip("ab", TEXTS, strict=True):
        (tmp_path / f"{name}.txt").write_text(text)
    report = evaluate(sorted(tmp_path.glob("*.txt")), model="uniform:256")
    assert (report.nats, report.source) == (NATS, "2 documents")


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"model": 5}, BadModel),
        ({"model": None}, BadModel),
        ({"model": (5, 6)}, BadModel),
        ({"model": ()}, BadModel),
        ({"protocol": 5}, BadProtocol),
        ({"protocol": "x"}, BadProtocol),
        ({"options": {}}, BadInput),
        ({"options": "x"}, BadInput),
        ({"until": None}, BadProtocol),
        ({"until": "x"}, BadProtocol),
        ({"until": math.nan}, BadProtocol),
        ({"level": "x"}, BadInput),
        ({"level": None}, BadInput),
    ],
)
def test_every_argument_of_the_wrong_type_is_refused_by_an_error_of_ours(arguments, error):
    with pytest.raises(error, match=r"\w got|got \w|; \w+"):
        evaluate("some text", **{"model": "uniform:256"} | arguments)


@pytest.mark.parametrize("source", [None, 5, b"a.txt", ["a.txt"]])
def test_a_source_of_the_wrong_type_is_refused(source):
    with pytest.raises(BadInput, match=r"a source is .*pass them as they are to evaluate"):
        open_corpus(source)


def test_a_report_says_first_what_was_read(tmp_path):
    path = tmp_path / "news.jsonl"
    path.write_text('{"text": "some text"}\n{"text": "more text"}\n')
    (tmp_path / "notes").mkdir()
    for name in "ab":
        (tmp_path / "notes" / f"{name}.txt").write_text("words")
    read = {
        f"{path} (field text), 2 documents": path,
        f"{tmp_path / 'notes'} (2 files), 2 documents": tmp_path / "notes",
        f"{path} (field text), the first 1 document": open_corpus(path, options=CorpusOptions(limit=1)),
        "your text": "some text",
        "2 texts": TEXTS,
        "1 document": Document(text="some text"),
        "your table (field text), 2 documents": {"text": TEXTS},
    }
    for expected, documents in read.items():
        report = nonplus.evaluate(documents, model="uniform:256")
        assert next(report.lines()) == ("read", expected)
        assert report.to_dict()["source"] == expected


@pytest.mark.parametrize(
    "choices", [{"stride": "x"}, {"window": None}, {"window": 1.5}, {"joiner": 5}, {"name": 5}, {"stride": True}]
)
def test_a_choice_of_a_protocol_of_the_wrong_type_is_refused(choices):
    (name,) = choices
    with pytest.raises(BadProtocol, match=rf"{name}=.* is not (a whole number|text); use {name}="):
        nonplus.Protocol(**choices)


def test_a_protocol_is_named_by_text():
    with pytest.raises(BadProtocol, match="named by text, got 5"):
        nonplus.Protocol.named(5)  # type: ignore[arg-type]


def test_an_empty_mapping_is_no_table():
    with pytest.raises(BadInput, match="the table has no columns"):
        evaluate({}, model="uniform:256")


def test_a_nul_character_in_the_folder_of_answers_is_refused():
    with pytest.raises(BadInput, match="NUL character, which no path has"):
        nonplus.RunOptions(resume=Path("a\0b"))


def test_how_to_load_a_model_is_one_record():
    with pytest.raises(BadModel, match="loading is of type dict; pass a Loading"):
        nonplus.open_model("uniform:256", loading={"dtype": "bfloat16"})  # type: ignore[arg-type]

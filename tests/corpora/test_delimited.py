"""Tables as text."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nonplus.corpora import CorpusOptions, Rejected, open_corpus
from nonplus.errors import BadRecord
from nonplus.measure.records import Document


def test_words_for_missing_values_and_numbers_are_texts(tmp_path, read):
    path = tmp_path / "null.csv"
    path.write_text("id,text\n1,hello there\n2,null\n3,NA\n4,None\n5,nan\n6,12\n")
    assert [document.text for document in read(str(path))] == ["hello there", "null", "NA", "None", "nan", "12"]


@pytest.mark.parametrize(("name", "mark"), [("rows.csv", ","), ("rows.csv", ";"), ("rows.tsv", "\t")])
def test_the_header_tells_fields_and_delimiter(tmp_path, name, mark, read):
    path = tmp_path / name
    path.write_text(f"slug{mark}body\r\none{mark}a text\r\n\r\ntwo{mark}{'b text'!r}\r\n", newline="")
    assert read(str(path), field="body", id_field="slug") == [
        Document(text="a text", id="one"),
        Document(text="'b text'", id="two"),
    ]


CELLS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\ufeff"), min_size=1)


@given(rows=st.lists(CELLS.filter(lambda text: not text.isspace()), min_size=1), mark=st.sampled_from(",;\t"))
def test_what_the_csv_writer_of_python_writes_comes_back(tmp_path_factory, rows, mark):
    file = io.StringIO(newline="")
    writer = csv.writer(file, delimiter=mark, quoting=csv.QUOTE_ALL)
    writer.writerows([["id", "text"], *([number, text] for number, text in enumerate(rows))])
    path = tmp_path_factory.mktemp("law") / "rows.csv"
    path.write_bytes(file.getvalue().encode())
    corpus = open_corpus(path, options=CorpusOptions(id_field="id"))
    assert [(document.id, document.text) for document in corpus] == [(str(n), text) for n, text in enumerate(rows)]


def test_a_text_longer_than_the_limit_of_pythons_reader_is_read_and_that_limit_stays(tmp_path, read):
    before = csv.field_size_limit()
    path = tmp_path / "long.csv"
    path.write_text(f"text\n{'x' * 200_000}\n")
    assert [len(document.text) for document in read(str(path))] == [200_000]
    assert csv.field_size_limit() == before


def test_a_header_alone_has_no_documents(tmp_path, read):
    (tmp_path / "a.csv").write_text("id,text\n")
    with pytest.raises(ValueError, match="has no text: it has no documents"):
        read(str(tmp_path / "a.csv"))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("id,body\n1,words\n", r"in its header: no field 'text'; its fields are 'id', 'body'; .*field="),
        ("text,text\na,b\n", "two fields are named 'text'"),
        ("id,text\n1,a,b\n", "at line 2: 3 values, where the header names 2 fields"),
        ("id,text\n1,one\n2\n", "at line 3: 1 value, where"),
        ('text\n"a" b\n', "at line 2: not a row of delimited text"),
        ('text\n"never closed\nwords\n', "at line 2: not a row of delimited text, unexpected end"),
        ("text\none\rtwo\n", "at line 2: not a row of delimited text, new-line character"),
    ],
)
def test_what_is_no_table_is_refused_with_its_line(tmp_path, content, message, read):
    path = tmp_path / "rows.csv"
    path.write_bytes(content.encode())
    with pytest.raises(BadRecord, match=message):
        read(str(path))


def test_a_bad_row_over_several_lines_is_skipped_and_handed_over_whole(tmp_path):
    path = tmp_path / "rows.csv"
    path.write_text('id,text\n1,one\n2,"two\nlines",more\n3,three\n4\n')
    found: list[Rejected] = []
    corpus = open_corpus(path, options=CorpusOptions(on_bad_row="skip"), rejects=found.append)
    assert [(document.id, document.text) for document in corpus] == [(f"{path}:2", "one"), (f"{path}:5", "three")]
    assert [each.place for each in found] == [f"{path}, at line 3", f"{path}, at line 6"]
    assert [each.row for each in found] == ['2,"two\nlines",more', "4"]


def test_what_is_left_of_a_row_that_is_not_utf8_is_no_row(tmp_path):
    path = tmp_path / "rows.csv"
    path.write_bytes(b'text\none\n"two\nl\xffnes\nof text"\nthree\n')
    found: list[Rejected] = []
    corpus = open_corpus(path, options=CorpusOptions(on_bad_row="skip"), rejects=found.append)
    assert [document.text for document in corpus] == ["one", "three"]
    assert [each.row for each in found] == ['"two\nl\\xffnes\nof text"']
    assert "rows.csv is not UTF-8: byte 0xff at offset 15" in found[0].reason


@pytest.mark.parametrize("on_bad_row", ["stop", "skip"])
def test_a_row_of_several_lines_that_is_too_long_ends_the_reading(tmp_path, on_bad_row):
    """Where it ends is not known, and its lines are no rows."""
    path = tmp_path / "rows.csv"
    path.write_text('text\none\n"' + "two\n" * 50 + '"\nthree\n')
    corpus = iter(open_corpus(path, options=CorpusOptions(on_bad_row=on_bad_row, max_bytes=100)))
    assert next(corpus).text == "one"
    with pytest.raises(BadRecord, match=r"rows\.csv, at line 3: the row is longer than max_bytes=100, "):
        next(corpus)

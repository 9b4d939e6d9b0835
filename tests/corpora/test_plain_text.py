import io
import os
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nonplus.corpora import CorpusOptions, open_corpus
from nonplus.corpora.decoding import lines, whole_text
from nonplus.errors import BadInput, BadRecord
from nonplus.measure.records import Document


@pytest.fixture
def pipe_in(monkeypatch):
    def put(data: bytes) -> None:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data), encoding="ascii"))

    return put


def test_a_literal_text_is_one_unchanged_document(read):
    assert read("text: A fox. ") == [Document(text=" A fox. ", id="text")]


def test_a_file_is_one_document_with_its_path_as_id(tmp_path, read):
    path = tmp_path / "notes.txt"
    path.write_bytes("Füchse\r\nund\rHunde\n".encode())
    assert read(str(path)) == [Document(text="Füchse\r\nund\rHunde\n", id=str(path))]


def test_a_file_that_is_too_long_is_told_to_be_read_by_lines(tmp_path):
    (path := tmp_path / "long.txt").write_text("one\ntwo\n")
    with pytest.raises(BadInput, match=r"longer than max_bytes=4, .* name its lines as documents, with lines:FILE"):
        list(open_corpus(path, options=CorpusOptions(max_bytes=4)))


def test_lines_are_documents_with_their_numbers_as_ids(tmp_path, read):
    path = tmp_path / "sentences"
    path.write_bytes("One.\nTwo\u2028still two.\r\n\nThree.".encode())
    assert read(f"lines:{path}") == [
        Document(text="One.", id=f"{path}:1"),
        Document(text="Two\u2028still two.", id=f"{path}:2"),
        Document(text="Three.", id=f"{path}:4"),
    ]


def test_a_byte_order_mark_is_not_text_at_the_start_and_is_text_elsewhere(tmp_path, read):
    path = tmp_path / "marked.txt"
    path.write_bytes("\ufeffone\n\ufefftwo".encode())
    assert [document.text for document in read(str(path))] == ["one\n\ufefftwo"]
    assert [document.text for document in read(f"lines:{path}")] == ["one", "\ufefftwo"]


@given(st.text().map(lambda text: text.removeprefix("\ufeff")))
def test_a_text_comes_back_byte_for_byte_whole_and_in_lines(text):
    size = len(text.encode()) + 1
    assert whole_text(io.BytesIO(text.encode()), "x", max_bytes=size) == text
    assert "".join(line.text("x") for line in lines(io.BytesIO(text.encode()), max_bytes=size)) == text


def test_standard_input_is_one_document_in_utf8_whatever_the_locale(pipe_in, read):
    pipe_in("Füchse\r\n".encode())
    assert read("-") == [Document(text="Füchse\r\n", id="stdin")]


def test_standard_input_is_kept_for_a_second_pass(pipe_in):
    pipe_in(b"words")
    corpus = open_corpus("-")
    assert list(corpus) == list(corpus)


def test_standard_input_can_be_lines_or_rows(pipe_in, read):
    pipe_in(b"one\ntwo\n")
    assert [document.id for document in read("lines:-")] == ["stdin:1", "stdin:2"]
    pipe_in(b'{"text": "one"}\n')
    assert read("jsonl:-") == [Document(text="one", id="stdin:1")]


def test_rows_of_standard_input_cannot_be_read_twice_and_the_error_says_so(pipe_in):
    pipe_in(b"one\ntwo\n")
    corpus = open_corpus("lines:-")
    assert len(list(corpus)) == 2
    with pytest.raises(BadInput, match="standard input can be read only once"):
        list(corpus)


def test_a_file_without_text_is_not_taken_for_standard_input(tmp_path, read):
    (tmp_path / "blank.txt").write_text(" \n")
    with pytest.raises(BadInput, match=r"blank.txt has no text: [^(]*; check the file and the field$"):
        read(tmp_path / "blank.txt")


def test_empty_standard_input_is_refused(pipe_in, read):
    pipe_in(b"")
    with pytest.raises(BadInput, match="stdin has no text"):
        read("-")


def test_nothing_may_follow_the_scheme_of_standard_input():
    with pytest.raises(BadInput, match="nothing may follow stdin:, got 'rows'"):
        open_corpus("stdin:rows")


@pytest.mark.parametrize("source", ["text:", "text: \n"])
def test_a_literal_text_without_words_is_refused(source):
    with pytest.raises(BadInput, match="the text after text: is empty"):
        open_corpus(source)


def test_a_literal_text_that_is_not_utf8_on_the_command_line_is_refused(read):
    with pytest.raises(BadRecord, match=r"lone surrogate, U\+DCFF, at character 4"):
        read(os.fsdecode(b"text:caf\xff\xff").replace("text:caf", "text:caf "))


@pytest.mark.parametrize("scheme", ["file", "lines"])
def test_a_byte_that_is_not_utf8_is_reported_with_its_place_and_a_command_that_converts(tmp_path, read, scheme):
    path = tmp_path / "latin.txt"
    path.write_bytes(b"one\ncaf\xe9\n")
    with pytest.raises(BadRecord, match=r"latin\.txt is not UTF-8: byte 0xe9 at offset 7; .*iconv -f WINDOWS-1252"):
        read(f"{scheme}:{path}")


def test_the_offset_of_a_byte_counts_the_byte_order_mark(tmp_path, read):
    path = tmp_path / "latin.txt"
    path.write_bytes(b"\xef\xbb\xbfone\n\xe9\n")
    with pytest.raises(BadRecord, match="at offset 7"):
        read(f"lines:{path}")


def test_utf16_is_recognised_by_its_mark(tmp_path, read):
    path = tmp_path / "wide.txt"
    path.write_text("words", encoding="utf-16")
    with pytest.raises(BadRecord, match="iconv -f UTF-16"):
        read(str(path))


@pytest.mark.parametrize("scheme", ["file", "lines", "jsonl", "wikitext"])
def test_a_missing_file_is_reported_before_anything_is_read(scheme):
    with pytest.raises(BadInput, match=r"no such file: nowhere\.txt"):
        open_corpus(f"{scheme}:nowhere.txt")


@pytest.mark.parametrize("scheme", ["file", "lines", "jsonl", "wikitext"])
def test_a_folder_is_not_a_file(tmp_path, read, scheme):
    with pytest.raises(BadInput, match="is a folder, where a file is needed"):
        read(f"{scheme}:{tmp_path}")


def test_an_empty_file_is_refused(tmp_path, read):
    path = tmp_path / "empty.txt"
    path.touch()
    with pytest.raises(BadInput, match=r"empty\.txt has no text: 1 document, none with text"):
        read(str(path))


def test_a_file_that_may_not_be_read_is_refused_with_the_reason(open_folder, as_ordinary_user, read):
    path = open_folder / "secret.txt"
    path.write_text("words")
    path.chmod(0)
    with as_ordinary_user(), pytest.raises(BadInput, match=r"this user may not read .*secret\.txt"):
        read(str(path))


def test_a_path_that_is_not_valid_text_gets_a_valid_name(tmp_path, read):
    path = os.fsencode(tmp_path) + b"/caf\xe9.txt"
    with open(path, "w") as file:
        file.write("words")
    assert read(os.fsdecode(path))[0].id == f"{tmp_path}/caf?.txt"

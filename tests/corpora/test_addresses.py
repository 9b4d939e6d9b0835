import gzip
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nonplus.corpora.addresses import Address, addresses
from nonplus.errors import BadInput, SuspectInput


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def make(*paths: str) -> None:
    for path in map(Path, paths):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("words")


@pytest.mark.parametrize(
    ("path", "scheme"),
    [
        ("notes.txt", "file"),
        ("README.md", "file"),
        ("LICENSE", "file"),
        ("wiki.test.raw", "file"),
        ("rows.csv", "csv"),
        ("rows.tsv.xz", "csv"),
        ("notes.txt.bz2", "file"),
        ("corpus.tar", "archive"),
        ("corpus.TAR.GZ", "archive"),
        ("corpus.tgz", "archive"),
        ("corpus.zip", "archive"),
        ("rows.jsonl", "jsonl"),
        ("ROWS.JSONL", "jsonl"),
        ("rows.ndjson", "jsonl"),
        ("rows.jsonl.gz", "jsonl"),
        ("rows.jsonl.zst", "jsonl"),
        ("notes.txt.gz", "file"),
        ("notes.zst", "file"),
        ("rows.parquet", "parquet"),
        ("rows.parquet.gz", "parquet"),
        ("two words.txt", "file"),
        ("12:30", "file"),
    ],
)
def test_an_existing_file_is_read_by_its_suffix(path, scheme):
    make(path)
    assert addresses(path) == [Address(scheme, path)]


@pytest.mark.parametrize("path", ["rows.json", "rows.arrow", "rows.json.gz"])
def test_a_table_that_can_mean_several_things_is_refused_with_the_schemes(path):
    make(path)
    with pytest.raises(BadInput, match=r"several things.*dataset:.*jsonl:.*file:"):
        addresses(path)


def test_a_folder_means_its_readable_files_in_the_order_of_their_paths():
    make(
        "c/z.txt",
        "c/a/deep.md",
        "c/b.jsonl",
        "c/picture.png",
        "c/.hidden.txt",
        "c/.git/config.txt",
        "c/rows.parquet.gz",
    )
    with pytest.warns(SuspectInput, match="2 files of c left out"):
        found = addresses("c")
    assert found == [Address("file", "c/a/deep.md"), Address("jsonl", "c/b.jsonl"), Address("file", "c/z.txt")]


def test_a_folder_without_readable_files_is_refused_with_the_readable_suffixes():
    make("c/picture.png")
    with pytest.raises(BadInput, match=r"no files in \.txt, .*c/\*\.log"):
        addresses("c")


def test_a_pattern_means_the_files_that_match_it_whatever_their_suffix():
    make("logs/b.log", "logs/a.log", "logs/deep/c.log", "logs/d.txt")
    assert addresses("logs/*.log") == [Address("file", "logs/a.log"), Address("file", "logs/b.log")]
    assert addresses("logs/**/*.log")[-1] == Address("file", "logs/deep/c.log")


def test_a_pattern_may_have_spaces_if_its_suffix_is_known():
    make("my notes/a.txt")
    assert addresses("my notes/*.txt") == [Address("file", "my notes/a.txt")]


@pytest.mark.parametrize(
    "source",
    [
        "missing.txt",
        "missing file.txt",
        "data/missing",
        "/missing",
        "missing.json",
        "and/or",
        "book.epub",
        "wiki.test.raw",
        "song.mp3",
        "rows.csv",
        "corpus.tar.gz",
    ],
)
def test_what_looks_like_a_path_and_does_not_exist_is_not_scored_as_text(source):
    with pytest.raises(BadInput, match=r"no such file: .*text:"):
        addresses(source)


@pytest.mark.parametrize("source", ["*.nothing", "data/*.txt", "part-?.log", "part[12]", "my notes/*.txt"])
def test_a_pattern_that_matches_nothing_is_not_scored_as_text(source):
    with pytest.raises(BadInput, match=r"no file matches the pattern .*text:"):
        addresses(source)


@pytest.mark.parametrize(
    "source",
    [
        "Hello",
        "The quick brown fox jumps over the lazy dog.",
        "Is 1/2 less than 2/3?",
        "Note: this is a text.",
        "Why?",
        "Really?!",
        "etc.",
        "3.14",
        "U.S.",
        "Hello...",
        "see also\nnotes.txt",
        "the folder\nhas/a/path",
        "x" * 5000,
        "fragt: wie?",
    ],
)
def test_what_can_only_be_text_is_text(source):
    assert addresses(source) == [Address("text", source)]


def test_the_text_scheme_takes_anything_even_the_name_of_a_file():
    make("notes.txt")
    assert addresses("text:notes.txt") == [Address("text", "notes.txt")]


@given(st.text())
def test_the_text_scheme_works_for_every_text(text):
    assert addresses(f"text:{text}") == [Address("text", text)]


@pytest.mark.parametrize("source", ["lines:a b.txt", "jsonl:x.gz", "hub:owner/name?split=test", "file:", "stdin:"])
def test_a_known_scheme_takes_what_follows_the_colon(source):
    scheme, _, location = source.partition(":")
    assert addresses(source) == [Address(scheme, location)]


def test_an_existing_file_with_a_colon_is_a_file():
    make("jsnol:rows.jsonl")
    assert addresses("jsnol:rows.jsonl") == [Address("jsonl", "jsnol:rows.jsonl")]


def test_a_dash_is_standard_input():
    assert addresses("-") == [Address("stdin", "")]


@pytest.mark.parametrize("source", ["", "  ", "\n\t"])
def test_an_empty_source_is_refused(source):
    with pytest.raises(BadInput, match="the text is empty; give a text"):
        addresses(source)


def test_a_path_object_is_never_text():
    with pytest.raises(BadInput, match="no such file: Hello"):
        addresses(Path("Hello"))
    make("Hello")
    assert addresses(Path("Hello")) == [Address("file", "Hello")]


def test_a_named_pipe_can_be_read_as_a_file():
    os.mkfifo("pipe")
    assert addresses("pipe") == [Address("file", "pipe")]


def test_a_compressed_file_without_another_suffix_is_text():
    Path("notes.gz").write_bytes(gzip.compress(b"words"))
    assert addresses("notes.gz") == [Address("file", "notes.gz")]

"""What a file is, by its first bytes."""

import io
import json
import pickle
import sqlite3
import struct
import sys
import zipfile

import pytest

from nonplus.corpora import open_corpus
from nonplus.errors import BadInput


def sqlite(path) -> bytes:
    with sqlite3.connect(path) as database:
        database.execute("create table t (x)")
    return path.read_bytes()


def zipped(*names: str) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name in names:
            archive.writestr(name, "words")
    return file.getvalue()


HEADER = json.dumps({"w": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}).encode()
FOREIGN = {
    "a PDF document": b"%PDF-1.7\n1 0 obj\n",
    "an RTF document": rb"{\rtf1\ansi words}",
    "an Office document": zipped("[Content_Types].xml", "word/document.xml"),
    "an e-book": zipped("mimetype", "META-INF/container.xml", "chapter.xhtml"),
    "a Python pickle": pickle.dumps(["words"]),
    "weights as safetensors": struct.pack("<Q", len(HEADER)) + HEADER + bytes(4),
    "an image": b"\x89PNG\r\n\x1a\n" + bytes(20),
    "a program": b"\x7fELF\x02\x01\x01",
    "a Parquet file": b"PAR1" + bytes(20) + b"PAR1",
    "text in UTF-16": "some words of text".encode("utf-16-le"),
    "a 7z archive": b"7z\xbc\xaf\x27\x1c\x00\x04",
}


@pytest.mark.parametrize("what", FOREIGN)
@pytest.mark.parametrize("scheme", ["file", "lines", "jsonl", "csv"])
def test_what_is_not_text_is_refused_as_what_it_is_whatever_its_name(tmp_path, what, scheme, read):
    path = tmp_path / "notes.txt"
    path.write_bytes(FOREIGN[what])
    with pytest.raises(BadInput, match=rf"notes\.txt is {what}.*where text in UTF-8 is needed; \w+"):
        read(f"{scheme}:{path}")


@pytest.mark.parametrize(
    "text", ["GGUF is a format.", 'answer: {"x": 1}', "the ftyp box", "PAR1 and PAR2", "GIF89a is old"]
)
def test_a_text_that_begins_with_the_name_of_a_format_is_text(tmp_path, text, read):
    (tmp_path / "notes.txt").write_text(text, encoding="utf-8")
    assert [document.text for document in read(str(tmp_path / "notes.txt"))] == [text]


def test_a_database_is_refused_as_one(tmp_path, read):
    (tmp_path / "notes.txt").write_bytes(sqlite(tmp_path / "x.db"))
    with pytest.raises(BadInput, match="an SQLite database"):
        read(str(tmp_path / "notes.txt"))


def test_a_numpy_array_is_refused_as_one(tmp_path, read):
    np = pytest.importorskip("numpy")
    np.save(tmp_path / "notes.npy", np.arange(3))
    with pytest.raises(BadInput, match="a NumPy array"):
        read(str(tmp_path / "notes.npy"))


def test_what_is_not_text_is_refused_on_standard_input_too(monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(FOREIGN["a PDF document"])))
    with pytest.raises(BadInput, match="stdin is a PDF document"):
        list(open_corpus("-"))


@pytest.mark.parametrize("text", ["BZhang said so", "PK is a name", "GIF", "%P", "II", "RIFF raff", "a\0b", "MZ", "\0"])
def test_text_that_begins_a_little_like_another_format_is_text(tmp_path, text, read):
    path = tmp_path / "notes.txt"
    path.write_bytes(text.encode())
    assert [document.text for document in read(str(path))] == [text]

"""Members of archives are documents."""

import bz2
import gzip
import io
import lzma
import os
import sys
import tarfile
import threading
import warnings
import zipfile
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nonplus.corpora import open_corpus
from nonplus.errors import BadInput, SuspectInput

MEMBERS = {
    "a.txt": b"one text\n",
    "deep/rows.jsonl": b'{"text": "row one"}\n{"text": "row two"}\n',
    "notes.md.gz": gzip.compress(b"packed"),
}
TEXTS = ["one text\n", "row one", "row two", "packed"]
IDS = ["a.txt", "deep/rows.jsonl:1", "deep/rows.jsonl:2", "notes.md.gz"]


def tar(members: dict[str, bytes], format_: int = tarfile.PAX_FORMAT) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w", format=format_) as archive:
        for name, content in members.items():
            header = tarfile.TarInfo(name)
            header.size = len(content)
            archive.addfile(header, io.BytesIO(content))
    return file.getvalue()


def zipped(members: dict[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return file.getvalue()


ARCHIVES = {
    "corpus.tar": tar(MEMBERS),
    "corpus.tar.gz": gzip.compress(tar(MEMBERS)),
    "corpus.tgz": gzip.compress(tar(MEMBERS)),
    "corpus.tar.bz2": bz2.compress(tar(MEMBERS)),
    "corpus.tar.xz": lzma.compress(tar(MEMBERS)),
    "corpus.zip": zipped(MEMBERS),
    "corpus.txt": tar(MEMBERS),
    "corpus": zipped(MEMBERS),
    "gnu.tar": tar(MEMBERS, tarfile.GNU_FORMAT),
}


@pytest.mark.parametrize("name", ARCHIVES)
def test_the_members_of_an_archive_are_read_each_by_its_own_name(tmp_path, name, read):
    path = tmp_path / name
    path.write_bytes(ARCHIVES[name])
    documents = read(str(path))
    assert [document.text for document in documents] == TEXTS
    assert [document.id for document in documents] == [f"{path}/{id_}" for id_ in IDS]


def test_an_archive_comes_through_standard_input_and_through_a_pipe(tmp_path, monkeypatch, read):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(ARCHIVES["corpus.tar.gz"])))
    assert [document.text for document in read("-")] == TEXTS
    os.mkfifo(tmp_path / "pipe")
    writer = threading.Thread(target=(tmp_path / "pipe").write_bytes, args=[ARCHIVES["corpus.tar"]])
    writer.start()
    assert [document.text for document in read(tmp_path / "pipe")] == TEXTS
    writer.join()


def test_a_scheme_reads_every_member_in_its_format(tmp_path, read):
    path = tmp_path / "corpus.tar"
    path.write_bytes(tar({"a": b"one\ntwo\n", "b.txt": b"three\n"}))
    assert [document.text for document in read(f"lines:{path}")] == ["one", "two", "three"]


def test_hidden_members_and_folders_are_left_out_and_others_with_a_warning(tmp_path, read):
    path = tmp_path / "corpus.tar"
    path.write_bytes(tar({"./a.txt": b"words", "._a.txt": b"\0\5", ".git/b.txt": b"no", "photo.png": b"\x89PNG"}))
    with pytest.warns(SuspectInput, match="1 member of .*corpus.tar left out"):
        assert [document.text for document in read(str(path))] == ["words"]


def test_an_archive_without_files_to_read_is_refused(tmp_path, read):
    path = tmp_path / "corpus.tar"
    path.write_bytes(tar({"photo.png": b"\x89PNG"}))
    with pytest.raises(BadInput, match=r"has no files to read: .*members that end in \.txt"):
        read(str(path))


def test_an_archive_in_an_archive_is_refused(tmp_path, read):
    path = tmp_path / "corpus.tar"
    path.write_bytes(tar({"inner.txt": tar({"a.txt": b"words"})}))
    with pytest.raises(BadInput, match=r"corpus\.tar/inner\.txt is a tar archive inside an archive"):
        read(str(path))


def test_an_encrypted_archive_and_one_in_a_pipe_are_refused(tmp_path, read, monkeypatch):
    locked = bytearray(zipped({"a.txt": b"words"}))
    for mark, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        locked[locked.index(mark) + flags] |= 1
    (tmp_path / "locked.zip").write_bytes(locked)
    with pytest.raises(BadInput, match="is encrypted; unpack it first"):
        read(str(tmp_path / "locked.zip"))
    (tmp_path / "twice.zip.gz").write_bytes(gzip.compress(zipped({"a.txt": b"words"})))
    with pytest.raises(BadInput, match="zip archive inside"):
        read(str(tmp_path / "twice.zip.gz"))


@pytest.mark.parametrize("size", range(0, 3073, 512))
@pytest.mark.parametrize("rest", [b"", bytes(range(256)) * 4])
def test_a_truncated_or_damaged_archive_never_ends_early_without_an_error(tmp_path, size, rest, read):
    archive = tar({"a.txt": b"x" * 600, "b.txt": b"words"})[:3072]  # two members and a block of zeros
    path = tmp_path / "corpus.tar"
    path.write_bytes(archive[:size] + rest)
    if size == len(archive):
        assert len(read(str(path))) == 2
        return
    with pytest.raises(BadInput):
        read(str(path))


@pytest.mark.parametrize(("old", "new"), [(b"\x05\x00", b"\x00\x00"), (b"\x00\x00", b"\x00\x08")])
def test_odd_headers_of_a_zip_archive_are_damage(tmp_path, old, new, read):
    """No name at all, and a name that is said to be UTF-8 and is not."""
    content = bytearray(zipped({"n.txt": b"words"}))
    entry = content.index(b"PK\x01\x02")
    place = entry + (28 if old == b"\x05\x00" else 8)
    assert content[place : place + 2] == old
    content[place : place + 2] = new
    content[entry + 46] = 0xFF
    (tmp_path / "corpus.zip").write_bytes(content)
    with pytest.raises(BadInput, match=r"the archive .*corpus\.zip is damaged"):
        read(str(tmp_path / "corpus.zip"))


@given(data=st.data())
def test_an_archive_with_any_byte_changed_is_read_or_refused(tmp_path_factory, data):
    name = data.draw(st.sampled_from(sorted(ARCHIVES)))
    content = bytearray(ARCHIVES[name])
    for _ in range(data.draw(st.integers(1, 3))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.mktemp("law") / name
    path.write_bytes(content[: data.draw(st.integers(0, len(content)))])
    with warnings.catch_warnings(category=SuspectInput, action="ignore"), suppress(BadInput):
        assert all(document.text.encode() for document in open_corpus(path))

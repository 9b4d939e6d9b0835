"""What of a folder is read: regular files inside of it."""

import os
import socket
import tarfile
import warnings
from contextlib import suppress
from threading import Thread

import pytest

from nonplus.corpora import open_corpus
from nonplus.corpora.folders import readable_files
from nonplus.errors import BadInput, SuspectInput


@pytest.fixture
def folder(tmp_path):
    inside = tmp_path / "corpus"
    inside.mkdir()
    (inside / "a.txt").write_text("inside")
    (tmp_path / "secret.txt").write_text("outside")
    return inside


def texts(folder, **options) -> list[str]:
    return [os.path.relpath(path, folder) for path in readable_files(str(folder), **options)]


def test_pipes_and_sockets_are_left_out_with_a_warning_and_a_named_pipe_is_read(folder, monkeypatch):
    os.mkfifo(folder / "pipe.txt")
    with pytest.warns(SuspectInput, match=r"pipe\.txt was left out: it is a pipe"):
        assert texts(folder) == ["a.txt"]
    os.remove(folder / "pipe.txt")
    monkeypatch.chdir(folder)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("socket.txt")
        with pytest.warns(SuspectInput, match=r"socket\.txt was left out"):
            assert texts(folder) == ["a.txt"]
        with pytest.warns(SuspectInput, match=r"socket\.txt was left out"):
            assert len(list(open_corpus("*.txt"))) == 1


@pytest.mark.parametrize("name", ["file", "folder"])
def test_links_that_lead_out_are_left_out_unless_asked_for(folder, name):
    target = {"file": folder.parent / "secret.txt", "folder": folder.parent / "other"}[name]
    (folder.parent / "other").mkdir()
    (folder.parent / "other" / "deep.txt").write_text("outside")
    link = folder / {"file": "link.txt", "folder": "link"}[name]
    link.symlink_to(target)
    with pytest.warns(SuspectInput, match=r"a link to .*, outside of the folder; follow_links=True reads"):
        assert texts(folder) == ["a.txt"]
    expected = {"file": ["a.txt", "link.txt"], "folder": ["a.txt", "link/deep.txt"]}[name]
    assert texts(folder, follow_links=True) == expected


@pytest.mark.parametrize("follow_links", [False, True])
def test_links_in_a_circle_end_and_no_folder_is_read_twice(folder, follow_links):
    (folder / "deep").mkdir()
    (folder / "deep" / "b.txt").write_text("deep")
    (folder / "deep" / "up").symlink_to(folder)
    (folder / "again").symlink_to(folder / "deep")
    (folder / "a.txt").unlink()
    (folder / "a.txt").symlink_to(folder / "a.txt")
    with warnings.catch_warnings(action="error"):
        found = texts(folder, follow_links=follow_links)
    assert len([path for path in found if path.endswith("b.txt")]) == 1
    with pytest.raises(BadInput, match=r"a\.txt cannot be read"):
        list(open_corpus(folder / "a.txt"))


def test_a_link_inside_a_folder_and_one_to_the_folder_are_read(folder):
    (folder / "b.txt").symlink_to(folder / "a.txt")
    (folder.parent / "link").symlink_to(folder)
    with warnings.catch_warnings(action="error"):
        assert texts(folder) == ["a.txt", "b.txt"]
        assert texts(folder.parent / "link") == ["a.txt", "b.txt"]


def test_a_path_with_a_nul_character_is_refused(tmp_path):
    for source in (tmp_path / "a\0b.txt", "file:a\0b", "lines:\0", "parquet:\0.parquet"):
        with pytest.raises(BadInput, match="has a NUL character, which no path has"):
            open_corpus(source)


def test_endless_pipes_end_at_the_largest_size(tmp_path, read):
    def endless(path):
        with suppress(BrokenPipeError), open(path, "wb", buffering=0) as pipe:
            while True:
                pipe.write(b"y" * 1000)

    for scheme in ("file", "lines"):
        path = tmp_path / scheme
        os.mkfifo(path)
        writer = Thread(target=endless, args=(path,))
        writer.start()
        with pytest.raises(BadInput, match=r"is longer than max_bytes=1000"):
            read(f"{scheme}:{path}", max_bytes=1000)
        writer.join()


def test_archives_in_a_folder_are_read_and_other_files_are_said_to_be_left_out(tmp_path, read):
    (tmp_path / "one.txt").write_text("one")
    with tarfile.open(tmp_path / "two.tar.gz", "w:gz") as archive:
        archive.add(tmp_path / "one.txt", "two.txt")
    (tmp_path / "page.html").write_text("<p>three")
    with pytest.warns(SuspectInput, match=r"1 file of .* left out: read are \.txt, .*archives"):
        assert [document.text for document in read(str(tmp_path))] == ["one", "one"]

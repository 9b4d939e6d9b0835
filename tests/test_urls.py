"""Files at URLs are read, listed and known; refusals are explained, without secrets."""

import importlib.util
import os
import threading
import uuid
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from nonplus.errors import BadInput, MissingExtra
from nonplus.urls import (
    about,
    content_of,
    is_url,
    names_in,
    opened_for_seeking,
    opened_url,
    remove,
    shown,
    size_at,
    upload,
    upload_new,
    urls_of,
)

pytest.importorskip("fsspec", reason="the fsspec extra")
pytest.importorskip("aiohttp", reason="the fsspec extra")


@pytest.fixture
def bucket() -> str:
    """A store of this process that nobody else has."""
    return f"memory://{uuid.uuid4().hex}"


class Pages(SimpleHTTPRequestHandler):
    """A folder as a web server shows it, with ranges as large servers have them."""

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        path = self.translate_path(self.path)
        if self.path.startswith("/secret"):
            self.send_error(403)
        elif self.path.startswith("/torn"):
            self.send_response(200)
            self.send_header("Content-Length", "1000")
            self.end_headers()
            self.wfile.write(b"half of it")
        elif "Range" in self.headers and os.path.isfile(path):
            content = Path(path).read_bytes()
            begin, _, end = self.headers["Range"].removeprefix("bytes=").partition("-")
            part = content[int(begin) : int(end) + 1]
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {begin}-{end}/{len(content)}")
            self.send_header("Content-Length", str(len(part)))
            self.end_headers()
            self.wfile.write(part)
        else:
            super().do_GET()


@pytest.fixture
def web(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """The URL of a web server, and the folder that it serves."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Pages, directory=str(tmp_path)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", tmp_path
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize("place", ["s3://bucket/a", "https://example.org", "memory://x", "zip://*.txt::s3://b/a.zip"])
def test_what_has_a_protocol_is_a_url(place):
    assert is_url(place)


@pytest.mark.parametrize(
    "place", ["", "notes.txt", "C://notes.txt", "jsonl:a.jsonl", "see https://example.org", "://a"]
)
def test_a_path_or_a_text_is_no_url(place):
    assert not is_url(place)


@pytest.mark.parametrize(
    ("url", "safe"),
    [
        ("https://me:word@example.org/a.gz", "https://example.org/a.gz"),
        ("https://example.org/a.gz?X-Signature=word", "https://example.org/a.gz"),
        ("zip://a.txt::https://me:word@example.org/a.zip?key=word", "zip://a.txt::https://example.org/a.zip"),
        ("s3://bucket/a@b.jsonl", "s3://bucket/a@b.jsonl"),
    ],
)
def test_passwords_and_signatures_are_not_shown(url, safe):
    assert shown(url) == safe


def test_a_file_of_the_web_is_read_by_one_request_and_in_any_order(web):
    url, folder = web
    content = os.urandom(3_000_000)
    (folder / "news.jsonl.gz").write_bytes(content)
    with opened_url(f"{url}/news.jsonl.gz") as stream:
        assert not stream.seekable()
        assert stream.read() == content
    with opened_for_seeking(f"{url}/news.jsonl.gz") as stream:
        stream.seek(-10, os.SEEK_END)
        assert stream.read() == content[-10:]
        stream.seek(5)
        assert stream.read(10) == content[5:15]


def test_the_files_of_the_web_are_listed(web):
    url, folder = web
    for name in ("b.jsonl", "a.jsonl", "c.txt"):
        (folder / name).write_text(name)
    assert urls_of(f"{url}/") == [f"{url}/a.jsonl", f"{url}/b.jsonl", f"{url}/c.txt"]
    assert urls_of(f"{url}/*.jsonl") == [f"{url}/a.jsonl", f"{url}/b.jsonl"]
    assert urls_of(f"{url}/c.txt?version=[1]") == [f"{url}/c.txt?version=[1]"]


def test_what_is_known_of_a_file_changes_with_it(web):
    url, folder = web
    (folder / "a.txt").write_text("first")
    os.utime(folder / "a.txt", (1_000_000_000, 1_000_000_000))
    first = about(f"{url}/a.txt")
    os.utime(folder / "a.txt", (1_000_000_010, 1_000_000_010))
    assert first.size == 5
    assert first.version == "Sun, 09 Sep 2001 01:46:40 GMT"
    assert about(f"{url}/a.txt").version == "Sun, 09 Sep 2001 01:46:50 GMT"


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("missing.txt", r"http://127.0.0.1:[0-9]+/missing.txt cannot be read: 404, message=.*; check the URL"),
        ("secret.txt?key=word", r"http://127.0.0.1:[0-9]+/secret.txt cannot be read: .*403.*; check the URL"),
        ("torn.txt", r"http://127.0.0.1:[0-9]+/torn.txt cannot be read: .*; check the URL and the connection"),
    ],
)
def test_what_a_web_server_refuses_is_explained(web, path, message):
    url, _ = web
    with pytest.raises(BadInput, match=message) as fault, opened_url(f"{url}/{path}") as stream:
        stream.read()
    assert "word" not in str(fault.value)


def test_a_server_that_is_not_there_is_explained(web):
    with pytest.raises(BadInput, match=r"a\.txt cannot be read: Cannot connect to host 127"):
        about("http://127.0.0.1:1/a.txt")


def test_an_error_of_the_block_is_not_blamed_on_the_url(bucket):
    upload(f"{bucket}/a", b"text")
    with pytest.raises(KeyError), opened_url(f"{bucket}/a"):
        raise KeyError("mine")


def test_what_is_uploaded_is_read_listed_and_removed(bucket):
    for name in ("b/2", "b/1", "b/c/3", "b/.d"):
        upload(f"{bucket}/{name}", name.encode())
    upload(f"{bucket}/b/2", b"another")
    assert content_of(f"{bucket}/b/2") == b"another"
    assert size_at(f"{bucket}/b/2") == 7
    assert names_in(f"{bucket}/b") == [".d", "1", "2"]
    assert urls_of(f"{bucket}/b") == [f"{bucket}/b/{name}".replace("//", "///", 1) for name in (".d", "1", "2", "c/3")]
    assert urls_of(f"{bucket}/b/[12]")[0].endswith("/b/1")
    remove(f"{bucket}/b/2")
    remove(f"{bucket}/b/2")
    assert size_at(f"{bucket}/b/2") is None
    assert names_in(f"{bucket}/nowhere") == []


def test_a_new_file_is_uploaded_only_where_there_is_none(bucket):
    assert upload_new(f"{bucket}/plan", b"first")
    assert not upload_new(f"{bucket}/plan", b"second")
    assert content_of(f"{bucket}/plan") == b"first"


@pytest.mark.parametrize("url", ["memory://nowhere/at/all", "memory://nowhere/*.txt"])
def test_a_folder_without_files_is_explained(url):
    with pytest.raises(BadInput, match=r"no files at memory://nowhere|no such file: memory://nowhere"):
        urls_of(url)


def test_a_protocol_that_nobody_knows_is_explained():
    with pytest.raises(BadInput, match="nosuch://a cannot be read: Protocol not known: nosuch"):
        about("nosuch://a")


@pytest.mark.skipif(importlib.util.find_spec("gcsfs") is not None, reason="gcsfs is installed")
def test_a_protocol_that_needs_a_package_names_it():
    with pytest.raises(
        MissingExtra, match="the URL gs://bucket/a needs gcsfs, which is not installed: pip install gcsfs"
    ):
        about("gs://bucket/a")

import bz2
import gzip
import io
import json
import lzma
import os
import random
import sys
import threading
import tracemalloc
import zlib
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nonplus.corpora import open_corpus
from nonplus.errors import BadInput


def zstd(data: bytes) -> bytes:
    return pytest.importorskip("zstandard").compress(data)


PACKED = {"": bytes, ".gz": gzip.compress, ".bz2": bz2.compress, ".xz": lzma.compress, ".zst": zstd}
each_compression = pytest.mark.parametrize("suffix", PACKED)
each_packed = pytest.mark.parametrize("suffix", [suffix for suffix in PACKED if suffix])


def cut(data: bytes, chunks: int = 3) -> list[bytes]:
    size = len(data) // chunks + 1
    return [data[start : start + size] for start in range(0, len(data), size)]


@each_compression
@given(rows=st.lists(st.text(min_size=1).filter(lambda text: not text.isspace()), min_size=1), plain=st.booleans())
def test_what_is_written_as_jsonl_comes_back_in_any_compression(tmp_path_factory, suffix, rows, plain):
    path = tmp_path_factory.mktemp("law") / f"rows.jsonl{suffix}"
    written = "".join(json.dumps({"text": text}, ensure_ascii=plain) + "\n" for text in rows)
    path.write_bytes(PACKED[suffix](written.encode()))
    assert [document.text for document in open_corpus(str(path))] == rows


@each_compression
def test_a_text_comes_back_in_any_compression(tmp_path, suffix, read):
    path = tmp_path / f"notes.txt{suffix}"
    path.write_bytes(PACKED[suffix](b"one\r\ntwo\n"))
    assert [document.text for document in read(str(path))] == ["one\r\ntwo\n"]


@each_packed
def test_concatenated_compressed_files_are_one_text(tmp_path, suffix, read):
    text = random.Random(1).randbytes(30_000).hex()
    path = tmp_path / f"notes.txt{suffix}"
    path.write_bytes(b"".join(map(PACKED[suffix], cut(text.encode()))))
    assert [document.text for document in read(str(path))] == [text]


@each_packed
@pytest.mark.parametrize("kept", [0.01, 0.5, 0.999])
def test_a_truncated_file_is_refused(tmp_path, suffix, kept, read):
    data = PACKED[suffix](random.Random(1).randbytes(30_000).hex().encode())
    path = tmp_path / f"notes.txt{suffix}"
    path.write_bytes(data[: int(kept * len(data))])
    with pytest.raises(BadInput, match=rf"notes\.txt{suffix} is damaged.*again"):
        read(str(path))


@each_packed
def test_a_file_that_is_not_compressed_is_refused(tmp_path, suffix, read):
    pytest.importorskip("zstandard")
    path = tmp_path / f"rows.jsonl{suffix}"
    path.write_text('{"text": "plain"}\n')
    with pytest.raises(BadInput, match="is damaged or not compressed"):
        read(str(path))


@each_packed
def test_compressed_data_is_known_by_itself_and_not_by_its_name(tmp_path, suffix, read, monkeypatch):
    packed = PACKED[suffix](b"words\n")
    path = tmp_path / "notes.txt"
    path.write_bytes(packed)
    assert [document.text for document in read(str(path))] == ["words\n"]
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(packed)))
    assert [document.text for document in read("-")] == ["words\n"]


@each_packed
def test_what_follows_compressed_data_is_an_error_unless_it_is_padding(tmp_path, suffix, read):
    packed = PACKED[suffix](b"words")
    path = tmp_path / f"notes.txt{suffix}"
    path.write_bytes(packed + b"rubbish")
    with pytest.raises(BadInput, match="damaged"):
        read(str(path))
    if suffix != ".zst":
        path.write_bytes(packed + bytes(20_000))
        assert [document.text for document in read(str(path))] == ["words"]


@each_packed
def test_data_compressed_twice_is_refused(tmp_path, suffix, read):
    path = tmp_path / f"notes.txt{suffix}"
    path.write_bytes(PACKED[suffix](PACKED[suffix](b"words")))
    with pytest.raises(BadInput, match="inside compressed data; unpack the outer one"):
        read(str(path))


@pytest.mark.slow
@each_packed
def test_a_very_long_line_is_refused_in_bounded_memory(tmp_path, suffix, read):
    path = tmp_path / f"bomb.jsonl{suffix}"
    path.write_bytes(zeros(suffix, 1 << 27))
    tracemalloc.start()
    try:
        with pytest.raises(BadInput, match=r"at line 1: the line is longer than max_bytes=1000000, which"):
            read(str(path), max_bytes=1_000_000)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 50_000_000


def zeros(suffix: str, size: int) -> bytes:
    begin = {
        ".gz": lambda: zlib.compressobj(wbits=31),
        ".bz2": bz2.BZ2Compressor,
        ".xz": lambda: lzma.LZMACompressor(preset=0),
        ".zst": lambda: pytest.importorskip("zstandard").ZstdCompressor().compressobj(),
    }[suffix]()
    part = b"0" * (1 << 24)
    return b"".join([*(begin.compress(part) for _ in range(size // len(part))), begin.flush()])


def test_a_file_compressed_with_a_wider_window_than_the_library_expects_is_read(tmp_path, read):
    pytest.importorskip("zstandard")
    # RFC 8878: magic number, no flags, a window of 2**(10 + 18) bytes, then the last
    # block: five raw bytes.
    frame = b"\x28\xb5\x2f\xfd" + b"\x00" + bytes([18 << 3]) + bytes([5 << 3 | 1, 0, 0]) + b"words"
    path = tmp_path / "wide.txt.zst"
    path.write_bytes(frame)
    assert [document.text for document in read(str(path))] == ["words"]


def test_rows_are_read_from_an_endless_pipe(tmp_path):
    path = tmp_path / "endless.jsonl"
    os.mkfifo(path)
    writer = threading.Thread(target=write_until_closed, args=[path])
    writer.start()
    documents = iter(open_corpus(str(path)))
    assert [document.text for document in islice(documents, 10)] == ["again"] * 10
    documents.close()
    writer.join(timeout=10)
    assert not writer.is_alive()


def write_until_closed(path) -> None:
    try:
        with open(path, "wb", buffering=0) as pipe:
            while True:
                pipe.write(b'{"text": "again"}\n')
    except BrokenPipeError:
        pass


@pytest.mark.slow
@pytest.mark.parametrize("suffix", ["", ".gz", ".zst"])  # the dictionaries of the others have megabytes
def test_memory_does_not_grow_with_the_number_of_rows(tmp_path, suffix):
    rows = 100_000
    path = tmp_path / f"rows.jsonl{suffix}"
    # Text that compresses about as well as prose.
    words = random.Random(2).choices(["fox", "dog", "lazy", "brown", "jumps"], k=10 * rows)
    lines = (json.dumps({"text": " ".join(words[start : start + 10])}) for start in range(0, len(words), 10))
    path.write_bytes(PACKED[suffix]("\n".join(lines).encode()))
    tracemalloc.start()
    try:
        assert sum(1 for _ in open_corpus(str(path))) == rows
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 1_000_000  # bytes; the file has seven million

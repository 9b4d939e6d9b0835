import gzip
import json
import os
import random
import threading
import tracemalloc
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nonplus.corpora import open_corpus
from nonplus.errors import BadInput


def zstd(data: bytes) -> bytes:
    return pytest.importorskip("zstandard").compress(data)


PACKED = {"": bytes, ".gz": gzip.compress, ".zst": zstd}
each_compression = pytest.mark.parametrize("suffix", PACKED)


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


@pytest.mark.parametrize("suffix", [".gz", ".zst"])
def test_concatenated_compressed_files_are_one_text(tmp_path, suffix, read):
    text = random.Random(1).randbytes(30_000).hex()
    path = tmp_path / f"notes.txt{suffix}"
    path.write_bytes(b"".join(map(PACKED[suffix], cut(text.encode()))))
    assert [document.text for document in read(str(path))] == [text]


@pytest.mark.parametrize("suffix", [".gz", ".zst"])
@pytest.mark.parametrize("kept", [0.01, 0.5, 0.999])
def test_a_truncated_file_is_refused(tmp_path, suffix, kept, read):
    data = PACKED[suffix](random.Random(1).randbytes(30_000).hex().encode())
    path = tmp_path / f"notes.txt{suffix}"
    path.write_bytes(data[: int(kept * len(data))])
    with pytest.raises(BadInput, match=rf"notes\.txt{suffix} is damaged or not compressed: .*again"):
        read(str(path))


@pytest.mark.parametrize("suffix", [".gz", ".zst"])
def test_a_file_that_is_not_compressed_is_refused(tmp_path, suffix, read):
    pytest.importorskip("zstandard")
    path = tmp_path / f"rows.jsonl{suffix}"
    path.write_text('{"text": "plain"}\n')
    with pytest.raises(BadInput, match="is damaged or not compressed"):
        read(str(path))


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
@each_compression
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

"""The same records in every form in which a corpus may come.

Most forms have room for what a record says of itself; lines of text and text files have
none.
"""

import bz2
import gzip
import io
import json
import lzma
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

arrow = pytest.importorskip("pyarrow")
parquet = pytest.importorskip("pyarrow.parquet")
zstandard = pytest.importorskip("zstandard")

PHRASES = (
    "the house stands on a hill",
    "she read the letter twice",
    "qzx vvk 8%% ~~",
    "Die Seite ist umgezogen",
    "it rained for three days",
)
TEXTS = [
    "; ".join(PHRASES[(i * k + i // 7) % 5] for k in range(1, 3 + i % 6)) * (1 + 3 * (i % 9 == 4)) + f" {i}"
    for i in range(40)
]
ROWS = [
    {"id": f"doc-{i}", "lang": ("en", "de", None)[i % 3], "site": f"{'abcd'[i % 4]}.example.org", "text": text}
    for i, text in enumerate(TEXTS)
]
FIELDS = {"id_field": "id", "language_field": "lang", "source_field": "site"}
HEADERS = {"id_field": "id", "language_field": "language", "source_field": "source"}

Pack = Callable[[bytes], bytes]


def as_it_is(content: bytes) -> bytes:
    return content


def zstd(content: bytes) -> bytes:
    """Two frames, as of two files that were put together."""
    half = content.index(b"\n", len(content) // 2) + 1
    return zstandard.compress(content[:half]) + zstandard.compress(content[half:])


def gzips(content: bytes) -> bytes:
    """Two members."""
    half = content.index(b"\n", len(content) // 2) + 1
    return gzip.compress(content[:half]) + gzip.compress(content[half:])


def json_lines(pack: Pack) -> Callable[[Path], None]:
    content = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in ROWS).encode()
    return lambda path: written(path, pack(content))


def lines(pack: Pack) -> Callable[[Path], None]:
    return lambda path: written(path, pack("".join(f"{text}\n" for text in TEXTS).encode()))


def pages(pack: Pack) -> Callable[[Path], None]:
    """Records as of Common Crawl, each packed by itself."""
    return lambda path: written(path, b"".join(pack(page(**row)) for row in ROWS))


def page(id: str, lang: str | None, site: str, text: str) -> bytes:
    content = text.encode()
    said = [
        "WARC/1.0",
        "WARC-Type: conversion",
        f"WARC-Record-ID: {id}",
        f"WARC-Target-URI: https://{site}/{id}",
        *([f"WARC-Identified-Content-Language: {lang}"] if lang else []),
        f"Content-Length: {len(content)}",
    ]
    return "\r\n".join(said).encode() + b"\r\n\r\n" + content + b"\r\n\r\n"


def text_files(pack: Pack, suffix: str) -> Callable[[Path], None]:
    def write(folder: Path) -> None:
        folder.mkdir()
        for number, text in enumerate(TEXTS):
            written(folder / f"{number:02d}{suffix}", pack(text.encode()))

    return write


def archive(path: Path) -> None:
    with tarfile.open(path, "w:gz") as archive:
        for number, text in enumerate(TEXTS):
            entry = tarfile.TarInfo(f"{number:02d}.txt")
            entry.size = len(text.encode())
            archive.addfile(entry, io.BytesIO(text.encode()))


def parquet_file(path: Path) -> None:
    parquet.write_table(table(), path, row_group_size=17)


def arrow_file(path: Path) -> None:
    with arrow.ipc.new_file(path, table().schema) as file:
        file.write_table(table(), max_chunksize=13)


def arrow_stream(path: Path, first: int = 0, last: int = len(ROWS)) -> None:
    with arrow.ipc.new_stream(path, table().schema) as stream:
        stream.write_table(table().slice(first, last - first), max_chunksize=13)


def saved_data_set(folder: Path) -> None:
    """As ``save_to_disk`` of datasets writes it, in two files."""
    folder.mkdir()
    files = [f"data-{number:05d}-of-00002.arrow" for number in range(2)]
    arrow_stream(folder / files[0], last=25)
    arrow_stream(folder / files[1], first=25)
    written(folder / "state.json", json.dumps({"_data_files": [{"filename": each} for each in files]}).encode())


def table() -> "arrow.Table":
    return arrow.Table.from_pylist(ROWS)


def written(path: Path, content: bytes) -> None:
    path.write_bytes(content)


SAYING = {
    "plain.jsonl": json_lines(as_it_is),
    "members.jsonl.gz": json_lines(gzips),
    "frames.jsonl.zst": json_lines(zstd),
    "packed.jsonl.bz2": json_lines(bz2.compress),
    "packed.jsonl.xz": json_lines(lzma.compress),
    "rows.parquet": parquet_file,
    "file.arrow": arrow_file,
    "stream.arrows": arrow_stream,
    "saved": saved_data_set,
    "pages.warc": pages(as_it_is),
    "pages.warc.wet.gz": pages(gzip.compress),
    "pages.wet.zst": pages(zstandard.compress),
}
SILENT = {
    "lines:lines.txt": lines(as_it_is),
    "lines:members.txt.gz": lines(gzips),
    "lines:frames.txt.zst": lines(zstd),
    "texts": text_files(as_it_is, ".txt"),
    "packed-texts": text_files(gzip.compress, ".md.gz"),
    "archive.tar.gz": archive,
}


def write_all(folder: Path) -> None:
    """Each form under its name, which reads it there."""
    for name, write in (SAYING | SILENT).items():
        write(folder / name.removeprefix("lines:"))


def fields_of(name: str) -> dict[str, str]:
    """Where records of a form say who they are."""
    if name in SILENT:
        return {}
    return HEADERS if name.startswith("pages") else FIELDS


def parts(folder: Path, name: str) -> Iterator[str]:
    """The parts in which records of a form are written, each so that it is read."""
    for part in sorted(folder.iterdir()) if folder.is_dir() else []:
        yield f"lines:{part}" if name.startswith("lines:") else str(part)

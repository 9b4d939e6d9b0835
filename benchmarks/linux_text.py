"""The text that a Linux machine has anyway, as documents: documentation, manual pages
and the source of Python's modules.

    python benchmarks/linux_text.py FILE.jsonl MEGABYTES [--skip MEGABYTES]

The documents are pieces of about 7 kB, cut at empty lines if there are some, in an
order that depends on nothing but their content. ``--skip`` leaves out the first ones,
so that a model can be trained on others.
"""

import argparse
import gzip
import hashlib
import json
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

SIZE = 7000  # characters of a document, about
LEAST = 200
SOURCES = {
    "doc": (Path("/usr/share/doc"), "**/*"),
    "man": (Path("/usr/share/man"), "man[1-9]/*"),
    "python": (Path(sysconfig.get_paths()["stdlib"]), "**/*.py"),
}
_LARGEST = 4 << 20  # of a file: a larger one is data


class Piece(NamedTuple):
    """A document, and where it is from."""

    id: str
    source: str
    text: str


def documents() -> list[Piece]:
    """All of them, each text once."""
    found: dict[bytes, Piece] = {}
    for source, (folder, pattern) in SOURCES.items():
        for path in sorted(folder.glob(pattern)):
            for number, text in enumerate(pieces(text_of(path))):
                key = hashlib.blake2b(text.encode(), digest_size=16).digest()
                found.setdefault(key, Piece(f"{path}#{number}", source, text))
    return [found[key] for key in sorted(found)]


def text_of(path: Path) -> str:
    """The text of a file, empty if it is none."""
    if not path.is_file() or path.is_symlink() or path.stat().st_size > _LARGEST:
        return ""
    data = path.read_bytes()
    try:
        text = (gzip.decompress(data) if path.suffix == ".gz" else data).decode()
    except (UnicodeDecodeError, gzip.BadGzipFile, EOFError):
        return ""
    return "" if "\0" in text else text


def pieces(text: str) -> Iterator[str]:
    """Parts of about the same size, which end at an empty line or at least at a line's
    end.
    """
    begin = 0
    while begin < len(text):
        stop = begin + SIZE
        if stop < len(text):
            half = begin + SIZE // 2
            stop = next((at + 1 for mark in ("\n\n", "\n", " ") if (at := text.rfind(mark, half, stop)) > 0), stop)
        part = text[begin:stop].strip("\n")
        if len(part) >= LEAST:
            yield part
        begin = stop


def taken(found: list[Piece], size: int, *, skip: int = 0) -> Iterator[Piece]:
    """The documents of so many bytes after those that are skipped."""
    done = 0
    for each in found:
        if skip <= done < skip + size:
            yield each
        done += len(each.text.encode())


def main() -> None:
    """Write the file."""
    parser = argparse.ArgumentParser(description="The text of this machine as JSON Lines.")
    parser.add_argument("file", type=Path)
    parser.add_argument("megabytes", type=float)
    parser.add_argument("--skip", type=float, default=0.0, help="megabytes that are left out at the beginning")
    options = parser.parse_args()
    chosen = list(taken(documents(), int(options.megabytes * 1e6), skip=int(options.skip * 1e6)))
    with options.file.open("w", encoding="utf-8") as file:
        for each in chosen:
            file.write(json.dumps(each._asdict(), ensure_ascii=False) + "\n")
    print(f"{len(chosen):,} documents, {sum(len(each.text.encode()) for each in chosen) / 1e6:.1f} MB of text")


if __name__ == "__main__":
    main()

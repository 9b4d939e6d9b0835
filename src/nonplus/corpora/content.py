"""What bytes are, by the first of them and never by a name.

The marks are those of file(1) and of the formats' own specifications.
"""

import re
import tarfile
from dataclasses import dataclass
from typing import final

from nonplus.compression.marks import compression_of
from nonplus.errors import BadInput

HEAD = 512  # bytes that tell: a tar archive has its checksum in the first block

_TO_TEXT = "convert it to text first"
_UNPACK = "unpack it first"
_FOREIGN: tuple[tuple[bytes, str, str], ...] = (
    (rb"%PDF-", "a PDF document", "convert it to text first, for example with pdftotext"),
    (rb"\{\\rtf", "an RTF document", _TO_TEXT),
    (rb"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Office document", _TO_TEXT),
    (rb"PAR1", "a Parquet file", "write parquet: before it, or rename it to end in .parquet"),
    (rb"ARROW1|\xff\xff\xff\xff[\s\S]{4}\x10\x00\x00\x00", "an Arrow file", "write dataset: before it"),
    (rb"SQLite format 3\x00", "an SQLite database", "write the column of text to a .csv or .jsonl file"),
    (rb"\x80[\x02-\x05]", "a Python pickle", "write its texts to a .jsonl file"),
    (rb"[\s\S]{8}\{\"", "weights as safetensors", "they belong to a model: name a folder of them with model=FOLDER"),
    (rb"GGUF", "model weights as GGUF", "give a file of text"),
    (rb"\x89HDF\r\n\x1a\n", "an HDF5 file", "write its texts to a .jsonl file"),
    (rb"\x93NUMPY", "a NumPy array", "write its texts to a .jsonl file"),
    (rb"Obj\x01|ORC[\x00-\x1f]", "an Avro or ORC table", "write it as a .parquet or .jsonl file"),
    (rb"\x89PNG\r\n\x1a\n|\xff\xd8\xff|GIF8[79]a|BM[\s\S]{4}\x00{4}|II\*\x00|MM\x00\*", "an image", _TO_TEXT),
    (rb"RIFF[\s\S]{4}(WAVE|AVI |WEBP)|OggS\x00|fLaC\x00|ID3[\x02-\x04]|[\s\S]{4}ftyp", "audio or video", _TO_TEXT),
    (rb"\x00{16}", "a run of NUL bytes, as a crash or an empty archive leaves", "make or download it again"),
    (rb"\x7fELF|MZ[\s\S]\x00|\xcf\xfa\xed\xfe|\xca\xfe\xba\xbe|\x00asm", "a program", "give a file of text"),
    (rb"7z\xbc\xaf\x27\x1c", "a 7z archive", _UNPACK),
    (rb"Rar!\x1a\x07", "a RAR archive", _UNPACK),
    (rb"\x1f\x9d|\x04\x22\x4d\x18|LZIP\x01", "compressed by a tool that is not supported", _UNPACK),
)
# An article may begin with the word GGUF, but not with the bytes that follow it there.
_CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
_WRITTEN_AS_TEXT = (b"%PDF-", rb"{\rtf")
_ZIP = rb"PK(\x03\x04|\x05\x06|\x07\x08)"
# UTF-16 and UTF-32 of Latin text without a byte order mark: every other byte is 0,
# which would pass for a longer text in UTF-8.
_WIDE = rb"([^\x00]\x00){8}|(\x00[^\x00]){8}|([^\x00]\x00{3}){4}|(\x00{3}[^\x00]){4}"


@final
@dataclass(frozen=True, slots=True)
class Content:
    """What some first bytes begin: at most one of these is set.

    ``compression`` is ``gzip``, ``bzip2``, ``xz`` or ``zstd``; ``archive`` is ``tar``
    or ``zip``; ``foreign`` is a phrase for what is not text, with ``remedy`` for it.
    """

    compression: str = ""
    archive: str = ""
    foreign: str = ""
    remedy: str = ""


def content_of(head: bytes) -> Content:
    """What ``head``, the first :data:`HEAD` bytes, begins; text if nothing is set."""
    if compression := compression_of(head):
        return Content(compression=compression)
    if re.match(_ZIP, head):
        return Content(archive="zip")
    if _is_tar(head):
        return Content(archive="tar")
    for mark, phrase, remedy in _FOREIGN:
        if re.match(mark, head) and (_CONTROL.search(head) or head.startswith(_WRITTEN_AS_TEXT)):
            return Content(foreign=phrase, remedy=remedy)
    if re.match(_WIDE, head):
        return Content(foreign="text in UTF-16 or UTF-32", remedy="convert it with iconv -f UTF-16 -t UTF-8")
    return Content()


def check_text(content: Content, name: str) -> None:
    """Refuse what is not text.

    Raises:
        BadInput: it is an archive, compressed, or of a format that is not text.
    """
    if content.foreign:
        raise BadInput(f"{name} is {content.foreign}, where text in UTF-8 is needed; {content.remedy}")
    if content.compression or content.archive:
        what = f"a {content.archive} archive" if content.archive else f"{content.compression} data"
        raise BadInput(f"{name} is {what} inside an archive or inside compressed data; unpack the outer one first")


def _is_tar(head: bytes) -> bool:
    """By the checksum of the first header, because the oldest archives have no mark."""
    if len(head) < HEAD:
        return False
    try:
        tarfile.TarInfo.frombuf(head[:HEAD], "utf-8", "surrogateescape")
    except tarfile.HeaderError:
        return False
    return True

"""The members of an archive, one after another, without unpacking it to disk."""

import lzma
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, BinaryIO, Self, final

from nonplus.cautions import warn
from nonplus.compression.streams import buffered
from nonplus.errors import BadInput, SuspectInput

_AT_ONCE = 1 << 16  # bytes
# What Python's readers raise; the last four are slips of zipfile over odd headers.
_DAMAGE = (
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    NotImplementedError,
    IndexError,
    OverflowError,
    UnicodeError,
    struct.error,
)
# No header of a member that anyone made says more about it.
_LONGEST_HEADER = 1 << 20  # bytes

# Documents that are zip archives inside, by the name of a member.
_DOCUMENTS = {
    "[Content_Types].xml": "an Office document (.docx, .xlsx or .pptx)",
    "META-INF/container.xml": "an e-book (.epub)",
    "META-INF/manifest.xml": "an OpenDocument file (.odt or .ods)",
    "META-INF/MANIFEST.MF": "a Java archive",
}


def members(stream: BinaryIO, kind: str, name: str) -> Iterator[tuple[str, BinaryIO]]:
    """The name and the bytes of each file in the archive ``name``, ``tar`` or ``zip``.

    The bytes must be read before the next member is asked for. Folders and hidden files
    are left out; links and devices too, with a warning.

    Raises:
        BadInput: the archive is damaged, encrypted, a document of another program, or a
            zip archive in a pipe.
    """
    each = _of_zip if kind == "zip" else _of_tar
    with _explained(name):
        for path, content in each(stream, name):
            if not any(part.startswith(".") and part != "." for part in path.split("/")):
                yield path.encode(errors="replace").decode(), buffered(_chunks(content, name))


def _chunks(content: IO[bytes], name: str) -> Iterator[bytes]:
    with _explained(name):
        while chunk := content.read(_AT_ONCE):
            yield chunk


@contextmanager
def _explained(name: str) -> Iterator[None]:
    try:
        yield
    except _DAMAGE as damage:
        raise BadInput(f"the archive {name} is damaged: {damage}; make or download it again") from damage


def _of_tar(stream: BinaryIO, name: str) -> Iterator[tuple[str, IO[bytes]]]:
    with tarfile.open(fileobj=stream, mode="r|", tarinfo=_Header) as archive:
        while header := archive.next():
            content = archive.extractfile(header) if header.isreg() else None
            if content:
                yield header.name, content
            elif not header.isdir():
                _skipped(name, header.name, "it is a link or a device")
            archive.members = []  # type: ignore[attr-defined]  # tarfile would keep each header


@final
class _Header(tarfile.TarInfo):
    """Headers, of which a damaged one is an error: tarfile takes it for the end."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Self:
        header = super().frombuf(buf, encoding, errors)
        if header.type in _ABOUT_THE_NEXT and not 0 <= header.size <= _LONGEST_HEADER:
            raise tarfile.ReadError(f"a header of {header.size:,} bytes")
        return header

    @classmethod
    def fromtarfile(cls, tarfile_: tarfile.TarFile) -> Self:
        try:
            return super().fromtarfile(tarfile_)
        except tarfile.EOFHeaderError:  # type: ignore[attr-defined]
            raise
        except tarfile.HeaderError as error:
            raise tarfile.ReadError(f"{error}, where a member or the end is needed") from error


_ABOUT_THE_NEXT = (
    tarfile.GNUTYPE_LONGNAME,
    tarfile.GNUTYPE_LONGLINK,
    tarfile.XHDTYPE,
    tarfile.XGLTYPE,
    tarfile.SOLARIS_XHDTYPE,
)


def _of_zip(stream: BinaryIO, name: str) -> Iterator[tuple[str, IO[bytes]]]:
    if not stream.seekable():
        raise BadInput(f"{name} is a zip archive in a pipe, and its table of members is at its end; give it as a file")
    with zipfile.ZipFile(stream) as archive:
        for mark, what in _DOCUMENTS.items():
            if mark in archive.namelist():
                raise BadInput(f"{name} is {what}, where text in UTF-8 is needed; convert it to text first")
        for header in archive.infolist():
            if header.flag_bits & 1:
                raise BadInput(f"the archive {name} is encrypted; unpack it first")
            if not header.is_dir():
                with archive.open(header) as content:
                    yield header.filename, content


def _skipped(archive: str, member: str, why: str) -> None:
    warn(f"{member} in {archive} was skipped: {why}", SuspectInput)

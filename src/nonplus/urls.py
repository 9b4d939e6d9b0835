"""Files at URLs: of the web, and of object stores."""

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO, NamedTuple, final

from nonplus.errors import BadInput, MissingExtra, NonplusError
from nonplus.optional import require

_URL = re.compile(r"[a-z][a-z0-9+.-]+://")  # two letters at least: C:// begins with a drive
_SECRETS = re.compile(r"(?<=://)[^/?#@]*@|[?#][^:]*(?=::|$)")
# Where an upload is there as a whole or not at all, and can be refused if its name is
# taken. `memory` is for tests.
_WHOLE = ("s3", "s3a", "gs", "gcs", "abfs", "az", "abfss", "memory")
# What file systems call that which changes with the content, the most certain first.
_VERSIONS = (
    *("ETag", "etag", "md5Hash", "content_md5", "Content-MD5", "Digest"),
    *("LastModified", "last_modified", "Last-Modified", "mtime", "modified", "updated", "created"),
)
_BUFFER = 1 << 16  # bytes
_PATIENCE = 60  # seconds without an answer


class About(NamedTuple):
    """What is known of a file without reading it.

    ``size`` is in bytes, ``None`` if a server does not tell. ``version`` changes with
    the content; it is empty if nothing tells.
    """

    size: int | None
    version: str


def is_url(place: str) -> bool:
    """Whether a place is given as ``protocol://…``."""
    return _URL.match(place) is not None


def shown(url: str) -> str:
    """A URL for messages and files, without passwords and signatures."""
    return _SECRETS.sub("", url)


@contextmanager
def opened_url(url: str) -> Iterator[BinaryIO]:
    """The bytes at a URL, from the first to the last: of a web server by one request.

    Raises:
        BadInput: they cannot be read; also while they are read.
        MissingExtra: the protocol needs a package.
    """
    with _opened(url, at_once=_is_web(url)) as stream:
        yield stream


@contextmanager
def opened_for_seeking(url: str) -> Iterator[BinaryIO]:
    """The bytes at a URL in any order; a web server must serve ranges.

    Raises:
        BadInput: they cannot be read; also while they are read.
        MissingExtra: the protocol needs a package.
    """
    with _opened(url, at_once=False) as stream:
        yield stream


def about(url: str) -> About:
    """What is known of the file at a URL.

    Raises:
        BadInput: there is none, or it cannot be asked for.
        MissingExtra: the protocol needs a package.
    """
    with _explained(url):
        system, path = _found(url)
        known = system.info(path)
    version = next((str(known[name]) for name in _VERSIONS if known.get(name)), "")
    return About(known.get("size"), version)


def urls_of(url: str) -> list[str]:
    """The URLs of the files of a folder and of those in it, or of a pattern, sorted;
    that of a file.

    The URL of a folder of a web server must end with ``/``.

    Raises:
        BadInput: there is none, or it cannot be listed.
        MissingExtra: the protocol needs a package.
    """
    web = _is_web(url)
    pattern = re.search(r"[*]" if web else r"[*?[]", url.partition("::")[0])
    with _explained(url):
        system, path = _found(url)
        if pattern:
            paths = [each for each, known in system.glob(path, detail=True).items() if known["type"] == "file"]
        elif web and not url.endswith("/"):
            paths = [path]  # to ask a web server whether it is a folder is to load it
        else:
            paths = system.find(path)
    if not paths:
        raise BadInput(f"there are no files at {shown(url)}; check the URL")
    link = url.partition("::")  # what an inner file system is opened in: zip://*.jsonl::s3://bucket/news.zip
    return [system.unstrip_protocol(each) + link[1] + link[2] for each in sorted(paths)]


def content_of(url: str) -> bytes:
    """All bytes at a URL.

    Raises:
        BadInput: they cannot be read.
    """
    with _explained(url):
        system, path = _found(url)
        content: bytes = system.cat_file(path)
        return content


def content_if_any(url: str) -> bytes | None:
    """All bytes at a URL; ``None`` if there is no file.

    Raises:
        BadInput: they cannot be read.
    """
    with _explained(url):
        system, path = _found(url)
        try:
            content: bytes = system.cat_file(path)
        except FileNotFoundError:
            return None
        return content


def size_at(url: str) -> int | None:
    """The bytes of the file at a URL; ``None`` if there is none.

    Raises:
        BadInput: it cannot be asked for.
    """
    with _explained(url):
        system, path = _found(url)
        try:
            return int(system.size(path))
        except FileNotFoundError:
            return None


def upload(url: str, content: bytes) -> None:
    """Put bytes at a URL of an object store, all or none, also in place of others.

    Raises:
        BadInput: the store does not take them.
    """
    with _explained(url, what="written"):
        system, path = _found(url)
        system.pipe_file(path, content)


def upload_new(url: str, content: bytes) -> bool:
    """Put bytes at a URL of an object store unless there are some; whether there were
    none.

    Raises:
        BadInput: the store does not take them.
    """
    with _explained(url, what="written"):
        system, path = _found(url)
        try:
            system.pipe_file(path, content, mode="create")
        except FileExistsError:
            return False
        return True


def remove(url: str) -> None:
    """Remove the file at a URL, if there is one.

    Raises:
        BadInput: it cannot be removed.
    """
    with _explained(url, what="removed"):
        system, path = _found(url)
        if system.exists(path):
            system.rm_file(path)


def names_in(url: str) -> list[str]:
    """The names of the files of a folder, without those of folders in it; none if it is
    not there.

    Raises:
        BadInput: it cannot be listed.
    """
    with _explained(url):
        system, path = _found(url)
        try:
            listing = system.ls(path, detail=True)
        except FileNotFoundError:
            return []
    return sorted(each["name"].rpartition("/")[2] for each in listing if each["type"] == "file")


def holds_any(url: str) -> bool:
    """Whether there is any file in a folder, or in the folders in it.

    Raises:
        BadInput: it cannot be listed.
    """
    with _explained(url):
        system, path = _found(url)
        try:
            return bool(system.ls(path, detail=False))  # a store has no folders but those of its files
        except FileNotFoundError:
            return False


def check_uploads_are_whole(url: str) -> None:
    """Whether a place can be trusted with parts.

    Raises:
        BadInput: a file may be there in part.
    """
    protocol = url.partition("://")[0]
    if protocol not in _WHOLE:
        known = ", ".join(f"{each}://" for each in _WHOLE[:-1])
        raise BadInput(
            f"parts are written to folders of this machine and to {known}, where a file is whole or not there; got "
            f"{shown(url)}; mount it, and give the folder"
        )


@contextmanager
def _explained(url: str, *, what: str = "read") -> Iterator[None]:
    """Explain why a URL cannot be read or written; the block does nothing else."""
    name = shown(url)
    try:
        yield
    except NonplusError:
        raise
    except PermissionError as problem:
        raise BadInput(f"{name} may not be {what} with these credentials: {_why(problem)}; give others") from problem
    except Exception as problem:  # each file system has errors of its own
        missing = isinstance(problem, FileNotFoundError)
        # fsspec says this of whatever a web server refuses; the cause tells.
        cause = problem.__cause__ if missing and _is_web(url) else None
        if missing and what == "written":
            raise BadInput(
                f"{name} cannot be written: there is no such bucket; make it first, or give another"
            ) from None
        if missing and not cause:
            raise BadInput(f"no such file: {name}; check the URL") from None
        raise BadInput(
            f"{name} cannot be {what}: {_why(cause or problem)}; check the URL and the connection"
        ) from problem


def _why(problem: BaseException) -> str:
    """What a file system says, without URLs, which may have secrets."""
    return re.sub(r"(, url=)?'?\b[a-z][a-z0-9+.-]+://[^\s'\")]*'?", "", str(problem)) or type(problem).__name__


def _is_web(url: str) -> bool:
    return url.partition("://")[0] in ("http", "https")


def _found(url: str) -> tuple[Any, str]:
    """The file system of a URL, and the path in it; listings are not cached, because
    others write there, too.
    """
    purpose = f"the URL {shown(url)}"
    fsspec = require("fsspec", purpose=purpose)
    options: dict[str, Any] = {"use_listings_cache": False}
    if _is_web(url):
        # A large file takes longer than the five minutes that are allowed by default.
        timeout = require("aiohttp", purpose=purpose).ClientTimeout(
            total=None, sock_connect=_PATIENCE, sock_read=_PATIENCE
        )
        options["client_kwargs"] = {"timeout": timeout, "trust_env": True}
    try:
        system, path = fsspec.url_to_fs(url, **options)
    except ImportError as missing:
        cause = missing.__cause__ if isinstance(missing.__cause__, ImportError) else missing
        package = (cause.name or "").partition(".")[0]
        raise MissingExtra(f"{purpose} needs {package}, which is not installed: pip install {package}") from missing
    return system, path


@contextmanager
def _opened(url: str, *, at_once: bool) -> Iterator[BinaryIO]:
    with _explained(url):
        system, path = _found(url)
        file = system.open(path, "rb", **({"block_size": 0} if at_once else {}))
    with io.BufferedReader(_Remote(file, url, seekable=not at_once), _BUFFER) as stream:
        yield stream


@final
class _Remote(io.RawIOBase):
    """The open file; it explains its own errors, so that nobody has to guess whose they
    are.
    """

    def __init__(self, file: Any, url: str, *, seekable: bool) -> None:
        self._file, self._url, self._seekable = file, url, seekable

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return self._seekable

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        with _explained(self._url):
            return int(self._file.seek(offset, whence))

    def readinto(self, target: Any) -> int:
        with _explained(self._url):
            content = self._file.read(len(target))
        target[: len(content)] = content
        return len(content)

    def close(self) -> None:
        self._file.close()
        super().close()

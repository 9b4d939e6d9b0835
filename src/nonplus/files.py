"""Files and folders that are whole under their name, or not there."""

import errno
import io
import os
import shutil
import stat
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any, final

from nonplus.errors import BadInput

_REMEDIES = {
    errno.ENOSPC: "make room, or ",
    errno.EDQUOT: "make room, or ",
    errno.EFBIG: "make room for larger files (ulimit -f), or ",
}
# Of file systems that bring no folder to the disk.
_UNSYNCED = {errno.EINVAL, errno.ENOTSUP, errno.EBADF, errno.EACCES, errno.EPERM}
_ELSEWHERE = "give another place"
_BUFFER = 1 << 12  # bytes; there may be hundreds of unnamed files at once
# Windows has no O_NOFOLLOW and no O_NONBLOCK, and only Windows has O_BINARY. To open a
# pipe without O_NONBLOCK is to wait for whoever writes to it.
_LEFT = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
_NEW = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)


@contextmanager
def replacing(path: Path, *, begun_in: Path | None = None) -> Iterator[IO[bytes]]:
    """A file that replaces ``path``, with its mode and owner, at the end of the block.

    If the block raises, ``path`` stays as it was. A process that is killed leaves
    ``path`` as it was, and beside it a hidden file ``.nonplus-….part``, which the next
    call for that folder removes. A link stays, and what it leads to is replaced.
    ``begun_in`` is another folder of the same disk for the hidden file.

    Raises:
        BadInput: the file cannot be written there. Other errors of the block go
            through, so that a fault of another file is not blamed on this one.
    """
    with writing(path):
        before = _before(path)
        if before is not None and not stat.S_ISREG(before.st_mode):
            raise BadInput(f"{path} is not a regular file, so it cannot be replaced; give the name of a file")
        final_path = Path(os.path.realpath(path))
    mode = 0o666 if before is None else stat.S_IMODE(before.st_mode)
    with _unfinished(path, begun_in or final_path.parent, mode) as (part, file):
        yield file
        with writing(path):
            if before is not None:
                _as_before(part, before)
            _whole(file)
            os.replace(part, final_path)
            _synced(final_path.parent)


def created(path: Path, content: bytes) -> bool:
    """Write a file unless there is one of that name; whether there was none.

    It is whole at once, and of several processes that do this one succeeds.

    Raises:
        BadInput: the file cannot be written there.
    """
    with _unfinished(path, path.parent, 0o666) as (part, file):
        file.write(content)
        with writing(path):
            _whole(file)
            try:
                os.link(part, path)
            except FileExistsError:
                return False
            except OSError:  # a file system without links; there the last of several succeeds
                if path.exists():
                    return False
                part.replace(path)
            _synced(path.parent)
    return True


def make_folder(path: Path) -> None:
    """Make a folder, and those that it is in.

    Raises:
        BadInput: it cannot be made.
    """
    if not path.is_dir():
        with writing(path):
            path.mkdir(parents=True, exist_ok=True)
            _synced(path.parent)


@contextmanager
def replacing_folder(path: Path) -> Iterator[Path]:
    """A new folder that replaces ``path`` at the end of the block, with all that is in
    it then.

    What is left of a process that is killed, and by whom it is removed, is as with
    :func:`replacing`. One that is killed in the moment of the exchange leaves the
    earlier folder under such a hidden name, too.

    Raises:
        BadInput: the folder cannot be written there.
    """
    final_path = Path(os.path.realpath(path))
    part = _hidden_in(final_path.parent)
    with writing(path):
        _remove_left_behind(final_path.parent)
        part.mkdir()
    lock = _locked_folder(part)
    try:
        yield part
        with writing(path):
            for each in (*part.iterdir(), part):
                _synced(each)
            _exchanged(part, final_path)
    finally:
        shutil.rmtree(part, ignore_errors=True)
        for handle in lock:
            os.close(handle)


def unnamed(folder: Path | None = None) -> IO[bytes]:
    """A file in ``folder``, by default that of the system for such files; it has no
    name, and goes away when it is closed.

    Raises:
        BadInput: the folder takes no file. Whatever is written to it later says so,
            too.
    """
    place = folder or Path(tempfile.gettempdir())
    called = (place, _ELSEWHERE) if folder else (f"a temporary file in {place}", "name another folder by TMPDIR")
    with writing(*called), tempfile.TemporaryFile(dir=place, buffering=0) as file:
        return io.BufferedRandom(_Unfinished(os.dup(file.fileno()), *called), _BUFFER)


@contextmanager
def writing(path: Path | str, remedy: str = _ELSEWHERE) -> Iterator[None]:
    """Explain why ``path`` cannot be written, and what to do unless there is room to be
    made; the block does nothing but write it.

    Raises:
        BadInput: the operating system refuses.
    """
    try:
        yield
    except OSError as problem:
        first = _REMEDIES.get(problem.errno or 0, "")
        raise BadInput(f"{path} cannot be written: {problem.strerror}; {first}{remedy}") from problem


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Explain why ``path`` cannot be read; the block does nothing but read it.

    Raises:
        BadInput: the operating system refuses.
    """
    try:
        yield
    except OSError as problem:
        raise BadInput(f"{path} cannot be read: {problem.strerror}; permit it, or give another place") from problem


@contextmanager
def _unfinished(path: Path, folder: Path, mode: int) -> Iterator[tuple[Path, IO[bytes]]]:
    """A hidden file in ``folder`` for what is to be at ``path``; if it still has its
    hidden name when the block ends, it goes.
    """
    made: list[Path] = []  # noted before they exist, so that an interruption at any moment leaves none
    try:
        with writing(path):
            _remove_left_behind(folder)
            part, handle = _begun(folder, mode, made)
        file = io.BufferedWriter(_Unfinished(handle, path))
        try:
            yield part, file
        finally:
            with suppress(BadInput):  # what a full disk did not take
                file.close()
    finally:
        for each in made:
            with suppress(OSError):
                each.unlink()


def _whole(file: IO[bytes]) -> None:
    """Bring all of an open file to the disk."""
    file.flush()
    os.fsync(file.fileno())
    if sys.platform == "win32":
        file.close()  # an open file cannot be renamed there


@final
class _Unfinished(io.FileIO):
    """The open file; it explains its own errors, so that nobody has to guess whose they
    are.
    """

    def __init__(self, handle: int, path: Path | str, remedy: str = _ELSEWHERE) -> None:
        super().__init__(handle, "r+")
        self._path, self._remedy = path, remedy

    def write(self, content: Any) -> int:
        with writing(self._path, self._remedy):
            return super().write(content)


def _before(path: Path) -> os.stat_result | None:
    """What has the name; ``None`` if nothing has, or a link that leads nowhere."""
    try:
        return path.stat()
    except FileNotFoundError:
        return None


def _begun(folder: Path, mode: int, made: list[Path]) -> tuple[Path, int]:
    """A new file and its handle, locked for as long as the process lives; its name goes
    to ``made``.

    The name cannot be guessed, and a link of that name is not followed.
    """
    while True:
        part = _hidden_in(folder)
        made.append(part)
        handle = os.open(part, _NEW, mode)
        with suppress(OSError):  # a file system without locks
            _lock(handle, wait=True)
        if os.fstat(handle).st_nlink:
            return part, handle
        os.close(handle)  # another process took it for left behind, before it was locked


def _hidden_in(folder: Path) -> Path:
    """A hidden name in ``folder`` that nobody can guess."""
    return folder / f".nonplus-{os.urandom(8).hex()}.part"


def _locked_folder(folder: Path) -> list[int]:
    """The handle that keeps a folder locked; none where a folder cannot be opened."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        with suppress(OSError):  # a file system without locks
            _lock(handle, wait=True)
        return [handle]
    return []


def _synced(path: Path) -> None:
    """Bring a file or the names in a folder to the disk."""
    try:
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
    except OSError as problem:  # Windows opens no folder
        if problem.errno not in _UNSYNCED:
            raise


def _exchanged(part: Path, final_path: Path) -> None:
    """Give ``part`` the other's name, and remove what had it."""
    before = _hidden_in(final_path.parent)
    if final_path.exists():
        final_path.rename(before)
    try:
        part.rename(final_path)
    except OSError:
        if before.exists():
            before.rename(final_path)
        raise
    shutil.rmtree(before, ignore_errors=True)


def _remove_left_behind(folder: Path) -> None:
    """Remove what killed processes left: the system has released their locks."""
    for part in folder.glob(".nonplus-*.part"):
        with suppress(OSError):  # it is in use, or somebody else's
            handle = os.open(part, _LEFT)
            try:
                _lock(handle, wait=False)
                shutil.rmtree(part) if part.is_dir() else part.unlink()
            finally:
                os.close(handle)


def _as_before(part: Path, before: os.stat_result) -> None:
    """Give ``part`` the owner, where that is allowed, and the mode of another file."""
    if sys.platform != "win32":
        with suppress(PermissionError):
            os.chown(part, before.st_uid, before.st_gid)
    part.chmod(stat.S_IMODE(before.st_mode))


if sys.platform == "win32":

    def _lock(handle: int, *, wait: bool) -> None:
        """Nothing to do: an open file cannot be removed there."""

else:
    import fcntl

    def _lock(handle: int, *, wait: bool) -> None:
        """Lock an open file, until it is closed or the process ends."""
        fcntl.flock(handle, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)

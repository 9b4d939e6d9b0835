"""Files that are whole under their name, or not there."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from nonplus.errors import BadInput

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Another name to write to, which replaces ``path`` at the end of the block.

    If the block raises, ``path`` stays as it was. A process that is killed leaves
    ``path`` as it was, and beside it a hidden file that ends in ``.part``.

    Raises:
        BadInput: the file cannot be written there.
    """
    final = Path(os.path.realpath(path))
    if final.exists() and not final.is_file():
        raise BadInput(f"{path} is not a regular file, so it cannot be replaced; give the name of a file")
    unfinished = final.with_name(f".{final.name}.{os.getpid()}.part")
    try:
        unfinished.touch()
        yield unfinished
        os.replace(str(unfinished), final)
    except OSError as problem:
        if problem.filename != str(unfinished) and problem.errno not in _FULL:
            raise  # the block failed for a reason of its own
        raise _unwritable(path, problem) from problem
    finally:
        with suppress(OSError):
            unfinished.unlink()


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Explain why ``path`` cannot be written; the block does nothing but write it.

    Raises:
        BadInput: the operating system refuses.
    """
    try:
        yield
    except OSError as problem:
        raise _unwritable(path, problem) from problem


def _unwritable(path: Path, problem: OSError) -> BadInput:
    return BadInput(f"{path} cannot be written: {problem.strerror}; give another place, or make room")

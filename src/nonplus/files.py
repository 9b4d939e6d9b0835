"""Files that are complete under their name, or not there."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from nonplus.errors import BadInput

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Another name to write to; at the end it takes the place of ``path``, unless an error ends the block.

    A process that is killed leaves ``path`` as it was, and beside it a hidden file that ends in ``.part``.

    Raises:
        BadInput: the file cannot be written there.
    """
    final = Path(os.path.realpath(path))
    if final.exists() and not final.is_file():
        raise BadInput(f"{path} is no file that could be replaced; give the name of a file")
    unfinished = final.with_name(f".{final.name}.{os.getpid()}.part")
    try:
        unfinished.touch()
        yield unfinished
        os.replace(str(unfinished), final)
    except OSError as problem:
        if problem.filename != str(unfinished) and problem.errno not in _FULL:
            raise  # the block failed for a reason of its own
        raise BadInput(f"{path} cannot be written: {problem.strerror}; give another place, or make room") from problem
    finally:
        with suppress(OSError):
            unfinished.unlink()

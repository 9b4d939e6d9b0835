"""pyarrow for records, loaded when it is needed; its errors, explained."""

from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType

from nonplus.errors import BadInput
from nonplus.optional import require

_PURPOSE = "reading Parquet and Arrow files"


def arrow() -> ModuleType:
    """``pyarrow``."""
    return require("pyarrow", purpose=_PURPOSE)


def compute() -> ModuleType:
    """``pyarrow.compute``."""
    return require("pyarrow.compute", purpose=_PURPOSE)


def ipc() -> ModuleType:
    """``pyarrow.ipc``."""
    return require("pyarrow.ipc", purpose=_PURPOSE)


def parquet() -> ModuleType:
    """``pyarrow.parquet``."""
    return require("pyarrow.parquet", purpose=_PURPOSE)


@contextmanager
def explained_arrow(name: str) -> Iterator[None]:
    """Explain why the file ``name`` cannot be read; the block does nothing but read it.

    Raises:
        BadInput: it is damaged, or of a kind that pyarrow does not read.
    """
    try:
        yield
    except arrow().ArrowNotImplementedError as error:
        raise BadInput(
            f"{name} has something that pyarrow cannot read: {_first_of(error)}; write the file in plainer types"
        ) from error
    except MemoryError:
        raise BadInput(f"{name} asks for more memory than there is; it is damaged, or needs a larger machine") from None
    # The names of columns may be no UTF-8.
    except (arrow().ArrowException, UnicodeDecodeError, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise  # of the operating system
        raise BadInput(f"{name} is damaged: {_first_of(error)}; make or download it again") from error


def _first_of(error: Exception) -> str:
    """The first sentence of a message of pyarrow, which has several."""
    return str(error).partition(". ")[0].partition("\n")[0].rstrip(".")

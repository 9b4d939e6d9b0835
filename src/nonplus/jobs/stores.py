"""A place for finished files, each whole or not there: a folder of this machine."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import IO, Protocol, final

from nonplus.errors import BadInput
from nonplus.files import reading, replacing, writing


class Store(Protocol):
    """Files by name, in folders divided by ``/``."""

    def names(self, folder: str) -> list[str]:
        """The files of a folder, sorted, each with the folder in its name; none if it
        is not there.
        """
        ...

    def size(self, name: str) -> int | None:
        """The bytes of a file; ``None`` if it is not there."""
        ...

    def read(self, name: str) -> AbstractContextManager[IO[bytes]]:
        """The file, to read.

        Raises:
            BadInput: it cannot be read.
        """
        ...

    def write(self, name: str) -> AbstractContextManager[IO[bytes]]:
        """A file that has the name once the block ends, unless that raises.

        Raises:
            BadInput: it cannot be written.
        """
        ...

    def remove(self, name: str) -> None:
        """Remove a file, if it is there."""
        ...


@final
class Folder:
    """A store on this machine."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __str__(self) -> str:
        return str(self._path)

    def names(self, folder: str) -> list[str]:
        """The files of a folder, without what is being written there."""
        within = self._path / folder
        if not within.is_dir():
            return []
        with reading(within):
            found = [each.name for each in within.iterdir() if not each.name.startswith(".")]
        return [f"{folder}/{name}" for name in sorted(found)]

    def size(self, name: str) -> int | None:
        """The bytes of a file; ``None`` if it is not there."""
        try:
            return (self._path / name).stat().st_size
        except FileNotFoundError:
            return None

    @contextmanager
    def read(self, name: str) -> Iterator[IO[bytes]]:
        """The file, to read."""
        path = self._path / name
        with reading(path):
            file = path.open("rb")
        with file:
            yield file

    @contextmanager
    def write(self, name: str) -> Iterator[IO[bytes]]:
        """A file that has the name once the block ends."""
        path = self._path / name
        with writing(path):
            path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as file:
            yield file

    def remove(self, name: str) -> None:
        """Remove a file, if it is there."""
        with writing(self._path / name):
            (self._path / name).unlink(missing_ok=True)


def open_store(place: str) -> Store:
    """The store at a place.

    Raises:
        BadInput: it cannot be one.
    """
    path = Path(place)
    if path.exists() and not path.is_dir():
        raise BadInput(f"{place} is a file, where a folder for the parts is needed; give another place")
    return Folder(path)

"""A place for finished files, each whole or not there."""

import os
from pathlib import Path
from typing import Protocol, final

from nonplus import urls
from nonplus.errors import BadInput
from nonplus.files import created, make_folder, reading, replacing, writing

_LOCAL = "file://"


class Store(Protocol):
    """Files by name, in folders divided by ``/``.

    All methods raise a ``BadInput`` for what the store refuses.
    """

    def names(self, folder: str) -> list[str]:
        """The files of a folder, sorted, each with the folder in its name; none if it
        is not there.
        """
        ...

    def holds(self, folder: str) -> bool:
        """Whether there is any file in a folder, or in the folders in it."""
        ...

    def size(self, name: str) -> int | None:
        """The bytes of a file; ``None`` if it is not there."""
        ...

    def read(self, name: str) -> bytes:
        """What is in a file."""
        ...

    def found(self, name: str) -> bytes | None:
        """What is in a file; ``None`` if it is not there."""
        ...

    def write(self, name: str, content: bytes) -> None:
        """Put a file there, also in place of an earlier one; the first file of a store
        is not written but created.
        """
        ...

    def create(self, name: str, content: bytes) -> bool:
        """Put a file there unless there is one; whether there was none.

        Of several processes that do this at once, one succeeds.
        """
        ...

    def remove(self, name: str) -> None:
        """Remove a file, if it is there."""
        ...


@final
class Folder:
    """A store on this machine, or on a disk that machines share."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __str__(self) -> str:
        return str(self._path)

    def names(self, folder: str) -> list[str]:
        """The files of a folder, without what is being written there."""
        within = self._path / folder
        if not within.is_dir():
            return []
        with reading(within), os.scandir(within) as entries:
            found = [each.name for each in entries if each.is_file() and not each.name.startswith(".")]
        return [f"{folder}/{name}" for name in sorted(found)]

    def holds(self, folder: str) -> bool:
        """Whether there is any file in a folder, or in the folders in it; what is being
        written is none.
        """
        return any(not each.startswith(".") for *_, files in os.walk(self._path / folder) for each in files)

    def size(self, name: str) -> int | None:
        """The bytes of a file; ``None`` if it is not there."""
        try:
            return (self._path / name).stat().st_size
        except FileNotFoundError:
            return None

    def read(self, name: str) -> bytes:
        """What is in a file."""
        with reading(self._path / name):
            return (self._path / name).read_bytes()

    def found(self, name: str) -> bytes | None:
        """What is in a file; ``None`` if it is not there."""
        with reading(self._path / name):
            try:
                return (self._path / name).read_bytes()
            except FileNotFoundError:
                return None

    def write(self, name: str, content: bytes) -> None:
        """Rename a finished file to its name."""
        if not self._path.is_dir():  # to make it anew would lose sight of what it had
            raise BadInput(f"the folder {self._path} is not there any more; run the same again to begin anew")
        # Begun in the folder of the store, which has few files, because a file is begun
        # by looking for what killed processes left beside it.
        with replacing(self._made(name), begun_in=self._path) as file:
            file.write(content)

    def create(self, name: str, content: bytes) -> bool:
        """Link a finished file to its name; the folder is made if it is not there."""
        return created(self._made(name), content)

    def remove(self, name: str) -> None:
        """Remove a file, if it is there."""
        with writing(self._path / name):
            (self._path / name).unlink(missing_ok=True)

    def _made(self, name: str) -> Path:
        """The path of a name, in a folder that exists."""
        path = self._path / name
        make_folder(path.parent)
        return path


@final
class Bucket:
    """A store at a URL; a file is one upload."""

    def __init__(self, url: str) -> None:
        urls.check_uploads_are_whole(url)
        self._url = url.rstrip("/")

    def __str__(self) -> str:
        return urls.shown(self._url)

    def names(self, folder: str) -> list[str]:
        """The files of a folder, sorted, each with the folder in its name."""
        return [f"{folder}/{name}" for name in urls.names_in(f"{self._url}/{folder}")]

    def holds(self, folder: str) -> bool:
        """Whether there is any file in a folder, or in the folders in it."""
        return urls.holds_any(f"{self._url}/{folder}")

    def size(self, name: str) -> int | None:
        """The bytes of a file; ``None`` if it is not there."""
        return urls.size_at(f"{self._url}/{name}")

    def read(self, name: str) -> bytes:
        """What is in a file."""
        return urls.content_of(f"{self._url}/{name}")

    def found(self, name: str) -> bytes | None:
        """What is in a file; ``None`` if it is not there."""
        return urls.content_if_any(f"{self._url}/{name}")

    def write(self, name: str, content: bytes) -> None:
        """Upload a file."""
        urls.upload(f"{self._url}/{name}", content)

    def create(self, name: str, content: bytes) -> bool:
        """Upload a file on the condition that there is none."""
        return urls.upload_new(f"{self._url}/{name}", content)

    def remove(self, name: str) -> None:
        """Remove a file, if it is there."""
        urls.remove(f"{self._url}/{name}")


def open_store(place: str) -> Store:
    """The store at a place: a folder, or the URL of one.

    Raises:
        BadInput: it cannot be one.
    """
    if urls.is_url(place) and not place.startswith(_LOCAL):
        return Bucket(place)
    path = Path(place.removeprefix(_LOCAL))
    with writing(path):
        taken = path.exists() and not path.is_dir()
    if taken:
        raise BadInput(f"{place} is a file, where a folder for the parts is needed; give another place")
    if path.is_symlink() and not path.exists():
        raise BadInput(f"{place} is a link that leads nowhere; make the folder that it leads to, or give another place")
    return Folder(path)

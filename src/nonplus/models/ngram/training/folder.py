"""The folder in which a model is trained: finished pieces, each whole or not there."""

import io
import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, final

import numpy as np
from numpy.typing import NDArray

from nonplus.errors import BadInput
from nonplus.files import reading, replacing, writing

_MANIFEST = "training.json"
_VERSION = 4
_INNER = ("version", "text")  # conditions that are no options

Array = NDArray[Any]


def work_beside(model: Path) -> Path:
    """The folder of the work on a model that is not finished."""
    return model.with_name(f"{model.name}.training")


@contextmanager
def working(path: Path, conditions: Mapping[str, object]) -> Iterator["WorkFolder"]:
    """A work folder that is removed at the end of the block; if the block raises, only
    where nothing is finished.

    Raises:
        BadInput: as :class:`WorkFolder`.
    """
    folder = WorkFolder(path, conditions)
    done = False
    try:
        yield folder
        done = True
    finally:
        if done or not folder.has_work:
            folder.remove()


@final
class WorkFolder:
    """Pieces of a training by name; an interrupted one goes on with what is there."""

    def __init__(self, path: Path, conditions: Mapping[str, object]) -> None:
        """Make the folder, or take up the one that is there.

        Raises:
            BadInput: it is not such a folder, belongs to another training, or cannot be
                written.
        """
        self.path = path
        wanted = {"version": _VERSION, **conditions}
        manifest = path / _MANIFEST
        shutil.rmtree(_removed(path), ignore_errors=True)  # what a kill left there
        with writing(path):
            path.mkdir(parents=True, exist_ok=True)
        if manifest.exists():
            _check(path, json.loads(manifest.read_bytes()), json.loads(json.dumps(wanted)))
            return
        if any(_visible(path)):
            raise BadInput(f"{path} holds other files, and the work of a training would go there; move it away")
        with replacing(manifest) as file:
            file.write(json.dumps(wanted, indent=1).encode())

    @contextmanager
    def removed_if_refused(self) -> Iterator[None]:
        """A block that checks, and writes nothing: what it refuses is refused on every
        call, so no other training goes on with this one.

        Raises:
            BadInput: what the block raises, once the folder is removed.
        """
        try:
            yield
        except BadInput:
            self.remove()
            raise

    @property
    def has_work(self) -> bool:
        """Whether any piece is finished."""
        return self.path.exists() and any(each.name != _MANIFEST for each in _visible(self.path))

    def has(self, name: str) -> bool:
        """Whether a piece is finished."""
        return (self.path / name).exists()

    @contextmanager
    def writing(self, name: str) -> Iterator[IO[bytes]]:
        """A piece, which is there when the block has ended."""
        with replacing(self.path / name) as file:
            yield file

    def write(self, name: str, arrays: Sequence[Array]) -> None:
        """A piece of arrays."""
        with self.writing(name) as file:
            for array in map(np.ascontiguousarray, arrays):
                np.lib.format.write_array_header_1_0(file, np.lib.format.header_data_from_array_1_0(array))
                file.write(array.data)  # numpy.ndarray.tofile does not say why it could not write

    def arrays(self, name: str) -> Iterator[Array]:
        """The arrays of a piece, one after the other."""
        with reading(self.path / name), (self.path / name).open("rb") as file:
            size = (self.path / name).stat().st_size
            while file.tell() < size:
                yield _array(file)

    def drop(self, name: str) -> None:
        """Remove a piece that nothing needs any more."""
        (self.path / name).unlink(missing_ok=True)

    def drop_all(self, pattern: str) -> None:
        """Remove the pieces of such names."""
        for path in sorted(self.path.glob(pattern), reverse=True):
            path.unlink()

    def remove(self) -> None:
        """Remove the folder with everything in it, at once as far as others see."""
        if self.path.exists():
            self.path.rename(_removed(self.path))
        try:
            shutil.rmtree(_removed(self.path), ignore_errors=True)
        finally:  # also where an interruption stopped that
            shutil.rmtree(_removed(self.path), ignore_errors=True)


def _array(file: io.BufferedReader) -> Array:
    """The next array; numpy.fromfile makes a TypeError of an interruption."""
    np.lib.format.read_magic(file)
    shape, columns_first, dtype = np.lib.format.read_array_header_1_0(file)
    assert not columns_first, "pieces are written row by row"
    array = np.empty(shape, dtype)
    if file.readinto(array.reshape(-1).view(np.uint8).data) < array.nbytes:
        raise EOFError("a piece of a training is shorter than it says")
    return array


def _visible(path: Path) -> Iterator[Path]:
    """What is in a folder, except for files that are not whole."""
    return (each for each in path.iterdir() if not each.name.startswith(".nonplus-"))


def _removed(path: Path) -> Path:
    """The name of a folder while it is removed."""
    return path.with_name(f".{path.name}.removed")


def _check(path: Path, found: Mapping[str, object], wanted: Mapping[str, object]) -> None:
    others = [name for name in sorted({*found, *wanted}) if found.get(name) != wanted.get(name)]
    if others:
        both = {name: (_shown(found.get(name)), _shown(wanted.get(name))) for name in others}
        changes = ", ".join(f"{name} was {was} and is {now}" for name, (was, now) in both.items())
        before = " ".join(f"{name}={both[name][0]}" for name in others if name in found and name not in _INNER)
        command = f"that command, with {before}," if before else "that command"
        raise BadInput(
            f"{path} has the unfinished work of another training: {changes}; repeat {command} to finish it, or remove "
            "the folder"
        )


def _shown(value: object) -> str:
    """A condition as one types it."""
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)

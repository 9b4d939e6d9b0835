"""Which file a name after ``gguf:`` means."""

import re
from collections.abc import Sequence
from pathlib import Path

from nonplus.errors import BadModel

_SHARD = re.compile(r"(?P<stem>.+)-(?P<place>\d{5})-of-(?P<count>\d{5})\.gguf")
_LISTED = 8  # names in a message


def found(name: str) -> Path:
    """The file itself, or the only one of a folder.

    Raises:
        BadModel: there is none, there are several, or it is a part of one.
    """
    path = Path(name)
    if path.is_dir():
        path = _only(path)
    elif not path.exists():
        raise BadModel(f"there is no file or folder {name!r}{_meant(path)}")
    if shard := _SHARD.fullmatch(path.name):
        first = path.with_name(f"{shard['stem']}-00001-of-{shard['count']}.gguf")
        raise BadModel(
            f"{path.name!r} is one of the {int(shard['count'])} parts of a model, and transformers reads whole files; "
            f"join them with llama.cpp: llama-gguf-split --merge {first.name} {shard['stem']}.gguf"
        )
    return path


def files_of(folder: Path) -> list[Path]:
    """The GGUF files in a folder, by name."""
    return sorted(path for path in folder.iterdir() if path.suffix == ".gguf")


def _only(folder: Path) -> Path:
    files = files_of(folder)
    if not files:
        raise BadModel(f"the folder {str(folder)!r} holds no file whose name ends in .gguf; give one, or its folder")
    if len({_SHARD.sub(r"\g<stem>", file.name) for file in files}) > 1:
        raise BadModel(
            f"the folder {str(folder)!r} holds {len(files)} GGUF files: {_listed(files)}; name one, as in "
            f"gguf:{files[0]}"
        )
    return files[0]


def _meant(path: Path) -> str:
    around = files_of(path.parent) if path.parent.is_dir() else []
    beside = f"; beside it lie {_listed(around)}" if around else ""
    return f"{beside}; give a GGUF file, or a folder that holds one"


def _listed(files: Sequence[Path]) -> str:
    more = f" and {len(files) - _LISTED} more" if len(files) > _LISTED else ""
    return ", ".join(file.name for file in files[:_LISTED]) + more

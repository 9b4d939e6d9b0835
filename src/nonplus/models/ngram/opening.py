"""``ngram:``: a bundle, or a file of another tool."""

import hashlib
from functools import partial
from pathlib import Path
from typing import Any

from nonplus.errors import BadModel
from nonplus.files import reading
from nonplus.models.bundled_cards import bundled_folder
from nonplus.models.loading import Loading, loaded_as_is
from nonplus.models.ngram.bundle import MANIFEST, WORDS, is_bundle, open_bundle
from nonplus.models.ngram.model import NgramModel
from nonplus.models.ngram.model_file import open_lookup
from nonplus.models.ngram.normalizers.named import named
from nonplus.models.ngram.stored import PACKED, TABLE
from nonplus.models.ngram.text.rules import Rules
from nonplus.models.ngram.text.words import Words

_PARTS = (MANIFEST, WORDS, TABLE, PACKED)


def open_ngram(name: str, loading: Loading = Loading()) -> NgramModel:  # noqa: B008
    """``ngram:FOLDER`` is a bundle, ``ngram:FILE`` an ARPA file or a
    KenLM binary.

    A file does not say how its text was read. It is taken to have been text as it is,
    cut at blanks, a sentence a line, between ``<s>`` and ``</s>``.

    Raises:
        BadModel: there is no such model, or it is damaged.
        BadInput: it cannot be read.
    """
    path = found_at(name)
    return loaded_as_is(_of_bundle(path) if path.is_dir() else _of_file(path), loading)


def found_at(name: str) -> Path:
    """The folder of a bundle, ``bundled:`` and the name of one that comes with nonplus,
    or a file that may be a model.

    Raises:
        BadModel: there is neither.
        BadInput: it cannot be read.
    """
    path = bundled_folder(name.removeprefix("bundled:")) if name.startswith("bundled:") else Path(name)
    if not name:
        raise BadModel("ngram: takes a model and got none; name the folder of a bundle, an ARPA file or a KenLM binary")
    with reading(path):
        is_folder, is_file = path.is_dir(), path.is_file()
    if not is_folder and not is_file:
        came = f"{name!r} is neither" if path.exists() else f"there is none of the name {name!r}"
        raise BadModel(f"ngram: takes the folder of a bundle or a regular file, and {came}; check it")
    if is_file and path.name in _PARTS and is_bundle(path.parent):
        raise BadModel(f"{name} is a part of the bundle {path.parent}; name the folder: ngram:{path.parent}")
    if is_folder and not is_bundle(path):
        other = (path / "config.json").is_file()
        remedy = f"open it with hf:{path}" if other else "write one with nonplus ngram train, or name an ARPA file"
        what = "a model of transformers" if other else "no bundle"
        raise BadModel(f"the folder {name} is {what}: it has no {MANIFEST}; {remedy}")
    return path


def _of_bundle(folder: Path) -> NgramModel:
    bundle = open_bundle(folder)
    name, opens = folder.resolve().name, partial(open_ngram, str(folder.absolute()))
    return NgramModel(
        bundle.rules,
        bundle.table,
        name=name,
        identity=bundle.identity,
        opens=opens,
        quantiles=bundle.manifest.quantiles or {},
    )


def _of_file(path: Path) -> NgramModel:
    words, lookup = open_lookup(path)
    rules = Rules(named("raw-1"), Words(words), unit="line")
    opens = partial(open_ngram, str(path.absolute()))
    return NgramModel(rules, lookup, name=path.name, identity=file_identity(path, rules), opens=opens)


def file_identity(path: Path, rules: Rules) -> str:
    """A digest of a file and of how texts are read."""
    with reading(path), path.open("rb") as file:
        content: Any = hashlib.file_digest(file, "sha256")
    return hashlib.sha256(f"{content.hexdigest()} {rules.identity}".encode()).hexdigest()

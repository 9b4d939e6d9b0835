"""A bundle: a folder with all that it takes to score a text as the model's own text was
read.
"""

import hashlib
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

from nonplus.errors import BadInput, BadModel
from nonplus.files import reading, replacing_folder, writing
from nonplus.models.ngram.manifest import File, Manifest, Pruning, Training
from nonplus.models.ngram.ngrams import SPECIAL_WORDS, Ngrams
from nonplus.models.ngram.packed.columns import Errors
from nonplus.models.ngram.stored import open_stored, write_stored
from nonplus.models.ngram.table.table import Table
from nonplus.models.ngram.text.rules import Rules, rules_of

MANIFEST, WORDS = "manifest.json", "words.txt"

_CHECKED = 1 << 26  # bytes; to read more at each opening would take longer than a short text
_NAMED = 5  # of files that a message names
_REMEDY = "copy the whole bundle again"


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """A bundle that is open. ``identity`` is the digest of its manifest, which has
    those of its files. ``errors`` tells for each order above the first how far a
    base-10 log-probability, then a back-off weight, is at most from what it was before
    the model was quantised, however often; it is empty if it never was.
    """

    folder: Path
    manifest: Manifest
    identity: str
    rules: Rules
    table: Table
    ngrams: Ngrams
    errors: Errors


def is_bundle(folder: Path) -> bool:
    """Whether a folder is meant as a bundle."""
    return (folder / MANIFEST).is_file()


def write_bundle(
    folder: Path,
    ngrams: Ngrams,
    *,
    rules: Rules,
    training: Training | None = None,
    quantiles: Mapping[str, Mapping[str, float]] | None = None,
    errors_before: Errors = (),
    pruned: tuple[Pruning, ...] = (),
    bits: int = 0,
    packed: bool = False,
    memory: int = 1 << 30,
    further: Mapping[str, Iterable[bytes]] | None = None,
) -> Manifest:
    """Write a bundle; it appears under its name when it is whole, and an earlier one is
    replaced whole.

    ``rules`` are those by which texts are read; their words are those of ``ngrams``.
    ``errors_before`` are those that its values have already, as in ``Bundle``, and
    ``pruned`` is as in ``Manifest``.
    ``bits`` and ``memory`` are as in ``write_table``; with ``packed`` the n-grams are
    packed, for a bundle that is handed on. ``further`` are files that scoring does not
    need, by name.

    Raises:
        BadInput: the folder cannot be written, or holds something else.
        BadModel: the n-grams are no model.
    """
    check_free(folder)
    own = {name: [content] for name, content in {WORDS: words_file(ngrams.words), **rules.files}.items()}
    with replacing_folder(folder) as part:
        for name, parts in {**own, **(further or {})}.items():
            with writing(folder), (part / name).open("wb") as file:
                file.writelines(parts)
        stored = write_stored(part, ngrams, packed=packed, bits=bits, memory=memory)
        manifest = Manifest(
            rules=rules.as_dict(),
            rules_identity=rules.identity,
            order=len(ngrams.counts),
            counts=ngrams.counts,
            vocabulary=len(ngrams.words),
            bits=bits,
            ngrams=stored,
            files={name: _file(part / name) for name in (WORDS, stored, *rules.files, *(further or {}))},
            training=training,
            quantiles=quantiles,
            errors_before=errors_before,
            pruned=pruned,
        )
        said = manifest.to_json()
        rules_of(Manifest.from_json(said).rules, SPECIAL_WORDS, folder=part)  # what cannot be read replaces nothing
        with writing(folder):
            (part / MANIFEST).write_text(said, encoding="utf-8")
    return manifest


def open_bundle(folder: Path, *, whole: bool = False) -> Bundle:
    """The bundle in a folder, once its files are known to be those of its manifest.

    The size of every file is compared, and the checksum of those of 64 MiB at most;
    with ``whole`` all checksums.

    Raises:
        BadModel: the manifest does not fit; the message names the field.
        BadInput: a file cannot be read.
    """
    path = folder / MANIFEST
    with reading(path):
        said = path.read_bytes()
    try:
        manifest = Manifest.from_json(said.decode())
    except UnicodeDecodeError as fault:
        raise BadModel(f"{path} is not text in UTF-8: {fault.reason}; {_REMEDY}") from None
    except BadModel as fault:
        raise BadModel(f"{path}: {fault}") from None
    claims = _Claims(path)
    for name, file in manifest.files.items():
        claims.check_file(name, file, most=1 << 62 if whole else _CHECKED)
    for name in (WORDS, manifest.ngrams):
        if name not in manifest.files:
            raise BadModel(f"{path}: the field 'files' has no {name!r}, which the bundle needs; {_REMEDY}")
    words = _words(folder / WORDS)
    claims.check("vocabulary", manifest.vocabulary, len(words), WORDS)
    stored = open_stored(folder / manifest.ngrams, words)
    claims.check("order", manifest.order, len(stored.ngrams.counts), manifest.ngrams)
    claims.check("counts", manifest.counts, stored.ngrams.counts, manifest.ngrams)
    claims.check("bits", manifest.bits, stored.bits, manifest.ngrams)
    try:
        rules = rules_of(manifest.rules, words, folder=folder)
    except BadModel as fault:
        raise BadModel(f"{path}: rules: {fault}") from None
    claims.check("rules_identity", manifest.rules_identity, rules.identity, f"what rules={json.dumps(rules.as_dict())}")
    return Bundle(
        folder=folder,
        manifest=manifest,
        identity=hashlib.sha256(said).hexdigest(),
        rules=rules,
        table=stored.table,
        ngrams=stored.ngrams,
        errors=_together(manifest, stored.errors) if manifest.bits or manifest.errors_before else (),
    )


def _together(manifest: Manifest, errors: Errors) -> Errors:
    """The errors of each order, with those that its values had before."""
    return tuple(
        tuple(
            sum(own[order][kind] for own in (errors, manifest.errors_before) if own[order:] and own[order][kind:])
            for kind in range(2 if order < manifest.order - 2 else 1)
        )
        for order in range(manifest.order - 1)
    )


@final
@dataclass(frozen=True, slots=True)
class _Claims:
    """What a manifest says, compared with what is there."""

    path: Path

    def check(self, field: str, said: Any, found: Any, where: str) -> None:
        if said != found:
            raise BadModel(
                f"{self.path}: the field {field!r} is {_short(said)}, but {where} has {_short(found)}; {_REMEDY}"
            )

    def check_file(self, name: str, said: File, *, most: int) -> None:
        file = self.path.parent / name
        if Path(name).name != name:
            raise BadModel(f"{self.path}: the field 'files' has {name!r}, which is no name of a file; {_REMEDY}")
        if not file.is_file():
            raise BadModel(f"{self.path}: the field 'files' has {name!r}, and there is no such file; {_REMEDY}")
        with reading(file):
            self.check(f"files.{name}.bytes", said.bytes, file.stat().st_size, name)
            if said.bytes <= most:
                self.check(f"files.{name}.sha256", said.sha256, _sha256(file), name)


def _short(value: Any) -> str:
    return value[:12] if isinstance(value, str) else repr(value)


def check_free(folder: Path) -> None:
    """Refuse to replace what is no bundle, to remove what is not of one, and to put
    anything into one.

    Raises:
        BadInput: it would be so.
    """
    with writing(folder):
        found = sorted(each.name for each in folder.iterdir()) if folder.is_dir() else []
        own = _own_files(folder)
        taken = folder.exists() and (not folder.is_dir() or (found and not own))
        around = next((each for each in Path(os.path.realpath(folder)).parents if _own_files(each)), None)
    if taken:
        raise BadInput(f"{folder} exists and is no bundle, so it is not replaced; give another name, or remove it")
    if others := [name for name in found if name not in own]:
        raise BadInput(
            f"{folder} is a bundle that also holds {_listed(others)}, which would be removed with it; move that away, "
            "or give another name"
        )
    if around is not None:
        raise BadInput(f"{folder} would lie in the bundle {around}, which holds its own files only; give another name")


def _listed(names: Sequence[str]) -> str:
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more} more" if more > 0 else "")


def _own_files(folder: Path) -> frozenset[str]:
    """The names of the files of a bundle; none if it is no bundle."""
    try:
        manifest = Manifest.from_json((folder / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, BadModel):
        return frozenset()
    return frozenset((MANIFEST, *manifest.files))


def words_file(words: Any) -> bytes:
    """The content of ``words.txt``.

    Raises:
        BadModel: a word has a newline.
    """
    odd = next((word for word in words if "\n" in word), None)
    if odd is not None:
        raise BadModel(f"the model has the word {odd!r}, and no word of a bundle has a newline; train it by lines")
    # words of an ARPA file may be no UTF-8
    return "".join(f"{word}\n" for word in words).encode(errors="surrogateescape")


def _words(file: Path) -> list[str]:
    with reading(file):
        return file.read_bytes().decode(errors="surrogateescape").split("\n")[:-1]


def _file(path: Path) -> File:
    return File(bytes=path.stat().st_size, sha256=_sha256(path))


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

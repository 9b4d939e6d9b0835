"""What a model of n-grams is, without scoring anything with it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

from nonplus.models.ngram.bundle import open_bundle
from nonplus.models.ngram.manifest import Manifest
from nonplus.models.ngram.model_file import outline
from nonplus.models.ngram.opening import found_at
from nonplus.models.ngram.sources import size


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """A model as it lies on the disk.

    ``kind`` is ``bundle`` or the format of a file; ``bytes`` is the size of all its
    files, and ``ngram_bytes`` that of the file with the n-grams. ``counts`` tells how
    many n-grams of order 1, 2, … there are. ``bits`` is 0 where values are float32.
    ``errors`` has, for each order above the first of a bundle that is or was quantised,
    by how much the base-10 logarithms of a probability and of a back-off weight are off
    at most: up to half the width of a bin each time. ``manifest`` is that of a bundle.
    """

    name: str
    kind: str
    bytes: int
    ngram_bytes: int
    counts: tuple[int, ...]
    vocabulary: int
    bits: int = 0
    errors: tuple[tuple[float, ...], ...] = ()
    manifest: Manifest | None = None

    @property
    def order(self) -> int:
        """The words of its longest n-grams."""
        return len(self.counts)

    @property
    def bits_per_ngram(self) -> float:
        """Of the file with the n-grams."""
        return 8 * self.ngram_bytes / max(1, sum(self.counts))

    def as_dict(self) -> dict[str, Any]:
        """All of it, for JSON."""
        return {
            "name": self.name,
            "kind": self.kind,
            "order": self.order,
            "counts": list(self.counts),
            "vocabulary": self.vocabulary,
            "bytes": self.bytes,
            "bits_per_ngram": self.bits_per_ngram,
            "bits": self.bits,
            "greatest_errors": [list(each) for each in self.errors],
            "manifest": None if self.manifest is None else self.manifest.as_dict(),
        }


def inspected(name: str) -> Inspection:
    """What ``ngram:NAME`` opens; of a bundle, every checksum is compared.

    Raises:
        BadModel: there is no such model, or it is damaged.
        BadInput: it cannot be read.
    """
    path = found_at(name.removeprefix("ngram:"))
    return _bundle(path, name) if path.is_dir() else _file(path, name)


def _bundle(folder: Path, name: str) -> Inspection:
    bundle = open_bundle(folder, whole=True)
    manifest = bundle.manifest
    return Inspection(
        name=name,
        kind="bundle",
        bytes=size(folder),
        ngram_bytes=manifest.files[manifest.ngrams].bytes,
        counts=manifest.counts,
        vocabulary=manifest.vocabulary,
        bits=manifest.bits,
        errors=bundle.errors,
        manifest=manifest,
    )


def _file(path: Path, name: str) -> Inspection:
    found, whole = outline(path), size(path)
    return Inspection(
        name=name,
        kind=found.kind,
        bytes=whole,
        ngram_bytes=whole,
        counts=found.counts,
        vocabulary=found.vocabulary,
        bits=found.bits,
    )

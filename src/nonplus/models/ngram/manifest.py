"""What is in a bundle, and how its model was made: ``manifest.json`` as a value."""

import json
from collections.abc import Mapping
from dataclasses import MISSING, asdict, dataclass, field, fields, is_dataclass
from types import NoneType, UnionType
from typing import Any, Literal, get_args, get_origin, get_type_hints

from nonplus.errors import BadModel
from nonplus.models.ngram.packed.columns import Errors

FORMAT = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Training:
    """The text that a model was trained on, and how.

    ``text_sha256`` stands for the documents in any order, ``bytes`` and ``tokens`` are
    their size. ``options`` are those of training. ``discounts`` has those of
    each order, for counts of 1, 2, and 3 or more.
    """

    text_sha256: str
    bytes: int
    tokens: int
    options: Mapping[str, Any] = field(default_factory=dict)
    discounts: tuple[tuple[float, ...], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Pruning:
    """How n-grams were removed from a model that had been trained.

    ``method`` is that of ``PruneOptions`` with its value, ``threshold`` the least part
    by which the perplexity would rise without an n-gram that stayed, and ``counts`` how
    many n-grams of order 1, 2, … there were before.
    """

    method: str
    threshold: float | None
    counts: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """A file of a bundle: its size, and its digest in hexadecimal digits."""

    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What is in a bundle.

    ``rules`` are those by which a text becomes words, as they state themselves, and
    ``rules_identity`` is the digest of all that decides the ids. ``ngrams`` is the name
    of the file with the n-grams, of which ``counts`` tells how many there are of order
    1, 2, …; ``bits`` is 0 for float32, else those of a quantised number. ``quantiles``
    has, by language, the perplexity of documents at each quantile that is known.
    ``files`` are all files except the manifest itself. ``errors_before`` are those, as
    in ``Bundle``, that the values had before this bundle was written: of a model that
    had been quantised. ``pruned`` tells what was removed since the training, the
    earliest first.
    """

    format: int = FORMAT
    kind: Literal["ngram"] = "ngram"
    rules: Mapping[str, Any]
    rules_identity: str
    order: int
    counts: tuple[int, ...]
    vocabulary: int
    bits: int
    ngrams: str
    files: Mapping[str, File]
    training: Training | None = None
    quantiles: Mapping[str, Mapping[str, float]] | None = None
    errors_before: Errors = ()
    pruned: tuple[Pruning, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """All fields, for JSON."""
        return asdict(self)

    def to_json(self) -> str:
        """The manifest as a file holds it."""
        return json.dumps(self.as_dict(), indent=2, ensure_ascii=False, allow_nan=False) + "\n"

    @classmethod
    def from_json(cls, text: str) -> "Manifest":
        """Inverse of :meth:`to_json`.

        Raises:
            BadModel: it is no such manifest; the message names the field.
        """
        try:
            held = json.loads(text)
        except (ValueError, RecursionError) as fault:
            raise BadModel(f"the manifest is no JSON: {fault}; copy the bundle again") from None
        if isinstance(held, dict) and "format" in held and held["format"] != FORMAT:
            raise BadModel(
                f"the manifest has format={held['format']!r}, and this nonplus reads format={FORMAT}; use the nonplus "
                "that wrote it, or train the model again"
            )
        manifest = _read(cls, held, "")
        assert isinstance(manifest, cls)
        return manifest


def _read(kind: Any, value: Any, name: str) -> Any:
    """``value`` as a ``kind``: a type that a field of a manifest has."""
    origin, of = get_origin(kind), get_args(kind)
    if is_dataclass(kind):
        return _record(kind, value, name)
    if origin is UnionType:
        return None if value is None else _read(next(each for each in of if each is not NoneType), value, name)
    if origin is Literal:
        return _checked(value, value in of, name, f"is one of {', '.join(map(repr, of))}")
    if origin is tuple:
        _checked(value, isinstance(value, list), name, "is a list")
        return tuple(_read(of[0], each, f"{name}[{place}]") for place, each in enumerate(value))
    if origin is not None:  # a mapping, of which JSON has only text as keys
        _checked(value, isinstance(value, dict), name, "is an object")
        return {key: _read(of[1], each, f"{name}.{key}") for key, each in value.items()}
    if kind is Any:
        return value
    if kind is float:
        return _checked(value, type(value) in (int, float), name, "is a number")
    return _checked(value, type(value) is kind, name, f"is {_KINDS[kind]}")


_KINDS = {int: "a whole number", str: "text", bool: "true or false"}


def _record(kind: Any, value: Any, name: str) -> Any:
    _checked(value, isinstance(value, dict), name or "the whole", "is an object")
    hints, known = get_type_hints(kind), {each.name: each for each in fields(kind)}
    before = f"{name}." if name else ""
    for each in value.keys() - known.keys():
        raise BadModel(f"the manifest has a field {before + each!r}, which format {FORMAT} has not; remove it")
    for each, about in known.items():
        if each not in value and about.default is MISSING and about.default_factory is MISSING:
            raise BadModel(f"the manifest has no field {before + each!r}, which each has; copy the bundle again")
    return kind(**{each: _read(hints[each], own, before + each) for each, own in value.items()})


def _checked(value: Any, holds: bool, name: str, rule: str) -> Any:
    if not holds:
        raise BadModel(f"the manifest has {name}={value!r:.80}, where it {rule}; copy the bundle again")
    return value

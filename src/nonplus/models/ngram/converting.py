"""A model written in another form: a bundle or an ARPA file, quantised, packed."""

from dataclasses import dataclass
from itertools import chain, zip_longest
from pathlib import Path
from typing import Any, final

from nonplus.errors import BadProtocol
from nonplus.files import replacing
from nonplus.models.ngram.arpa.writing import check_arpa_free, write_arpa
from nonplus.models.ngram.bundle import WORDS, check_free, open_bundle, words_file, write_bundle
from nonplus.models.ngram.manifest import File, Manifest, Pruning
from nonplus.models.ngram.option_types import check_switch, check_whole
from nonplus.models.ngram.packed.columns import Errors
from nonplus.models.ngram.quantizing import check_bits
from nonplus.models.ngram.sources import Source, TextOptions, size, source
from nonplus.models.ngram.stored import PACKED

_LARGEST = 1 << 50  # bytes of a file
_ARPA = ".arpa"
_OTHERS = (".gz", ".bz2", ".xz", ".zst", ".bin", ".binary", ".klm", ".lm")  # they are read, not written


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """How the values of a model are written.

    ``quantize`` is the number of bits for each value, 0 for float32. With ``packed`` a
    bundle is small, for handing it on, and takes longer to open. What is not chosen is
    as in the model.
    """

    quantize: int | None = None
    packed: bool | None = None

    def __post_init__(self) -> None:
        if self.quantize is not None:
            check_whole("quantize", self.quantize, example="8")
            check_bits(self.quantize, option="quantize")
        if self.packed is not None:
            check_switch("packed", self.packed)


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """A model that was written, and what of it was lost.

    ``kind`` is ``bundle`` or ``ARPA``; ``counts`` tells how many n-grams there are of
    order 1, 2, …, and ``ngram_bytes`` is what their file takes. ``errors`` has, for
    each order above the first of a quantised model, by how much a base-10
    log-probability and a back-off weight are off at most. ``lost`` are sentences.
    """

    path: Path
    kind: str
    counts: tuple[int, ...]
    bytes: int
    ngram_bytes: int
    bits: int
    errors: Errors
    lost: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """All of it, for JSON."""
        return {
            "path": str(self.path),
            "kind": self.kind,
            "counts": list(self.counts),
            "bytes": self.bytes,
            "ngram_bytes": self.ngram_bytes,
            "bits": self.bits,
            "greatest_errors": [list(each) for each in self.errors],
            "lost": list(self.lost),
        }


def convert(model: str, out: Path, *, form: Form = Form(), text: TextOptions = TextOptions()) -> Written:  # noqa: B008
    """Write the model that ``ngram:MODEL`` opens to ``out``: an ARPA file if its name
    ends with ``.arpa``, else the folder of a bundle.

    Values of float32 stay the same, bit for bit, in both directions.

    Raises:
        BadModel: the model cannot be opened, or its n-grams cannot be listed.
        BadProtocol: ``form`` does not fit ``out``.
        BadInput: a file cannot be read or written.
    """
    check(out, form)
    return write(source(model, text), out, form)


def check(out: Path, form: Form) -> None:
    """Refuse a form that ``out`` cannot have, or a file there that is not replaced.

    Raises:
        BadProtocol: the form does not fit.
        BadInput: ``out`` is something else than it is to be.
    """
    if out.suffix in _OTHERS:
        raise BadProtocol(f"{out} names a file of a kind that is not written; end it with {_ARPA}, or name a folder")
    if out.suffix == _ARPA and (form.packed or form.quantize):
        asked = "packed=True" if form.packed else f"quantize={form.quantize}"
        raise BadProtocol(f"an ARPA file such as {out} holds float32, got {asked}; leave it out, or name a folder")
    check_arpa_free(out) if out.suffix == _ARPA else check_free(out)


def write(given: Source, out: Path, form: Form, *, memory: int = 1 << 30) -> Written:
    """Write a model as :func:`convert` does; ``memory`` is as in ``write_table``."""
    bits = given.bits if form.quantize is None else form.quantize
    if out.suffix == _ARPA:
        return _arpa(given, out)
    rounded = bits != given.bits and bits > 0
    write_bundle(
        out,
        given.ngrams,
        rules=given.rules,
        training=given.training,
        quantiles=None if rounded else given.quantiles,
        errors_before=given.errors,
        pruned=given.pruned,
        bits=bits,
        packed=given.packed if form.packed is None else form.packed,
        memory=memory,
    )
    bundle = open_bundle(out)
    lost = _text_lost(given)
    if rounded and given.quantiles:
        lost.append("the reference quantiles of perplexity are left out: they were measured with the values before")
    if not given.stated:
        lost.append("the model does not say how text is read, so the bundle says: as it is, in words")
    if any(new > old for new, old in zip_longest(chain(*bundle.errors), chain(*given.errors), fillvalue=0.0)):
        lost.append(f"values were rounded to {bits} bits; nonplus ngram inspect shows how far")
    return Written(
        path=out,
        kind="bundle",
        counts=bundle.manifest.counts,
        bytes=size(out),
        ngram_bytes=bundle.manifest.files[bundle.manifest.ngrams].bytes,
        bits=bits,
        errors=bundle.errors,
        lost=tuple(lost),
    )


def bytes_beside(given: Source) -> int:
    """At most so many bytes are in a packed bundle of some n-grams of a model, beside
    them.
    """
    largest = File(bytes=_LARGEST, sha256="0" * 64)
    longest = -1.2345678901234567e-100
    counts = given.ngrams.counts
    own = {WORDS: words_file(given.ngrams.words), **given.rules.files}
    manifest = Manifest(
        rules=given.rules.as_dict(),
        rules_identity=given.rules.identity,
        order=len(counts),
        counts=counts,
        vocabulary=len(given.ngrams.words),
        bits=16,
        ngrams=PACKED,
        files=dict.fromkeys((*own, PACKED), largest),
        training=given.training,
        quantiles=given.quantiles,
        errors_before=given.errors,
        pruned=(
            *given.pruned,
            Pruning(method=f"to_bytes={_LARGEST}", threshold=longest, counts=counts),
        ),
    )
    return len(manifest.to_json().encode()) + sum(map(len, own.values()))


def _arpa(given: Source, out: Path) -> Written:
    with replacing(out) as file:
        write_arpa(file, given.ngrams)
    lost = _text_lost(given)
    if given.stated:
        lost.append("an ARPA file does not say how text is read: keep the bundle, or say it again")
    return Written(
        path=out,
        kind="ARPA",
        counts=given.ngrams.counts,
        bytes=size(out),
        ngram_bytes=size(out),
        bits=0,
        errors=(),
        lost=tuple(lost),
    )


def _text_lost(given: Source) -> list[str]:
    if given.text is None:
        return []
    return ["the new model does not keep the text, so it cannot be pruned by counts"]

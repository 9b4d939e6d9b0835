"""A model on the disk pruned into another one."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn, final

from nonplus.errors import BadProtocol
from nonplus.models.ngram.bundle import open_bundle
from nonplus.models.ngram.converting import Form, Written, check, write
from nonplus.models.ngram.opening import found_at
from nonplus.models.ngram.pruning.entropy import Pruned, pruned_by_entropy, pruned_to_bytes, pruned_to_ngrams
from nonplus.models.ngram.sources import Source, source


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class PruneOptions:
    """How much is removed; one of the three.

    With ``entropy`` every n-gram goes without which the perplexity rises by a smaller
    part, usually ``1e-9`` to ``1e-6``. ``ngrams`` is how many n-grams stay at most, and
    ``to_bytes`` how many bytes they take at most, packed.
    """

    entropy: float | None = None
    ngrams: int | None = None
    to_bytes: int | None = None

    def __post_init__(self) -> None:
        given = [name for name in ("entropy", "ngrams", "to_bytes") if getattr(self, name) is not None]
        if len(given) != 1:
            what = " and ".join(f"{name}={getattr(self, name)}" for name in given) or "none"
            raise BadProtocol(f"pruning takes one of entropy=1e-8, ngrams=1000000 and to_bytes=6000000, got {what}")
        if not getattr(self, given[0]) >= 0:
            raise BadProtocol(f"{given[0]}={getattr(self, given[0])} is below 0 or no number; give one from 0 on")
        if self.entropy is not None and self.entropy > 1:
            raise BadProtocol(
                f"entropy={self.entropy} would keep an n-gram only if the perplexity were {self.entropy:.0%} higher "
                "without it, and none is worth that; give a small part, usually from entropy=1e-9 to entropy=1e-6"
            )


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class PrunedFiles:
    """What pruning did: the counts and bytes of the model before, what was written, the
    threshold, and ``divergence``, in nats per token, as in ``Pruned``.
    """

    counts_before: tuple[int, ...]
    bytes_before: int
    written: Written
    threshold: float
    divergence: float

    def as_dict(self) -> dict[str, Any]:
        """All of it, for JSON."""
        return {
            **self.written.as_dict(),
            "counts_before": list(self.counts_before),
            "bytes_before": self.bytes_before,
            "entropy": self.threshold,
            "divergence": self.divergence,
        }


def prune(model: str, out: Path, *, options: PruneOptions, form: Form = Form()) -> PrunedFiles:  # noqa: B008
    """Write the model that ``ngram:MODEL`` opens to ``out`` with fewer n-grams.

    ``out`` is as in :func:`~nonplus.models.ngram.converting.convert`. With ``to_bytes``
    it is a bundle, which is packed.

    Raises:
        BadModel: the model cannot be opened, or its n-grams cannot be listed.
        BadProtocol: ``form`` does not fit ``out``.
        BadInput: a file cannot be read or written, or nothing is as small as is asked.
    """
    if options.to_bytes is not None:
        form = _packed(form, options.to_bytes, out)
    check(out, form)
    given = source(model)
    left = _pruned(given, options, form)
    return PrunedFiles(
        counts_before=given.ngrams.counts,
        bytes_before=given.bytes,
        written=write(given, out, form, ngrams=left.ngrams),
        threshold=left.threshold,
        divergence=left.divergence,
    )


def _packed(form: Form, to_bytes: int, out: Path) -> Form:
    if out.suffix == ".arpa" or form.packed is False:
        got = out if form.packed is None else f"packed={form.packed}"
        raise BadProtocol(f"to_bytes={to_bytes} is about a packed bundle, got {got}; name a folder, which is packed")
    return Form(quantize=form.quantize, packed=True)


def refuse_counts(model: str, counts: str) -> NoReturn:
    """Say why a model is not pruned by counts, and how to train one that is.

    Raises:
        BadProtocol: always.
        BadModel, BadInput: the model cannot be opened.
    """
    path = found_at(model.removeprefix("ngram:"))
    training = open_bundle(path).manifest.training if path.is_dir() else None
    stated = training.options if training is not None else {}
    as_before = "".join(f" {name}={stated[name]}" for name in ("order", "vocabulary") if stated.get(name))
    raise BadProtocol(
        f"counts={counts} needs how often each n-gram occurs in the text, which a model does not keep; train again on "
        f"the text, with{as_before} prune={counts}, or prune by what n-grams are worth, e.g. with entropy=1e-8"
    )


def _pruned(given: Source, options: PruneOptions, form: Form) -> Pruned:
    if options.entropy is not None:
        return pruned_by_entropy(given.ngrams, options.entropy)
    if options.ngrams is not None:
        return pruned_to_ngrams(given.ngrams, options.ngrams)
    assert options.to_bytes is not None
    bits = given.bits if form.quantize is None else form.quantize
    return pruned_to_bytes(given.ngrams, options.to_bytes, bits=bits)

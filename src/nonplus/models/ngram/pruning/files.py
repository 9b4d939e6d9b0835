"""A model on the disk pruned into another one."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, final

from nonplus.errors import BadProtocol
from nonplus.models.ngram.converting import Form, Written, bytes_beside, check, write
from nonplus.models.ngram.manifest import Pruning
from nonplus.models.ngram.option_types import check_number, check_text, check_whole
from nonplus.models.ngram.pruning.counts import write_again
from nonplus.models.ngram.pruning.entropy import Pruned, pruned_by_entropy, pruned_to_bytes, pruned_to_ngrams
from nonplus.models.ngram.sources import Source, source
from nonplus.models.ngram.training.meter import TrainingMeter
from nonplus.models.ngram.training.options import MOST, check_thresholds
from nonplus.sizes import bytes_of

_MEASURES = ("entropy", "ngrams", "to_bytes", "counts")


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class PruneOptions:
    """How much is removed; one of the first four.

    With ``entropy`` every n-gram goes without which the perplexity rises by a smaller
    part, usually ``1e-9`` to ``1e-6``. ``ngrams`` is how many n-grams stay at most, and
    ``to_bytes`` how many bytes the packed bundle takes at most: a number, or text such
    as ``"6M"``, 6,000,000 bytes. With ``counts`` every n-gram goes that occurs at most
    so often in the text, which the model must keep: a number for each order from 1 on,
    the last one repeated, as in ``TrainingOptions.prune``. That takes ``memory``, as a
    training does.
    """

    entropy: float | None = None
    ngrams: int | None = None
    to_bytes: int | str | None = None
    counts: Sequence[int] | None = None
    memory: str = ""

    def __post_init__(self) -> None:
        given = {name: getattr(self, name) for name in _MEASURES if getattr(self, name) is not None}
        if len(given) != 1:
            what = " and ".join(f"{name}={_shown(value)}" for name, value in given.items()) or "none"
            raise BadProtocol(
                f"pruning takes one of entropy=1e-8, ngrams=1000000, to_bytes=6000000 and counts=0,0,1, got {what}"
            )
        check_text("memory", self.memory, example="4G")
        if self.memory and self.counts is None:
            raise BadProtocol(f"memory={self.memory} is about counts=0,0,1, which estimates anew; leave it out")
        if self.entropy is not None:
            check_number("entropy", self.entropy, example="1e-8")
        if self.ngrams is not None:
            check_whole("ngrams", self.ngrams, example="1000000")
        if self.to_bytes is not None and not isinstance(self.to_bytes, str):
            check_whole("to_bytes", self.to_bytes, example="6M")
        if self.counts is not None:
            check_thresholds(self.counts, order=MOST, option="counts")
        for name, value in (("entropy", self.entropy), ("ngrams", self.ngrams), ("to_bytes", self.bytes)):
            if value is not None and not value >= 0:
                raise BadProtocol(f"{name}={value} is below 0 or no number; give one from 0 on")
        if self.entropy is not None and self.entropy > 1:
            raise BadProtocol(
                f"entropy={self.entropy} would keep an n-gram only if the perplexity were {self.entropy:.0%} higher "
                "without it, and none is worth that; give a small part, usually from entropy=1e-9 to entropy=1e-6"
            )

    @property
    def bytes(self) -> int | None:
        """How many bytes the bundle takes at most, if that is said."""
        if isinstance(self.to_bytes, str):
            return bytes_of(self.to_bytes, option="to_bytes", example="6M")
        return self.to_bytes

    @property
    def measure(self) -> str:
        """What says how much is removed, e.g. ``ngrams=1000000``."""
        [name] = (name for name in _MEASURES if getattr(self, name) is not None)
        return f"{name}={_shown(getattr(self, name))}"


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class PrunedFiles:
    """What pruning did: the counts and bytes of the model before, and what was written;
    but for pruning by counts also the threshold, and ``divergence``, in nats per token,
    as in ``Pruned``.
    """

    counts_before: tuple[int, ...]
    bytes_before: int
    written: Written
    threshold: float | None = None
    divergence: float | None = None

    def as_dict(self) -> dict[str, Any]:
        """All of it, for JSON."""
        return {
            **self.written.as_dict(),
            "counts_before": list(self.counts_before),
            "bytes_before": self.bytes_before,
            "entropy": self.threshold,
            "divergence": self.divergence,
        }


def prune(
    model: str,
    out: Path,
    *,
    options: PruneOptions,
    form: Form = Form(),  # noqa: B008
    meter: TrainingMeter,
) -> PrunedFiles:
    """Write the model that ``ngram:MODEL`` opens to ``out`` with fewer n-grams.

    ``out`` is as in :func:`~nonplus.models.ngram.converting.convert`. With ``to_bytes``
    it is a bundle, which is packed.

    Raises:
        BadModel: the model cannot be opened, or its n-grams cannot be listed.
        BadProtocol: ``form`` does not fit ``out``, or the model keeps no text.
        BadInput: a file cannot be read or written, nothing is as small as is asked, or
            counts do not fit the order.
    """
    if options.to_bytes is not None:
        form = _packed(form, options.to_bytes, out)
    check(out, form)
    given = source(model)
    if options.counts is not None:
        written = write_again(given, out, form, counts=tuple(options.counts), memory=options.memory, meter=meter)
        return PrunedFiles(counts_before=given.ngrams.counts, bytes_before=given.bytes, written=written)
    left = _pruned(given, options, form)
    smaller = replace(given, ngrams=left.ngrams)
    if left.ngrams.counts != given.ngrams.counts:  # quantiles were measured with the model before
        removal = Pruning(method=options.measure, threshold=left.threshold, counts=given.ngrams.counts)
        smaller = replace(smaller, pruned=(*given.pruned, removal), quantiles=None)
    return PrunedFiles(
        counts_before=given.ngrams.counts,
        bytes_before=given.bytes,
        written=write(smaller, out, form),
        threshold=left.threshold,
        divergence=left.divergence,
    )


def _packed(form: Form, to_bytes: int | str, out: Path) -> Form:
    if out.suffix == ".arpa" or form.packed is False:
        got = out if form.packed is None else f"packed={form.packed}"
        raise BadProtocol(f"to_bytes={to_bytes} is about a packed bundle, got {got}; name a folder, which is packed")
    return Form(quantize=form.quantize, packed=True)


def _pruned(given: Source, options: PruneOptions, form: Form) -> Pruned:
    if options.entropy is not None:
        return pruned_by_entropy(given.ngrams, options.entropy)
    if options.ngrams is not None:
        return pruned_to_ngrams(given.ngrams, options.ngrams)
    assert options.bytes is not None
    bits = given.bits if form.quantize is None else form.quantize
    return pruned_to_bytes(given.ngrams, options.bytes, bits=bits, beside=bytes_beside(given))


def _shown(value: Any) -> str:
    return ",".join(map(str, value)) if isinstance(value, tuple | list) else str(value)

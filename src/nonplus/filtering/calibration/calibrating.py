"""A sample of documents in, the cuts that it suggests out, and what each would do.

Letters in shapes: D documents.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, final

import numpy as np

from nonplus.filtering.calibration.bounds import FEWEST, REPEATS, Bounds, recommended
from nonplus.filtering.calibration.examples import Shelf, repeating, shelves
from nonplus.filtering.calibration.languages import Known, known
from nonplus.filtering.calibration.quantiles import Spread, spreads
from nonplus.filtering.calibration.shares import Share, kept_share
from nonplus.filtering.calibration.sweep import Side, Step, shares_of, swept
from nonplus.filtering.rules.attributes import quoted
from nonplus.filtering.rules.parsing import parsed
from nonplus.filtering.rules.scored import Scored
from nonplus.filtering.samples.sample import Sample
from nonplus.filtering.strata.strata import UNITS, Strata
from nonplus.measure.formatting import jsonable
from nonplus.measure.records import Bools, Floats

_LEAST_SHARE = 0.5  # of the bytes that are like the model's own, where no field says the language


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Calibration:
    """What a sample tells about cuts.

    ``bounds`` are what is recommended for the documents that the model is for, or
    ``None``: then ``refusal`` says why. ``rule`` has them as a rule of ``nonplus filter
    run``, and is empty if nothing is to be cut. ``kept`` (D,) is what it keeps, and
    ``shares`` the parts of ``UNITS``. ``steps`` are other bounds, for the documents
    that are judged. ``repeating`` is the share of all documents that repeat more than
    half of themselves. ``strata`` are sums over the sample, before and after.
    ``shelves`` are examples.
    """

    sample: Sample
    known: Known
    bounds: Bounds | None
    refusal: str
    rule: str
    kept: Bools
    shares: tuple[Share, ...]
    spreads: tuple[Spread, ...]
    steps: tuple[Step, ...]
    repeating: Share
    strata: Strata
    shelves: tuple[Shelf, ...]

    @property
    def judged(self) -> Bools:
        """The documents that the bounds are for (D,)."""
        judged_D: Bools = self.known.documents & self.sample.with_figures
        return judged_D

    @property
    def cuts(self) -> tuple[float, ...]:
        """The bounds that are recommended, in bits per byte."""
        return tuple(bound for _, _, bound in _cuts(self.bounds))

    def as_dict(self) -> dict[str, Any]:
        """All of it but the texts, for JSON."""
        bounds = self.bounds and asdict(self.bounds) | {"why": list(self.bounds.why)}
        return {
            "sample": self.sample.as_dict(),
            "languages": self.known.as_dict(),
            "recommended": bounds,
            "refusal": self.refusal or None,
            "rule": self.rule or None,
            "kept": {unit: share.as_dict() for unit, share in zip(UNITS, self.shares, strict=True)},
            "quantiles": [each.as_dict() for each in self.spreads],
            "sweep": [each.as_dict() for each in self.steps],
            "repeating": self.repeating.as_dict(),
            "strata": self.strata.as_dict(),
            "examples": [self._shelf(each) for each in self.shelves],
        }

    def _shelf(self, shelf: Shelf) -> dict[str, Any]:
        columns, places = self.sample.columns, self.sample.places
        documents = [
            {
                "place": places[each],
                "bits_per_byte": jsonable(float(self.sample.bits[each])),
                "repeated": float(self.sample.repeated[each]),
                "worst_window": jsonable(float(columns.worst[each])),
                "worst_window_at": [int(columns.worst_begin[each]), int(columns.worst_end[each])],
            }
            for each in shelf.places
        ]
        return {"name": shelf.name, "around": shelf.cut, "documents": documents}


def calibrate(
    sample: Sample,
    *,
    quantiles: Mapping[str, Mapping[str, float]],
    languages: Sequence[str] = (),
    trusted: Floats | None = None,
) -> Calibration:
    """What the sample tells about cuts.

    ``quantiles`` are the perplexities of the model's own documents by language, and
    ``languages`` those of the model if it does not say them; ``trusted`` (D,) are bits
    per byte of documents that are as the others should be.
    """
    about = known(sample.columns, sample.languages, quantiles, languages, identified=sample.identified)
    judged_D = about.documents & sample.with_figures
    refusal = _refusal(about, judged_D, trusted)
    bounds = None if refusal else recommended(sample.bits[judged_D], sample.repeated, trusted)
    rule = "" if bounds is None else _rule(bounds, about, sample.languages)
    kept_D = _kept(rule, sample)
    strata = Strata()
    strata.add(sample.bits, sample.amounts, kept_D, sample.attributes)
    cuts = _cuts(bounds)
    steps = tuple(_steps(sample, judged_D, [(side, bound) for side, _, bound in cuts]))
    named = [(name, bound) for _, name, bound in cuts]
    others = sorted({step.bound for step in steps} - {bound for _, bound in named})
    return Calibration(
        sample=sample,
        known=about,
        bounds=bounds,
        refusal=refusal,
        rule=rule,
        kept=kept_D,
        shares=shares_of(kept_D, sample.amounts, sample.clusters, sampled=sample.sampled),
        spreads=tuple(spreads(sample.bits, sample.columns.perplexity, sample.attributes, strata)),
        steps=steps,
        repeating=kept_share(
            sample.repeated > REPEATS, np.ones(len(sample.repeated)), sample.clusters, sampled=sample.sampled
        ),
        strata=strata,
        shelves=(
            *shelves(sample.bits, np.flatnonzero(judged_D), named, others),
            *repeating(np.where(sample.with_figures, sample.repeated, 0)),
        ),
    )


def _steps(sample: Sample, judged_D: Bools, also: Sequence[tuple[Side, float]]) -> Iterator[Step]:
    """Other bounds, for the documents that are judged."""
    if judged_D.any():
        amounts, clusters = sample.amounts[judged_D], sample.clusters[judged_D]
        yield from swept(sample.bits[judged_D], amounts, clusters, sampled=sample.sampled, also=also)


def _rule(bounds: Bounds, about: Known, languages: Sequence[str | None] | None) -> str:
    """The bounds as a rule; what says that it is in another language stays, for nothing
    is known of it, unless it repeats itself.
    """
    limits = ((bounds.high, "<="), (bounds.low, ">="))
    rule = " and ".join(f"bits_per_byte {sign} {limit:.2f}" for limit, sign in limits if limit is not None)
    if rule and languages is not None and not about.documents.all():
        known = sorted({each for each, inside in zip(languages, about.documents, strict=True) if inside and each})
        rule = f"({rule} or language not in ({', '.join(map(quoted, known))}))"
    guard = "" if bounds.repetition is None else f"repetition <= {bounds.repetition:g}"
    whole = " and ".join(each for each in (rule, guard) if each)
    return str(parsed(whole)) if whole else ""


def _kept(rule: str, sample: Sample) -> Bools:
    """What the rule keeps; without one, whatever has text."""
    if not rule:
        return sample.with_figures
    attributes = {} if sample.languages is None else {"language": sample.languages}
    columns = sample.columns.as_dict() | {"repetition": sample.repeated}
    kept_D: Bools = parsed(rule).decide(Scored(columns=columns, attributes=attributes)).keep
    return kept_D


def _cuts(bounds: Bounds | None) -> list[tuple[Side, str, float]]:
    """The bounds that there are, with the name of each."""
    cuts: list[tuple[Side, str, float]] = []
    if bounds is not None and bounds.high is not None:
        cuts.append(("at most", f"around the bound above, {bounds.high:.2f}", bounds.high))
    if bounds is not None and bounds.low is not None:
        cuts.append(("at least", f"around the guard below, {bounds.low:.2f}", bounds.low))
    return cuts


def _refusal(about: Known, judged_D: Bools, trusted: Floats | None) -> str:
    """Why no cut is recommended; empty if one is."""
    documents, named = int(judged_D.sum()), " and ".join(about.languages)
    if trusted is not None and len(trusted) < FEWEST:
        return f"there are {len(trusted):,} trusted documents, and a quantile of them takes {FEWEST} or more"
    if documents < FEWEST:
        said = f"in {named}" if about.stated and about.languages else "with text"
        return f"the sample has {documents:,} documents {said}, and a recommendation takes {FEWEST} or more"
    if not about.stated and about.share is not None and about.share < _LEAST_SHARE:
        return f"less than half of the text looks like {named}, which the model is for, and no field says which"
    return ""

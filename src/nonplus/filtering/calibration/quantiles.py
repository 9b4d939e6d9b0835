"""How bits per byte and perplexity are spread among the documents, and among those of
each language, source and length.

Letters in shapes: D documents, Q quantiles.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np

from nonplus.filtering.strata.strata import WHOLE, Strata, said
from nonplus.measure.formatting import jsonable
from nonplus.measure.records import Bools, Floats

PLACES = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)


@final
@dataclass(frozen=True, slots=True)
class Spread:
    """The quantiles of some documents at ``PLACES``, none of no documents; ``kind`` and
    ``name`` tell which documents.
    """

    kind: str
    name: str
    documents: int
    bits_per_byte: tuple[float, ...]
    perplexity: tuple[float, ...]

    def as_dict(self) -> dict[str, Any]:
        """All of it, for JSON."""
        figures = {"bits_per_byte": self.bits_per_byte, "perplexity": self.perplexity}
        by_place = {
            name: {f"{place:.2f}": jsonable(value) for place, value in zip(PLACES, values, strict=bool(values))}
            for name, values in figures.items()
        }
        return {"kind": self.kind, "name": self.name, "documents": self.documents, **by_place}


def spreads(
    bits_D: Floats, perplexity_D: Floats, attributes: Mapping[str, Sequence[str | None]], strata: Strata
) -> Iterator[Spread]:
    """The quantiles of all documents that have figures, and of each of ``strata``, in
    its order.
    """
    has_D = ~np.isnan(bits_D)
    yield _spread(WHOLE, WHOLE, bits_D, perplexity_D, has_D)
    for kind, values in attributes.items():
        names_D = np.array([said(each) for each in values], object)
        for name, _ in strata.rows(kind):
            here_D = has_D & (names_D == name)
            if here_D.any():
                yield _spread(kind, name, bits_D, perplexity_D, here_D)


def _spread(kind: str, name: str, bits_D: Floats, perplexity_D: Floats, here_D: Bools) -> Spread:
    documents = int(here_D.sum())
    if not documents:
        return Spread(kind, name, 0, (), ())
    found = (np.quantile(each[here_D], PLACES, method="inverted_cdf") for each in (bits_D, perplexity_D))
    bits, perplexity = (tuple(values.tolist()) for values in found)
    return Spread(kind, name, documents, bits, perplexity)

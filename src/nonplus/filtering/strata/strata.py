"""A corpus before and after a cut, by language, by source and by length.

Letters in shapes: D documents, S strata, B bins of bits per byte, U units (documents,
tokens, bytes).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self, final

import numpy as np

from nonplus.measure.records import Bools, Floats, Ints

UNITS = ("documents", "tokens", "bytes")
WIDTH = 0.1  # bits per byte; of a bin
BINS = 121  # the last one is open: 12 bits per byte and more
WHOLE = "all"

# Bytes at which the bands of lengths end.
_ENDS = (250, 1_000, 4_000, 16_000, 64_000)
BANDS = ("under 250 B", "250 B to 1 kB", "1 to 4 kB", "4 to 16 kB", "16 to 64 kB", "64 kB and more")
_UNSAID = "(not stated)"


@final
@dataclass(slots=True)
class Stratum:
    """What of a corpus is alike in something, before and after a cut.

    Shapes: ``before`` and ``after`` (U,); ``bins_before`` and ``bins_after`` (B,), the
    documents by their bits per byte.
    """

    before: Ints = field(default_factory=lambda: np.zeros(len(UNITS), np.int64))
    after: Ints = field(default_factory=lambda: np.zeros(len(UNITS), np.int64))
    bins_before: Ints = field(default_factory=lambda: np.zeros(BINS, np.int64))
    bins_after: Ints = field(default_factory=lambda: np.zeros(BINS, np.int64))

    def __iadd__(self, other: Self) -> Self:
        """Both together."""
        self.before += other.before
        self.after += other.after
        self.bins_before += other.bins_before
        self.bins_after += other.bins_after
        return self

    def kept(self, unit: int) -> float | None:
        """The share that the cut keeps; ``None`` of nothing."""
        return float(self.after[unit] / self.before[unit]) if self.before[unit] else None


@final
class Strata:
    """Sums over the documents of a corpus, added batch by batch in any order.

    ``kinds`` has each stratum, by kind (``language``, ``source``, ``length``) and name;
    ``whole`` is all of the corpus.
    """

    def __init__(self) -> None:
        self.whole = Stratum()
        self.kinds: dict[str, dict[str, Stratum]] = {}

    def add(
        self, bits_D: Floats, amounts_DU: Ints, kept_D: Bools, attributes: Mapping[str, Sequence[str | None]]
    ) -> None:
        """Add documents; each of ``attributes`` has a value for every document.

        Documents without figures, whose bits per byte are NaN, are in no bin.
        """
        bins_D = bins(bits_D)
        self.whole += _stratum(bins_D, amounts_DU, kept_D)
        for kind, values in attributes.items():
            names, codes_D = np.unique([said(each) for each in values], return_inverse=True)
            found = self.kinds.setdefault(kind, {})
            for code, name in enumerate(names.tolist()):
                here = codes_D == code
                stratum = found.setdefault(name, Stratum())
                stratum += _stratum(bins_D[here], amounts_DU[here], kept_D[here])

    def rows(self, kind: str) -> Iterator[tuple[str, Stratum]]:
        """The strata of a kind: bands by length, others by their bytes, the largest
        first.
        """
        found = self.kinds.get(kind, {})
        by_length = {name: place for place, name in enumerate(BANDS)}
        order = by_length.__getitem__ if kind == "length" else lambda name: (-int(found[name].before[2]), name)
        for name in sorted(found, key=order):
            yield name, found[name]

    def as_dict(self) -> dict[str, Any]:
        """All sums, for JSON, with the share of each stratum before and after."""
        kinds = {kind: [self._row(name, each) for name, each in self.rows(kind)] for kind in self.kinds}
        return {WHOLE: self._row(WHOLE, self.whole), **kinds}

    def share(self, stratum: Stratum, unit: int) -> tuple[float, float]:
        """A stratum's part of the whole, before and after the cut."""
        before, after = self.whole.before[unit], self.whole.after[unit]
        return float(stratum.before[unit] / max(1, before)), float(stratum.after[unit] / max(1, after))

    def _row(self, name: str, stratum: Stratum) -> dict[str, Any]:
        row: dict[str, Any] = {"name": name}
        for unit, noun in enumerate(UNITS):
            before, after = self.share(stratum, unit)
            row[noun] = {
                "before": int(stratum.before[unit]),
                "after": int(stratum.after[unit]),
                "kept": stratum.kept(unit),
                "share_before": before,
                "share_after": after,
            }
        return row


def amounts(tokens_D: Ints, bytes_D: Ints) -> Ints:
    """Documents, tokens and bytes of each (D, U)."""
    return np.stack([np.ones(len(tokens_D), np.int64), tokens_D, bytes_D], axis=1)


def bands(bytes_D: Ints) -> list[str]:
    """The band of each length, one of ``BANDS``."""
    return [BANDS[band] for band in np.searchsorted(_ENDS, bytes_D, side="right")]


def said(value: str | None) -> str:
    """The name of the stratum of documents with this value."""
    return _UNSAID if value is None else value


def bins(bits_D: Floats) -> Ints:
    """The bin of each; ``BINS`` for NaN."""
    with np.errstate(invalid="ignore"):
        found_D = np.clip(np.nan_to_num(bits_D, nan=0, posinf=1e9) / WIDTH, 0, BINS - 1).astype(np.int64)
    found_D[np.isnan(bits_D)] = BINS
    return found_D


def _stratum(bins_D: Ints, amounts_DU: Ints, kept_D: Bools) -> Stratum:
    return Stratum(
        amounts_DU.sum(0),
        amounts_DU[kept_D].sum(0),
        np.bincount(bins_D, minlength=BINS + 1)[:BINS],
        np.bincount(bins_D[kept_D], minlength=BINS + 1)[:BINS],
    )

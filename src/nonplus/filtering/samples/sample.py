"""The documents that are looked at, with their scores, and what they were drawn from.

Letters in shapes: D documents.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, final

import numpy as np

from nonplus.filtering.scoring.columns import ScoreColumns
from nonplus.filtering.strata.strata import amounts, bands
from nonplus.measure.formatting import counted
from nonplus.measure.records import Bools, Floats, Ints


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Whole:
    """What a sample was drawn from.

    ``documents`` and ``rejected`` count the records in the units that were read,
    ``units_read`` of all ``units``, chosen by key; the documents have ``bytes`` of text
    together. ``disk_bytes`` is the size of all files.
    """

    documents: int
    bytes: int
    rejected: int
    disk_bytes: int
    units: int = 1
    units_read: int = 1

    @property
    def part(self) -> float:
        """The part of the units that was read."""
        return self.units_read / max(1, self.units)

    @property
    def expected_bytes(self) -> float:
        """How many bytes of text there are in all units."""
        return self.bytes / self.part if self.units_read else 0.0


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class Sample:
    """Documents and what a model says of them, in the order of their keys.

    ``places`` names where each stands, for people. ``languages`` is what each says of
    itself or, if they were ``identified``, its words do; ``None`` if nobody asked.
    ``clusters`` (D,) numbers what was drawn; ``repeated`` (D,) is the share of each
    text that occurs earlier in it.
    """

    columns: ScoreColumns
    texts: Sequence[str]
    places: Sequence[str]
    sources: Sequence[str | None]
    languages: Sequence[str | None] | None
    identified: bool = False
    clusters: Ints
    repeated: Floats
    whole: Whole

    @property
    def attributes(self) -> Mapping[str, Sequence[str | None]]:
        """What documents are grouped by."""
        language = {} if self.languages is None else {"language": self.languages}
        return {**language, "source": self.sources, "length": bands(self.columns.bytes)}

    @cached_property
    def amounts(self) -> Ints:
        """Documents, tokens and bytes of each (D, 3)."""
        return amounts(self.columns.tokens, self.columns.bytes)

    @cached_property
    def bits(self) -> Floats:
        """Bits per byte (D,); NaN without a token."""
        return self.columns.bits_per_byte

    @cached_property
    def with_figures(self) -> Bools:
        """Which documents have any."""
        has_D: Bools = ~np.isnan(self.bits)
        return has_D

    @property
    def sampled(self) -> float:
        """The part of all documents that is in the sample; 0 of a part of the units,
        whose other units nobody looked at.
        """
        return len(self.columns) / max(1, self.whole.documents) if self.whole.part >= 1 else 0.0

    @property
    def described(self) -> str:
        """Which documents these are, for people."""
        if self.sampled >= 1:
            return f"all {counted(len(self.columns), 'document')}" if len(self.columns) > 1 else "the 1 document"
        of_units = "" if self.whole.part >= 1 else f", of {self.whole.units_read:,} of {self.whole.units:,} units"
        return f"the {counted(len(self.columns), 'document')} with the smallest keys{of_units}"

    def as_dict(self) -> dict[str, Any]:
        """Its size and that of the whole, for JSON."""
        return {
            "documents": len(self.columns),
            "without_text": int((~self.with_figures).sum()),
            "bytes": int(self.columns.bytes.sum()),
            "of_documents": self.whole.documents,
            "rejected": self.whole.rejected,
            "disk_bytes": self.whole.disk_bytes,
            "units": self.whole.units,
            "units_read": self.whole.units_read,
        }

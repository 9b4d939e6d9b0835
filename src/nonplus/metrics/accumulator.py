"""Sums of batches, of documents that may continue in other batches."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from nonplus.errors import BadInput
from nonplus.measure.statistics.sums import Sums, first_places
from nonplus.measure.statistics.tally import Tally
from nonplus.metrics.batch_sums import BatchSums
from nonplus.metrics.protocol import MetricProtocol

_Places = tuple[tuple[int, int], ...]


@dataclass(slots=True, kw_only=True)
class Accumulator:
    """Exact sums of batches: the same in any order and any split into accumulators.

    A row without a name is a document and is ``closed`` at once. A named document stays
    ``open`` until the tally is taken, because a later batch may contain more of it.
    Rows are numbered in the order in which they were added, so that their places can be
    found again; the places of named documents do not depend on any order.
    """

    protocol: MetricProtocol = field(default_factory=MetricProtocol)
    closed: Tally = field(default_factory=Tally)
    open: dict[str, Sums] = field(default_factory=dict)
    rows: int = 0
    zero_rows: _Places = ()
    nonfinite_rows: _Places = ()

    @classmethod
    def of(cls, batch: BatchSums, protocol: MetricProtocol) -> Self:
        """The sums of one batch."""
        if batch.names is None:
            return cls(
                protocol=protocol,
                closed=Tally.of_sums(batch.documents),
                rows=len(batch.documents),
                zero_rows=batch.zeros,
                nonfinite_rows=batch.nonfinite,
            )
        found = cls(protocol=protocol, closed=Tally(zero_places=batch.zeros, nonfinite_places=batch.nonfinite))
        for name, sums in zip(batch.names, batch.documents, strict=True):
            found._continue(name, sums)
        return found

    def add(self, other: Self) -> None:
        """Add the sums of another accumulator, which is not changed.

        Raises:
            BadProtocol: the other counts other tokens.
        """
        self.protocol = self.protocol.joined(other.protocol)
        self.closed += other.closed
        for name, sums in other.open.items():
            self._continue(name, sums)
        self.zero_rows = first_places((*self.zero_rows, *_after(self.rows, other.zero_rows)))
        self.nonfinite_rows = first_places((*self.nonfinite_rows, *_after(self.rows, other.nonfinite_rows)))
        self.rows += other.rows

    @property
    def tally(self) -> Tally:
        """All that was added, every document closed."""
        rows = Tally(zero_places=_named(self.zero_rows), nonfinite_places=_named(self.nonfinite_rows))
        return self.closed + Tally.of_sums(self.open.values()) + rows

    def as_json(self) -> dict[str, Any]:
        """Input of :meth:`from_json`, exact; zeros and empty fields are omitted."""
        held = {"protocol": self.protocol.as_dict(), "closed": self.closed.as_json(), "rows": self.rows}
        several = {
            "open": {name: _nonzero(sums) for name, sums in self.open.items()},
            "zero_rows": self.zero_rows,
            "nonfinite_rows": self.nonfinite_rows,
        }
        return held | {name: value for name, value in several.items() if value}

    @classmethod
    def from_json(cls, held: Mapping[str, Any]) -> Self:
        """Inverse of :meth:`as_json`.

        Raises:
            BadInput: ``held`` does not come from :meth:`as_json`.
        """
        try:
            return cls(
                protocol=MetricProtocol.from_dict(held["protocol"]),
                closed=Tally.from_json(held["closed"]),
                open={name: _sums(sums) for name, sums in held.get("open", {}).items()},
                rows=_whole(held["rows"]),
                zero_rows=_pairs(held.get("zero_rows", ())),
                nonfinite_rows=_pairs(held.get("nonfinite_rows", ())),
            )
        except BadInput:
            raise
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise BadInput(f"sums are read from what as_json() returned, got {str(held)[:60]} ({error!r})") from None

    def _continue(self, name: str, sums: Sums) -> None:
        known = self.open.get(name)
        self.open[name] = sums if known is None else known.joined(sums)


def _after(rows: int, places: _Places) -> _Places:
    return tuple((row + rows, place) for row, place in places)


def _named(places: _Places) -> tuple[tuple[str, int], ...]:
    return tuple((f"row {row}", place) for row, place in places)


def _pairs(places: Any) -> _Places:
    return tuple((_whole(row), _whole(place)) for row, place in places)


def _nonzero(sums: Sums) -> dict[str, int]:
    return {name: value for name, value in sums._asdict().items() if value}


def _sums(held: Mapping[str, Any]) -> Sums:
    required = {"nats": 0, "tokens": 0, "squares": 0, "scored": 0}
    return Sums(**required | {name: _whole(value) for name, value in held.items()})


def _whole(value: Any) -> int:
    if type(value) is not int:
        raise BadInput(f"sums and places must be integers, got {value!r}; do not round them on the way")
    return value

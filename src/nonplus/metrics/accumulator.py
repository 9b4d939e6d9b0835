"""Sums that grow batch by batch, of documents that may go on in later batches or on other machines."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from nonplus.errors import BadInput
from nonplus.measure.statistics.tally import Part, Tally, first_places
from nonplus.metrics.batch_sums import BatchSums
from nonplus.metrics.protocol import MetricProtocol

_Places = tuple[tuple[int, int], ...]


@dataclass(slots=True, kw_only=True)
class Accumulator:
    """Exact sums: adding batches in any order, over any split into accumulators, ends in the same numbers.

    A row without a name is a document of its own and is ``closed`` at once. A named document stays ``open`` until the
    tally is asked for, because a later batch may bring more of it. Rows are numbered in the order in which they were
    added, so that their places can be found again; the places of named documents do not depend on any order.
    """

    protocol: MetricProtocol = field(default_factory=MetricProtocol)
    closed: Tally = field(default_factory=Tally)
    open: dict[str, Part] = field(default_factory=dict)
    rows: int = 0
    zero_rows: _Places = ()
    nonfinite_rows: _Places = ()

    @classmethod
    def of(cls, sums: BatchSums, protocol: MetricProtocol) -> Self:
        """What one batch adds up to."""
        if sums.names is None:
            return cls(
                protocol=protocol,
                closed=Tally.of_parts(sums.parts),
                rows=len(sums.parts),
                zero_rows=sums.zeros,
                nonfinite_rows=sums.nonfinite,
            )
        batch = cls(protocol=protocol, closed=Tally(zero_places=sums.zeros, nonfinite_places=sums.nonfinite))
        for name, part in zip(sums.names, sums.parts, strict=True):
            batch._go_on(name, part)
        return batch

    def add(self, other: Self) -> None:
        """Take in what another one holds, which is left as it is.

        Raises:
            BadProtocol: the other counts tokens under another protocol.
        """
        self.protocol = self.protocol.joined(other.protocol)
        self.closed += other.closed
        for name, part in other.open.items():
            self._go_on(name, part)
        self.zero_rows = first_places((*self.zero_rows, *_after(self.rows, other.zero_rows)))
        self.nonfinite_rows = first_places((*self.nonfinite_rows, *_after(self.rows, other.nonfinite_rows)))
        self.rows += other.rows

    @property
    def tally(self) -> Tally:
        """All that was added, every document closed."""
        rows = Tally(zero_places=_named(self.zero_rows), nonfinite_places=_named(self.nonfinite_rows))
        return self.closed + Tally.of_parts(self.open.values()) + rows

    def as_json(self) -> dict[str, Any]:
        """What :meth:`of_json` reads back to the last bit; what is empty is left out."""
        held = {"protocol": self.protocol.as_dict(), "closed": self.closed.as_json(), "rows": self.rows}
        several = {"open": self.open, "zero_rows": self.zero_rows, "nonfinite_rows": self.nonfinite_rows}
        return held | {name: value for name, value in several.items() if value}

    @classmethod
    def of_json(cls, held: Mapping[str, Any]) -> Self:
        """Inverse of :meth:`as_json`.

        Raises:
            BadInput: something that no accumulator wrote.
        """
        try:
            stated = held["protocol"]
            return cls(
                protocol=MetricProtocol(
                    **stated | {"kinds": tuple(stated["kinds"]), "ignore_index": tuple(stated["ignore_index"])}
                ),
                closed=Tally.from_json(held["closed"]),
                open={name: _part(part) for name, part in held.get("open", {}).items()},
                rows=_whole(held["rows"]),
                zero_rows=_pairs(held.get("zero_rows", ())),
                nonfinite_rows=_pairs(held.get("nonfinite_rows", ())),
            )
        except BadInput:
            raise
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise BadInput(f"sums are read from what as_json() gave, got {str(held)[:60]} ({error!r})") from None

    def _go_on(self, name: str, part: Part) -> None:
        known = self.open.get(name)
        self.open[name] = part if known is None else known.joined(part)


def _after(rows: int, places: _Places) -> _Places:
    return tuple((row + rows, place) for row, place in places)


def _named(places: _Places) -> tuple[tuple[str, int], ...]:
    return tuple((f"row {row}", place) for row, place in places)


def _pairs(places: Any) -> _Places:
    return tuple((_whole(row), _whole(place)) for row, place in places)


def _part(sums: Any) -> Part:
    return Part(*map(_whole, sums))


def _whole(value: Any) -> int:
    if type(value) is not int:
        raise BadInput(f"sums and places are whole numbers, got {value!r}; do not round them on the way")
    return value

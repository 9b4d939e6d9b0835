"""The places where running sums over ordered documents reach their targets.

The order need not be kept in memory. Each look at all documents sums their weights by
the next bits of what they are ordered by, and tells in which bin the target lies; the
next look sees that bin alone. The first 24 bits of a float64 are a histogram with 4,096
bins to the doubling. The second look mostly has few documents and takes all other bits,
so two looks are enough, whatever the order in which the documents come.
"""

# C documents that count, G groups

from typing import Any

import numpy as np

from nonplus.filtering.rules.needs import Group, Known, Marks, Need
from nonplus.filtering.rules.ordering import number, ordered
from nonplus.filtering.rules.scored import Scored
from nonplus.filtering.rules.sums import Entries, Sums

_BITS, _STEP, _FEW = 64, 20, 1 << 20
# There may be a million sources: as many bins for each would not fit into memory.
_FIRST, _FIRST_IN_GROUPS = 24, 16
_BEYOND_ALL = (np.inf, 1.0)  # the mark where the target is not reached
_ONE = np.uint64(1)

# Where a target lies, as far as it is known: in the bin of the keys whose bits before
# the last ``left`` ones are ``bin``. The next look sees ``step`` of those. ``below`` is
# the sum before the bin. Once the value of the document is found, its draw is searched.
_PLACE = np.dtype(
    [
        ("bin", np.uint64),
        ("left", np.uint64),
        ("step", np.uint64),
        ("below", np.int64),
        ("value", np.float64),
        ("drawing", np.bool_),
        ("done", np.bool_),
    ]
)


class Search:
    """For one need, the search in each group."""

    def __init__(self, need: Need, known: Known) -> None:
        self.need, self._known = need, known
        self._codes: dict[Group, int] = {}
        self._places_G = np.empty(0, _PLACE)
        self._targets: dict[Group, int] = {}
        self._marks: dict[Group, tuple[float, ...]] = {}
        self._sums = Sums()
        self._looks = 0

    @property
    def done(self) -> bool:
        """Whether all marks are found."""
        return self._looks > 0 and len(self._marks) == len(self._codes)

    @property
    def marks(self) -> Marks:
        """Of each group the value of the first document with which the sum reaches the
        target, and unless the value alone decides, its draw.
        """
        return dict(sorted(self._marks.items()))

    def see(self, scored: Scored) -> None:
        """Some of the documents, in any order; each once in a look."""
        counted = self.need.counted(scored, self._known)
        met, places = np.unique(counted.groups, return_inverse=True)
        groups = np.array([self._code(counted.names[each]) for each in met.tolist()], np.int64)[places]
        place, keys = self._places_G[groups], ordered(counted.values)
        inside = ~place["done"]
        if (drawing := place["drawing"]).any():
            inside &= ~drawing | (counted.values == place["value"])
            keys = np.where(drawing, ordered(counted.draws()), keys)
        # In two steps: all 64 bits at once are not shifted.
        inside &= keys >> (place["left"] - _ONE) >> _ONE == place["bin"]
        keys >>= place["left"] - place["step"]
        self._sums.add(groups[inside], keys[inside], counted.weights[inside])

    def _code(self, name: Group) -> int:
        code = self._codes.setdefault(name, len(self._codes))
        if code == len(self._places_G):
            new = np.zeros(code + 1, _PLACE)
            new["left"], new["step"] = _BITS, _FIRST_IN_GROUPS if name else _FIRST
            self._places_G = np.concatenate([self._places_G, new])
        return code

    def narrow(self) -> None:
        """All documents were seen."""
        sums = self._sums.merged()
        edges = np.searchsorted(sums.groups, np.arange(len(self._codes) + 1))
        if not self._looks:
            totals = {
                name: int(sums.weights[edges[code] : edges[code + 1]].sum()) for name, code in self._codes.items()
            }
            self._targets = dict(self.need.targets(totals))
        for name, code in self._codes.items():
            if name not in self._marks:
                self._narrow(name, self._places_G[code], sums.between(edges[code], edges[code + 1]))
        self._sums = Sums()
        self._looks += 1

    def _narrow(self, name: Group, place: Any, sums: Entries) -> None:
        reached = place["below"] + np.cumsum(sums.weights)
        if reached[-1] < self._targets[name]:
            self._found(name, place, _BEYOND_ALL)
            return
        at = int(np.searchsorted(reached, self._targets[name]))
        key, items = int(sums.keys[at]), int(sums.items[at])
        place["below"] = reached[at] - sums.weights[at]
        place["bin"], place["left"] = key, place["left"] - place["step"]
        if not place["left"]:
            self._found_number(name, place, number(key), items)
        place["step"] = place["left"] if items <= _FEW else min(int(place["left"]), _STEP)

    def _found_number(self, name: Group, place: Any, found: float, items: int) -> None:
        if place["drawing"]:
            self._found(name, place, (float(place["value"]), found))
        elif self.need.by_value:
            self._found(name, place, (found,))
        elif items == 1:  # its draw decides nothing
            self._found(name, place, (found, 0.0))
        else:
            place["value"], place["drawing"], place["bin"], place["left"] = found, True, 0, _BITS

    def _found(self, name: Group, place: Any, mark: tuple[float, ...]) -> None:
        self._marks[name], place["done"] = mark, True

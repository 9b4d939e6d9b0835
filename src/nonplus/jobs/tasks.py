"""How the units of files are divided among workers, and among the jobs of an array.

Nobody knows how many units a compressed file has before it was read, and it cannot be
entered in the middle. So a worker reads a file from its beginning and takes every n-th
unit: to decompress is far cheaper than to score.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, final

from nonplus.errors import BadInput

_FILES_EACH = 4  # so many files for each worker, and nobody waits long for the last


class Task(NamedTuple):
    """The units of an input file whose number leaves ``stripe`` when divided by
    ``stripes``.
    """

    file: int
    stripe: int
    stripes: int

    def takes(self, unit: int) -> bool:
        """Whether a unit belongs to it."""
        return unit % self.stripes == self.stripe

    def divided(self, among: int) -> "list[Task]":
        """The same units as so many tasks."""
        return [Task(self.file, self.stripe + part * self.stripes, self.stripes * among) for part in range(among)]


@final
@dataclass(frozen=True, slots=True)
class Shard:
    """One of ``of`` jobs that share the units among them; ``index`` is from 0 on."""

    index: int
    of: int

    @classmethod
    def parsed(cls, text: str) -> "Shard":
        """The shard that is written ``i/n``, with i from 1 to n.

        Raises:
            BadInput: it is not written so.
        """
        written = re.fullmatch(r"([0-9]{1,9})/([0-9]{1,9})", text)
        index, of = map(int, written.groups()) if written else (0, 0)
        if not 1 <= index <= of:
            raise BadInput(f"shard must be i/n, with i from 1 to n, got {text!r}; the first of eight is shard=1/8")
        return cls(index - 1, of)


WHOLE = Shard(0, 1)


def tasks(sizes: Sequence[int], *, workers: int, unit: int, shard: Shard = WHOLE) -> list[Task]:
    """The tasks of a shard for its workers, those of the largest files first.

    ``sizes`` are those of the files in bytes. A file is divided if there are few, and
    it is larger than a ``unit``. To which shard a unit belongs depends on the sizes and
    on the number of shards alone, so the shards may have different workers.
    """
    largest_first = sorted(range(len(sizes)), key=lambda file: -sizes[file])
    dealt = _divided([Task(file, 0, 1) for file in largest_first], sizes, among=shard.of, unit=unit)
    return _divided(dealt[shard.index :: shard.of], sizes, among=workers, unit=unit)


def _divided(these: list[Task], sizes: Sequence[int], *, among: int, unit: int) -> list[Task]:
    """Tasks that so many can share fairly."""
    if len(these) >= _FILES_EACH * among:
        return these
    parts = (task.divided(among if sizes[task.file] > unit * task.stripes else 1) for task in these)
    return [part for each in parts for part in each]

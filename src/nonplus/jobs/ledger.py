"""Which units of work are finished.

A unit is committed by one file, written last: ``units/FILE/UNIT.json``. It states the
other files of the unit, and they count for nothing without it. So the listing of those
folders is the ledger, and nothing can disagree with it. How many units a file has is
noted when it was read to its end, ``ends/FILE.json``, and when all are finished their
counts together, so that nobody has to read every marker again. Which version of a file
was read is in ``inputs/FILE.json``.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeVar, final

from nonplus.errors import BadInput
from nonplus.jobs.at_once import at_once
from nonplus.jobs.plan import ENDS, INPUTS, UNITS
from nonplus.jobs.stores import Store
from nonplus.jobs.tasks import Task

Noted = TypeVar("Noted")


class Unit(NamedTuple):
    """The number of an input file, and that of a unit in it, both from 0 on."""

    file: int
    number: int

    def __str__(self) -> str:
        return f"{self.file:06d}-{self.number:06d}"


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """What is known of a finished unit.

    ``counts`` are any numbers that are worth adding up; ``files`` has the size and the
    SHA-256 of each of its files. ``made_of`` is a digest of what it was made of.
    """

    counts: Mapping[str, int]
    made_of: str = ""
    files: Mapping[str, tuple[int, str]] = field(default_factory=dict)


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How far a job is: the ``counts`` of what is finished of each input file, of how
    many ``units`` in all, and whether that is every unit of every file.
    """

    counts: tuple[Mapping[str, int], ...]
    units: int
    complete: bool


class _End(NamedTuple):
    """The units of an input file, and the counts of all of them if they are noted."""

    units: int
    counts: Mapping[str, int] | None


@final
class Ledger:
    """The finished units of a job in a store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def place(self, name: str) -> str:
        """Where a file of the job is, for messages."""
        return f"{self._store}/{name}"

    def done(self, file: int) -> frozenset[int]:
        """The units of an input file that are finished, by a listing alone.

        Raises:
            BadInput: a file in the folder of finished units is no marker of one.
        """
        return frozenset(map(self._number, self._store.names(_markers(file))))

    def every(self, files: int) -> Iterator[Unit]:
        """The finished units of so many input files, in order.

        Raises:
            BadInput: see :meth:`done`.
        """
        for file, done in enumerate(at_once(self.done, range(files))):
            yield from (Unit(file, number) for number in sorted(done))

    def standing(self, files: int) -> Standing:
        """How far the job is, of so many input files.

        Raises:
            BadInput: a marker is damaged, or the note of how many units a file has.
        """
        counts: list[Mapping[str, int]] = []
        units, complete = 0, True
        for file, (done, end) in enumerate(at_once(self._of_file, range(files))):
            units += len(done)
            whole = end is not None and len(done) == end.units
            complete &= whole
            noted = end.counts if end is not None and whole else None
            counts.append(self._sum(file, done) if noted is None else noted)
        return Standing(counts=tuple(counts), units=units, complete=complete)

    def commit(self, unit: Unit, files: Mapping[str, bytes], *, counts: Mapping[str, int], made_of: str = "") -> None:
        """Keep the files of a unit for good.

        Raises:
            BadInput: they cannot be written; then the unit is not finished.
        """
        for name, content in files.items():
            self._store.write(name, content)
        stated = {name: [len(content), hashlib.sha256(content).hexdigest()] for name, content in files.items()}
        marker = {"counts": dict(counts), "files": stated, "made_of": made_of}
        self._store.write(_marker(unit), json.dumps(marker, sort_keys=True, indent=1).encode() + b"\n")

    def finished(self, unit: Unit) -> Finished:
        """What was stated when a unit was committed.

        Raises:
            BadInput: its marker is damaged, or gone.
        """
        return _read(self._store.read(_marker(unit)), self.place(_marker(unit)))

    def end(self, file: int, units: int) -> None:
        """Note that an input file was read to its end, and has so many units; and their
        counts, if all of them are finished.

        Raises:
            BadInput: a marker is damaged, or an earlier note.
        """
        if self._summed(file, units):
            return
        if self._end(file) is None:
            self._note(file, {"units": units})
        self._summed(file, units)  # another may have finished the last one, and noted it, before that was written

    def closed(self, task: Task, done: Set[int]) -> bool:
        """Whether all units of a task are finished, if those that are ``done`` are.

        Then the counts of its file are noted, if they are not: a run may have been
        killed before. Otherwise they are taken back: a unit that is made anew may have
        others.

        Raises:
            BadInput: a marker is damaged, or the note of how many units a file has.
        """
        end = self._end(task.file)
        if end is None:
            return False
        if done >= set(filter(task.takes, range(end.units))):
            self.end(task.file, end.units)
            return True
        if end.counts is not None:
            self._note(task.file, {"units": end.units})
        return False

    def units(self, file: int) -> int | None:
        """The units of an input file; ``None`` if nobody has read it to its end.

        Raises:
            BadInput: the note of it is damaged.
        """
        end = self._end(file)
        return None if end is None else end.units

    def is_as_before(self, file: int, version: str) -> bool:
        """Note the version of an input file that is read now; whether this and no other
        was read before, so that what is finished need not be compared with it.

        Raises:
            BadInput: the note of it is damaged.
        """
        name = f"{INPUTS}/{file:06d}.json"
        noted = self._noted(name, _versions_of) or []
        if version not in noted:
            self._store.write(name, json.dumps({"versions": [*noted, version]}).encode() + b"\n")
        return noted == [version] and bool(version)

    def made_of(self, unit: Unit) -> str:
        """The digest of what a finished unit was made of.

        Raises:
            BadInput: its marker is damaged.
        """
        return self.finished(unit).made_of

    def content(self, unit: Unit, name: str) -> bytes:
        """One of the files of a unit, as it was written.

        Raises:
            BadInput: it is another one now, or gone.
        """
        size, digest = self.finished(unit).files[name]
        content = self._store.found(name)
        if content is None:
            raise self._changed(unit, name, f"is gone, and it had {size:,} bytes when its unit was finished")
        if len(content) != size or hashlib.sha256(content).hexdigest() != digest:
            raise self._changed(unit, name, "has changed since its unit was finished")
        return content

    def _changed(self, unit: Unit, name: str, how: str) -> BadInput:
        return BadInput(
            f"{self.place(name)} {how}; remove {self.place(_marker(unit))} and run again, which makes that unit anew"
        )

    def _of_file(self, file: int) -> tuple[frozenset[int], _End | None]:
        return self.done(file), self._end(file)

    def _summed(self, file: int, units: int) -> bool:
        """Note the counts of a file if all its units are finished; whether they are."""
        done = self.done(file)
        if len(done) != units:
            return False
        end = self._end(file)
        if end is None or end.counts is None:
            self._note(file, {"units": units, "counts": self._sum(file, done)})
        return True

    def _note(self, file: int, content: Mapping[str, Any]) -> None:
        self._store.write(_end(file), json.dumps(content, sort_keys=True).encode() + b"\n")

    def _sum(self, file: int, numbers: Iterable[int]) -> Counter[str]:
        """The counts of some units of a file together."""
        total: Counter[str] = Counter()
        for each in at_once(self.finished, (Unit(file, number) for number in sorted(numbers))):
            total.update(each.counts)
        return total

    def _end(self, file: int) -> _End | None:
        return self._noted(_end(file), _end_of)

    def _noted(self, name: str, read: Callable[[Any], Noted]) -> Noted | None:
        """What a note says, as ``read`` finds it there; ``None`` if there is none."""
        content = self._store.found(name)
        if content is None:
            return None
        try:
            return read(json.loads(content))
        except (ValueError, KeyError, TypeError, AttributeError):
            raise BadInput(f"{self.place(name)} is damaged; remove it and run again") from None

    def _number(self, name: str) -> int:
        number = name.rpartition("/")[2].removesuffix(".json")
        if not number.isdecimal():
            raise BadInput(f"{self.place(name)} is not the marker of a finished unit; remove it, or give another place")
        return int(number)


def _markers(file: int) -> str:
    return f"{UNITS}/{file:06d}"


def _marker(unit: Unit) -> str:
    return f"{_markers(unit.file)}/{unit.number:06d}.json"


def _end(file: int) -> str:
    return f"{ENDS}/{file:06d}.json"


def _end_of(noted: Any) -> _End:
    counts = {name: int(count) for name, count in noted["counts"].items()} if "counts" in noted else None
    return _End(int(noted["units"]), counts)


def _versions_of(noted: Any) -> list[str]:
    return list(map(str, noted["versions"]))


def _read(content: bytes, name: str) -> Finished:
    try:
        stated: Any = json.loads(content)
        files = {each: (int(size), str(digest)) for each, (size, digest) in stated["files"].items()}
        counts = {each: int(count) for each, count in stated["counts"].items()}
        return Finished(counts=counts, files=files, made_of=str(stated["made_of"]))
    except (ValueError, KeyError, TypeError, AttributeError):
        raise BadInput(f"{name} is damaged; remove it and run again, which makes that unit anew") from None

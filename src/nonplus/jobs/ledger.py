"""Which units of work are finished.

A unit is committed by one file, written last: ``units/FILE-UNIT.json``. It states the
other files of the unit, and they count for nothing without it. So the listing of that
folder is the ledger, and nothing can disagree with it. How many units a file has is
noted when it was read to its end: ``ends/FILE.json``. Which version of a file was read
is in ``inputs/FILE.json``.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, final

from nonplus.errors import BadInput
from nonplus.jobs.plan import UNITS
from nonplus.jobs.stores import Store

_ENDS, _INPUTS = "ends", "inputs"


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
class Ledger:
    """The finished units of a job in a store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def place(self, name: str) -> str:
        """Where a file of the job is, for messages."""
        return f"{self._store}/{name}"

    def done(self) -> frozenset[Unit]:
        """The units that are finished, by a listing alone.

        Raises:
            BadInput: a file in the folder of finished units is no marker of one.
        """
        return frozenset(map(self._unit, self._store.names(UNITS)))

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
            BadInput: the unit is damaged: its marker, or the size of one of its files.
        """
        found = self._stated(unit)
        for name, (size, _) in found.files.items():
            self._check_size(unit, name, size)
        return found

    def end(self, file: int, units: int) -> None:
        """Note that an input file was read to its end, and has so many units."""
        self._store.write(_end(file), json.dumps({"units": units}).encode() + b"\n")

    def units(self, file: int) -> int | None:
        """The units of an input file; ``None`` if nobody has read it to its end.

        Raises:
            BadInput: the note of it is damaged.
        """
        if self._store.size(_end(file)) is None:
            return None
        noted = self._store.read(_end(file))
        try:
            return int(json.loads(noted)["units"])
        except (ValueError, KeyError, TypeError):
            raise BadInput(f"{self.place(_end(file))} is damaged; remove it and run again") from None

    def is_as_before(self, file: int, version: str) -> bool:
        """Note the version of an input file that is read now; whether this and no other
        was read before, so that what is finished need not be compared with it.

        Raises:
            BadInput: the note of it is damaged.
        """
        name = f"{_INPUTS}/{file:06d}.json"
        noted = self._versions(name)
        if version not in noted:
            self._store.write(name, json.dumps({"versions": [*noted, version]}).encode() + b"\n")
        return noted == [version] and bool(version)

    def made_of(self, unit: Unit) -> str:
        """The digest of what a finished unit was made of.

        Raises:
            BadInput: its marker is damaged.
        """
        return self._stated(unit).made_of

    def content(self, unit: Unit, name: str) -> bytes:
        """One of the files of a unit, as it was written.

        Raises:
            BadInput: it is another one now.
        """
        size, digest = self._stated(unit).files[name]
        try:
            content = self._store.read(name)
        except BadInput:
            self._check_size(unit, name, size)
            raise
        if len(content) != size or hashlib.sha256(content).hexdigest() != digest:
            raise BadInput(
                f"{self.place(name)} has changed since its unit was finished; remove {self.place(_marker(unit))} and "
                "run again, which makes that unit anew"
            )
        return content

    def _check_size(self, unit: Unit, name: str, size: int) -> None:
        if (present := self._store.size(name)) != size:
            now = "is gone" if present is None else f"has {present:,} bytes"
            raise BadInput(
                f"{self.place(name)} {now}, and it had {size:,} bytes when its unit was finished; remove "
                f"{self.place(_marker(unit))} and run again, which makes that unit anew"
            )

    def _versions(self, name: str) -> list[str]:
        if self._store.size(name) is None:
            return []
        try:
            return list(map(str, json.loads(self._store.read(name))["versions"]))
        except (ValueError, KeyError, TypeError):
            raise BadInput(f"{self.place(name)} is damaged; remove it and run again") from None

    def _stated(self, unit: Unit) -> Finished:
        return _read(self._store.read(_marker(unit)), self.place(_marker(unit)))

    def _unit(self, name: str) -> Unit:
        file, _, number = name.removeprefix(f"{UNITS}/").removesuffix(".json").partition("-")
        if not (file.isdecimal() and number.isdecimal()):
            raise BadInput(f"{self.place(name)} is not the marker of a finished unit; remove it, or give another place")
        return Unit(int(file), int(number))


def _marker(unit: Unit) -> str:
    return f"{UNITS}/{unit}.json"


def _end(file: int) -> str:
    return f"{_ENDS}/{file:06d}.json"


def _read(content: bytes, name: str) -> Finished:
    try:
        stated: Any = json.loads(content)
        files = {each: (int(size), str(digest)) for each, (size, digest) in stated["files"].items()}
        counts = {each: int(count) for each, count in stated["counts"].items()}
        return Finished(counts=counts, files=files, made_of=str(stated["made_of"]))
    except (ValueError, KeyError, TypeError, AttributeError):
        raise BadInput(f"{name} is damaged; remove it and run again, which makes that unit anew") from None

"""What is left of a corpus, and of each of its parts.

A run keeps the scores of every record, and its plan the rule with its thresholds. So
the decision about each record is made again here, which takes no text and no model, and
the counts must be those that the run noted for each unit.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any, final

import numpy as np

from nonplus.errors import BadInput
from nonplus.filtering.languages.unjudged import decided
from nonplus.filtering.retention.causes import Cause, Causes, as_dicts, rejections
from nonplus.filtering.rules.rule import Rule
from nonplus.filtering.runs.plan import SCORING, Planned, rule_of
from nonplus.filtering.runs.target import Target
from nonplus.filtering.strata.strata import UNITS, Strata, amounts, bands
from nonplus.filtering.units.accounts import Accounts
from nonplus.filtering.units.cutting import REJECTS
from nonplus.filtering.units.decision_files import DECISIONS
from nonplus.filtering.units.score_files import KeptScores, file_of
from nonplus.jobs.ledger import Ledger, Unit
from nonplus.jobs.plan import begun, kept
from nonplus.jobs.stores import open_store
from nonplus.measure.formatting import counted
from nonplus.measure.records import Bools


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """What became of the records of all finished units.

    ``accounts`` are the counts of the run, ``strata`` the sums before and after the
    cut. ``dropped`` and ``rejected`` tell why. ``complete`` tells whether every unit of
    every file is finished.
    """

    folder: str
    rule: Rule
    models: Mapping[str, Mapping[str, str]]
    files: tuple[str, ...]
    units: int
    complete: bool
    accounts: Accounts
    strata: Strata
    dropped: tuple[Cause, ...]
    rejected: tuple[Cause, ...]

    @property
    def decisions(self) -> str:
        """The folder with what was decided about each record."""
        return f"{self.folder}/{DECISIONS}"

    @property
    def title(self) -> str:
        """What a page or a picture of it is called."""
        return f"What the cut left in {self.folder}"

    def as_dict(self) -> dict[str, Any]:
        """All of it for JSON."""
        accounts = self.accounts.as_dict()
        return {
            "folder": self.folder,
            "decisions": self.decisions,
            "rule": str(self.rule),
            "thresholds": [each._asdict() | {"values": list(each.values)} for each in self.rule.thresholds],
            "models": self.models,
            "files": list(self.files),
            "units": self.units,
            "complete": self.complete,
            **{name: accounts[name] for name in ("records", "kept", "dropped", "rejected")},
            "strata": self.strata.as_dict(),
            "why_dropped": as_dicts(self.dropped),
            "why_rejected": as_dicts(self.rejected),
        }


def retention(output: str, *, scores: str = "") -> Retention:
    """What became of the records of a run, finished or not.

    ``output`` is that of ``nonplus filter run`` or ``split``. A split has no scores of
    its own: those that it cut are in the folder ``scores``.

    Raises:
        BadInput: there is no such run, or a part of it is damaged.
    """
    folder = Target.of(output).folder
    store = open_store(folder)
    if not begun(store):
        _refuse_uncut(folder)
    plan = kept(store)
    planned, rule, ledger = Planned.of(plan, folder), rule_of(plan, folder), Ledger(store)
    files = tuple(each["name"] for each in planned.inputs)
    standing, read = ledger.standing(len(files)), _Units(ledger, _scores_of(folder, scores, len(files)), rule, files)
    for unit in ledger.every(len(files)):
        read.add(unit)
    return Retention(
        folder=folder,
        rule=rule,
        models=planned.scoring["models"],
        files=files,
        units=standing.units,
        complete=standing.complete,
        accounts=Accounts.total(read.counts),
        strata=read.strata,
        dropped=read.dropped.all(),
        rejected=read.rejected.all(),
    )


@final
class _Units:
    """Units of a cut, added up."""

    def __init__(self, ledger: Ledger, scores: KeptScores, rule: Rule, files: tuple[str, ...]) -> None:
        self._ledger = ledger
        self._scores = scores
        self._rule = rule
        self._files = files
        self.counts: list[Mapping[str, int]] = []
        self.strata, self.dropped, self.rejected = Strata(), Causes(), Causes()

    def add(self, unit: Unit) -> None:
        """Add one; each is read once."""
        finished = self._ledger.finished(unit)
        places, scored = self._scores.of(unit)
        there = scored.columns.keys() | scored.attributes.keys()
        for name in sorted((self._rule.figures | self._rule.attributes) - there):
            raise BadInput(
                f"the rule in the plan asks for {name}, and the scores have none: they are of another run; name the "
                "right one, scores=…"
            )
        decision, file = decided(self._rule, scored), self._files[unit.file]
        _check(unit, finished.counts, decision.keep)
        attributes = {name: values for name, values in scored.attributes.items() if name != "id"}
        attributes.setdefault("source", [file] * len(scored))
        sizes = amounts(*(scored.figure(name).astype(np.int64) for name in ("tokens", "bytes")))
        attributes["length"] = bands(sizes[:, UNITS.index("bytes")])
        self.strata.add(scored.figure("bits_per_byte"), sizes, decision.keep, attributes)
        self.dropped.decided(file, places, decision)
        name = f"{REJECTS}/{unit}.jsonl"
        if name in finished.files:
            for row in rejections(self._ledger.content(unit, name), self._ledger.place(name)):
                self.rejected.rejected(row)
        self.counts.append(finished.counts)


def _check(unit: Unit, counts: Mapping[str, int], keep_D: Bools) -> None:
    now = (int(keep_D.sum()), int((~keep_D).sum()))
    then = (counts.get("kept", 0), counts.get("dropped", 0))
    if now != then:
        raise BadInput(
            f"by the rule in the plan {now[0]:,} records of unit {unit} are kept and {now[1]:,} dropped, where its "
            f"marker says {then[0]:,} and {then[1]:,}: the scores are of another run; name the right one, scores=…"
        )


def _scores_of(folder: str, scores: str, files: int) -> KeptScores:
    """The scores of a run: in its folder, in ``scoring`` in it, or in another."""
    places = [f"{Target.of(scores).folder}", f"{Target.of(scores).folder}/{SCORING}"] if scores else []
    for place in places or [f"{folder}/{SCORING}", folder]:
        ledger = Ledger(open_store(place))
        if any(file_of(unit) in ledger.finished(unit).files for unit in islice(ledger.every(files), 1)):
            return KeptScores(ledger)
    if scores:
        raise BadInput(f"{scores} has no scores; name the folder of nonplus filter run that made them")
    raise BadInput(f"{folder} has no scores of its own, as a split has none; name the run that it has cut, scores=…")


def _refuse_uncut(folder: str) -> None:
    store = open_store(f"{folder}/{SCORING}")
    if begun(store):
        files = Planned.of(kept(store), str(store)).inputs
        done = Ledger(store).standing(len(files)).units
        raise BadInput(
            f"in {folder} {counted(done, 'unit')} of records are scored, and nothing is cut yet; finish the run by the "
            "same command as before"
        )
    raise BadInput(f"in {folder} no run of nonplus filter was begun; name the output of one")

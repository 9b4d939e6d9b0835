"""Everything that decides the bytes of a filtered corpus, as a plan that is kept beside
it.
"""

import unicodedata
from collections.abc import Mapping, Sequence, Set
from contextlib import suppress
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from typing import Any, NamedTuple, final

from nonplus.corpora.records import RecordFile
from nonplus.errors import BadInput
from nonplus.filtering.fields.options import ReadOptions, WriteOptions
from nonplus.filtering.rules.parsing import parsed
from nonplus.filtering.rules.rule import Rule
from nonplus.filtering.units.unit_scoring import Scoring
from nonplus.jobs.differences import inputs_differ
from nonplus.urls import is_url, shown
from nonplus.version import VERSION

SCORING = "scoring"  # the folder, in that of a run, of the job that only scores
_SCORING = ("nonplus", "format", "sources", "inputs", "reading", "models", "scoring", "libraries")
_FORMAT = 3  # of the folders, and of what is in them


def scoring_plan(
    sources: Sequence[str], files: Sequence[RecordFile], reading: ReadOptions, scoring: Scoring
) -> dict[str, Any]:
    """The plan of a job that scores ``files``, which ``sources`` name; it keeps no
    password or signature of a URL.
    """
    plan = scoring.plan
    return {
        "nonplus": VERSION,
        "format": _FORMAT,
        "sources": [shown(each) if is_url(each) else each for each in sources],
        "inputs": _inputs(files),
        "reading": asdict(reading),
        "models": scoring.models.plan,
        "scoring": plan,
        "libraries": {"Unicode": unicodedata.unidata_version} | (_of_neural() if plan["neural"] else {}),
    }


def _of_neural() -> dict[str, str]:
    """What may compute the figures of neural models, with its version."""
    found = {}
    for package in ("torch", "transformers"):
        with suppress(PackageNotFoundError):  # there are models that need neither
            found[package] = version(package)
    return found


def cutting_plan(
    scoring: Mapping[str, Any], files: Sequence[RecordFile], writing: WriteOptions, rule: Rule
) -> dict[str, Any]:
    """The plan of a job that cuts ``files``, which ``scoring`` scores.

    Raises:
        MissingExtra: a package that writes the parts is not installed.
    """
    libraries = dict(scoring["libraries"])
    for file in files:
        libraries |= file.libraries
    known = {
        name: [{"group": list(group), "at": list(mark)} for group, mark in sorted(marks.items())]
        for name, marks in rule.known.items()
    }
    cut = {"rule": str(rule), "thresholds": known, "writing": asdict(writing), "libraries": libraries}
    return {**scoring, **cut}


def rule_of(plan: Mapping[str, Any], place: str) -> Rule:
    """The rule by which a job at ``place`` cuts, with its thresholds.

    Raises:
        BadInput: the plan is that of another job.
    """
    try:
        known = {
            name: {tuple(mark["group"]): tuple(mark["at"]) for mark in marks}
            for name, marks in plan["thresholds"].items()
        }
        return parsed(plan["rule"], known)
    except (KeyError, TypeError, AttributeError):
        raise BadInput(
            f"{place} has the plan of a job that cuts nothing; name the folder of nonplus filter run or split"
        ) from None


@final
class Planned(NamedTuple):
    """What a plan says of the files; ``scoring`` is the part of it about the scores."""

    sources: list[str]
    reading: ReadOptions
    inputs: list[Mapping[str, str]]
    scoring: Mapping[str, Any]

    @classmethod
    def of(cls, plan: Mapping[str, Any], place: str) -> "Planned":
        """What the plan at a place says.

        Raises:
            BadInput: it is that of another job, or of another version.
        """
        if plan.get("format", _FORMAT) != _FORMAT:
            raise BadInput(
                f"{place} has the form of another version of nonplus, {plan.get('nonplus')}, and this one does not "
                "read it; use that version, or run nonplus filter run again, into another folder"
            )
        try:
            scoring = {name: plan[name] for name in _SCORING}
            return cls(plan["sources"], ReadOptions(**plan["reading"]), plan["inputs"], scoring)
        except (KeyError, TypeError):
            raise BadInput(
                f"{place} has a plan, but none of nonplus filter run; name the folder that such a run has made"
            ) from None

    @property
    def models(self) -> Set[str]:
        """What the models are called that scored; the chief one is called nothing."""
        return {*self.scoring["models"]}

    def check(self, files: Sequence[RecordFile]) -> None:
        """Check that the files are those that were scored.

        Raises:
            BadInput: one is another.
        """
        now = _inputs(files)
        if now != self.inputs:
            raise BadInput(
                f"{inputs_differ(self.inputs, now)} since the corpus was scored; bring back the files as they were, or "
                "run nonplus filter run again, into another folder"
            )


def _inputs(files: Sequence[RecordFile]) -> list[Mapping[str, str]]:
    return [{"name": file.name, "digest": file.digest()} for file in files]

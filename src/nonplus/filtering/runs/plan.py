"""Everything that decides the bytes of a filtered corpus, as a plan that is kept beside
it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, NamedTuple, final

from nonplus.corpora.records import RecordFile
from nonplus.errors import BadInput
from nonplus.filtering.fields.options import ReadOptions, WriteOptions
from nonplus.filtering.rules.parsing import parsed
from nonplus.filtering.rules.rule import Rule
from nonplus.filtering.units.unit_scoring import Scoring
from nonplus.urls import is_url, shown
from nonplus.version import VERSION

SCORING = "scoring"  # the folder, in that of a run, of the job that only scores
_SCORING = ("nonplus", "format", "sources", "inputs", "reading", "models", "scoring")
_FORMAT = 1  # of the folders, and of what is in them


def scoring_plan(
    sources: Sequence[str], files: Sequence[RecordFile], reading: ReadOptions, scoring: Scoring
) -> dict[str, Any]:
    """The plan of a job that scores ``files``, which ``sources`` name; it keeps no
    password or signature of a URL.
    """
    return {
        "nonplus": VERSION,
        "format": _FORMAT,
        "sources": [shown(each) if is_url(each) else each for each in sources],
        "inputs": [{"name": file.name, "digest": file.digest()} for file in files],
        "reading": asdict(reading),
        "models": scoring.models.plan,
        "scoring": scoring.plan,
    }


def cutting_plan(scoring: Mapping[str, Any], writing: WriteOptions, rule: Rule) -> dict[str, Any]:
    """The plan of a job that cuts what ``scoring`` scores."""
    known = {
        name: [{"group": list(group), "at": list(mark)} for group, mark in sorted(marks.items())]
        for name, marks in rule.known.items()
    }
    return {**scoring, "writing": asdict(writing), "rule": str(rule), "thresholds": known}


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
        try:
            scoring = {name: plan[name] for name in _SCORING}
            return cls(plan["sources"], ReadOptions(**plan["reading"]), plan["inputs"], scoring)
        except (KeyError, TypeError):
            raise BadInput(
                f"{place} has a plan, but none of nonplus filter run; name the folder that such a run has made"
            ) from None

    def check(self, files: Sequence[RecordFile]) -> None:
        """Check that the files are those that were scored.

        Raises:
            BadInput: one is another.
        """
        now = [{"name": file.name, "digest": file.digest()} for file in files]
        for scored, present in zip(self.inputs, now, strict=False):
            if scored != present:
                raise BadInput(
                    f"{scored['name']} was scored when it had {scored['digest']}, and now {present['name']} has "
                    f"{present['digest']}; run nonplus filter run again, into another folder"
                )
        if len(now) != len(self.inputs):
            raise BadInput(
                f"{len(self.inputs):,} files were scored, and their names are those of {len(now):,} now; run nonplus "
                "filter run again, into another folder"
            )

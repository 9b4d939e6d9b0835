"""What a filter did: the report of a finished job, or of what is finished of one."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, final

from nonplus.corpora.records import RecordFile
from nonplus.filtering.rules.rule import Rule, Threshold
from nonplus.filtering.runs.target import Target
from nonplus.filtering.units.accounts import Accounts
from nonplus.jobs.ledger import Standing
from nonplus.jobs.stores import Store

REPORT = "report.json"


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class FilterReport:
    """What became of the records of some files.

    ``thresholds`` are those of the ``rule`` that followed from all scores, ``None``
    while scores are missing. ``models`` have their name and identity, that of the
    figures without a name under "". What is kept is in ``folder``, and in ``file`` if
    one was named. ``complete`` tells whether all ``units`` of all files are finished.
    """

    accounts: Accounts
    rule: str
    thresholds: tuple[Threshold, ...] | None
    models: Mapping[str, Mapping[str, str]]
    files: tuple[str, ...]
    folder: str
    file: str | None
    units: int
    complete: bool

    def as_dict(self) -> dict[str, Any]:
        """All of it for JSON."""
        return {
            "rule": self.rule,
            "thresholds": None if self.thresholds is None else [each._asdict() for each in self.thresholds],
            "models": self.models,
            "files": list(self.files),
            "folder": self.folder,
            "file": self.file,
            "units": self.units,
            "complete": self.complete,
            **self.accounts.as_dict(),
        }


def keep_report(store: Store, report: FilterReport) -> None:
    """Write the report beside the parts; its bytes follow from the plan."""
    store.write(REPORT, json.dumps(report.as_dict(), ensure_ascii=False, indent=1).encode() + b"\n")


def report_of(
    standing: Standing, target: Target, files: Sequence[RecordFile], scoring: Mapping[str, Any], rule: Rule
) -> FilterReport:
    """The report of a job that stands so, under the plan ``scoring``.

    Raises:
        BadInput: a part is damaged.
    """
    return FilterReport(
        accounts=Accounts.total(standing.counts),
        rule=str(rule),
        thresholds=rule.thresholds if rule.local else None,
        models=scoring["models"],
        files=tuple(file.name for file in files),
        folder=target.folder,
        file=None if target.file is None else str(target.file),
        units=standing.units,
        complete=standing.complete,
    )

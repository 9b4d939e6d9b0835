"""A unit cut in two by a rule: the records that are kept, and those that are dropped.

Letters in shapes: D readable records of a unit.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple, final

import numpy as np

from nonplus.corpora.records import Batch, RecordFile, Written
from nonplus.errors import BadInput
from nonplus.filtering.fields.record_columns import record_columns, said_of
from nonplus.filtering.languages.unjudged import decided
from nonplus.filtering.rules.rule import Rule
from nonplus.filtering.rules.scored import Scored
from nonplus.filtering.scoring.trimming import left_of
from nonplus.filtering.units import decision_files
from nonplus.filtering.units.accounts import Accounts
from nonplus.jobs.ledger import Unit

KEPT, DROPPED, REJECTS = "kept", "dropped", "rejects"  # folders in a store


class CutUnit(NamedTuple):
    """The files of a unit by name, and what became of its records."""

    files: dict[str, bytes]
    accounts: Accounts


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """A rule, and what is written into each record: ``columns``, under names that begin
    with ``prefix``, and the name of the ``model``.
    """

    rule: Rule
    columns: tuple[str, ...]
    prefix: str
    model: str

    def of(self, unit: Unit, file: RecordFile, batch: Batch, scored: Scored) -> CutUnit:
        """The records of one unit, each in one of three files, and what was decided
        about them.
        """
        decision = decided(self.rule, scored)
        said = said_of(scored, decision, self.model)
        columns = record_columns(self.columns, self.prefix, scored, said)
        written = _writes(file, batch, left_of(batch.texts, scored.columns))
        files = {decision_files.file_of(unit): decision_files.written(batch.places, scored, said)}
        for folder, own_D in ((KEPT, decision.keep), (DROPPED, ~decision.keep)):
            if own_D.any():
                files[f"{folder}/{unit}{file.suffix}"] = written(np.flatnonzero(own_D), columns)
        if batch.rejected:
            rows = b"".join(_rejects(unit, file.name, batch))
            files[f"{REJECTS}/{unit}.jsonl"] = rows
        return CutUnit(files, Accounts.of_unit(batch.records, scored, decision, batch.rejected))


def _writes(file: RecordFile, batch: Batch, texts: Mapping[int, str]) -> Written:
    if not texts:
        return batch.written
    if batch.with_texts is None:
        raise BadInput(f"{file.name} is of a kind whose texts cannot be replaced; omit trim=…")
    return batch.with_texts(texts)


def _rejects(unit: Unit, name: str, batch: Batch) -> Iterator[bytes]:
    """A line of JSON for each record that could not be read: where it is, and why."""
    for rejection in batch.rejected:
        raw = rejection.raw.decode(errors="backslashreplace")
        row = {"file": name, "unit": unit.number, "place": rejection.place, "reason": rejection.reason, "raw": raw}
        yield json.dumps(row, ensure_ascii=False).encode() + b"\n"

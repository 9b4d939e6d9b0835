"""Every record of a unit is in one place, or nothing of the unit is kept."""

from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from nonplus.corpora.records import RecordFields, RecordFile, Sizes, open_records
from nonplus.errors import NonplusError
from nonplus.filtering.rules.parsing import parsed
from nonplus.filtering.scoring.figures import OneModel
from nonplus.filtering.scoring.scorer import Scorer
from nonplus.filtering.units.cutting import Cut
from nonplus.filtering.units.models import Models
from nonplus.filtering.units.sources import FromModels
from nonplus.filtering.units.unit_scoring import Scoring
from nonplus.filtering.units.unit_work import UnitJob
from nonplus.jobs.plan import begin
from nonplus.jobs.stores import open_store
from nonplus.jobs.tasks import Task

pytest.importorskip("pyarrow")

CUT = Cut(rule=parsed("tokens > 3"), columns=(), prefix="nonplus_", model="uniform:256")


@dataclass(frozen=True)
class Losing:
    """A format whose reader loses the last readable record of the second unit."""

    right: object
    suffixes = (".jsonl",)

    def batches(self, path, suffix, takes):
        for batch in self.right.batches(path, suffix, takes):
            lost = {"texts": batch.texts[:-1], "places": batch.places[:-1]} if batch.number == 1 else {}
            yield replace(batch, **lost)


@pytest.mark.parametrize("cut", [CUT, None], ids=["cut", "scored"])
def test_a_unit_of_which_a_record_is_lost_is_an_error_and_is_not_kept(tmp_path: Path, cut: Cut | None) -> None:
    path = tmp_path / "c.jsonl"
    lines = [f'{{"text": "the text number {n:02}"}}\n{"{bad" if n == 25 else ""}\n' for n in range(60)]
    path.write_text("".join(lines))
    right = open_records(str(path), RecordFields(), sizes=Sizes(unit=600))
    file = RecordFile(str(path), Losing(right.format), ".jsonl")
    place = tmp_path / "out"
    begin(open_store(str(place)), {})
    scores = FromModels(Scoring(models=Models(OneModel(Scorer("uniform:256")))))
    done = UnitJob(files=(file,), place=str(place), scores=scores, cut=cut)()(Task(0, 0, 1))
    assert next(done)["records"] == 19
    with pytest.raises(NonplusError, match=r"unit 1 of .*c\.jsonl has 20 records, and 18 \w+ \+ 1 rejected came"):
        next(done)
    assert list(place.rglob("*000000.json"))
    assert not list(place.rglob("*000001*"))

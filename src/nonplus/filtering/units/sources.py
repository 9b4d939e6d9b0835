"""Where the scores of a unit come from: a model, or a job that has scored it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol, final

import numpy as np

from nonplus.corpora.records import Batch
from nonplus.errors import BadInput
from nonplus.filtering.rules.scored import Scored
from nonplus.filtering.units.score_files import KeptScores, file_of, written
from nonplus.filtering.units.unit_scoring import Scoring
from nonplus.jobs.ledger import Ledger, Unit
from nonplus.jobs.ray_gpus import Help
from nonplus.jobs.stores import open_store


class Scores(Protocol):
    """The scores of units, in the process that needs them."""

    def of(self, unit: Unit, batch: Batch) -> Scored:
        """Those of the readable records of a unit."""
        ...

    def check(self, unit: Unit, name: str, digest: str) -> None:
        """Check that they are of the records with this digest, a unit of the file
        ``name``.

        Raises:
            BadInput: they are of others.
        """
        ...

    def files(self, unit: Unit, batch: Batch, scored: Scored) -> Mapping[str, bytes]:
        """The files in which they are kept, if nobody has kept them yet."""
        ...


class ScoreSource(Protocol):
    """What opens them, and travels by pickle."""

    @property
    def help(self) -> "Help[Any, Any, ScoreSource] | None":
        """What others may do for a worker; ``None`` if it is to do all by itself."""
        ...

    def opened(self) -> Scores:
        """The scores, ready to be read or made."""
        ...


@final
@dataclass(frozen=True, slots=True)
class FromModels:
    """Scores that models make; their pickle opens the same models again."""

    scoring: Scoring

    @property
    def help(self) -> "Help[Any, Any, ScoreSource] | None":
        """The second model of a cascade, if it has workers of its own."""
        if not self.scoring.placed.apart:
            return None
        return Help(self.scoring.of_second, lambda ask: FromModels(self.scoring.asking(ask)))

    def opened(self) -> Scores:
        """The models, and what else is done with a text."""
        self.scoring.check_here()
        return _Made(self.scoring)


@final
@dataclass(frozen=True, slots=True)
class FromJob:
    """Scores of the job at a place."""

    place: str
    help = None

    def opened(self) -> Scores:
        """The scores, none of them read yet."""
        return _Kept(KeptScores(Ledger(open_store(self.place))))


@final
class _Made:
    def __init__(self, scoring: Scoring) -> None:
        self._scoring = scoring

    def of(self, unit: Unit, batch: Batch) -> Scored:
        return self._scoring.of(batch)

    def check(self, unit: Unit, name: str, digest: str) -> None:
        pass  # they are made of the records themselves

    def files(self, unit: Unit, batch: Batch, scored: Scored) -> Mapping[str, bytes]:
        return {file_of(unit): written(batch.places, scored)}


@final
class _Kept:
    def __init__(self, scores: KeptScores) -> None:
        self._scores = scores

    def of(self, unit: Unit, batch: Batch) -> Scored:
        places, scored = self._scores.of(unit)
        if not np.array_equal(places, batch.places):
            raise BadInput(
                f"the scores of unit {unit} are of {len(places):,} other records than the {len(batch.places):,} in it "
                "now; score the files again, into another folder"
            )
        return scored

    def check(self, unit: Unit, name: str, digest: str) -> None:
        if self._scores.made_of(unit) != digest:
            raise BadInput(
                f"{name} has changed since it was scored: unit {unit.number:,} of it has other records now; bring back "
                "the file as it was, or score it again, into another folder"
            )

    def files(self, unit: Unit, batch: Batch, scored: Scored) -> Mapping[str, bytes]:
        return {}

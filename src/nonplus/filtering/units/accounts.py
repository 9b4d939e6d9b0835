"""What became of the records of a unit, of a file or of a job: counts that add up."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Self, final

import numpy as np

from nonplus.corpora.records import Rejection
from nonplus.errors import BadInput, NonplusError
from nonplus.filtering.fields.asked import Said
from nonplus.filtering.languages.choice import MODEL
from nonplus.filtering.rules.decision import Decision
from nonplus.filtering.rules.scored import ATTRIBUTES, Scored
from nonplus.measure.formatting import counted

_KINDS = ("kept", "dropped", "scored")
_PLACES = (*_KINDS, "rejected")
_REASON, _FAULT, _MODEL, _WITHOUT = "reason:", "fault:", "model:", "without:"


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """Records, with the bytes and the scored tokens of their texts."""

    records: int = 0
    bytes: int = 0
    tokens: int = 0

    def part(self, unit: str, others: Self) -> float | None:
        """Its part of these and the ``others`` together, in ``records``, ``tokens`` or
        ``bytes``; ``None`` of nothing.
        """
        own, rest = getattr(self, unit), getattr(others, unit)
        return own / (own + rest) if own + rest else None


@final
@dataclass(frozen=True, slots=True)
class Accounts:
    """Every record once: kept, dropped or rejected; where nothing is decided yet,
    scored or rejected.

    ``counts`` are whole numbers by name, as the marker of a unit has them.
    """

    counts: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def of_unit(cls, records: int, scored: Scored, decision: Decision, rejected: Sequence[Rejection]) -> Self:
        """Those of a unit of so many records: what was decided of those that are
        readable, and those that are not.
        """
        counts: Counter[str] = Counter(records=records, rejected=len(rejected))
        bytes_D, tokens_D = (scored.columns[name].astype(np.int64) for name in ("bytes", "tokens"))
        for kind, own_D in zip(("kept", "dropped"), (decision.keep, ~decision.keep), strict=True):
            counts[kind] = int(np.count_nonzero(own_D))
            counts[f"{kind}_bytes"], counts[f"{kind}_tokens"] = int(bytes_D[own_D].sum()), int(tokens_D[own_D].sum())
        for cause, count in enumerate(np.bincount(decision.cause, minlength=len(decision.causes)).tolist()):
            if decision.causes[cause]:
                counts[f"{_REASON}{decision.causes[cause]}"] += count
        counts.update(f"{_FAULT}{rejection.reason}" for rejection in rejected)
        cut_D = scored.columns.get("trimmed_bytes", np.zeros(0, np.int64))
        counts["trimmed"], counts["trimmed_bytes"] = int(np.count_nonzero(cut_D)), int(cut_D.sum())
        counts.update(f"{_MODEL}{name}" for name in scored.attributes.get(MODEL, []) if name)
        counts.update(_unsaid(scored))
        return cls(+counts)

    @classmethod
    def of_scored(cls, records: int, scored: Scored, rejected: Sequence[Rejection]) -> Self:
        """Those of a unit of so many records, of which nothing is decided yet."""
        sizes = {f"scored_{name}": int(scored.columns[name].sum()) for name in ("bytes", "tokens")}
        counts = Counter(records=records, scored=len(scored), rejected=len(rejected), **sizes)
        counts.update(f"{_FAULT}{rejection.reason}" for rejection in rejected)
        counts.update(_unsaid(scored))
        return cls(+counts)

    @classmethod
    def total(cls, parts: Iterable[Mapping[str, int]]) -> Self:
        """All of them together.

        Raises:
            BadInput: a part does not add up, so its marker is damaged.
        """
        total: Counter[str] = Counter()
        for counts in parts:
            if not cls(counts)._adds_up:
                raise BadInput(
                    f"of {counts.get('records', 0):,} records that are finished it does not add up what became of "
                    f"them: {dict(counts)}; a marker was changed: remove the folder and run again"
                )
            total.update(counts)
        return cls(total)

    def check(self, name: str) -> None:
        """Check that each record of the unit of this name is in one place.

        Raises:
            NonplusError: some are in none or in two.
        """
        if not self._adds_up:
            kinds = " + ".join(f"{self.counts[kind]:,} {kind}" for kind in _PLACES if self.counts.get(kind))
            raise NonplusError(
                f"{name} has {counted(self.records, 'record')}, and {kinds or 'nothing'} came of them: nonplus has "
                "lost count, which is a fault of its own; nothing of that unit is written: please report it"
            )

    @property
    def _adds_up(self) -> bool:
        return self.records == sum(self.counts.get(kind, 0) for kind in _PLACES)

    @property
    def records(self) -> int:
        """All records."""
        return self.counts.get("records", 0)

    @property
    def bytes(self) -> int:
        """The bytes of all texts that could be read."""
        return sum(self.counts.get(f"{kind}_bytes", 0) for kind in _KINDS)

    @property
    def rejected(self) -> int:
        """Those that could not be read."""
        return self.counts.get("rejected", 0)

    @property
    def kept(self) -> Share:
        """Those that the rule keeps."""
        return self._share("kept")

    @property
    def dropped(self) -> Share:
        """Those that it does not."""
        return self._share("dropped")

    @property
    def balance(self) -> str:
        """The sum that must hold: every record is in one of three places."""
        return (
            f"{self.records:,} = {self.kept.records:,} kept + {self.dropped.records:,} dropped + "
            f"{self.rejected:,} rejected"
        )

    @property
    def reasons(self) -> dict[str, int]:
        """How many records were dropped for what reason, the most first."""
        return self._most(_REASON)

    @property
    def faults(self) -> dict[str, int]:
        """How many records were rejected for what reason, the most first."""
        return self._most(_FAULT)

    @property
    def said(self) -> Said:
        """What records say of themselves, if they were asked."""
        return Said(self.records - self.rejected, self._most(_WITHOUT), self.counts.get("alike", 0))

    @property
    def by_model(self) -> dict[str, int]:
        """How many records each model decided about, if there are several."""
        return self._most(_MODEL)

    @property
    def trimmed(self) -> tuple[int, int]:
        """How many records had something cut off, and how many bytes of text."""
        return self.counts.get("trimmed", 0), self.counts.get("trimmed_bytes", 0)

    def as_dict(self) -> dict[str, Any]:
        """All of it for JSON."""
        return {
            "records": self.records,
            "kept": asdict(self.kept),
            "dropped": asdict(self.dropped),
            "rejected": self.rejected,
            "reasons": self.reasons,
            "faults": self.faults,
            "by_model": self.by_model,
            "without": dict(self.said.without),
            "trimmed": dict(zip(("records", "bytes"), self.trimmed, strict=True)),
        }

    def _most(self, prefix: str) -> dict[str, int]:
        found = {name.removeprefix(prefix): count for name, count in self.counts.items() if name.startswith(prefix)}
        return dict(sorted(found.items(), key=lambda each: (-each[1], each[0])))

    def _share(self, kind: str) -> Share:
        records, bytes_, tokens = (self.counts.get(name, 0) for name in (kind, f"{kind}_bytes", f"{kind}_tokens"))
        return Share(records=records, bytes=bytes_, tokens=tokens)


def _unsaid(scored: Scored) -> dict[str, int]:
    """How many records say nothing of what they were asked for, and how many have the
    id of an earlier one of the unit.
    """
    asked = {name: scored.attributes[name] for name in ATTRIBUTES if name in scored.attributes}
    ids = [each for each in asked.get("id", []) if each is not None]
    return {f"{_WITHOUT}{name}": values.count(None) for name, values in asked.items()} | {
        "alike": len(ids) - len(set(ids))
    }

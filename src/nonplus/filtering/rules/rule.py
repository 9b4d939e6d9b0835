"""A rule: the clauses that every kept document satisfies."""

# D documents

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple, final

import numpy as np

from nonplus.errors import BadProtocol
from nonplus.filtering.rules.clauses import Buckets, Clause, Reads
from nonplus.filtering.rules.cutoffs import table_name
from nonplus.filtering.rules.decision import KEPT, NO_TEXT, Decision
from nonplus.filtering.rules.failing import faults, faults_of
from nonplus.filtering.rules.joined import Every
from nonplus.filtering.rules.needs import Known
from nonplus.filtering.rules.resolving import found_out
from nonplus.filtering.rules.scored import Bools, Ints, Scored


@final
class Threshold(NamedTuple):
    """What was found in all scores: what it is, of which group of records, and the
    figure; then the draw, if documents of that very figure are divided by theirs.
    ``group`` is empty if they are not grouped.
    """

    of: str
    group: str
    values: tuple[float, ...]


@final
@dataclass(frozen=True, slots=True)
class Rule:
    """Which documents are kept: those with text for which every clause holds.

    ``known`` has the thresholds that were found in all scores, by what they are and by
    group.
    """

    clauses: tuple[Clause, ...]
    known: Known = field(default_factory=dict)

    @property
    def figures(self) -> frozenset[str]:
        """The figures that it reads; ``tokens`` tells whether there are any."""
        return self._reads.figures | {"tokens"}

    @property
    def models(self) -> frozenset[str]:
        """The names of the models beside the first whose figures it reads."""
        return frozenset(name.partition(".")[2] for name in self.figures if "." in name)

    @property
    def attributes(self) -> frozenset[str]:
        """The attributes of records that it reads."""
        return self._reads.attributes

    @property
    def tables(self) -> frozenset[str]:
        """The tables of cutoffs that it reads: ``ccnet``, or files."""
        return self._reads.tables

    @property
    def cuts(self) -> frozenset[Buckets]:
        """What gives each document its bucket, if anything does."""
        return self._reads.cuts

    @property
    def keyed(self) -> bool:
        """Whether it draws, and so needs the keys of the records."""
        return self._reads.draws

    @property
    def asked(self) -> Mapping[str, int]:
        """What it has to know beside a document, in words, and of how many numbers
        each threshold is.
        """
        marks = {each.name: 1 if each.by_value else 2 for each in self._reads.needs}
        return marks | {table_name(each): 2 for each in self.tables}

    @property
    def missing(self) -> tuple[str, ...]:
        """What it has to know of all scores before it can decide, in words."""
        return tuple(sorted(self.asked.keys() - self.known.keys()))

    @property
    def local(self) -> bool:
        """Whether it decides about a document by its columns alone."""
        return not self.missing

    @property
    def thresholds(self) -> tuple[Threshold, ...]:
        """What was found in all scores, as far as it was; tables are not."""
        found = sorted({each.name for each in self._reads.needs} & self.known.keys())
        return tuple(
            Threshold(name, ", ".join(group), (mark[0], *(draw for draw in mark[1:] if 0 < draw < 1)))
            for name in found
            for group, mark in sorted(self.known[name].items())
        )

    @property
    def trusted(self) -> frozenset[tuple[str, ...]]:
        """The files, each a tuple, whose scores are asked for beside the corpus's."""
        return frozenset(each.files for each in self._reads.needs if each.files and each.name not in self.known)

    def resolved(
        self, scored: Iterable[Scored], trusted: Mapping[tuple[str, ...], Iterable[Scored]] | None = None
    ) -> "Rule":
        """The same rule with the thresholds that it asks for: a local one.

        ``scored`` are the documents of the corpus, and ``trusted`` those of the files
        that :attr:`trusted` names. Both are gone through more than once. The thresholds
        are exact, and do not depend on the order of documents or on how they are
        divided; memory does not grow with their number.

        Raises:
            BadProtocol: a figure or attribute that the rule reads is missing.
        """
        given = {(): scored, **(trusted or {})}
        if lacking := self.trusted - given.keys():
            raise BadProtocol(
                f"the rule compares with {', '.join(min(lacking))}, whose scores are not here; give them as trusted=…"
            )
        return replace(self, known=found_out(self._reads.needs, self.known, given.__getitem__))

    def decide(self, scored: Scored) -> Decision:
        """Which of the documents are kept.

        Raises:
            BadProtocol: the rule needs all scores first, or a figure or attribute that
                it reads is missing.
        """
        if not self.local:
            raise BadProtocol(
                f"the rule asks for {', '.join(self.missing)}, which all scores decide; first use resolved(scored)"
            )
        textless = scored.figure("tokens") == 0
        failing = Every(self.clauses).failing(scored, self.known)
        cause, causes = self._causes(scored, textless, failing)
        return Decision(
            keep=cause == 0,
            cause=cause,
            causes=causes,
            reasons=lambda: self._reasons(scored, textless, failing),
            bucket=next((each.buckets(scored, self.known) for each in self.cuts), None),
        )

    def _causes(self, scored: Scored, textless: Bools, failing: Ints) -> tuple[Ints, tuple[str, ...]]:
        """Why each document is dropped: its cause (D,), and all causes in words."""
        named = [faults(clause) for clause in self.clauses]
        causes = {
            each: place for place, each in enumerate(dict.fromkeys([KEPT, NO_TEXT, *(each[0] for each in named)]))
        }
        cause = textless.astype(np.int64)
        for number, clause in enumerate(self.clauses):
            if (own := (failing == number) & ~textless).any():
                found = faults_of(clause, scored, self.known)[own].tolist()
                cause[own] = [causes.setdefault(named[number][each], len(causes)) for each in found]
        return cause, tuple(causes)

    def _reasons(self, scored: Scored, textless: Bools, failing: Ints) -> list[str]:
        reasons = [NO_TEXT if each else KEPT for each in textless.tolist()]
        for number, clause in enumerate(self.clauses):
            places = np.flatnonzero((failing == number) & ~textless)
            for place, reason in zip(places.tolist(), clause.reasons(scored, self.known, places), strict=True):
                reasons[place] = reason
        return reasons

    @property
    def _reads(self) -> Reads:
        return Every(self.clauses).reads

    def __str__(self) -> str:
        return str(Every(self.clauses))

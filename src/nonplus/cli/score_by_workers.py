"""A corpus scored by workers: each unit of documents becomes sums, which are exact, so
that they add up to those of one process.
"""

import json
import os
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from itertools import chain
from typing import Any, NamedTuple, final

from nonplus.cli.score_plan import Plan
from nonplus.cli.score_run import Outcome
from nonplus.cli.terminal.interruption import Stop, stopping
from nonplus.cli.terminal.notices import note
from nonplus.cli.terminal.progress import Gauge, shown
from nonplus.corpora import Corpus, open_corpora
from nonplus.corpora.addresses import Address, addresses
from nonplus.errors import BadInput
from nonplus.jobs.differences import inputs_differ, options
from nonplus.jobs.ledger import Ledger, Unit
from nonplus.jobs.plan import agree, begin, check_begun_here
from nonplus.jobs.stores import open_store
from nonplus.jobs.tasks import Task, tasks
from nonplus.measure.brought import HasOrder
from nonplus.measure.interfaces import Quantity, TextScorer, WindowModel
from nonplus.measure.lists import in_lists
from nonplus.measure.records import Document
from nonplus.measure.report import Report
from nonplus.measure.scoring import Meter
from nonplus.measure.session import Measurement
from nonplus.measure.statistics.fixed_point import unfixed
from nonplus.models import open_model
from nonplus.version import VERSION

_UNIT = 1 << 20  # characters that are scored, and kept or lost, together
_FORMAT = 2  # of the folder


def score_by_workers(plan: Plan) -> Outcome:
    """Score what the plan names, and go on with what the folder has of it.

    Raises:
        NonplusError: see :mod:`nonplus.errors`; what is finished is kept.
        BadInput: no document has text, or no token could be scored.
        Stop: the run was interrupted; what is finished is kept.
    """
    begun = time.perf_counter()
    files = [place for source in plan.sources for place in addresses(source, follow_links=plan.corpus.follow_links)]
    job = _Job(plan=plan, place=str(plan.run.resume), files=len(files))
    begin(open_store(job.place), _stated(plan, files), told=_told)
    meter, nats = Meter(), 0
    these = tasks([_size(file) for file in files], workers=plan.work.workers, unit=_UNIT)
    try:
        with stopping(), shown(Gauge(meter, size=0)):
            for quantity, counts in plan.work.results(_Units(job), these):
                meter.quantity = quantity
                nats += counts["nats"]
                meter.documents += counts["documents"]
                meter.tokens += counts["tokens"]
                meter.nats = unfixed(nats)
            (total,) = plan.work.results(_Total(job), [Task(0, 0, 1)])
    except Stop as stop:
        note(f"stopped by {stop.by}; what is finished is in {job.place}, and the same command goes on from there")
        raise
    corpus = open_corpora(plan.sources, options=plan.corpus)
    source = corpus.described(total.documents, field=total.field)
    return Outcome(
        report=replace(total.report, source=source, seconds=time.perf_counter() - begun),
        vocabulary=total.vocabulary,
        order=total.order,
        skipped=total.skipped,
        rejected=total.rejected,
        enough=False,
        stop=None,
        bootstrap=None,
    )


def _stated(plan: Plan, files: list[Address]) -> dict[str, Any]:
    """Everything that decides the sums, but for the model, which workers open."""
    return {
        "nonplus": VERSION,
        "format": _FORMAT,
        "inputs": [{"name": f"{file.scheme}:{file.location}", "digest": _state(file)} for file in files],
        "corpus": asdict(plan.corpus),
        "model": plan.model,
        "loading": asdict(plan.loading),
        "protocol": asdict(plan.asked) if plan.asked else None,
        "budget": plan.run.budget,
    }


def _told(name: str, earlier: Any, now: Any) -> str:
    """How a field of what is stated differs from what it was, in options."""
    match name:
        case "inputs":
            return f"{inputs_differ(earlier, now)} since it was begun"
        case "corpus" | "loading":
            return options(earlier, now)
        case "protocol" if earlier and now:
            return options(earlier, now)
        case "protocol":
            return "the protocol is another now than when it was begun"
        case _:
            return options({name: earlier}, {name: now})


def _size(file: Address) -> int:
    return os.path.getsize(file.location) if os.path.isfile(file.location) else 0


def _state(file: Address) -> str:
    if not os.path.isfile(file.location):
        return ""
    return f"{_size(file)} bytes, changed {os.stat(file.location).st_mtime_ns}"


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class _Job:
    """What a worker needs to know; it travels by pickle."""

    plan: Plan
    place: str
    files: int

    def opened(self) -> "_Opened":
        """The model and the ledger.

        Raises:
            BadInput: the folder is not seen here, or has sums of another model.
        """
        store = open_store(self.place)
        check_begun_here(store)
        model = open_model(self.plan.model, loading=self.plan.loading)
        identity = {"identity": model.identity, "tokenizer": model.tokenizer.identity, "dtype": model.dtype}
        another = f"the model {self.plan.model} is another now than when it was begun"
        agree(store, "model.json", {"model": identity}, told=lambda *_: another)
        return _Opened(model, Ledger(store))


class _Opened(NamedTuple):
    model: WindowModel | TextScorer
    ledger: Ledger

    def measurement(self, plan: Plan) -> Measurement:
        return Measurement(self.model, plan.asked, level=plan.precision.level)


@final
@dataclass(frozen=True, slots=True)
class _Units:
    """Makes a worker of units."""

    job: _Job

    def __call__(self) -> "_UnitWork":
        return _UnitWork(self.job)


@final
class _UnitWork:
    """The units of one task after the other, with one model for all."""

    def __init__(self, job: _Job) -> None:
        self._plan, self._opened = job.plan, job.opened()
        tokenizer = self._opened.model.tokenizer
        self._corpus = open_corpora(job.plan.sources, options=job.plan.corpus, tokenizer=tokenizer)

    def __call__(self, task: Task) -> Iterator[tuple[Quantity, Mapping[str, int]]]:
        """The counts of each unit that it finishes, and what is measured."""
        ledger, number = self._opened.ledger, 0
        done = ledger.done(task.file)
        if ledger.closed(task, done):
            return
        for number, (documents, left_out) in enumerate(_units(self._corpus, task.file)):
            if task.takes(number) and number not in done:
                yield self._finished(Unit(task.file, number), documents, left_out)
        ledger.end(task.file, number + 1)

    def _finished(
        self, unit: Unit, documents: list[Document], left_out: Mapping[str, int]
    ) -> tuple[Quantity, Mapping[str, int]]:
        measurement = self._opened.measurement(self._plan)
        if documents:
            for _ in measurement.run(documents, options=replace(self._plan.run, resume=None)):
                pass
        held = {**measurement.held(), "field": self._corpus.field}
        tokens, nats = (held["tally"].get(name, 0) for name in ("tokens", "nats"))
        counts = {**left_out, "documents": len(documents), "tokens": round(unfixed(tokens)), "nats": nats}
        self._opened.ledger.commit(unit, {f"sums/{unit}.json": _as_bytes(held)}, counts=counts)
        return measurement.protocol.quantity, counts


def _units(corpus: Corpus, file: int) -> Iterator[tuple[list[Document], Mapping[str, int]]]:
    """The documents of a file in units, with the numbers of those that were left out
    before; after the last document there is an empty one.
    """
    skipped = rejected = 0
    lists = in_lists(corpus.of_part(file), size=lambda each: len(each.text) + len(each.context), least=_UNIT)
    for documents in chain(lists, [[]]):
        yield documents, {"skipped": corpus.skipped - skipped, "rejected": corpus.rejected - rejected}
        skipped, rejected = corpus.skipped, corpus.rejected


def _as_bytes(held: Mapping[str, Any]) -> bytes:
    return json.dumps(held, sort_keys=True).encode() + b"\n"


class _Summed(NamedTuple):
    """The report of all units, and what belongs to it."""

    report: Report
    vocabulary: int | None
    order: int | None
    documents: int
    skipped: int
    rejected: int
    field: str


@final
@dataclass(frozen=True, slots=True)
class _Total:
    """Makes a worker that adds up: whoever asks need not be able to open the model."""

    job: _Job

    def __call__(self) -> "_TotalWork":
        return _TotalWork(self.job)


@final
class _TotalWork:
    def __init__(self, job: _Job) -> None:
        self._job, self._opened = job, job.opened()

    def __call__(self, _: Task) -> Iterator[_Summed]:
        """One result: that of all units, in order."""
        (model, ledger), measurement = self._opened, self._opened.measurement(self._job.plan)
        counts, field = Counter[str](), ""
        for unit in self._every(ledger):
            held = json.loads(ledger.content(unit, f"sums/{unit}.json"))
            measurement.hold(held)
            counts.update(ledger.finished(unit).counts)
            field = field or held["field"]
        if not counts["documents"]:
            raise BadInput("there is no text: no file has a document with text; check the files and the field")
        yield _Summed(
            report=measurement.report(),
            vocabulary=model.vocabulary,
            order=model.order if isinstance(model, HasOrder) else None,
            documents=counts["documents"],
            skipped=counts["skipped"],
            rejected=counts["rejected"],
            field=field,
        )

    def _every(self, ledger: Ledger) -> Iterator[Unit]:
        for file in range(self._job.files):
            done = ledger.done(file)
            for number in range(ledger.units(file) or 0):
                if number not in done:
                    raise BadInput(f"unit {Unit(file, number)} of {self._job.place} is gone; run the same again")
                yield Unit(file, number)

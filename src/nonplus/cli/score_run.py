"""Carries out a plan: scores, writes the files, and keeps what a stop left."""

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, nullcontext
from dataclasses import asdict, dataclass, fields, replace
from functools import partial
from pathlib import Path
from typing import Any, final

from nonplus.cli.score_plan import Plan, Precision
from nonplus.cli.terminal.coloured_text import Screen
from nonplus.cli.terminal.interruption import Interruption, Stop
from nonplus.cli.terminal.notices import note, wrote
from nonplus.cli.terminal.progress import Gauge, shown, size_of, waiting
from nonplus.corpora import Corpus, Rejected, open_corpora
from nonplus.errors import BadInput, BadProtocol, NonplusError
from nonplus.files import replacing
from nonplus.measure.brought import HasOrder, HasTexts
from nonplus.measure.formatting import counted
from nonplus.measure.interfaces import Quantity, TextScorer, WindowModel
from nonplus.measure.records import Document
from nonplus.measure.report import Report
from nonplus.measure.scores import ScoredText, TokenNames
from nonplus.measure.scoring import Meter
from nonplus.measure.session import Measured, Measurement
from nonplus.measure.statistics.document_sums import DocumentSums
from nonplus.measure.statistics.intervals import Interval, bootstrap_interval
from nonplus.measure.statistics.stretches import FEW
from nonplus.measure.token_table import conditions
from nonplus.models import open_model
from nonplus.views import heatmap
from nonplus.views.tables import (
    ABOUT,
    DOCUMENTS,
    OF_MATCHES,
    OF_READINGS,
    REJECTS,
    TOKENS,
    Columns,
    Table,
    begun_table,
    document_row,
    token_rows,
)

# Called for each scored text.
Watcher = Callable[[ScoredText, DocumentSums], object]
# Called with the sums of each document.
Taker = Callable[[DocumentSums], object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """A report, and what only the command line prints.

    ``order`` is that of an n-gram model. ``skipped`` counts blank documents,
    ``rejected`` rows that could not be read. ``enough`` is true if the run stopped
    because the interval was narrow enough for ``--until``; ``stop`` is the signal or
    the error that stopped it before. ``bootstrap`` is an interval of the mean
    surprisal, ``None`` without ``--bootstrap`` or where there is no such interval.
    """

    report: Report
    vocabulary: int | None
    order: int | None
    skipped: int
    rejected: int
    enough: bool
    stop: Stop | NonplusError | None
    bootstrap: Interval | None


def carry_out(plan: Plan) -> Outcome:
    """Score what the plan names, and write its files.

    If one of them cannot be written, all stay as they were, and the outcome is of what
    was measured until then.

    Raises:
        NonplusError: see :mod:`nonplus.errors`; every file is then as it was before.
        BadInput: no token could be scored.
        Stop: the run was interrupted before anything was scored, or a second time.
    """
    outcomes: list[Outcome] = []
    try:
        with ExitStack() as files:
            written = _outputs(plan, files, outcomes)
    except BadInput as unwritten:
        if not outcomes:
            raise
        return replace(outcomes[0], stop=outcomes[0].stop or unwritten)
    for path, content in written:
        wrote(path, content)
    return outcomes[0]


def _outputs(plan: Plan, files: ExitStack, outcomes: list[Outcome]) -> list[tuple[Path, str]]:
    """Each file, and what it has; ``outcomes`` gets the outcome before the files are
    whole.

    Raises:
        BadInput: a file cannot be written.
    """
    first_texts = heatmap.FirstTexts()
    sums: list[DocumentSums] = []
    unwritten: list[BadInput] = []
    # Opened before the model is loaded, so that a wrong path is reported at once.
    begun = {flag: files.enter_context(begun_table(path)) for flag, path in plan.output.tables.items()}
    pages = [files.enter_context(replacing(path)) for path in [plan.output.html] if path]
    with waiting(f"opening {plan.model}"):
        model = open_model(plan.model, loading=plan.loading)
    measurement = Measurement(model, plan.asked, level=plan.precision.level, until=plan.precision.until)
    columns = _columns(plan, model)
    tables = {flag: files.enter_context(begin(columns[flag])) for flag, begin in begun.items()}
    corpus = _corpus(plan, model, tables)
    names, quantity = TokenNames(model.tokenizer.decode), measurement.protocol.quantity
    run = conditions(model, measurement.protocol)
    watchers = list(_watchers(plan, tables, columns["--per-token"], names, run, first_texts))
    ended = _Ended(list(_takers(plan, tables, quantity, sums)))
    report, enough, stop = _measured(plan, model, measurement, corpus, [*watchers, ended.add], unwritten)
    ended.end()
    report = replace(report, source=corpus.source)
    outcomes.append(
        Outcome(
            report=report,
            vocabulary=model.vocabulary,
            order=model.order if isinstance(model, HasOrder) else None,
            skipped=corpus.skipped,
            rejected=corpus.rejected,
            enough=enough,
            stop=stop,
            bootstrap=_bootstrap(plan, sums),
        )
    )
    for fault in unwritten:
        raise fault
    for file in pages:
        page = heatmap.page(first_texts.texts, model=model, report=report, title=corpus.name)
        file.write(page.encode())
    of_level = (report.interval, report.interval_bits_per_byte, report.spread_within_text)
    if plan.precision.level != Precision().level and not any(of_level):
        note(f"level={plan.precision.level} has no effect: there is no interval")
    return list(_written(plan, tables, report))


def _corpus(plan: Plan, model: WindowModel | TextScorer, tables: Mapping[str, Table]) -> Corpus:
    """The texts that are named, or those that the model brings.

    Raises:
        BadProtocol: an option is of texts that are read, and none is.
    """
    if not plan.sources and isinstance(model, HasTexts):
        idle = replace(plan.corpus, limit=0)
        for option in fields(idle):
            if (value := getattr(idle, option.name)) != option.default:
                raise BadProtocol(
                    f"{option.name}={value} says how texts are read, and those of {plan.model} are in its file; omit "
                    f"{option.name}={value}, or name texts"
                )
        return Corpus(plan.model, [model.texts], limit=plan.corpus.limit, keep_blank=True)
    return open_corpora(
        plan.sources,
        options=plan.corpus,
        tokenizer=model.tokenizer,
        keep_blank=plan.protocol.unit == "stream",
        rejects=partial(_reject, tables),
    )


def _written(plan: Plan, tables: Mapping[str, Table], report: Report) -> Iterator[tuple[Path, str]]:
    """Each file, and what it has."""
    for flag, path in plan.output.tables.items():
        yield path, counted(tables[flag].rows, "row")
    if plan.output.html:
        shown, whole = heatmap.shown_of(report)
        yield plan.output.html, counted(whole, "token") if shown == whole else f"first {shown:,} of {whole:,} tokens"


def _columns(plan: Plan, model: WindowModel | TextScorer) -> Mapping[str, Columns]:
    tokens = {**TOKENS, **(OF_MATCHES if isinstance(model, HasOrder) else {})}
    tokens |= {**(OF_READINGS if plan.run.alternatives else {}), **ABOUT}
    return {"--per-document": DOCUMENTS, "--per-token": tokens, "--rejects": REJECTS}


def _reject(tables: Mapping[str, Table], rejected: Rejected) -> None:
    if "--rejects" in tables:
        tables["--rejects"].write([asdict(rejected)])


def _watchers(
    plan: Plan,
    tables: Mapping[str, Table],
    columns: Columns,
    names: TokenNames,
    run: Mapping[str, Any],
    first_texts: heatmap.FirstTexts,
) -> Iterator[Watcher]:
    """What to do with each text; ``columns`` are those of its tokens, ``run`` the
    conditions, ``first_texts`` is filled for the page.
    """
    if "--per-token" in tables:
        tokens = tables["--per-token"]
        yield lambda scored, _: tokens.write(token_rows(scored, names, columns, None if tokens.rows else run))
    if plan.output.show:
        yield Screen(names, run["quantity"]).show
    if plan.output.html:
        yield lambda scored, _: first_texts.add(scored)


def _takers(
    plan: Plan, tables: Mapping[str, Table], quantity: Quantity, sums: list[DocumentSums]
) -> Iterator[Callable[[DocumentSums], object]]:
    """What to do with the sums of each document; ``sums`` is filled for the
    bootstrap.
    """
    if "--per-document" in tables:
        yield lambda document: tables["--per-document"].write([document_row(document, quantity)])
    if plan.precision.bootstrap:
        yield sums.append


@final
class _Ended:
    """Hands on the sums of each document once, when no part of it follows."""

    def __init__(self, takers: Sequence[Taker]) -> None:
        self._takers = takers
        self._held: list[DocumentSums] = []

    def add(self, scored: ScoredText, sums: DocumentSums) -> None:
        """Take the sums of a document up to this part of it."""
        self._held = [sums]
        if scored.part.last:
            self.end()

    def end(self) -> None:
        """No part follows, because the run was interrupted."""
        for sums in self._held:
            for take in self._takers:
                take(sums)
        self._held = []


def _measured(
    plan: Plan,
    model: WindowModel | TextScorer,
    measurement: Measurement,
    corpus: Corpus,
    watchers: list[Watcher],
    unwritten: list[BadInput],
) -> tuple[Report, bool, Stop | NonplusError | None]:
    """The report, whether the interval became narrow enough, and what stopped the run
    before; the error of a watcher that cannot write goes to ``unwritten``.
    """
    meter = Meter()
    gauge = Gauge(meter, size=0 if plan.corpus.limit else size_of(plan.sources))
    seen, stops = 0, list[Stop | NonplusError]()
    documents = gauge.watched(_readable(corpus, stops), model.tokenizer)
    run = measurement.run(documents, options=plan.run, meter=meter)
    # Two writers to one terminal would overwrite each other.
    screen = nullcontext() if plan.output.show else shown(gauge)
    with Interruption() as interruption, screen:
        for texts, sums in interruption.items(_to_its_stop(run, stops)):
            seen += len(texts)
            try:
                for text, own in zip(texts, sums, strict=True) if watchers else ():
                    for watch in watchers:
                        watch(text, own)
            except BadInput as fault:
                unwritten.append(fault)
                return measurement.report(interrupted=True), False, None
    if not stops or measurement.enough:
        return measurement.report(), measurement.enough, None
    if not seen or not meter.tokens:
        raise stops[0]
    return measurement.report(interrupted=True), False, stops[0]


def _readable(documents: Iterable[Document], stops: list[Stop | NonplusError]) -> Iterator[Document]:
    """The documents until one cannot be read; the reason goes to ``stops``.

    So those before it are measured.
    """
    read = 0
    try:
        for document in documents:
            read += 1
            yield document
    except NonplusError as reason:
        if not read:
            raise
        stops.append(reason)


def _to_its_stop(
    run: Generator[Measured, None, None], stops: list[Stop | NonplusError]
) -> Generator[Measured, None, None]:
    """What a run gives until it ends or something stops it, which goes to ``stops``.

    An error of whoever takes what it gives is no such stop.
    """
    try:
        yield from run
    except (Stop, NonplusError) as stop:
        stops.append(stop)


def _bootstrap(plan: Plan, sums: list[DocumentSums]) -> Interval | None:
    samples = plan.precision.bootstrap
    counted = [each for each in sums if each.tokens]
    if samples and (len(counted) <= FEW or any(each.sums.zeros for each in counted)):
        note(f"no bootstrap interval: it takes at least {FEW + 1} documents, and no token of probability 0")
        return None
    return bootstrap_interval(counted, resamples=samples, level=plan.precision.level) if samples else None

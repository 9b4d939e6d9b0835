"""A corpus is filtered: scored and cut unit by unit or, where the rule needs all
scores, scored first.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from types import MappingProxyType
from typing import Any, final

from nonplus.corpora.records import RecordFile
from nonplus.errors import BadInput
from nonplus.filtering.fields.asked import check_asked
from nonplus.filtering.fields.options import ReadOptions, WriteOptions
from nonplus.filtering.languages.choice import ModelsByLanguage, names_of
from nonplus.filtering.rules.given import check_models, given_rule
from nonplus.filtering.rules.rule import Rule
from nonplus.filtering.runs.asked import check_scored, check_told, check_written
from nonplus.filtering.runs.meter import Ahead, FilterMeter
from nonplus.filtering.runs.options import ScoreOptions
from nonplus.filtering.runs.placement import placed
from nonplus.filtering.runs.plan import SCORING, Planned, cutting_plan, scoring_plan
from nonplus.filtering.runs.plan_differences import told
from nonplus.filtering.runs.report import FilterReport, keep_report, report_of
from nonplus.filtering.runs.target import Target
from nonplus.filtering.runs.thresholds import resolved
from nonplus.filtering.scoring.scorer import DEFAULT
from nonplus.filtering.units.accounts import Accounts
from nonplus.filtering.units.cutting import Cut
from nonplus.filtering.units.models import Models
from nonplus.filtering.units.score_files import AllScores
from nonplus.filtering.units.sources import FromJob, FromModels, ScoreSource
from nonplus.filtering.units.unit_scoring import Scoring
from nonplus.filtering.units.unit_work import UnitJob
from nonplus.jobs.ledger import Ledger
from nonplus.jobs.options import WorkOptions
from nonplus.jobs.plan import begin, begun, kept
from nonplus.jobs.stores import open_store
from nonplus.jobs.tasks import WHOLE, Shard, tasks


def filter_corpus(
    sources: Sequence[str],
    output: str,
    *,
    keep: str,
    model: object = DEFAULT,
    models: Mapping[str, object] = MappingProxyType({}),
    reading: ReadOptions = ReadOptions(),  # noqa: B008
    scoring: ScoreOptions = ScoreOptions(),  # noqa: B008
    writing: WriteOptions = WriteOptions(),  # noqa: B008
    work: WorkOptions = WorkOptions(),  # noqa: B008
    meter: FilterMeter | None = None,
) -> FilterReport:
    """Write the records that the rule ``keep`` keeps, those that it drops, and those
    that cannot be read.

    ``keep`` is a rule in words, or the name of a file with one, which ends with
    ``.toml``. ``sources`` are files, folders or patterns. ``output`` is a folder, or a
    file such as ``clean.jsonl.zst``, which has a folder ``clean.jsonl.zst.parts``
    beside it. The same call goes on with what an earlier one has finished there.
    ``model`` is one for all documents or, as a mapping or ``en=NAME,fr=NAME``, one for
    each language; ``models`` are those that the rule compares with, by the names that
    it has for them. ``reading``, ``scoring``, ``writing`` and ``work`` say what is read
    of a record, what is done with its text, what is written into the record, and how
    the work is shared.

    Raises:
        NonplusError: see :mod:`nonplus.errors`.
    """
    stated, target = given_rule(keep), Target.of(output)
    rule = stated.keep
    by_language = ModelsByLanguage.of(model, scoring.other) is not None
    check_asked(rule.attributes | ({"language"} if by_language else set()), reading, scoring.identify_languages)
    target.check_outside(sources)
    files = target.fitted(_checked(reading.files(sources, taken=writing.taken)))
    repeats, trims = "repetition" in rule.figures, scoring.trimming is not None
    check_written(writing, rule, files, repeats=repeats, trims=trims)
    named = [*names_of(model, scoring.other), *models.values()]
    where = placed(scoring.placing, named, scoring.second, work)
    opened = Models.opened(model, models, rule, other=scoring.other, placing=where.placing)
    scoring.placing.check_of_use([*named, *scoring.second], in_windows=opened.in_windows or bool(scoring.second))
    check_models(stated, opened.plan)
    made = Scoring(
        models=opened,
        identify=scoring.identify_languages,
        trimming=scoring.trimming,
        repeats=repeats,
        second=scoring.second_stage(rule, opened.first.identity, where.placing),
        placed=where,
    )
    scores = FromModels(made)
    doing = _Work(work, meter or FilterMeter(), reading.sizes.unit)
    plan = scoring_plan(sources, files, reading, made)
    if rule.local:
        return doing.cut(files, target, scores, plan, rule, writing)
    place = f"{target.folder}/{SCORING}"
    ledger = doing.score(files, place, scores, plan)
    standing = ledger.standing(len(files))
    if not standing.complete:
        return report_of(standing, target, files, plan, rule)
    check_told(Accounts.total(standing.counts), plan, rule)
    trusted = {of: doing.trusted(of, target.folder, scores, reading) for of in sorted(rule.trusted)}
    cut_by = resolved(rule, target.folder, AllScores(ledger, len(files)), trusted)
    return doing.cut(files, target, FromJob(place), plan, cut_by, writing)


def split_corpus(
    scored: str,
    output: str,
    *,
    keep: str,
    writing: WriteOptions = WriteOptions(),  # noqa: B008
    work: WorkOptions = WorkOptions(),  # noqa: B008
    meter: FilterMeter | None = None,
) -> FilterReport:
    """Cut a corpus by another rule, with the scores of an earlier run whose output is
    ``scored``: files, fields and models are those of that run.

    Raises:
        BadInput: not all is scored there, or a file has changed since.
        NonplusError: see :mod:`nonplus.errors`.
    """
    stated, target, place = given_rule(keep), Target.of(output), place_of_scores(Target.of(scored).folder)
    rule, planned = stated.keep, Planned.of(kept(open_store(place)), place)
    check_models(stated, planned.scoring["models"])
    check_scored(rule, planned, scored)
    if work.gpus:
        raise BadInput(f"gpus={work.gpus:g} is for workers that score, and a split scores nothing; omit gpus=…")
    files = target.fitted(_checked(planned.reading.files(planned.sources, taken=writing.taken)))
    done = planned.scoring["scoring"]
    check_written(writing, rule, files, repeats=done["repetition"], trims=done["trimming"] is not None)
    planned.check(files)
    ledger = Ledger(open_store(place))
    if not ledger.standing(len(files)).complete:
        raise BadInput(f"not all records are scored in {scored}; finish that run first, by the same command as before")
    cut_by = rule if rule.local else resolved(rule, target.folder, AllScores(ledger, len(files)))
    doing = _Work(work, meter or FilterMeter(), planned.reading.sizes.unit)
    return doing.cut(files, target, FromJob(place), planned.scoring, cut_by, writing)


def place_of_scores(folder: str) -> str:
    """Where the scores of a run in ``folder`` are: there, or in ``scoring`` in it."""
    scoring = f"{folder}/{SCORING}"
    return scoring if begun(open_store(scoring)) else folder


def _checked(files: tuple[RecordFile, ...]) -> tuple[RecordFile, ...]:
    if not files:
        raise BadInput("there are no files to read; name a file, a folder or a pattern")
    often, count = Counter(file.path for file in files).most_common(1)[0]
    if count > 1:
        raise BadInput(f"{often} is named {count} times, and its records would be kept as often; name it once")
    return files


@final
@dataclass(frozen=True, slots=True)
class _Work:
    """How jobs are done: by whom, watched by whom, and how large a unit is; a smaller
    file is not divided among workers.
    """

    options: WorkOptions
    meter: FilterMeter
    unit: int

    def score(self, files: tuple[RecordFile, ...], place: str, scores: FromModels, plan: Mapping[str, Any]) -> Ledger:
        self.meter.begin("scoring")
        return self._done(UnitJob(files=files, place=place, scores=scores), plan, self.options.part)

    def trusted(self, sources: tuple[str, ...], folder: str, scores: FromModels, reading: ReadOptions) -> AllScores:
        """The scores of files that a rule compares with, all of them in each shard."""
        files = _checked(reading.files(sources))
        place = f"{folder}/trusted-{sha256(repr(sources).encode()).hexdigest()[:12]}"
        self.meter.begin("scoring trusted files")
        job = UnitJob(files=files, place=place, scores=scores)
        ledger = self._done(job, scoring_plan(sources, files, reading, scores.scoring), WHOLE)
        return AllScores(ledger, len(files))

    def cut(
        self,
        files: tuple[RecordFile, ...],
        target: Target,
        scores: ScoreSource,
        scoring: Mapping[str, Any],
        rule: Rule,
        writing: WriteOptions,
    ) -> FilterReport:
        cut = Cut(rule=rule, columns=writing.chosen, prefix=writing.prefix, model=scoring["models"][""]["name"])
        self.meter.begin("filtering")
        job = UnitJob(files=files, place=target.folder, scores=scores, cut=cut)
        ledger = self._done(job, cutting_plan(scoring, files, writing, rule), self.options.part)
        report = report_of(ledger.standing(len(files)), target, files, scoring, rule)
        if report.complete:
            check_told(report.accounts, scoring, rule)
            target.join(ledger, files)
            keep_report(open_store(target.folder), report)
        return report

    def _done(self, job: UnitJob, plan: Mapping[str, Any], part: Shard) -> Ledger:
        store = open_store(job.place)
        begin(store, plan, told=told)
        sizes = [file.size for file in job.files]
        these = tasks(sizes, workers=self.options.processes, unit=self.unit, shard=part)
        self.meter.expect(Ahead(files=job.files, sizes=sizes, tasks=these, ledger=Ledger(store)))
        for counts in self.options.results(job, these, job.help):
            self.meter.add(counts)
        return Ledger(store)

"""What the verbs that cut a corpus have in common: a gauge, and what a run says."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from nonplus.cli.terminal.interruption import Stop
from nonplus.cli.terminal.notices import fail, note, wrote
from nonplus.cli.terminal.printing import say_field, say_json
from nonplus.cli.terminal.progress import FilterGauge, shown
from nonplus.cli.terminal.spelling import with_flags
from nonplus.filtering.runs.meter import FilterMeter
from nonplus.filtering.runs.report import FilterReport
from nonplus.filtering.units.accounts import Share
from nonplus.measure.formatting import counted, figure, percent

_REASONS, _THRESHOLDS = 5, 12  # that are printed


def carried_out(work: Callable[[FilterMeter], FilterReport], *, as_json: bool, folder: str) -> int:
    """Do the work with a gauge, and say what came of it; the exit code."""
    meter = FilterMeter()
    try:
        with shown(FilterGauge(meter)):
            report = work(meter)
    except Stop as stop:
        note(f"stopped by {stop.by}; what is finished is in {folder}, and the same command goes on from there")
        return stop.code
    if as_json:
        say_json(report.as_dict())
    else:
        for name, value in _lines(report):
            say_field(name, value)
    if report.accounts.rejected == report.accounts.records > 0:
        return fail(
            f"none of {counted(report.accounts.records, 'record')} could be read, mostly because "
            f"{next(iter(report.accounts.faults))}; what they are is in {report.folder}/rejects"
        )
    if not report.complete:
        note(_unfinished(report))
    elif report.file is not None:
        wrote(Path(report.file), counted(report.accounts.kept.records, "record"))
    return 0


def _lines(report: FilterReport) -> Iterator[tuple[str, str]]:
    accounts = report.accounts
    yield "read", ", ".join(report.files[:3]) + (f" and {len(report.files) - 3:,} more" if report.files[3:] else "")
    for name, model in report.models.items():
        yield f"  {name}" if name else "model", model["name"]
    yield "rule", report.rule
    if report.thresholds is None:
        yield "records", f"{accounts.records:,}, scored so far"
        return
    for of, group, values in report.thresholds[:_THRESHOLDS]:
        yield "  where", " ".join([of, *([f"of {group}"] if group else []), "is", *map(figure, values)])
    if report.thresholds[_THRESHOLDS:]:
        yield "", f"and {counted(len(report.thresholds) - _THRESHOLDS, 'other threshold')}; see report.json"
    kept, dropped = accounts.kept, accounts.dropped
    yield "records", accounts.balance
    yield "kept", amounts(kept, dropped)
    yield "dropped", amounts(dropped, kept)
    yield from _reasons(accounts.reasons)
    if any(accounts.trimmed):
        yield "trimmed", f"{counted(accounts.trimmed[0], 'record')} by {counted(accounts.trimmed[1], 'byte')}"
    if accounts.by_model.keys() - {report.models[""]["name"]}:
        yield "decided by", ", ".join(f"{name}: {count:,}" for name, count in accounts.by_model.items())
    if accounts.rejected:
        yield "rejected", f"{counted(accounts.rejected, 'record')} that could not be read"
        yield from _reasons({with_flags(fault): count for fault, count in accounts.faults.items()})
    yield "parts", f"{report.folder} ({counted(report.units, 'unit')})"


def amounts(share: Share, others: Share) -> str:
    """A share of the readable records, in records, bytes and tokens."""
    return ", ".join(
        f"{counted(getattr(share, unit), unit.removesuffix('s'))} ({percent(share.part(unit, others))})"
        for unit in ("records", "bytes", "tokens")
    )


def _reasons(reasons: Mapping[str, int]) -> Iterator[tuple[str, str]]:
    for place, (reason, count) in enumerate(reasons.items()):
        if place == _REASONS:
            yield "", f"and {counted(len(reasons) - _REASONS, 'other reason')}; see report.json"
            return
        yield "" if place else "  because", f"{reason}: {count:,}"


def _unfinished(report: FilterReport) -> str:
    if report.thresholds is None:
        return (
            f"the rule needs the scores of all records; scored so far: {counted(report.units, 'unit')}; when all other "
            "shards are scored too, run this one again"
        )
    return f"finished so far: {counted(report.units, 'unit')}; the others belong to other shards"

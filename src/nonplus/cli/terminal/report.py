"""Prints an outcome: a table for people, one JSON object for programs."""

import math
import shutil
import textwrap
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from nonplus.cli.score_plan import Plan
from nonplus.cli.score_run import Outcome
from nonplus.cli.terminal.interruption import Stop
from nonplus.cli.terminal.printing import NAMES, say_field, say_json, say_lines
from nonplus.measure.formatting import counted, figure, jsonable
from nonplus.measure.report import Report
from nonplus.measure.statistics.by_position import PositionSums
from nonplus.measure.statistics.fixed_point import exp
from nonplus.measure.statistics.intervals import Interval, exponential
from nonplus.measure.uncertainty import bracketed, interval_dict
from nonplus.views.explanation import explanation

_WIDEST = 110  # columns; longer lines are hard to read
_LONGEST = 40  # the same, where domains have long ones


def as_object(outcome: Outcome, plan: Plan) -> dict[str, Any]:
    """The report as JSON, with whatever else the plan includes."""
    content = outcome.report.to_dict() | {
        "skipped_documents": outcome.skipped,
        "rejected_rows": outcome.rejected,
        "stopped_early": outcome.enough,
    }
    if plan.precision.bootstrap:
        content["bootstrap"] = outcome.bootstrap and interval_dict(exponential(outcome.bootstrap))
    if plan.output.by_position:
        content["by_position"] = [_position(row) for row in outcome.report.positions]
    if plan.output.explain:
        content["explanation"] = explanation(outcome.report, vocabulary=outcome.vocabulary, order=outcome.order)
    return content


def show(outcome: Outcome, plan: Plan) -> None:
    """Print the outcome in the format of the plan."""
    if plan.output.json:
        say_json(as_object(outcome, plan))
    else:
        _print_table(outcome, plan)


def _print_table(outcome: Outcome, plan: Plan) -> None:
    """Lines of a name and a value; wrapped in a terminal, but not in a file."""
    lines = list(_lines(outcome, plan))
    names = max(NAMES, *(min(len(name), _LONGEST) for name, _ in lines))
    for name, value in lines:
        say_field(name, value, names=names, chief=name == outcome.report.quantity)
    if plan.output.by_position:
        say_lines("\n" + "\n".join(_position_table(outcome.report)))
    if plan.output.explain:
        say_lines("\n" + wrapped(explanation(outcome.report, vocabulary=outcome.vocabulary, order=outcome.order)))


def wrapped(text: str, *, indent: str = "") -> str:
    """Paragraphs as wide as the terminal, and at most as wide as is easy to read."""
    width = min(shutil.get_terminal_size().columns, _WIDEST)
    wrapper = textwrap.TextWrapper(
        width, initial_indent=indent, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )
    return "\n\n".join(map(wrapper.fill, text.split("\n\n")))


def _lines(outcome: Outcome, plan: Plan) -> Iterator[tuple[str, str]]:
    for name, value in outcome.report.lines():
        yield name, value
        if name == "interval" and outcome.bootstrap is not None:
            yield "bootstrap", _resampled(exponential(outcome.bootstrap), plan.precision.bootstrap)
        if name == "scored" and outcome.rejected:
            yield "rejected", f"{counted(outcome.rejected, 'row')} that could not be read"
        if name == "scored" and outcome.skipped:
            yield "skipped", f"{counted(outcome.skipped, 'document')} without text"
    if outcome.stop is not None:
        by = outcome.stop.by if isinstance(outcome.stop, Stop) else "an error"
        yield "interrupted", f"by {by}; the figures are of the tokens scored until then"
    if plan.precision.until and not outcome.enough and outcome.stop is None:
        yield "not stopped", _still_wide(outcome.report, plan.precision.until)
    if outcome.enough:
        yield "stopped", f"early: the interval is {_within(outcome.report, plan.precision.until)}"


def _within(report: Report, until: float) -> str:
    return f"within {100 * until:.3g}% of the {report.quantity}"


def _still_wide(report: Report, until: float) -> str:
    """How far a run was from ``--until`` when its texts ended."""
    wanted = _within(report, until)
    if report.tally.documents == 1:
        return "early: a run stops between documents, and this is one; lines:FILE makes a document of each line"
    if report.interval is None or not report.perplexity:
        return f"early: the texts ended before there was an interval {wanted}"
    reached = report.interval.high / report.perplexity - 1
    if reached <= until:
        return f"early: the interval is {wanted}, but from too few documents to rely on that"
    return f"early: the texts ended with an interval within {100 * reached:.3g}%, and it was to be {wanted}"


def _resampled(interval: Interval, samples: int) -> str:
    return f"{bracketed(interval)}  {interval.level:.0%}, from {samples:,} samples of {interval.clusters:,} documents"


def _position(row: PositionSums) -> dict[str, Any]:
    mean = row.nats / row.tokens
    return asdict(row) | {"perplexity": jsonable(exp(mean)), "bits_per_token": mean / math.log(2)}


def _position_table(report: Report) -> Iterator[str]:
    yield f"{'tokens before':>15}  {'tokens':>12}  {report.quantity:>12}"
    for row in report.positions:
        seen = f"{row.seen_from:,}" if row.seen_from == row.seen_to else f"{row.seen_from:,}-{row.seen_to:,}"
        yield f"{seen:>15}  {figure(row.tokens, 1):>12}  {figure(exp(row.nats / row.tokens)):>12}"

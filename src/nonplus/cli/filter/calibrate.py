"""``nonplus filter calibrate``: look before you cut."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import click

from nonplus.cli.filter.next_commands import Command, next_commands
from nonplus.cli.filter.pictures import Pictures, say_strata
from nonplus.cli.terminal.help_texts import CALIBRATED, CALIBRATION, FILTER_READING, PICTURES
from nonplus.cli.terminal.notices import note, wrote
from nonplus.cli.terminal.options import Option, Verb, fields_set, flags, json_flag
from nonplus.cli.terminal.printing import say, say_field, say_json, say_lines
from nonplus.cli.terminal.progress import CalibrationGauge, shown
from nonplus.cli.terminal.report import wrapped
from nonplus.cli.terminal.tables import say_histogram, say_table
from nonplus.errors import BadInput
from nonplus.files import replacing
from nonplus.filtering.calibration.advice import Advice
from nonplus.filtering.calibration.calibrating import Calibration
from nonplus.filtering.calibration.from_files import calibrated
from nonplus.filtering.calibration.meter import CalibrationMeter
from nonplus.filtering.calibration.options import CalibrationOptions
from nonplus.filtering.calibration.outcome import Outcome
from nonplus.filtering.calibration.page import interval
from nonplus.filtering.calibration.quantiles import PLACES
from nonplus.filtering.calibration.shares import Share
from nonplus.filtering.calibration.sweep import Step
from nonplus.filtering.fields.options import ReadOptions
from nonplus.filtering.strata.strata import WIDTH
from nonplus.measure.formatting import counted, figure, lasting, percent, sized

_PLACES = (1, 3, 5)  # the quantiles that a terminal has room for


@click.command("calibrate", cls=Verb)
@click.argument("sources", nargs=-1, required=True, metavar="FILES...")
@click.option("--rule", cls=Option, heading="Output", metavar="FILE", type=click.Path(path_type=Path), default=None,
              help=CALIBRATED["--rule"])  # fmt: skip
@flags(Pictures, "Output", PICTURES)
@json_flag
@flags(CalibrationOptions, "Calibration", CALIBRATION)
@flags(ReadOptions, "Records", FILTER_READING)
def command(sources: tuple[str, ...], rule: Path | None, as_json: bool, **options: Any) -> int:
    """Look at a sample of the documents of FILES, and propose where to cut.

    \b
    nonplus filter calibrate crawl/ --html crawl.html --rule crawl.toml
    nonplus filter calibrate web.jsonl.zst --trusted news.jsonl --language-field lang
    """
    pictures = Pictures(**fields_set(Pictures, options))
    pictures.check(rule)
    if rule is not None and rule.suffix.lower() != ".toml":
        raise BadInput(
            f"rule={rule} does not end with .toml, and would be read as a rule in words; give a name that does"
        )
    chosen = CalibrationOptions(**fields_set(CalibrationOptions, options))
    reading, meter = ReadOptions(**fields_set(ReadOptions, options)), CalibrationMeter()
    with shown(CalibrationGauge(meter)):
        outcome = calibrated(sources, chosen, reading=reading, meter=meter)
        calibration = outcome.calibration
        commands = list(next_commands(calibration, sources, rule, options=chosen, reading=reading))
        pictures.write(
            page=lambda: outcome.page(commands),
            title=outcome.title,
            strata=calibration.strata,
            cuts=calibration.cuts,
        )
    if as_json:
        say_json(outcome.as_dict() | {"commands": [each.typed for each in commands]})
    else:
        _show(outcome)
        _show_advice(outcome.advice, commands)
    pictures.say_written()
    if rule is not None:
        _write_rule(outcome, rule)
    return 0


def _write_rule(outcome: Outcome, rule: Path) -> None:
    if not outcome.advice.rule:
        note(f"{rule} was not written, because no cut is recommended")
        return
    with replacing(rule) as file:
        file.write(outcome.rule_file.to_toml().encode())
    wrote(rule, "the rule, for nonplus filter run --keep")


def _show(outcome: Outcome) -> None:
    calibration = outcome.calibration
    for name, value in _lines(outcome):
        say_field(name, value)
    whole = calibration.strata.whole
    say("")
    say_histogram(whole.bins_before, whole.bins_after, width=WIDTH, unit="bits per byte")
    for side in ("at most", "at least"):
        steps = [step for step in calibration.steps if step.side == side]
        if steps:
            say("")
            marked = [place for place, step in enumerate(steps) if step.bound in calibration.cuts]
            say_table(("bits per byte", "documents", "", "tokens", "bytes"), map(_step, steps), marked=marked)
    say_strata(calibration.strata, heads=[f"P{100 * PLACES[at]:.0f}" for at in _PLACES], more=_quantiles(calibration))


def _lines(outcome: Outcome) -> Iterator[tuple[str, str]]:
    calibration, expected = outcome.calibration, outcome.expected
    whole = calibration.sample.whole
    yield "read", f"{outcome.source}, {counted(whole.documents, 'document')}"
    if whole.rejected:
        yield "rejected", f"{counted(whole.rejected, 'record')} that could not be read"
    yield "looked at", calibration.sample.described
    without = int((~calibration.sample.with_figures).sum())
    if without:
        yield "without text", f"{counted(without, 'document')}, which every rule drops"
    yield "model", outcome.model_name
    yield "protocol", outcome.signature
    documents, _, of_bytes = calibration.shares
    yield (
        "would keep",
        (
            f"{percent(documents.value)} of the documents{_bracketed(documents)}, "
            f"{percent(of_bytes.value)} of the bytes{_bracketed(of_bytes)}"
        ),
    )
    yield (
        "would take",
        (
            f"{lasting(expected.seconds)} with {counted(expected.workers, 'worker')} at "
            f"{sized(expected.bytes_per_second)} a second each, as measured here"
        ),
    )
    parts = {"kept": expected.kept_bytes, "dropped": expected.dropped_bytes, "beside them": expected.beside_bytes}
    told = ", ".join(f"{sized(size)} {name}" for name, size in parts.items())
    yield "would write", f"about {sized(expected.output_bytes)}: {told}; {sized(whole.disk_bytes)} are read"


def _bracketed(share: Share) -> str:
    return f" {interval(share)}" if interval(share) else ""


def _step(step: Step) -> tuple[str, ...]:
    documents, tokens, of_bytes = step.kept
    shares = (percent(documents.value), interval(documents), percent(tokens.value), percent(of_bytes.value))
    return (f"{step.side} {step.bound:.2f}", *shares)


def _quantiles(calibration: Calibration) -> dict[tuple[str, str], tuple[str, ...]]:
    """Some quantiles of the bits per byte of each stratum."""
    return {
        (each.kind, each.name): tuple(figure(each.bits_per_byte[at], 3) for at in _PLACES)
        for each in calibration.spreads
        if each.documents
    }


def _show_advice(advice: Advice, commands: Sequence[Command]) -> None:
    say("")
    say_lines(wrapped("\n\n".join(advice.summary)))
    if advice.rule:
        say("")
        say(f"    {advice.rule}")
    for sentence in (*advice.reasons, *advice.limits):
        say_lines("\n" + wrapped(sentence))
    for what, command in commands:
        say_lines("\n" + wrapped(f"{what}:") + "\n")
        for line in command.splitlines():
            say(f"    {line}")

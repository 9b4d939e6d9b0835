"""The page of a calibration: where to cut, what each cut would do, and documents to
look at.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from nonplus.filtering.calibration.advice import Advice
from nonplus.filtering.calibration.calibrating import Calibration
from nonplus.filtering.calibration.expected import Expected
from nonplus.filtering.calibration.quantiles import PLACES, Spread
from nonplus.filtering.calibration.shares import Share
from nonplus.filtering.calibration.sweep import Step
from nonplus.filtering.strata.page import axis_of, mixture_table, spread_chart
from nonplus.measure.formatting import counted, figure, lasting, percent, sized
from nonplus.views import pages
from nonplus.views.pages import Html, element, escaped, joined, paragraph
from nonplus.views.pages.charts import bar

_HERE = Path(__file__).parent
_KINDS = ("language", "source", "length")


def calibration_page(
    calibration: Calibration,
    *,
    advice: Advice,
    commands: Sequence[tuple[str, str]],
    expected: Expected,
    excerpts: Mapping[int, Html],
    conditions: Sequence[tuple[str, str]],
    title: str,
) -> str:
    """The page; ``commands`` are what to type next, each with what it is for;
    ``excerpts`` has a piece of each document that is shown, and ``conditions`` how all
    this was measured.
    """
    content = [
        pages.facts(_facts(calibration, expected)),
        pages.conditions(conditions),
        pages.section("How the documents are spread", *_spread(calibration)),
        pages.section("What to do", *_advice(advice, commands)),
        pages.section("What other bounds would keep", *_steps(calibration)),
        pages.section("What the cut does to the mixture", *_mixture(calibration)),
        pages.section("Documents to look at", *_shelves(calibration, excerpts)),
        pages.section("How languages, sources and lengths differ", *_quantiles(calibration)),
    ]
    script = (_HERE / "page.js").read_text(encoding="utf-8").strip()
    return pages.page(
        title=title, subject="where to cut a corpus", content=content, script=script, data=_data(calibration)
    )


def _facts(calibration: Calibration, expected: Expected) -> Iterator[tuple[str, str, str]]:
    sample, (documents, _, of_bytes) = calibration.sample, calibration.shares
    yield (
        "documents looked at",
        f"{len(sample.columns):,}",
        f"of {sample.whole.documents:,} read, {counted(sample.whole.rejected, 'record')} rejected",
    )
    of_model = calibration.known
    if of_model.share is not None:
        yield (
            f"{'in' if of_model.stated else 'like'} the model's language",
            percent(of_model.share),
            f"{', '.join(of_model.languages)}; the share of the bytes",
        )
    kept = "with the rule below" if calibration.rule else "nothing is cut, except what has no text"
    yield "documents kept", percent(documents.value), f"{interval(documents)} {kept}"
    yield "bytes kept", percent(of_bytes.value), f"{interval(of_bytes)} about {sized(expected.kept_bytes)} of files"
    workers = counted(expected.workers, "worker")
    speed = f"{sized(expected.bytes_per_second)} a second each, as measured here"
    yield "time of the run", lasting(expected.seconds), f"with {workers}, {speed}"


def interval(share: Share) -> str:
    """What the share may be at 95 %, in brackets; nothing if that is not known, or if
    nothing is uncertain.
    """
    if share.low is None or share.high is None or share.low == share.high:
        return ""
    return f"[{percent(share.low)}, {percent(share.high)}]"


def _advice(advice: Advice, commands: Sequence[tuple[str, str]]) -> Iterator[Html]:
    for sentence in advice.summary:
        yield paragraph(sentence)
    if advice.rule:
        yield pages.command(advice.rule)
    why = (("Why", advice.reasons), ("What this does not tell", advice.limits))
    sides = [element("div", element("h3", head), pages.listed(said)) for head, said in why if said]
    yield element("div", *sides, class_="sides")
    for what, command in commands:
        yield element("h3", what)
        yield pages.command(command)


def _spread(calibration: Calibration) -> Iterator[Html]:
    whole = calibration.strata.whole
    documents = counted(int(whole.before[0]), "document")
    label = f"Histogram of the bits per byte of {documents}; the quantiles are in a table below"
    yield spread_chart(whole, axis_of(calibration.strata), label=label, cuts=calibration.cuts)
    yield _trial(calibration)
    yield paragraph(
        "Bits per byte are low where the model could predict the text, and high where it could not: random "
        "characters have 6 to 8 and more, plain prose of the model's language about 2.",
        kind="quiet",
    )


def _trial(calibration: Calibration) -> Html:
    """A slider that tries other bounds; the script shows it."""
    bits = calibration.sample.bits[calibration.judged]
    finite = bits[np.isfinite(bits)]
    if not len(finite):
        return Html("")
    low, high = np.floor(finite.min() * 10) / 10, np.ceil(finite.max() * 10) / 10
    chosen = calibration.bounds.high if calibration.bounds and calibration.bounds.high else high
    slider = Html(f'<input type="range" id="bound" min="{low:.2f}" max="{high:.2f}" step="0.01" value="{chosen:.2f}">')
    label = Html('<label for="bound">Try a bound: at most <output id="at" for="bound"></output> bits per byte</label>')
    return Html(f'<div class="try" id="try" hidden>{label}{slider}<output id="keeps" for="bound"></output></div>')


def _steps(calibration: Calibration) -> Iterator[Html]:
    bounds = calibration.bounds
    chosen = {("at most", bounds.high), ("at least", bounds.low)} if bounds else set()
    heads = ("bits per byte", "documents", "", "tokens", "", "bytes", "")
    for side in ("at most", "at least"):
        steps = [step for step in calibration.steps if step.side == side]
        marked = [place for place, step in enumerate(steps) if (step.side, step.bound) in chosen]
        if steps:
            yield pages.table(
                f"Kept with bits per byte of {side} …", heads, map(_step, steps), marked=marked, texts=(0, 2, 4, 6)
            )
    recommended = not chosen.isdisjoint((step.side, step.bound) for step in calibration.steps)
    yield paragraph(" ".join(_about(calibration.steps, recommended=recommended)), kind="quiet")


def _about(steps: Sequence[Step], *, recommended: bool) -> Iterator[str]:
    """What the tables of bounds do not say themselves."""
    yield "Of the documents that are judged."
    if any(interval(share) for step in steps for share in step.kept):
        yield "In brackets: the interval in which the share of all documents lies with 95% confidence."
    yield f"The bounds are quantiles of the sample{', and what is recommended' if recommended else ''}."


def _step(step: Step) -> tuple[Html, ...]:
    cells: list[str] = [f"{step.side} {step.bound:.2f}"]
    for share in step.kept:
        words = f"{percent(share.value)} {interval(share)}"
        shown = joined(percent(share.value), " ", element("small", interval(share)))
        cells += [shown, bar(share.value or 0.0, low=share.low, high=share.high, label=words)]
    return tuple(map(escaped, cells))


def _mixture(calibration: Calibration) -> Iterator[Html]:
    yield paragraph(
        "A cut by perplexity also cuts by kind of text: dialogue, tables, names and rare subjects are harder to "
        "predict than news. These are the parts of the sample before and after."
    )
    for kind in _KINDS:
        if kind in calibration.strata.kinds:
            yield mixture_table(calibration.strata, kind)


def _quantiles(calibration: Calibration) -> Iterator[Html]:
    for name in ("bits per byte", "perplexity"):
        heads = ("", "documents", *(f"P{100 * place:.0f}" for place in PLACES))
        rows = [_spread_row(each, name) for each in calibration.spreads]
        yield pages.table(f"Quantiles of the documents' {name}", heads, rows)
    meaning = "P95 is what 95% of the documents do not exceed. Perplexity is per token of this model."
    yield paragraph(meaning, kind="quiet")


def _spread_row(spread: Spread, name: str) -> tuple[str, ...]:
    values = spread.perplexity if name == "perplexity" else spread.bits_per_byte
    kind = "" if spread.kind == spread.name else f"{spread.kind} "
    return (f"{kind}{spread.name}", f"{spread.documents:,}", *(figure(value, 3) for value in values))


def _shelves(calibration: Calibration, excerpts: Mapping[int, Html]) -> Iterator[Html]:
    yield paragraph(
        "Each excerpt shows the tokens in the colour of their surprisal, the worst window of 32 tokens underlined."
    )
    for shelf in calibration.shelves:
        bits = calibration.sample.bits[list(shelf.places)]
        extent = f"{bits.min():.2f} to {bits.max():.2f} bits per byte"
        articles = [_article(calibration, place, excerpts) for place in shelf.places]
        opened = {"open": ""} if shelf.cut in calibration.cuts else {}
        summary = element("summary", shelf.name, element("small", extent))
        yield element("details", summary, *articles, **opened)


def _article(calibration: Calibration, place: int, excerpts: Mapping[int, Html]) -> Html:
    sample, kept = calibration.sample, bool(calibration.kept[place])
    columns = sample.columns
    facts: list[str] = [
        element("b", f"{sample.bits[place]:.2f} bits per byte"),
        "kept" if kept else "dropped",
        f"perplexity {figure(float(columns.perplexity[place]))}",
        f"worst window {columns.worst[place]:.1f}",
        sized(int(columns.bytes[place])),
        f"{percent(float(sample.repeated[place]))} repeated",
        *(str(values[place]) for kind, values in sample.attributes.items() if kind != "length" and values[place]),
        sample.places[place],
    ]
    head = element("header", *(element("span", each) for each in facts))
    return element("article", head, excerpts[place], class_="kept-text" if kept else "gone-text")


def _data(calibration: Calibration) -> str:
    """What the slider needs: bits per byte, tokens and bytes of documents that are
    judged.
    """
    judged_D = calibration.judged
    columns = calibration.sample.columns
    order = np.argsort(calibration.sample.bits[judged_D], kind="stable")
    bits = calibration.sample.bits[judged_D][order]
    return json.dumps(
        {
            "bits": [round(float(each), 3) if np.isfinite(each) else 1e9 for each in bits],
            "tokens": columns.tokens[judged_D][order].tolist(),
            "bytes": columns.bytes[judged_D][order].tolist(),
        },
        separators=(",", ":"),
    )

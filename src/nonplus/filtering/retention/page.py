"""The page of a finished cut: what is left, of which parts, and why the rest is not."""

from collections.abc import Iterator, Sequence

from nonplus.filtering.retention.causes import Cause
from nonplus.filtering.retention.retention import Retention
from nonplus.filtering.strata.page import axis_of, mixture_table, spread_chart
from nonplus.measure.formatting import counted, figure, first_and_others, percent, sized
from nonplus.views import pages
from nonplus.views.pages import Html, element, paragraph

MOST = 20  # causes that are shown
_SHOWN = 120  # characters of a record that could not be read


def retention_page(retention: Retention) -> str:
    """The page."""
    content = [
        pages.facts(_facts(retention)),
        pages.conditions(_conditions(retention)),
        *_unfinished(retention),
        pages.section("Before and after", *_spread(retention)),
        pages.section("The rule", *_rule(retention)),
        pages.section("What the cut did to the mixture", *_mixture(retention)),
        pages.section("Why records are not here", *_causes(retention)),
    ]
    return pages.page(title=retention.title, subject="what a cut did", content=content)


def _facts(retention: Retention) -> Iterator[tuple[str, str, str]]:
    accounts = retention.accounts
    kept, dropped = accounts.kept, accounts.dropped
    yield "records", f"{accounts.records:,}", accounts.balance
    yield "records kept", percent(kept.part("records", dropped)), "of those that could be read"
    yield "bytes kept", percent(kept.part("bytes", dropped)), f"of the text: {sized(kept.bytes)}"
    yield "tokens kept", percent(kept.part("tokens", dropped)), f"{kept.tokens:,}"
    yield "rejected", f"{accounts.rejected:,}", "records that could not be read"


def _conditions(retention: Retention) -> Iterator[tuple[str, str]]:
    yield "read", first_and_others(retention.files)
    for name, model in retention.models.items():
        yield f"model {name}".strip(), model["name"]
    yield "finished", counted(retention.units, "unit")


def _unfinished(retention: Retention) -> Iterator[Html]:
    if not retention.complete:
        yield paragraph(
            "The run is not finished: the figures are of the units that are. The same command goes on with it.",
            kind="note",
        )


def _spread(retention: Retention) -> Iterator[Html]:
    whole = retention.strata.whole
    label = f"Histogram of the bits per byte of {counted(int(whole.before[0]), 'record')}, kept and dropped"
    yield spread_chart(whole, axis_of(retention.strata), label=label)
    without = int(whole.before[0] - whole.bins_before.sum())
    if without:
        yield paragraph(f"Not in the picture: {counted(without, 'record')} without text.", kind="quiet")


def _rule(retention: Retention) -> Iterator[Html]:
    yield pages.command(str(retention.rule))
    rows = [(each.of, each.group, ", ".join(map(figure, each.values))) for each in retention.rule.thresholds]
    if rows:
        yield pages.table("Thresholds that followed from all scores", ("threshold", "group", "is"), rows, texts=(0, 1))


def _mixture(retention: Retention) -> Iterator[Html]:
    for kind in retention.strata.kinds:
        yield mixture_table(retention.strata, kind)


def _causes(retention: Retention) -> Iterator[Html]:
    yield from _listed("Dropped by the rule", retention.dropped, retention.accounts.records)
    yield from _listed("Rejected, because they could not be read", retention.rejected, retention.accounts.records)


def _listed(caption: str, causes: Sequence[Cause], records: int) -> Iterator[Html]:
    if not causes:
        yield paragraph(f"{caption}: none.", kind="quiet")
        return
    rows = [
        (
            cause.reason,
            f"{cause.records:,}",
            percent(cause.records / records),
            cause.place,
            element("span", shortened(cause.example), class_="sample"),
        )
        for cause in causes[:MOST]
    ]
    heads = ("because", "records", "of all", "for instance", "")
    yield pages.table(caption, heads, rows, texts=(0, 3, 4))
    if causes[MOST:]:
        yield paragraph(f"And {counted(len(causes) - MOST, 'other reason')}.", kind="quiet")


def shortened(text: str) -> str:
    """The beginning of a record, on one line."""
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"

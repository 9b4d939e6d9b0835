"""What a cut does to the parts of a corpus, as pieces of a page."""

from collections.abc import Iterator

from nonplus.filtering.strata.strata import UNITS, WIDTH, Strata, Stratum
from nonplus.measure.formatting import counted, percent, points
from nonplus.views.pages import Html, element, escaped, joined, table
from nonplus.views.pages.charts import Axis, bar, change, histogram, scale

_MOST = 30  # strata of a kind that a page shows
_OTHERS = "(others)"
_BYTES = UNITS.index("bytes")


def spread_chart(stratum: Stratum, axis: Axis, *, label: str, cuts: tuple[float, ...] = ()) -> Html:
    """A large histogram of documents by bits per byte, with its axis and key."""
    picture = histogram(stratum.bins_before, stratum.bins_after, axis, label=label, cuts=cuts)
    lines = [_key("M0 5H15", "cut", f"bound at {cut:.2f}") for cut in cuts]
    keys = element("ul", _swatch("kept", "kept"), _swatch("gone", "dropped"), *lines, class_="key")
    highest = counted(int(axis.shown(stratum.bins_before).max(initial=0)), "document")
    unit = f"bits per byte; the highest bar has {highest}"
    return joined(keys, element("div", picture, scale(axis, unit), class_="chart"))


def axis_of(strata: Strata) -> Axis:
    """The bins that have documents of any stratum."""
    return Axis(strata.whole.bins_before, width=WIDTH)


def mixture_table(strata: Strata, kind: str) -> Html:
    """How much of each stratum is kept, and its part of the corpus before and after."""
    rows, axis = list(shown(strata, kind)), axis_of(strata)
    shares = [strata.share(stratum, _BYTES) for _, stratum in rows]
    most = max([share for pair in shares for share in pair], default=1.0)
    cells = [
        _mixture_row(name, stratum, *pair, most=most, axis=axis)
        for (name, stratum), pair in zip(rows, shares, strict=True)
    ]
    heads = (kind, "documents", "bits per byte", "bytes kept", "", "before", "after", "share of all bytes", "change")
    return table(f"By {kind}: what the cut keeps, and how the mixture shifts", heads, cells, texts=(0, 2, 4, 7))


def shown(strata: Strata, kind: str) -> Iterator[tuple[str, Stratum]]:
    """The largest strata of a kind, and all others as one."""
    rows = list(strata.rows(kind))
    yield from rows[:_MOST]
    if rows[_MOST:]:
        others = Stratum()
        for _, stratum in rows[_MOST:]:
            others += stratum
        yield f"{_OTHERS[:-1]}: {len(rows) - _MOST:,})", others


def _mixture_row(
    name: str, stratum: Stratum, before: float, after: float, *, most: float, axis: Axis
) -> tuple[Html, ...]:
    kept = stratum.kept(_BYTES)
    picture = histogram(stratum.bins_before, stratum.bins_after, axis, label=f"bits per byte of {name}")
    cells = (
        name,
        f"{int(stratum.before[0]):,}",
        picture,
        percent(kept),
        bar(kept or 0.0, label=f"{percent(kept)} kept"),
        percent(before),
        percent(after),
        change(before, after, most=most, label=f"{percent(before)} before, {percent(after)} after"),
        points(before, after),
    )
    return tuple(map(escaped, cells))


def _swatch(kind: str, text: str) -> Html:
    return _key("M0 0H15V10H0z", kind, text)


def _key(path: str, kind: str, text: str) -> Html:
    sign = Html(f'<svg viewBox="0 0 15 10" aria-hidden="true"><path d="{path}" class="{kind}"/></svg>')
    return element("li", sign, text)

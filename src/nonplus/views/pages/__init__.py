"""A page of figures: one file that makes no request, and can be read without
JavaScript.

It is written in pieces of HTML, each a :class:`Html`; any other text that goes into one
is escaped.
"""

import html
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from string import Template
from typing import final

from nonplus.views.heatmap.colours import scale_css
from nonplus.views.standalone import standalone

_HERE = Path(__file__).parent


@final
class Html(str):
    """A piece of a page, which is not escaped again."""

    __slots__ = ()


def page(*, title: str, subject: str, content: Iterable[Html], script: str = "", data: str = "null") -> str:
    """The page; ``subject`` is what pages of its kind are about. ``data`` is JSON for
    the script, in which nothing can end an element.
    """
    body = Template(_file("body.html")).substitute(
        title=html.escape(title), subject=html.escape(subject), content="\n".join(content)
    )
    style = _file("page.css").replace("/* scale */", scale_css())
    return standalone(title=title, body=body, style=style, script=script, data=data)


def escaped(text: str) -> Html:
    """Text as HTML; what is HTML already stays."""
    return text if isinstance(text, Html) else Html(html.escape(text))


def joined(*pieces: str) -> Html:
    """Pieces one after the other."""
    return Html("".join(map(escaped, pieces)))


def element(name: str, *content: str, **attributes: str) -> Html:
    """An element; a trailing underscore of an attribute is dropped, as in ``class_``,
    and others are hyphens.
    """
    written = "".join(
        f' {each.rstrip("_").replace("_", "-")}="{html.escape(value)}"' for each, value in attributes.items()
    )
    return Html(f"<{name}{written}>{joined(*content)}</{name}>")


def facts(rows: Iterable[tuple[str, str, str]]) -> Html:
    """Names with a figure each, and what is to be known about it."""
    boxes = [
        element("div", element("dt", name), element("dd", value, element("small", more))) for name, value, more in rows
    ]
    return element("dl", *boxes, class_="facts")


def conditions(rows: Iterable[tuple[str, str]]) -> Html:
    """How it was measured, as names and values in small print."""
    shown = [joined(element("span", name, " ", element("code", value)), " ") for name, value in rows if value]
    return element("p", *shown, class_="conditions")


def command(text: str) -> Html:
    """What is typed into a terminal, or a rule: lines end at blanks only, for a hyphen
    that ends a line could be taken for another.
    """
    words = re.split(r"(\s+)", text)
    return element("pre", *(element("span", each) if each.strip() else each for each in words))


def section(heading: str, *content: str) -> Html:
    """A part of the page under its heading."""
    return element("section", element("h2", heading), *content)


def paragraph(*content: str, kind: str = "") -> Html:
    """A paragraph, of a kind that the style knows."""
    return element("p", *content, class_=kind) if kind else element("p", *content)


def listed(items: Iterable[str]) -> Html:
    """A list of points."""
    return element("ul", *(element("li", each) for each in items))


def table(
    caption: str,
    heads: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    marked: Iterable[int] = (),
    texts: Sequence[int] = (0,),
) -> Html:
    """A table that scrolls by itself where it is wider than the page.

    The first cell of a row is its head; the columns ``texts`` hold text, and the others
    numbers. ``marked`` are the rows to stand out.
    """
    kinds = [{"class_": "text"} if at in texts else {} for at in range(len(heads))]
    head = [element("th", each, scope="col", **kind) for each, kind in zip(heads, kinds, strict=True)]
    stand_out, body = {*marked}, []
    for number, (name, *cells) in enumerate(rows):
        filled = [element("td", cell, **kind) for cell, kind in zip(cells, kinds[1:], strict=True)]
        kind = {"class_": "marked"} if number in stand_out else {}
        body.append(element("tr", element("th", name, scope="row"), *filled, **kind))
    inner = [
        element("caption", element("span", caption)),
        element("thead", element("tr", *head)),
        element("tbody", *body),
    ]
    return element("div", element("table", *inner), class_="scroll", tabindex="0", role="region", aria_label=caption)


def _file(name: str) -> str:
    return (_HERE / name).read_text(encoding="utf-8").strip()

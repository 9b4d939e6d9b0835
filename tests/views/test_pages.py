"""A page of figures is self-contained and escaped, and its pictures have the counts."""

import base64
import hashlib
import re
from html import escape
from html.parser import HTMLParser

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nonplus.views.pages import (
    Html,
    command,
    conditions,
    element,
    escaped,
    facts,
    joined,
    listed,
    page,
    paragraph,
    section,
    table,
)
from nonplus.views.pages.charts import Axis, bar, change, histogram, scale

EVIL = "a </script><script>alert(1)</script> <b>bold</b> &amp; \"'\u2028 <!-- ${title} $data"


class Reader(HTMLParser):
    """The page as a browser parses it."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.attributes, self.texts = [], [], []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data):
        self.texts.append(data)


def whole(title="A title", text="some text"):
    content = [
        facts([(text, text, text)]),
        conditions([(text, text)]),
        section(text, paragraph(text), listed([text]), table(text, [text, text], [[text, text]], marked=[0])),
    ]
    return page(title=title, subject=text, content=content)


def test_a_text_that_looks_like_html_is_shown_as_it_is():
    evil, plain = Reader(whole(EVIL, EVIL)), Reader(whole())
    assert evil.tags == plain.tags
    assert sum(EVIL in text for text in evil.texts) >= 9


def test_what_is_html_already_is_not_escaped_again():
    assert escaped(element("b", "<")) == "<b>&lt;</b>"
    assert joined("<", Html("<br>")) == "&lt;<br>"


@given(st.text())
def test_an_attribute_is_read_back_as_it_was(text):
    (read,) = [value for name, value in Reader(element("p", aria_label=text)).attributes if name == "aria-label"]
    # HTML reads a carriage return as a newline, and has no NUL
    assert read == text


def test_the_page_makes_no_request():
    html = whole()
    assert not re.search(r"https?:|//\w|@import|url\(", html)
    assert "default-src 'none'" in html
    assert not {"link", "img", "iframe"} & {*Reader(html).tags}
    names = [name for name, _ in Reader(html).attributes]
    assert not [name for name in names if name.startswith("on") or name in ("style", "src", "href")]


def test_only_the_style_and_the_script_of_the_page_may_run():
    html = whole()
    for kind in ("script", "style"):
        content = re.search(rf"<{kind}>(.*?)</{kind}>", html, re.DOTALL)[1]
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in html


def test_a_table_has_heads_for_its_columns_and_rows_and_a_caption():
    html = table("Caption", ["name", "figure"], [["one", "1"], ["two", "2"]], marked=[1])
    assert html.count('<th scope="row">') == 2
    assert html.count('scope="col"') == 2
    assert "<caption><span>Caption</span></caption>" in html
    assert html.index('<tr class="marked">') > html.index("one")


@given(st.text())
def test_a_command_is_copied_as_it_was_and_its_words_are_not_divided(text):
    html = command(text)
    # HTML reads a carriage return as a newline, and has no NUL
    assert "".join(Reader(html).texts) == text
    assert re.findall("<span>(.*?)</span>", html, re.DOTALL) == [escape(word) for word in text.split()]


def heights(svg, kind):
    (path,) = re.findall(rf'<path d="([^"]*)" class="{kind}"', svg)
    return {float(x): 100 - float(top) for x, top in re.findall(r"M([\d.]+) 100V([\d.]+)", path)}


@given(st.lists(st.integers(0, 50), min_size=30, max_size=30).filter(any))
def test_the_bars_of_a_histogram_are_as_high_as_the_counts(counts):
    before = np.array(counts)
    axis = Axis(before, width=0.1)
    svg = histogram(before, before // 2, axis, label="x")
    for kind, bins in (("gone", before), ("kept", before // 2)):
        found = heights(svg, kind)
        assert len(found) == np.count_nonzero(bins)
        for x, height in found.items():
            count = bins[axis.first + round((x - 0.5) / 10)]
            assert height == pytest.approx(max(1, 100 * count / before.max()), abs=0.01)


def test_an_axis_goes_from_one_whole_number_to_another_in_equal_steps():
    counts = np.zeros(121, np.int64)
    counts[[15, 108]] = 1
    axis = Axis(counts, width=0.1)
    assert axis.labels() == ["1", "3", "5", "7", "9", "11"]
    assert (axis.first, axis.bins) == (10, 100)
    assert axis.at(2.0) == 100
    assert re.findall(r"<span>([\d.]+)</span>", scale(axis, "bits")) == axis.labels()


def test_an_axis_of_nothing_is_one_step():
    axis = Axis(np.zeros(121, np.int64), width=0.1)
    assert axis.labels() == ["0", "1"]
    assert "<svg" in histogram(np.zeros(121, np.int64), np.zeros(121, np.int64), axis, label="x")


def test_a_share_is_a_bar_with_its_interval_and_its_words():
    html = bar(0.5, low=0.4, high=0.7, label="half")
    assert 'width="50.00"' in html
    assert 'x="40.00"' in html
    assert 'width="30.00"' in html
    assert 'role="img" aria-label="half"' in html


def test_a_change_shows_both_shares_and_the_direction():
    assert 'class="less"' in change(0.4, 0.2, most=0.8, label="x")
    assert 'cx="50.00"' in change(0.4, 0.2, most=0.8, label="x")
    assert 'class="more"' in change(0.2, 0.4, most=0.8, label="x")


def luminance(colour):
    """WCAG 2.2, relative luminance."""
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, other):
    low, high = sorted([luminance(one), luminance(other)])
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_text_and_pictures_have_the_contrast_of_wcag_in_both_schemes(scheme):
    html = whole()
    found = {}
    for name, value in re.findall(r"--(\w+): (#[0-9a-f]{6})", html):
        found.setdefault(name, []).append(value)
    colours = {name: values[scheme] for name, values in found.items()}
    for ink in ("ink", "quiet", "accent"):
        for ground in ("paper", "ground", "mark"):
            assert contrast(colours[ink], colours[ground]) >= 4.5 or (ink, ground) == ("accent", "mark")
    assert contrast(colours["kept"], colours["paper"]) >= 3  # of graphics
    assert contrast(colours["ring"], colours["paper"]) >= 3

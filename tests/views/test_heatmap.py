"""The page is self-contained and escaped, and has the figures of the report."""

import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from doubles import Spelled

from nonplus.errors import SuspectInput
from nonplus.measure.formatting import figure
from nonplus.measure.forward import RunOptions
from nonplus.measure.protocol.choices import Protocol
from nonplus.measure.records import Document
from nonplus.measure.scoring import score
from nonplus.measure.session import Measurement
from nonplus.models.synthetic import Uniform, Unigram, fitted_unigram
from nonplus.views import heatmap
from nonplus.views.heatmap import FirstTexts, page
from nonplus.views.heatmap.colours import DARK, DARK_INK, LIGHT, LIGHT_INK, STEPS, colour

EVIL = "a </script><script>alert(1)</script> <b>bold</b> &amp; \"'\u2028 <!-- ${title} $data"


def page_of(*documents, model=None, alternatives=3, title="A title", interrupted=False):
    model = model or fitted_unigram(b"the fox jumps over the dog")
    measurement, texts = Measurement(model, Protocol()), []
    for scored, _ in measurement.run(documents, options=RunOptions(alternatives=alternatives)):
        texts += scored
    report = measurement.report(interrupted=interrupted)
    return page(texts, model=model, report=report, title=title), report


def data_of(html):
    return json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', html, re.DOTALL)[1])


class Reader(HTMLParser):
    """The page as a browser parses it."""

    def __init__(self):
        super().__init__()
        self.tags, self.attributes, self.texts, self._open = [], [], [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        self._open.append(tag)

    def handle_endtag(self, tag):
        if tag in self._open:
            while self._open.pop() != tag:
                pass

    def handle_data(self, data):
        if self._open and self._open[-1] == "i":
            self.texts.append(data)


def read(html):
    reader = Reader()
    reader.feed(html)
    return reader


def test_the_tokens_of_the_page_are_the_text():
    html, _ = page_of("the fox\n\tjumps")
    assert "".join(read(html).texts).startswith("not scoredprobability 0unknown")  # the legend
    assert "".join(read(html).texts).endswith("the fox\n\tjumps")


def test_a_text_that_looks_like_html_is_shown_as_it_is():
    html, _ = page_of(Document(text=EVIL, id=EVIL, context=EVIL), title=EVIL)
    plain, _ = page_of("plain")
    assert "".join(read(html).texts).endswith(EVIL)
    assert read(html).tags.count("script") == read(plain).tags.count("script") == 2
    assert "b" not in read(plain).tags
    assert read(html).tags.count("b") == 1  # the label of the context
    assert "<script>alert" not in html


def test_a_carriage_return_can_be_seen():
    with pytest.warns(SuspectInput, match="CRLF"):
        html, _ = page_of("a\r\nb")
    assert "".join(read(html).texts).endswith("a␍\nb")


def test_no_alternative_can_end_the_script_element():
    html, _ = page_of("</script>" * 9, model=fitted_unigram(b"</script>" * 99), alternatives=9)
    names = data_of(html)["names"]
    assert {"<", "/", ">"} <= {*names}


def test_the_page_makes_no_request():
    html, _ = page_of("the fox")
    assert not re.search(r"https?:|//\w|@import|url\(", html)
    assert "default-src 'none'" in html
    assert not {"link", "img", "iframe"} & {*read(html).tags}
    assert not [name for name, _ in read(html).attributes if name.startswith("on") or name in ("style", "src", "href")]


def test_only_the_script_of_the_page_may_run():
    html, _ = page_of("the fox")
    import base64
    import hashlib

    for kind in ("script", "style"):
        content = re.search(rf"<{kind}>(.*?)</{kind}>", html, re.DOTALL)[1]
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in html


def test_the_data_are_those_of_the_scores():
    html, report = page_of("the fox", "jumps")
    data = data_of(html)
    bits = [bit for document in data["documents"] for bit in document["bits"] if bit is not None]
    assert sum(bits) / len(bits) == pytest.approx(report.bits_per_token, abs=1e-3)
    first = data["documents"][0]
    assert first["bits"][0] is None
    assert first.pop("bare") == {}
    assert {len(column) for column in first.values()} == {len("the fox")}
    assert all(len(top) == 6 for top in first["top"][1:])


def test_a_token_is_marked_among_equally_probable_ones():
    html, _ = page_of("zzz", model=Uniform(256), alternatives=256)
    assert data_of(html)["documents"][0]["own"] == [None, ord("z"), ord("z")]


def test_the_header_shows_the_figure_and_its_conditions():
    html, report = page_of("the fox jumps over the dog" * 9)
    for text in (figure(report.perplexity), report.protocol.signature, report.protocol.fingerprint, report.model):
        assert text in html


@pytest.mark.parametrize("documents", [1, 2, 3])
def test_the_page_has_the_interval_of_the_report_or_says_like_it_why_there_is_none(documents):
    html, report = page_of(*(f"the fox jumps {n} times over the dog" for n in range(documents)))
    if documents == 3:
        assert f"95% interval {figure(report.interval.low)} to {figure(report.interval.high)}" in html
    else:
        assert report.no_interval in dict(report.lines())["interval"]
        assert f"no interval: {report.no_interval}; spread within this text" in html
        assert "95%" not in html


def test_each_document_has_its_own_perplexity():
    html, _ = page_of(Document(text="the the the", id="first"), Document(text="zzz", id="second"))
    heads = re.findall(r"<h2[^>]*>(\w+)<small>perplexity ([\d.]+)", html)
    assert [name for name, _ in heads] == ["first", "second"]
    assert float(heads[0][1]) < float(heads[1][1])


def test_unscored_tokens_and_tokens_of_probability_0_are_marked():
    html, _ = page_of("ab\0", model=Unigram([0.0] + [1 / 255] * 255))
    assert '<i class="u">a</i>' in html
    assert '<i class="z">\0</i>' in html
    assert data_of(html)["documents"][0]["bits"][2] == "Infinity"


def test_an_unknown_token_is_marked():
    with pytest.warns(SuspectInput, match="unknown to the model"):
        html, _ = page_of(Document(text="a<unk>b", id="<b>"), model=Uniform(259, tokenizer=Spelled()))
    marked = re.findall(r'<i class="([^"]*)">([^<]*)</i>', html)
    assert [text for kinds, text in marked if "x" in kinds.split()] == ["unknown", "&lt;unk&gt;"]  # the first explains
    assert "Caution: 1 token of the text is unknown to the model, the first token 1 of &lt;b&gt;" in html


def test_a_long_run_shows_its_first_tokens_with_a_note(monkeypatch):
    monkeypatch.setattr(heatmap, "MOST_TOKENS", 10)
    html, _ = page_of("abcdefgh", "ijklmnop", "qrstuvwx")
    assert "first 10 of 24 tokens" in html
    assert "".join(read(html).texts).endswith("abcdefghij")


def test_no_more_texts_are_kept_than_a_page_shows(monkeypatch):
    monkeypatch.setattr(heatmap, "MOST_TOKENS", 10)
    first_texts = FirstTexts()
    for scored in score(["abcdefgh"] * 50, model=Uniform(256)):
        first_texts.add(scored)
    assert len(first_texts.texts) == 2


def test_the_page_of_an_interrupted_run_has_a_note():
    html, _ = page_of("the fox", interrupted=True)
    assert "interrupted" in html


def test_without_readings_a_page_shows_surprisal_only():
    html, _ = page_of("the fox", alternatives=0)
    assert data_of(html)["names"] == []


def luminance(rgb):
    """WCAG 2.2, relative luminance."""
    channels = [c / 255 for c in rgb]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize(("stops", "ink"), [(LIGHT, LIGHT_INK), (DARK, DARK_INK)])
def test_text_on_every_colour_has_the_contrast_of_wcag(stops, ink):
    for step in range(STEPS + 1):
        low, high = sorted([luminance(colour(stops, step)), luminance(ink)])
        assert (high + 0.05) / (low + 0.05) >= 4.5


@pytest.mark.parametrize(("stops", "direction"), [(LIGHT, -1), (DARK, 1)])
def test_the_lightness_of_the_colours_is_ordered(stops, direction):
    lightness = [direction * luminance(colour(stops, step)) for step in range(STEPS + 1)]
    assert lightness == sorted(lightness)
    assert len({*lightness}) == len(lightness)


def test_the_text_colours_of_the_style_sheet_are_the_checked_ones():
    html, _ = page_of("the fox")
    assert re.findall(r"--ink: (#\w+)", html) == [f"#{bytes(ink).hex()}" for ink in (LIGHT_INK, DARK_INK)]


def test_the_page_says_what_was_read_if_that_is_known():
    model = fitted_unigram(b"the fox jumps over the dog")
    _, report = page_of("the fox", model=model)
    unknown, known = (
        page([], model=model, report=replace(report, source=source), title="A title")
        for source in ("", "<news>.jsonl (field text), 3 documents")
    )
    assert "<span>read" not in unknown
    assert "<span>read <code>&lt;news&gt;.jsonl (field text), 3 documents</code></span>" in known

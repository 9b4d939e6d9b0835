"""``--show``: the text coloured by surprisal; without colours, tokens and bits."""

import math
import re
from itertools import groupby

import pytest
from doubles import Spelled
from hypothesis import given
from hypothesis import strategies as st
from rich.color import ColorSystem
from rich.style import Style
from rich.terminal_theme import DEFAULT_TERMINAL_THEME

from nonplus.cli.terminal.coloured_text import Screen, legend, style_of
from nonplus.cli.terminal.printing import visible
from nonplus.measure.scores import TokenNames
from nonplus.measure.scoring import score
from nonplus.measure.statistics.document_sums import document_sums
from nonplus.models.synthetic import Uniform
from nonplus.views.heatmap.colours import STEPS, step_of, terminal_styles


def luminance(colour) -> float:
    """Relative luminance, as WCAG 2.2 defines it."""
    linear = [c / 3294.6 if c <= 10 else ((c / 255 + 0.055) / 1.055) ** 2.4 for c in colour]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_without_a_terminal_every_token_is_on_a_line_with_its_bits(run):
    ran = run("score", "abc", "--model", "uniform:256", "--show")
    assert ran.out.startswith("    bits  token\n")
    assert re.findall(r"^ +(\S+)  '(.)'$", ran.out, re.MULTILINE) == [("-", "a"), ("8.00", "b"), ("8.00", "c")]


def test_colours_can_be_forced_and_a_legend_explains_them(run, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLORTERM", "truecolor")
    ran = run("score", "abc", "--model", "uniform:256", "--show")
    assert "\x1b[" in ran.out
    assert "bits: " in ran.out
    assert "12+" in ran.out


def test_no_color_wins(run, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("NO_COLOR", "1")
    ran = run("score", "abc", "--model", "uniform:256", "--show")
    assert "'b'" in ran.out
    assert "48;2" not in ran.out


def test_a_text_cannot_drive_the_terminal(run, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    ran = run("score", "text:a\x1b]0;title\x07b\x9b31m", "--model", "uniform:256", "--show")
    assert "\x1b]" not in ran.out
    assert "\x07" not in ran.out
    assert "\x9b" not in ran.out
    assert visible("a\x1bb\n\tc") == "a␛b\n\tc"


def test_a_surprising_newline_can_be_seen(run, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert "⏎" in run("score", "text:a\nb", "--model", "uniform:256", "--show").out


def test_a_carriage_return_can_be_seen_with_colours_and_without(run, monkeypatch):
    assert "'\\r'" in run("score", "text:a\r\nb", "--model", "uniform:256", "--show").out
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert "␍" in run("score", "text:a\r\nb", "--model", "uniform:256", "--show").out


def test_an_unknown_token_is_marked_with_colours_and_without(monkeypatch, capsys):
    model = Uniform(259, tokenizer=Spelled())
    for forced, mark in (("", "'<unk>'  unknown"), ("1", "\x1b[4;")):
        if forced:
            monkeypatch.setenv("FORCE_COLOR", forced)
        screen = Screen(TokenNames(model.tokenizer.decode), "perplexity")
        for scored in score(["a<unk>b"], model=model):
            screen.show(scored, next(iter(document_sums(scored.texts))))
        assert mark in capsys.readouterr().out


def test_markup_in_a_text_is_text(run, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    text = re.sub(
        r"\x1b\[[\d;]*m", "", run("score", "text:a [red]b[/red] :smile:", "--model", "uniform:256", "--show").out
    )
    assert "a [red]b[/red] :smile:" in text


STYLES = {system: terminal_styles(sixteen=system == "standard") for system in ("truecolor", "256", "standard")}


def contrast(style: str, system: str) -> float:
    """The contrast of the text, in the colours that the terminal has."""
    kinds = {"truecolor": ColorSystem.TRUECOLOR, "256": ColorSystem.EIGHT_BIT, "standard": ColorSystem.STANDARD}
    parsed = Style.parse(style)
    colours = [
        each.downgrade(kinds[system]).get_truecolor(DEFAULT_TERMINAL_THEME) for each in (parsed.color, parsed.bgcolor)
    ]
    low, high = sorted(luminance(each) for each in colours)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("system", STYLES)
def test_text_is_legible_on_every_step_of_the_scale_at_16_and_256_colours_too(system):
    assert all(contrast(style, system) >= 4.5 for style in STYLES[system] if style)


@pytest.mark.parametrize("system", STYLES)
def test_more_bits_never_have_the_colour_of_fewer_again(system):
    runs = [style for style, _ in groupby(STYLES[system])]
    assert len(runs) == len(set(runs)) >= 5


@given(st.floats(0, 100))
def test_the_terminal_changes_colour_where_the_page_does(nats):
    for styles in STYLES.values():
        assert len(styles) == STEPS + 1
        assert style_of(nats, styles) == styles[step_of(nats)]


def test_the_legend_names_every_colour_with_its_bits():
    assert legend(STYLES["standard"]).plain == "bits:  0-1  2-3  4-7  8-11  12+   not scored  probability 0  unknown"
    assert " 5  6  7 " in legend(STYLES["truecolor"]).plain


def test_a_token_of_probability_0_is_marked_and_is_no_mere_surprise():
    assert style_of(math.inf, STYLES["256"]) not in STYLES["256"]

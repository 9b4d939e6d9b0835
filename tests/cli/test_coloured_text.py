"""``--show``: the text coloured by surprisal; without colours, tokens and bits."""

import re

from nonplus.cli.terminal.coloured_text import SCALE, style_of, visible


def test_without_a_terminal_every_token_is_on_a_line_with_its_bits(run):
    ran = run("score", "abc", "--model", "uniform:256", "--show")
    assert re.findall(r"^ +(\S+)  '(.)'$", ran.out, re.MULTILINE) == [("-", "a"), ("8.00", "b"), ("8.00", "c")]


def test_colours_can_be_forced_and_a_legend_explains_them(run, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLORTERM", "truecolor")
    ran = run("score", "abc", "--model", "uniform:256", "--show")
    assert "\x1b[" in ran.out
    assert "bits: below 2" in ran.out
    assert "15+" in ran.out


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


def test_markup_in_a_text_is_text(run, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    text = re.sub(
        r"\x1b\[[\d;]*m", "", run("score", "text:a [red]b[/red] :smile:", "--model", "uniform:256", "--show").out
    )
    assert "a [red]b[/red] :smile:" in text


def test_more_bits_never_have_a_weaker_colour():
    styles = [style_of(bits * 0.6931471805599453 + 1e-9) for bits in range(20)]
    order = ["", *(f"#111111 on {colour}" for _, colour in SCALE)]
    places = [order.index(style) for style in styles]
    assert places == sorted(places)
    assert places[-1] == len(SCALE)

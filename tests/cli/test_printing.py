"""What reaches the terminal beside the text itself."""

import click
import pytest

from nonplus.cli.terminal.printing import say, styled


@pytest.mark.parametrize(("name", "value"), [("TERM", "dumb"), ("NO_COLOR", "1")])
def test_a_terminal_that_wants_no_styles_gets_none(monkeypatch, capsys, name, value):
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    with click.Context(click.Command("x"), color=True):
        say(styled("word", fg="red"))
        monkeypatch.setenv(name, value)
        say(styled("word", fg="red"))
    assert capsys.readouterr().out == "\x1b[31mword\x1b[0m\nword\n"

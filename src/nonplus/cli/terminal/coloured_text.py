"""A text in the terminal, coloured by surprisal; without colours, tokens and bits."""

import math
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import final

from rich.console import Console
from rich.text import Text

from nonplus.cli.terminal.printing import one_line, visible
from nonplus.measure.formatting import counted, figure
from nonplus.measure.interfaces import Quantity
from nonplus.measure.scores import ScoredText, TokenNames, TokenScore
from nonplus.measure.statistics.document_sums import DocumentSums
from nonplus.views.heatmap.colours import STEPS, step_of, terminal_styles

_SIXTEEN = ("standard", "windows")  # what rich calls terminals of 16 colours
_UNSCORED, _IMPOSSIBLE = "dim italic", "bold reverse"


@final
class Screen:
    """Prints scored texts on stdout."""

    def __init__(self, names: TokenNames, quantity: Quantity) -> None:
        self._names = names
        self._quantity = quantity
        self._console = Console(highlight=False, emoji=False, markup=False)
        self._coloured = self._console.color_system is not None and not self._console.no_color
        self._styles = terminal_styles(sixteen=self._console.color_system in _SIXTEEN)
        self._begun = False

    def show(self, scored: ScoredText, sums: DocumentSums) -> None:
        """Print a text or a part of one, with its figure up to its end; before the
        first one, what colours or numbers mean.
        """
        perplexity = figure(sums.perplexity) if sums.tokens else "-"
        if not self._begun:
            head = legend(self._styles) if self._coloured else Text(f"{'bits':>8}  token", "dim")
            self._console.print(head, soft_wrap=True)
        self._begun = True
        before = scored.part.tokens
        name = f"{one_line(scored.document.id)}{f', from token {before:,} on' if before else ''}"
        self._console.print(Text(f"{name}  {self._quantity} {perplexity}", "bold"), soft_wrap=True)
        if self._coloured:
            self._console.print(_coloured(scored, self._names, self._styles), soft_wrap=True)
        else:
            self._list(scored)
        self._console.print()

    def _list(self, scored: ScoredText) -> None:
        for token in _tokens(scored, self._names):
            line = f"{'-':>8}  {token}" if isinstance(token, str) else _line(token, self._names.bare(token))
            self._console.print(Text(line), soft_wrap=True)


def _tokens(scored: ScoredText, names: TokenNames) -> Iterator[TokenScore | str]:
    """The tokens; those that an interruption left unscored only as their number."""
    for left, tokens in groupby(scored.rows(names), lambda token: scored.partial and token.nats is None):
        if left:
            yield f"({counted(sum(1 for _ in tokens), 'token')} not scored)"
        else:
            yield from tokens


def style_of(nats: float | None, styles: Sequence[str]) -> str:
    """The style of a token with this surprisal."""
    if nats is None:
        return _UNSCORED
    return _IMPOSSIBLE if math.isinf(nats) else styles[step_of(nats)]


def _coloured(scored: ScoredText, names: TokenNames, styles: Sequence[str]) -> Text:
    text = Text()
    for token in _tokens(scored, names):
        if isinstance(token, str):
            text.append(f" {token} ", _UNSCORED)
            continue
        style = style_of(token.nats, styles)
        # A surprising newline would otherwise be invisible.
        shown = visible(token.text).replace("\n", "⏎\n") if style else visible(token.text)
        text.append(shown, f"{style} underline" if token.unknown else style)
    return text


def legend(styles: Sequence[str]) -> Text:
    """Each style with the bits that it stands for."""
    text = Text().append("bits: ", "dim")
    for style, steps in groupby(range(len(styles)), styles.__getitem__):
        first, *others = steps
        if others[-1:] == [STEPS] or first == STEPS:
            text.append(f" {first}+ ", style)
        else:
            text.append(f" {first}-{others[-1]} " if others else f" {first} ", style)
    for name, style in (("not scored", _UNSCORED), ("probability 0", _IMPOSSIBLE), ("unknown", "underline")):
        text.append("  ").append(name, style)
    return text


def _line(token: TokenScore, bare: str) -> str:
    shown = one_line(bare) if bare else repr(token.text)
    return f"{_bits(token):>8}  {shown}{'  unknown' if token.unknown else ''}"


def _bits(token: TokenScore) -> str:
    return "-" if token.nats is None else figure(token.nats / math.log(2), 3)

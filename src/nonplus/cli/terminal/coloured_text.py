"""A text in the terminal, coloured by surprisal; without colours, tokens and bits."""

import math
from typing import final

from rich.console import Console
from rich.text import Text

from nonplus.measure.formatting import figure
from nonplus.measure.records import ScoredText, TokenNames, TokenScore
from nonplus.measure.statistics.document_sums import DocumentSums

# From this number of bits on, this colour. Black on colours of medium lightness is
# readable on dark and on light terminals.
SCALE = (
    (2, "#b9b49c"),
    (4, "#d6bf72"),
    (6, "#eab04e"),
    (8, "#f79244"),
    (11, "#fa6f4c"),
    (15, "#ea4f6c"),
)
_BELOW = 2  # bits; tokens with less have no colour
_CONTROLS = {code: 0x2400 + code for code in range(32) if chr(code) not in "\n\t"} | {0x7F: 0x2421}
_CONTROLS |= dict.fromkeys(range(0x80, 0xA0), 0xFFFD)


@final
class Screen:
    """Prints scored texts on stdout."""

    def __init__(self, names: TokenNames) -> None:
        self._names = names
        self._console = Console(highlight=False, emoji=False, markup=False)
        self._coloured = self._console.color_system is not None and not self._console.no_color
        self._begun = False

    def show(self, scored: ScoredText, sums: DocumentSums) -> None:
        """Print a text; before the first one, the legend."""
        perplexity = figure(sums.perplexity) if sums.tokens else "-"
        if self._coloured and not self._begun:
            self._console.print(_legend(), soft_wrap=True)
        self._begun = True
        self._console.print(Text(f"{visible(scored.document.id)}  perplexity {perplexity}", "bold"), soft_wrap=True)
        if self._coloured:
            self._console.print(_coloured(scored, self._names), soft_wrap=True)
        else:
            self._list(scored)
        self._console.print()

    def _list(self, scored: ScoredText) -> None:
        for token in scored.rows(self._names):
            self._console.print(Text(f"{_bits(token):>8}  {token.text!r}"), soft_wrap=True)


def visible(text: str) -> str:
    """The text with control characters as symbols: it cannot control the terminal."""
    return text.translate(_CONTROLS)


def style_of(nats: float | None) -> str:
    """The style of a token with this surprisal."""
    if nats is None:
        return "dim italic"
    found = [colour for bits, colour in SCALE if nats / math.log(2) >= bits]
    return f"#111111 on {found[-1]}" if found else ""


def _coloured(scored: ScoredText, names: TokenNames) -> Text:
    text = Text()
    for token in scored.rows(names):
        # A surprising newline would otherwise be invisible.
        shown = visible(token.text).replace("\n", "⏎\n") if style_of(token.nats) else visible(token.text)
        text.append(shown, style_of(token.nats))
    return text


def _legend() -> Text:
    ends = [*(bits for bits, _ in SCALE[1:]), None]
    text = Text().append(f"bits: below {_BELOW} ", "dim")
    for (bits, colour), end in zip(SCALE, ends, strict=True):
        text.append(f" {bits}-{end} " if end else f" {bits}+ ", f"#111111 on {colour}")
    return text.append("  not scored", "dim italic")


def _bits(token: TokenScore) -> str:
    return "-" if token.nats is None else figure(token.nats / math.log(2), 3)

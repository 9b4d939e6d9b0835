"""An HTML page that shows each token in the colour of its surprisal.

The page is one file that makes no request, and its content security policy forbids any.
It can be read without JavaScript; with it, pointing or the arrow keys show a token's
probability, rank and alternatives. Browsers stay fast up to about ``MOST_TOKENS``
tokens, so a page shows no more, and has a note about it.
"""

import html
import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from string import Template
from typing import final

from nonplus.measure.formatting import counted, figure
from nonplus.measure.interfaces import AnyModel, Quantity
from nonplus.measure.report import Report
from nonplus.measure.scores import ScoredText, TokenNames, TokenScore
from nonplus.measure.statistics.document_sums import document_sums
from nonplus.views.heatmap.colours import STEPS, scale_css, step_of
from nonplus.views.heatmap.token_data import TokenData
from nonplus.views.standalone import standalone

MOST_TOKENS = 40_000

_HERE = Path(__file__).parent


@final
class FirstTexts:
    """The first texts of a run: only those that a page shows."""

    def __init__(self) -> None:
        self.texts: list[ScoredText] = []
        self._room = MOST_TOKENS

    def add(self, text: ScoredText) -> None:
        """Keep the text if there is room."""
        if self._room > 0:
            self.texts.append(text)
            self._room -= len(text.tokens.ids) - text.tokens.first


def page(texts: Sequence[ScoredText], *, model: AnyModel, report: Report, title: str) -> str:
    """HTML of the texts, which may be the first of a run; ``report`` is of all.

    Entropy, rank and alternatives are those of the texts' readings; a text without
    readings shows surprisal only.
    """
    names, room = TokenNames(model.tokenizer.decode), MOST_TOKENS
    data = TokenData(names)
    sections: list[str] = []
    for text in texts:
        if room <= 0:
            break
        tokens = [token for token, _ in zip(text.rows(names), range(room), strict=False)]
        sections.append(_section(text, tokens, place=len(sections), quantity=report.quantity))
        data.add(text, tokens)
        room -= len(tokens)
    body = Template(_file("body.html")).substitute(
        title=html.escape(title),
        facts=_facts(report),
        conditions=_conditions(report),
        legend=_legend(),
        note=_note(report),
        sections="\n".join(sections),
    )
    return standalone(
        title=title,
        body=body,
        style=_file("page.css").replace("/* scale */", scale_css()),
        script=_file("page.js"),
        data=data.json(vocabulary=model.vocabulary),
    )


def shown_of(report: Report) -> tuple[int, int]:
    """How many tokens the page of a report shows, and how many there are."""
    whole = report.tally.scored + report.tally.unscored
    return min(whole, MOST_TOKENS), whole


def _file(name: str) -> str:
    return (_HERE / name).read_text(encoding="utf-8").strip()


def _facts(report: Report) -> str:
    tally = report.tally
    facts = (
        (report.quantity, figure(report.perplexity), report.uncertainty.caption),
        ("bits per byte", figure(report.bits_per_byte), "random bytes have 8"),
        ("bits per token", figure(report.bits_per_token), f"{tally.scored:,} tokens scored"),
        ("documents", f"{tally.documents:,}", f"{tally.bytes:,} bytes"),
    )
    return "\n".join(
        f"<div><dt>{name}</dt><dd>{html.escape(value)}<small>{html.escape(more)}</small></dd></div>"
        for name, value, more in facts
    )


def _conditions(report: Report) -> str:
    conditions = (
        ("read", report.source, ""),
        ("model", report.model, ""),
        ("protocol", report.protocol.signature, ""),
        ("fingerprint", report.protocol.fingerprint, "; figures compare only where this is equal"),
    )
    return " ".join(
        f"<span>{name} <code>{html.escape(value)}</code>{more}</span>" for name, value, more in conditions if value
    )


def _legend() -> str:
    steps = "".join(f'<li class="s{step}">{step}{"+" if step == STEPS else ""}</li>' for step in range(STEPS + 1))
    return f"<ol>{steps}</ol>"


def _note(report: Report) -> str:
    shown, whole = shown_of(report)
    notes = []
    if shown < whole:
        notes.append(f"This page shows the first {shown:,} of {whole:,} tokens; the figures are of all tokens.")
    if report.interrupted:
        notes.append("The run was interrupted; the figures are of the tokens scored until then.")
    notes += [f"Caution: {html.escape(caution)}." for caution in report.cautions]
    return f'<p class="note">{" ".join(notes)}</p>' if notes else ""


def _section(text: ScoredText, tokens: Sequence[TokenScore], *, place: int, quantity: Quantity) -> str:
    (sums,) = document_sums(text.texts)
    perplexity = figure(sums.perplexity)
    name = html.escape(text.document.id)
    context = html.escape(text.document.context)
    before = f'<p class="context"><b>context, fed but not scored</b> {context}</p>' if context else ""
    return (
        f'<section aria-labelledby="h{place}"><h2 id="h{place}">{name}'
        f"<small>{quantity} {perplexity}, {_extent(text)}</small></h2>{before}"
        f'<div class="text" id="d{place}" tabindex="0" aria-label="tokens of {name}; arrow keys move">'
        f"{spans(tokens)}</div></section>"
    )


def spans(tokens: Iterable[TokenScore]) -> str:
    """HTML of tokens in the colours of their surprisal, those of ``scale_css``."""
    return "".join(map(_span, tokens))


def _extent(text: ScoredText) -> str:
    """How many tokens were scored, and where a part of a stream begins."""
    scored = counted(len(text.index), "token")
    whole = not text.part.tokens and text.part.last
    return scored if whole else f"{scored} of it, from token {text.part.tokens:,} on"


def _span(token: TokenScore) -> str:
    kinds = [_kind(token.nats)]
    kinds += ["n"] if "\n" in token.text else []
    kinds += ["e"] if not token.text else []
    kinds += ["x"] if token.unknown else []
    shown = html.escape(token.text).replace("\r", "␍")  # HTML reads a carriage return as a newline
    return f'<i class="{" ".join(kinds)}">{shown}</i>'


def _kind(nats: float | None) -> str:
    if nats is None:
        return "u"
    return "z" if math.isinf(nats) else f"s{step_of(nats)}"

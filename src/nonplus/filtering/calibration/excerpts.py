"""A piece of a document as HTML, around its worst window, which is marked; each token
has the colour of its surprisal in the piece.
"""

from collections.abc import Iterable, Mapping
from itertools import groupby

from nonplus.filtering.calibration.examples import Excerpt, excerpt
from nonplus.filtering.samples.sample import Sample
from nonplus.measure.interfaces import TextScorer, WindowModel
from nonplus.measure.scores import ScoredText, TokenNames
from nonplus.measure.scoring import score
from nonplus.views.heatmap import spans
from nonplus.views.pages import Html, element, joined

_CUT_OFF = Html('<span class="cutoff">…</span>')


def excerpts(sample: Sample, places: Iterable[int], model: WindowModel | TextScorer) -> Mapping[int, Html]:
    """A piece of each of these documents of the sample."""
    columns, chosen = sample.columns, sorted({*places})
    pieces = [
        excerpt(sample.texts[each], int(columns.worst_begin[each]), int(columns.worst_end[each])) for each in chosen
    ]
    names = TokenNames(model.tokenizer.decode)
    scored = score([piece.before + piece.worst + piece.after for piece in pieces], model=model)
    shown = [_shown(piece, text, names) for piece, text in zip(pieces, scored, strict=True)]
    return dict(zip(chosen, shown, strict=True))


def _shown(piece: Excerpt, text: ScoredText, names: TokenNames) -> Html:
    begin, end = len(piece.before), len(piece.before) + len(piece.worst)
    runs = groupby(text.rows(names), lambda token: begin <= token.start < end)
    coloured = [element("mark", Html(spans(tokens))) if worst else Html(spans(tokens)) for worst, tokens in runs]
    cut_before, cut_after = ("" if whole else _CUT_OFF for whole in (piece.begun, piece.ended))
    return element("p", joined(cut_before, *coloured, cut_after), class_="excerpt")

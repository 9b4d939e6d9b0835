"""Does a model that scores whole texts behave as every figure requires?"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import islice

import numpy as np

from nonplus.measure.brought import HasTexts
from nonplus.measure.checks import Check, apart, close
from nonplus.measure.interfaces import TextScorer
from nonplus.measure.records import Document, Floats, n_bytes
from nonplus.measure.scores import ScoredText
from nonplus.measure.text_scorers import texts_of

LONG = "The river rose in the night, and by morning the lower road was under water; nobody had seen it so high before."
SHORT = "A small brown dog barked twice."
_MORE = " The next day it fell again."
_EDGE = 3  # last tokens of a text, which may be others, or its end, where more follows

_WINDOWS = "it scores whole texts in its own way, so nonplus makes neither windows nor batches for it"
_TOKENS_ONLY = "of a model that scores whole texts, only the surprisals are checked"


def of_texts(model: TextScorer) -> Iterator[tuple[str, Callable[[], Check]]]:
    """Every check that applies, by name."""
    skipped = inapplicable_to_texts(model)
    checks: dict[str, Callable[[TextScorer], Check]]
    checks = {
        "numbers": numbers,
        "repeatable": repeatable,
        "once": once,
        "order": order,
        "batch": batch,
        "causality": causality,
    }
    return ((name, partial(check, model)) for name, check in checks.items() if name not in skipped)


def inapplicable_to_texts(model: TextScorer) -> Mapping[str, str]:
    """The checks that are made of other models, and why not of this one."""
    reasons = dict.fromkeys(("padding", "memory", "beginning", "packing", "prefix"), _WINDOWS)
    reasons |= dict.fromkeys(("readings", "distribution"), _TOKENS_ONLY)
    if isinstance(model, HasTexts):
        reasons["causality"] = "it has scores of its own texts only, so none can be changed"
        reasons["once"] = "it has scores of the tokens of which its run gave one"
        if len(list(islice(model.texts, 2))) < 2:
            reasons |= dict.fromkeys(("order", "batch"), "it has one text only")
    elif model.protocol.quantity != "perplexity":
        reasons["causality"] = f"it measures {model.protocol.quantity}"
    return reasons


def numbers(model: TextScorer) -> Check:
    """Two texts; what breaks the contract is a fault."""
    for _ in _scored(model, _texts(model)):
        pass
    return Check(name="numbers", claim="every surprisal is a number from 0 on", measured=0.0)


def repeatable(model: TextScorer) -> Check:
    """Two texts twice."""
    texts = _texts(model)
    return Check(
        name="repeatable",
        claim="the same texts have the same surprisals each time",
        measured=apart(_nats(model, texts), _nats(model, texts)),
        bound=0.0,
    )


def once(model: TextScorer) -> Check:
    """How many bytes of two texts are in no scored token, where that is known.

    That none is in two follows from what every scorer is held to.
    """
    sized = [each for each in _scored(model, _texts(model)) if each.texts.tokens.sized]
    return Check(
        name="once",
        claim="each byte of a text is in one scored token, but for those of its first",
        measured=float(sum(map(_left_out, sized))),
        unit="bytes",
    )


def _left_out(text: ScoredText) -> int:
    """The bytes of a text that are neither in a scored token nor in its first."""
    width_T = np.diff(text.tokens.byte_ends, prepend=0)
    counted_T = np.isin(np.arange(len(width_T)), [text.tokens.first, *text.index.tolist()])
    return n_bytes(text.document.text) - int(width_T[counted_T].sum())


def order(model: TextScorer) -> Check:
    """Two texts, then in the other order."""
    texts = _texts(model)
    forth, back = _nats(model, texts), _nats(model, texts[::-1])
    return close(model, "order", "the order of texts changes nothing", forth, back[::-1])


def batch(model: TextScorer) -> Check:
    """Two texts alone, then with others."""
    texts = _texts(model)
    alone = [nats for text in texts for nats in _nats(model, [text])]
    copies = [replace(text, id=f"{text.id}, again") for text in texts]
    together = _nats(model, [*texts, *copies, *copies])
    return close(model, "batch", "a text scores the same beside others", alone, together[: len(texts)])


def causality(model: TextScorer) -> Check:
    """A text, then the same with more after it."""
    (alone,) = _nats(model, [Document(text=LONG, id="text")])
    (longer,) = _nats(model, [Document(text=LONG + _MORE, id="text")])
    n = max(0, len(alone) - _EDGE)
    return close(model, "causality", "no token depends on those after it", [alone[:n]], [longer[:n]])


def _texts(model: TextScorer) -> Sequence[Document]:
    """Two texts that it can score."""
    if isinstance(model, HasTexts):
        return list(islice(model.texts, 2))
    context = SHORT if model.protocol.quantity == "conditional perplexity" else ""
    return [Document(text=text, id=name, context=context) for name, text in {"long": LONG, "short": SHORT}.items()]


def _scored(model: TextScorer, texts: Sequence[Document]) -> Iterator[ScoredText]:
    return (text for several in texts_of(texts, model, 0) for text in several)


def _nats(model: TextScorer, texts: Sequence[Document]) -> list[Floats]:
    """Surprisals of the tokens of each text."""
    return [np.asarray(each.nats) for each in _scored(model, texts)]

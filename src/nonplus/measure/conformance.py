"""Does a model keep what every figure relies on? Each check asks the same thing in two ways.

A check is small enough to run at every start of a doctor: two short texts, a few batches.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from nonplus.measure.batches import Row, batch, row
from nonplus.measure.interfaces import WindowModel
from nonplus.measure.protocol.choices import Protocol
from nonplus.measure.protocol.resolved import resolve
from nonplus.measure.records import Document, Floats, Tokens, Window
from nonplus.measure.tokenizing import encode

_LONG = "The river rose in the night, and by morning the lower road was under water; nobody had seen it so high before."
_SHORT = "A small brown dog barked twice."

# Nats by which two ways of computing the same thing may differ, by the number format of the body.
_ROUNDING = {"float64": 1e-9, "float32": 1e-3, "float16": 0.05, "bfloat16": 0.3}
_WHOLE = 1e-4  # the last softmax is float32 whatever the body is


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One claim about a model: it holds where ``measured`` is at most ``bound``, both in ``unit``."""

    name: str
    claim: str
    measured: float
    bound: float
    unit: str = "nats"

    @property
    def passed(self) -> bool:
        """Whether the claim holds; a measurement that is no number does not."""
        return self.measured <= self.bound


def examine(model: WindowModel) -> Iterator[Check]:
    """Every check that applies to the model, given as it is done."""
    for check in (repeatable, padding, order, causality, readings, distribution, beginning):
        yield check(model)
    if model.packs:
        yield packing(model)


def repeatable(model: WindowModel) -> Check:
    """The same batch twice."""
    lines = [[_row(model, _LONG)], [_row(model, _SHORT)]]
    once, again = _answers(model, lines), _answers(model, lines)
    return Check(
        name="repeatable", claim="the same question gets the same answer", measured=_apart(once, again), bound=0.0
    )


def padding(model: WindowModel) -> Check:
    """A short text alone, then in a batch with a long one, where its row is filled up."""
    long, short = _row(model, _LONG), _row(model, _SHORT)
    (alone,), (_, beside) = _answers(model, [[short]]), _answers(model, [[long], [short]])
    return _close(model, "padding", "a short text scores the same beside a long one", [alone], [beside])


def order(model: WindowModel) -> Check:
    """Two texts in a batch, then the other way round."""
    long, short = [_row(model, _LONG)], [_row(model, _SHORT)]
    forth, back = _answers(model, [long, short]), _answers(model, [short, long])
    return _close(model, "order", "the order of texts in a batch changes nothing", forth, back[::-1])


def packing(model: WindowModel) -> Check:
    """Two texts in rows of their own, then both in one row."""
    long, short = _row(model, _LONG), _row(model, _SHORT)
    apart, together = _answers(model, [[long], [short]]), _answers(model, [[long, short]])
    return _close(model, "packing", "texts that share a row do not see one another", apart, together)


def causality(model: WindowModel) -> Check:
    """A text, then the same one with another last token fed: only the answer after it may differ."""
    before = _row(model, _LONG)
    changed = before.input.copy()
    changed[-1] = (changed[-1] + 1) % model.vocabulary
    (asked,), (after,) = _answers(model, [[before]]), _answers(model, [[replace(before, input=changed)]])
    return _close(model, "causality", "a token changes nothing before it", [asked[:-1]], [after[:-1]])


def readings(model: WindowModel) -> Check:
    """Log-probabilities by both of the model's methods."""
    asked = batch([[_row(model, _LONG)]])
    plain, read = model.logprobs(asked), model.readings(asked, top=1)
    return _close(model, "readings", "reading alternatives changes no probability", [plain], [-read.nats])


def distribution(model: WindowModel) -> Check:
    """All probabilities at one place."""
    text = _row(model, _LONG)
    read = model.readings(batch([[replace(text, target=text.target[-1:])]]), top=model.vocabulary)
    total = float(np.exp(-read.top_nats).sum())
    return Check(
        name="distribution",
        claim="the probabilities of all tokens sum to one",
        measured=abs(total - 1),
        bound=_ROUNDING["float64"] if model.dtype == "float64" else _WHOLE,
        unit="",
    )


def beginning(model: WindowModel) -> Check:
    """The beginning token, counted where a text begins."""
    rules = resolve(Protocol(), model)
    tokens = encode([Document(text=_SHORT)], model, specials=False)[0]
    fed = row(tokens, rules.windows(tokens)[0], rules.prefix).input
    other = [*(fed != rules.prefix[0]), True] if rules.prefix else [True]
    once = "the beginning token stands before a text once"
    return Check(
        name="beginning",
        claim=once if rules.prefix else "there is no beginning token, so a text's first token is not scored",
        measured=float(np.argmax(other)),
        bound=float(len(rules.prefix)),
        unit="tokens",
    )


def _row(model: WindowModel, text: str) -> Row:
    """A text as the model reads it, every token but the first asked for."""
    (encoding,) = model.tokenizer.encode([text], specials=False)
    ids = encoding.ids[: model.max_context]
    return row(Tokens(Document(text=text), ids, encoding.spans[: len(ids), 1], 0), Window(0, 1, len(ids)), ())


def _answers(model: WindowModel, lines: Sequence[Sequence[Row]]) -> list[Floats]:
    """Log-probabilities of each row's targets, rows in reading order."""
    lengths = [len(each.target) for line in lines for each in line]
    return np.split(model.logprobs(batch(lines)), np.cumsum(lengths)[:-1])


def _close(model: WindowModel, name: str, claim: str, one: Sequence[Floats], other: Sequence[Floats]) -> Check:
    bound = _ROUNDING.get(model.dtype, _ROUNDING["bfloat16"])
    return Check(name=name, claim=claim, measured=_apart(one, other), bound=bound)


def _apart(one: Sequence[Floats], other: Sequence[Floats]) -> float:
    """The largest difference; tokens that both hold for impossible do not differ."""
    a, b = np.concatenate(one), np.concatenate(other)
    differ = a != b  # -inf - -inf is no number
    return float(np.max(np.abs(a[differ] - b[differ]), initial=0.0))

"""Does a model behave as every figure requires? Each check computes one thing twice.

They are small enough for every run of ``nonplus doctor``: two short texts, a few
batches.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from nonplus.measure.batches import Row, batch, row
from nonplus.measure.interfaces import AnyModel, HasDistributions, HasPrefixes, ScoresTexts, TextScorer, WindowModel
from nonplus.measure.protocol.choices import Protocol as MeasuringProtocol
from nonplus.measure.protocol.resolved import resolve
from nonplus.measure.readings import readings
from nonplus.measure.records import Document, Floats, Readings, Tokens, Window
from nonplus.measure.tokenizing import encode

_LONG = "The river rose in the night, and by morning the lower road was under water; nobody had seen it so high before."
_SHORT = "A small brown dog barked twice."

# Nats by which two computations of the same log-probability may differ, by the dtype of
# the body.
_ROUNDING = {"float64": 1e-9, "float32": 1e-3, "float16": 0.05, "bfloat16": 0.3}
_SUM_ROUNDING = 1e-4  # log-probabilities are float32 where the body is narrower


class _GivesDistributions(WindowModel, HasDistributions, Protocol):
    pass


class _KeepsPrefixes(WindowModel, HasPrefixes, Protocol):
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One claim about a model.

    It holds where ``measured`` is at most ``bound``, both in ``unit``.
    """

    name: str
    claim: str
    measured: float
    bound: float
    unit: str = "nats"

    @property
    def passed(self) -> bool:
        """Whether the claim holds; it does not where ``measured`` is NaN."""
        return self.measured <= self.bound


def examine(model: WindowModel | TextScorer) -> Iterator[Check]:
    """Every check that applies to the model, as each is done."""
    if isinstance(model, ScoresTexts):
        return _of_texts(model)
    return _of_windows(model)


def _of_texts(model: TextScorer) -> Iterator[Check]:
    once, again = _nats(model, [_LONG, _SHORT]), _nats(model, [_LONG, _SHORT])
    yield Check(
        name="repeatable",
        claim="the same texts have the same surprisals each time",
        measured=_apart(once, again),
        bound=0.0,
    )
    back = _nats(model, [_SHORT, _LONG])
    yield _close(model, "order", "the order of texts changes nothing", once, back[::-1])


def _of_windows(model: WindowModel) -> Iterator[Check]:
    for check in (repeatable, padding, order, causality):
        yield check(model)
    if isinstance(model, HasDistributions):
        yield alternatives(model)
        yield distribution(model)
    if isinstance(model, HasPrefixes):
        yield prefix(model)
    yield beginning(model)
    if model.packs:
        yield packing(model)


def repeatable(model: WindowModel) -> Check:
    """The same batch twice."""
    lines = [[_row(model, _LONG)], [_row(model, _SHORT)]]
    once, again = _logprobs(model, lines), _logprobs(model, lines)
    return Check(
        name="repeatable",
        claim="the same batch has the same log-probabilities each time",
        measured=_apart(once, again),
        bound=0.0,
    )


def padding(model: WindowModel) -> Check:
    """A short text alone, then in a batch with a long one, where its row is padded."""
    long, short = _row(model, _LONG), _row(model, _SHORT)
    (alone,), (_, beside) = _logprobs(model, [[short]]), _logprobs(model, [[long], [short]])
    return _close(model, "padding", "a short text scores the same beside a long one", [alone], [beside])


def order(model: WindowModel) -> Check:
    """Two texts in a batch, then in the other order."""
    long, short = [_row(model, _LONG)], [_row(model, _SHORT)]
    forth, back = _logprobs(model, [long, short]), _logprobs(model, [short, long])
    return _close(model, "order", "the order of texts in a batch changes nothing", forth, back[::-1])


def packing(model: WindowModel) -> Check:
    """Two texts in rows of their own, then both in one row."""
    long, short = _row(model, _LONG), _row(model, _SHORT)
    apart, together = _logprobs(model, [[long], [short]]), _logprobs(model, [[long, short]])
    return _close(model, "packing", "texts that share a row do not see each other", apart, together)


def causality(model: WindowModel) -> Check:
    """A text, then the same one with another last token fed: only the log-probability
    after that one may change.
    """
    text = _row(model, _LONG)
    changed = text.input.copy()
    changed[-1] = (changed[-1] + 1) % model.vocabulary
    (before,), (after,) = _logprobs(model, [[text]]), _logprobs(model, [[replace(text, input=changed)]])
    return _close(model, "causality", "a token changes nothing before it", [before[:-1]], [after[:-1]])


def alternatives(model: _GivesDistributions) -> Check:
    """Log-probabilities of the same targets by both of the model's methods."""
    text = _row(model, _LONG)
    (plain,), read = _logprobs(model, [[text]]), _readings(model, text, top=1)
    return _close(model, "readings", "reading alternatives changes no log-probability", [plain], [-read.nats])


def distribution(model: _GivesDistributions) -> Check:
    """All probabilities at one position."""
    text = _row(model, _LONG)
    read = _readings(model, replace(text, target=text.target[-1:]), top=model.vocabulary)
    total = float(np.exp(-read.top_nats).sum())
    return Check(
        name="distribution",
        claim="the probabilities of all tokens sum to 1",
        measured=abs(total - 1),
        bound=_ROUNDING["float64"] if model.dtype == "float64" else _SUM_ROUNDING,
        unit="",
    )


def prefix(model: _KeepsPrefixes) -> Check:
    """A text as a whole, then its second half from the state after the first."""
    text = _row(model, _LONG)
    half = len(text.target) // 2
    (whole,), kept = _logprobs(model, [[text]]), model.prefix(text.input[: half + 1].tolist())
    return _close(
        model,
        "prefix",
        "a continuation of a kept prefix scores as in the whole text",
        [whole[half:]],
        [kept.logprobs(text.target[half:].tolist())],
    )


def beginning(model: WindowModel) -> Check:
    """The BOS tokens with which a text begins, counted."""
    protocol = resolve(MeasuringProtocol(), model)
    tokens = encode([Document(text=_SHORT)], model)[0]
    fed = row(tokens, protocol.windows(tokens)[0], protocol.prefix).input
    other = [*(fed != protocol.prefix[0]), True] if protocol.prefix else [True]
    once = "the BOS token stands before a text once"
    return Check(
        name="beginning",
        claim=once if protocol.prefix else "there is no BOS token, so a text's first token is not scored",
        measured=float(np.argmax(other)),
        bound=float(len(protocol.prefix)),
        unit="tokens",
    )


def _row(model: WindowModel, text: str) -> Row:
    """A text as input, with every token but the first as a target."""
    (encoding,) = model.tokenizer.encode([text], specials=False)
    ids = encoding.ids[: model.max_context]
    return row(Tokens(Document(text=text), ids, encoding.byte_ends[: len(ids)], 0), Window(0, 1, len(ids)), ())


def _logprobs(model: WindowModel, lines: Sequence[Sequence[Row]]) -> list[Floats]:
    """Log-probabilities of the targets of each row, row by row."""
    lengths = [len(each.target) for line in lines for each in line]
    return np.split(model.logprobs(batch(lines)), np.cumsum(lengths)[:-1])


def _nats(model: TextScorer, texts: Sequence[str]) -> list[Floats]:
    """Surprisals of the tokens of each text."""
    documents = [Document(text=text) for text in texts]
    return [each.nats for scored in model.score(documents, alternatives=0) for each in scored]


def _readings(model: HasDistributions, text: Row, *, top: int) -> Readings:
    asked = batch([[text]])
    return readings(model.distributions(asked), asked.target_N, top=top)


def _close(model: AnyModel, name: str, claim: str, one: Sequence[Floats], other: Sequence[Floats]) -> Check:
    bound = _ROUNDING.get(model.dtype, _ROUNDING["bfloat16"])
    return Check(name=name, claim=claim, measured=_apart(one, other), bound=bound)


def _apart(one: Sequence[Floats], other: Sequence[Floats]) -> float:
    """The largest difference; tokens that have probability 0 in both do not differ."""
    a, b = np.concatenate(one), np.concatenate(other)
    differ = a != b  # -inf - -inf is NaN
    return float(np.max(np.abs(a[differ] - b[differ]), initial=0.0))

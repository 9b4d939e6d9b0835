"""Does a model behave as every figure requires? Each check computes one thing twice.

They are small enough for every run of ``nonplus doctor``: a few batches, of which none
has a row longer than 4,104 tokens.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Protocol, final

import numpy as np

from nonplus.measure.batches import Row, Rows, batch
from nonplus.measure.checks import ROUNDING, Check, apart, attempt, close
from nonplus.measure.contract import checked_distributions, checked_logprobs
from nonplus.measure.interfaces import HasDistributions, HasPrefixes, ScoresTexts, TextScorer, WindowModel
from nonplus.measure.protocol.choices import Protocol as MeasuringProtocol
from nonplus.measure.protocol.resolved import resolve
from nonplus.measure.readings import readings
from nonplus.measure.records import Document, Floats, Ints
from nonplus.measure.scorer_checks import LONG as _LONG
from nonplus.measure.scorer_checks import SHORT as _SHORT
from nonplus.measure.scorer_checks import inapplicable_to_texts, of_texts
from nonplus.measure.scores import Readings
from nonplus.measure.tokenizing import encode

_FAR = 4_104  # a little more than the 4,096 tokens after which many models scale their positions

_SUM_ROUNDING = 1e-4  # log-probabilities are float32 where the body is narrower


class _GivesDistributions(WindowModel, HasDistributions, Protocol):
    pass


class _KeepsPrefixes(WindowModel, HasPrefixes, Protocol):
    pass


def examine(model: WindowModel | TextScorer, *, longest: int = _FAR) -> Iterator[Check]:
    """Every check that applies to the model, as each is done, with rows of at most
    ``longest`` tokens.

    One that the model's code breaks off has failed.
    """
    checks = of_texts(model) if isinstance(model, ScoresTexts) else _of_windows(model, longest)
    return (attempt(name, check) for name, check in checks)


def inapplicable(model: WindowModel | TextScorer) -> Mapping[str, str]:
    """The checks that are made of other models, and why not of this one."""
    if isinstance(model, ScoresTexts):
        return inapplicable_to_texts(model)
    lacks = {
        "readings": not isinstance(model, HasDistributions) and "it gives no whole distributions",
        "distribution": not isinstance(model, HasDistributions) and "it gives no whole distributions",
        "prefix": not isinstance(model, HasPrefixes) and "it keeps no state after some tokens",
        "packing": not model.packs and "its texts do not share rows",
    }
    return {name: why for name, why in lacks.items() if why}


def _of_windows(model: WindowModel, longest: int) -> Iterator[tuple[str, Callable[[], Check]]]:
    rows = _Rows(model, longest)
    yield "numbers", lambda: numbers(model)
    yield "repeatable", lambda: repeatable(model)
    yield "padding", lambda: padding(rows)
    yield "order", lambda: order(rows)
    yield "memory", lambda: memory(rows)
    yield "causality", lambda: causality(model)
    if isinstance(model, HasDistributions):
        full: _GivesDistributions = model
        yield "readings", lambda: alternatives(full)
        yield "distribution", lambda: distribution(full)
    if isinstance(model, HasPrefixes):
        keeping: _KeepsPrefixes = model
        yield "prefix", lambda: prefix(keeping)
    yield "beginning", lambda: beginning(model)
    if model.packs:
        yield "packing", lambda: packing(rows)


@final
class _Rows:
    """A short row and two long ones of nearly one length, scored in several ways."""

    def __init__(self, model: WindowModel, longest: int) -> None:
        self.model = model
        self._longest = longest

    @cached_property
    def rows(self) -> list[Row]:
        """Shortest first; the last fills the context, up to a limit."""
        far = min(self.model.max_context, self._longest)
        return [_row(self.model, _SHORT), _filled(self.model, max(1, far - 3)), _filled(self.model, far)]

    @cached_property
    def alone(self) -> list[Floats]:
        """The log-probabilities of each, alone in a batch, shortest first."""
        return [_logprobs(self.model, [[each]])[0] for each in self.rows]

    @cached_property
    def together(self) -> list[Floats]:
        """The same in one batch, shortest first."""
        return _logprobs(self.model, [[each] for each in self.rows])


def numbers(model: WindowModel) -> Check:
    """How far a log-probability lies above 0; NaN is a fault, and so is what breaks the
    contract.
    """
    asked = batch([[_row(model, _LONG)]])
    found = model.logprobs(asked)
    checked_logprobs(found, len(asked.target_N), model)
    return Check(
        name="numbers",
        claim="every log-probability is a number, and none is above 0",
        measured=float(np.max(found, initial=0.0)),
        bound=ROUNDING.get(model.dtype, ROUNDING["bfloat16"]),
    )


def repeatable(model: WindowModel) -> Check:
    """The same batch twice."""
    lines = [[_row(model, _LONG)], [_row(model, _SHORT)]]
    once, again = _logprobs(model, lines), _logprobs(model, lines)
    return Check(
        name="repeatable",
        claim="the same batch has the same log-probabilities each time",
        measured=apart(once, again),
        bound=0.0,
    )


def padding(rows: _Rows) -> Check:
    """Each row alone, then in a batch with the others, where the shorter are padded."""
    return close(rows.model, "padding", "a text scores the same beside a longer one", rows.alone, rows.together)


def order(rows: _Rows) -> Check:
    """The rows in a batch, then in the other order."""
    back = _logprobs(rows.model, [[each] for each in rows.rows[::-1]])
    return close(rows.model, "order", "the order of texts in a batch changes nothing", rows.together, back[::-1])


def memory(rows: _Rows) -> Check:
    """A row alone, then once more after a longer one."""
    _, before, _ = rows.alone
    _logprobs(rows.model, [[rows.rows[-1]]])
    (after,) = _logprobs(rows.model, [[rows.rows[1]]])
    return close(rows.model, "memory", "a long text leaves nothing behind for the next", [before], [after])


def packing(rows: _Rows) -> Check:
    """The rows in lines of their own, then all in one line."""
    together = _logprobs(rows.model, [rows.rows])
    return close(rows.model, "packing", "texts that share a row do not see each other", rows.alone, together)


def causality(model: WindowModel) -> Check:
    """A text, then the same one with another last token fed: only the log-probability
    after that one may change.
    """
    text = _row(model, _LONG)
    changed = text.input.copy()
    changed[-1] = (changed[-1] + 1) % model.vocabulary
    (before,), (after,) = _logprobs(model, [[text]]), _logprobs(model, [[replace(text, input=changed)]])
    return close(model, "causality", "a token changes nothing before it", [before[:-1]], [after[:-1]])


def alternatives(model: _GivesDistributions) -> Check:
    """Log-probabilities of the same targets by both of the model's methods."""
    text = _row(model, _LONG)
    (plain,), read = _logprobs(model, [[text]]), _readings(model, text, top=1)
    return close(model, "readings", "reading alternatives changes no log-probability", [plain], [-read.nats])


def distribution(model: _GivesDistributions) -> Check:
    """All probabilities at one position."""
    text = _row(model, _LONG)
    read = _readings(model, replace(text, target=text.target[-1:]), top=model.vocabulary)
    total = float(np.exp(-read.top_nats).sum())
    return Check(
        name="distribution",
        claim="the probabilities of all tokens sum to 1",
        measured=abs(total - 1),
        bound=ROUNDING["float64"] if model.dtype == "float64" else _SUM_ROUNDING,
        unit="",
    )


def prefix(model: _KeepsPrefixes) -> Check:
    """A text as a whole, then its second half from the state after the first."""
    text = _row(model, _LONG)
    half = len(text.target) // 2
    (whole,), kept = _logprobs(model, [[text]]), model.prefix(text.input[: half + 1].tolist())
    return close(
        model,
        "prefix",
        "a continuation of a kept prefix scores as in the whole text",
        [whole[half:]],
        [-checked_logprobs(kept.logprobs(text.target[half:].tolist()), len(text.target) - half, model)],
    )


def beginning(model: WindowModel) -> Check:
    """The BOS tokens with which a text begins, counted."""
    protocol = resolve(MeasuringProtocol(), model)
    texts = encode([Document(text=_SHORT)], model)
    fed = Rows.of([(texts, protocol.windows_of(texts))], protocol.prefix)[0].input
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
    return _fed(encoding.ids[: model.max_context])


def _filled(model: WindowModel, length: int) -> Row:
    """A row that feeds so many tokens, of one text over and over."""
    (encoding,) = model.tokenizer.encode([_LONG], specials=False)
    return _fed(np.resize(encoding.ids, length + 1))


def _fed(ids: Ints) -> Row:
    return Row.of(ids)


def _logprobs(model: WindowModel, lines: Sequence[Sequence[Row]]) -> list[Floats]:
    """Log-probabilities of the targets of each row, row by row."""
    lengths = [len(each.target) for line in lines for each in line]
    nats = checked_logprobs(model.logprobs(batch(lines)), sum(lengths), model)
    return np.split(-nats, np.cumsum(lengths)[:-1])


def _readings(model: _GivesDistributions, text: Row, *, top: int) -> Readings:
    asked = batch([[text]])
    chunks = checked_distributions(model.distributions(asked), asked.target_N, model)
    return readings(chunks, asked.target_N, top=top)

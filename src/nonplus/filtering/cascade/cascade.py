"""Two models, one threshold: what a fast model leaves undecided, a better one decides.

All figures are in bits per byte of the second model: measured by it or, for most of the
documents, expected of it by the first model's figure. A document is undecided if a rule
would decide otherwise at one of the ends of what may be expected, so many errors away.

Letters in shapes: D documents.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, final

import numpy as np

from nonplus.errors import BadInput, BadModel, BadProtocol
from nonplus.filtering.cascade.translation import Translation
from nonplus.filtering.languages.choice import MODEL
from nonplus.filtering.languages.unjudged import decided
from nonplus.filtering.rules.decision import Decision
from nonplus.filtering.rules.rule import Rule
from nonplus.filtering.rules.rule_file import Model
from nonplus.filtering.rules.scored import Scored
from nonplus.filtering.scoring.columns import ScoreColumns
from nonplus.filtering.scoring.figures import Figures
from nonplus.filtering.scoring.placing import Placing, opened
from nonplus.filtering.scoring.scorer import Scorer
from nonplus.measure.records import Bools, Floats

Decide = Callable[[ScoreColumns], Decision]
ScoresTexts = Callable[[Sequence[str]], ScoreColumns]


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Cascade:
    """The models, how the figures of the ``first`` are translated to the ``second``,
    and how many errors from a cut a document is still undecided.
    """

    first: Model
    second: Model
    translation: Translation
    width: float

    def check(self, rule: Rule, first: str) -> None:
        """Check that the rule has a cut that is known for each document by itself, and
        that the figures are those of the model with the identity ``first``.

        Raises:
            BadInput: the rule needs all scores first, or draws.
            BadProtocol: they are of another model.
        """
        check_rule(rule)
        if first != self.first.identity:
            raise BadProtocol(
                f"the cascade is about figures of {self.first.name} ({self.first.identity}), got those of {first}, for "
                f"which it means something else; use model={self.first.name}, or make another cascade"
            )

    def expected(self, first: ScoreColumns) -> ScoreColumns:
        """The figures of documents, as they are expected of the second model."""
        return restated(first, self.translation.expected(first), error=self.translation.slope)

    def undecided(self, first: ScoreColumns, decide: Decide) -> Bools:
        """Which documents the second model has to decide (D,)."""
        expected_D, error_D = self.translation.expected(first), self.width * self.translation.error(first)
        low, middle, high = (
            decide(restated(first, each_D, error=self.translation.slope))
            for each_D in (np.maximum(expected_D - error_D, 0.0), expected_D, expected_D + error_D)
        )
        return _differ(low, middle) | _differ(middle, high)


def check_rule(rule: Rule) -> None:
    """Check that a rule says of each document by itself where its cut is.

    Raises:
        BadInput: it needs all scores first, or draws.
    """
    if not rule.local:
        raise BadInput(
            f"a cascade needs a cut that is known before all is scored, and the rule asks for "
            f"{', '.join(rule.missing)}; give it with numbers, as nonplus filter calibrate finds them"
        )
    if rule.keyed:
        raise BadInput("a cascade needs a rule that decides by figures, and this one draws; leave the sampling out")


def restated(columns: ScoreColumns, bits_D: Floats, *, error: float) -> ScoreColumns:
    """The same documents with other bits per byte, and ``error`` times the error."""
    some_D = columns.tokens > 0
    nats_D = np.where(some_D, bits_D * columns.bytes * math.log(2), columns.nats)
    return replace(columns, nats=nats_D, error=columns.error * error)


def measured(expected: ScoreColumns, second: ScoreColumns, places: Bools) -> ScoreColumns:
    """What is expected, but at ``places`` (D,) the figures that the second model gave.

    The worst window and unknown tokens stay those of the first model for all documents,
    or they could not be compared.
    """
    own = {name: getattr(expected, name).copy() for name in ("nats", "tokens", "bytes", "error")}
    known = second.tokens > 0
    for name, column in own.items():
        column[np.flatnonzero(places)[known]] = getattr(second, name)[known]
    return replace(expected, **own)


def _differ(one: Decision, other: Decision) -> Bools:
    differ_D: Bools = one.keep != other.keep
    if one.bucket is not None and other.bucket is not None:
        differ_D |= np.array([a != b for a, b in zip(one.bucket, other.bucket, strict=True)], np.bool_)
    return differ_D


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class SecondStage:
    """A cascade at work for a ``rule``: the second model is opened where it is needed
    first, unless it scores ``elsewhere``.
    """

    cascade: Cascade
    rule: Rule
    placing: Placing = field(default_factory=Placing)
    elsewhere: ScoresTexts | None = None

    @property
    def plan(self) -> dict[str, Any]:
        """What decides the figures, for a plan."""
        return {**asdict(self.cascade), "rule": str(self.rule)}

    def refined(self, texts: Sequence[str], first: Figures, scored: Scored) -> Scored:
        """The documents with figures on the scale of the second model, where ``first``
        are their figures, and ``scored`` all that is known of them.

        Raises:
            BadModel: the second model is another by now, or cannot score a text.
        """

        def decide(columns: ScoreColumns) -> Decision:
            return decided(self.rule, replace(scored, columns={**scored.columns, **columns.as_dict()}))

        expected = self.cascade.expected(first.columns)
        undecided_D = self.cascade.undecided(first.columns, decide)
        places = np.flatnonzero(undecided_D).tolist()
        models = list(first.models)
        if places:
            score = self.elsewhere or self.scorer().columns
            second = score([texts[place] for place in places])
            expected = measured(expected, second, undecided_D)
            for place, tokens in zip(places, second.tokens.tolist(), strict=True):
                models[place] = self.cascade.second.name if tokens else models[place]
        columns = {**scored.columns, **expected.as_dict()}
        return replace(scored, columns=columns, attributes={**scored.attributes, MODEL: models})

    def scorer(self) -> Scorer:
        """The second model.

        Raises:
            BadModel: it is another than when the cascade was made.
        """
        scorer = opened(self.cascade.second.name, self.placing)
        if scorer.identity != self.cascade.second.identity:
            raise BadModel(
                f"{self.cascade.second.name} is another model now than when its cascade was made; make the cascade "
                "again, or put the first model back"
            )
        return scorer

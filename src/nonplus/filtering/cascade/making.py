"""A cascade made from a sample of a corpus, and what each width of it would do.

Letters in shapes: D documents.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, final

from nonplus.errors import BadInput
from nonplus.filtering.cascade.cascade import Cascade, Decide, check_rule
from nonplus.filtering.cascade.check import Check, checks
from nonplus.filtering.cascade.translation import FEWEST, Translation
from nonplus.filtering.fields.asked import check_asked, check_said
from nonplus.filtering.fields.options import ReadOptions
from nonplus.filtering.languages.choice import check_one
from nonplus.filtering.rules.given import given_rule
from nonplus.filtering.rules.rule_file import Model
from nonplus.filtering.rules.scored import ATTRIBUTES, Scored
from nonplus.filtering.samples.drawing import drawn
from nonplus.filtering.samples.timing import timed
from nonplus.filtering.scoring.placing import Placing
from nonplus.filtering.scoring.repetition import repetition
from nonplus.filtering.scoring.scorer import DEFAULT
from nonplus.measure.formatting import counted

_FEWEST = 2 * FEWEST  # the table of widths is made on other documents than the line


@dataclass(frozen=True, slots=True, kw_only=True)
class CascadeOptions:
    """How a cascade is made.

    ``second`` is the model that decides about documents within ``width`` errors of a
    cut. ``sample`` documents are scored by both models. Neural ones run on ``device``
    with ``budget`` tokens in a batch, as in a run.
    """

    second: str = "bundled:base"
    sample: int = 1000
    width: float = 2.0
    device: str = "auto"
    budget: int = 1

    def __post_init__(self) -> None:
        if self.sample < _FEWEST:
            raise BadInput(
                f"sample={self.sample} is less than {_FEWEST}, which it takes to see how two models differ, and to "
                "check it on others; use e.g. sample=1000"
            )
        if not 0 <= self.width < math.inf:
            raise BadInput(f"width={self.width} is no number from 0 on; use e.g. width=2")


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class MadeCascade:
    """A cascade, the ``checks`` of other widths on ``documents`` that were drawn, and
    the seconds of processors that each model takes for these ``bytes``.
    """

    cascade: Cascade
    rule: str
    checks: tuple[Check, ...]
    documents: int
    bytes: int
    first_seconds: float
    second_seconds: float

    @property
    def said(self) -> tuple[str, ...]:
        """What the file says of its origin, as comments."""
        chosen = min(self.checks, key=lambda each: abs(each.width - self.cascade.width))
        return (
            f"made for {self.rule} on {self.documents:,} documents",
            f"within {chosen.width:g} errors of the cut: {chosen.documents:.1%} of the documents, and then "
            f"{chosen.agreement:.1%} are decided as by the second model",
        )

    def seconds_share(self, check: Check) -> float:
        """The part of the time that it takes the second model to score all."""
        return (self.first_seconds + check.bytes * self.second_seconds) / max(self.second_seconds, 1e-9)

    def as_dict(self) -> dict[str, Any]:
        """All of it for JSON."""
        made = self.cascade
        return {
            "first": {"name": made.first.name, "identity": made.first.identity},
            "second": {"name": made.second.name, "identity": made.second.identity},
            "translation": {
                name: getattr(made.translation, name) for name in ("intercept", "slope", "floor", "times", "documents")
            },
            "width": made.width,
            "rule": self.rule,
            "documents": self.documents,
            "bytes": self.bytes,
            "first_seconds": self.first_seconds,
            "second_seconds": self.second_seconds,
            "checks": [
                {
                    "width": each.width,
                    "documents": each.documents,
                    "bytes": each.bytes,
                    "agreement": each.agreement,
                    "seconds": self.seconds_share(each),
                }
                for each in self.checks
            ],
        }


def made_cascade(
    sources: Sequence[str],
    *,
    keep: str,
    model: str = DEFAULT,
    options: CascadeOptions = CascadeOptions(),
    reading: ReadOptions = ReadOptions(),  # noqa: B008
) -> MadeCascade:
    """A cascade for the rule ``keep``, from a sample of the documents of ``sources``
    that ``model`` and the second model both score.

    Raises:
        NonplusError: see :mod:`nonplus.errors`.
    """
    rule = given_rule(keep).keep
    check_rule(rule)
    check_asked(rule.attributes, reading, identified=False)
    check_one(model, "model")
    check_one(options.second, "second")
    found = drawn(reading.files(sources), most=options.sample)
    check_said(found.said, reading, asked=rule.attributes)
    if len(found.texts) < _FEWEST:
        raise BadInput(
            f"there {'is' if len(found.texts) == 1 else 'are'} {counted(len(found.texts), 'document')}, and it takes "
            f"{_FEWEST} to see how two models differ, and to check it on others; give more text"
        )
    placing = Placing(device=options.device, budget=options.budget)
    first, second = (placing.scorer(each) for each in (model, options.second))
    placing.check_of_use([model, options.second], in_windows=first.in_windows or second.in_windows)
    by_first, by_second = (timed(scorer, found.texts) for scorer in (first, second))
    models = Model(model, first.identity), Model(options.second, second.identity)
    extra = {"repetition": repetition(found.texts)} if "repetition" in rule.figures else {}
    attributes = {name: [getattr(each, name) for each in found.documents] for name in ATTRIBUTES}

    def deciding(own: slice) -> Decide:
        said = {name: values[own] for name, values in attributes.items()}
        more = {name: values[own] for name, values in extra.items()}
        return lambda each: rule.decide(Scored(columns=each.as_dict() | more, attributes=said))

    halves = [deciding(slice(half, None, 2)) for half in (0, 1)]
    return MadeCascade(
        cascade=Cascade(
            first=models[0],
            second=models[1],
            translation=Translation.fitted(by_first.columns, by_second.columns),
            width=options.width,
        ),
        rule=str(rule),
        checks=checks(by_first.columns, by_second.columns, halves, models),
        documents=len(found.texts),
        bytes=int(by_first.columns.bytes.sum()),
        first_seconds=by_first.seconds,
        second_seconds=by_second.seconds,
    )

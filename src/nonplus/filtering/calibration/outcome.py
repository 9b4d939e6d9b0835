"""What comes of a calibration: figures, advice, and a page of both."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, final

from nonplus.filtering.calibration.advice import Advice
from nonplus.filtering.calibration.calibrating import Calibration
from nonplus.filtering.calibration.excerpts import excerpts
from nonplus.filtering.calibration.expected import Expected
from nonplus.filtering.calibration.page import calibration_page
from nonplus.filtering.rules.parsing import parsed
from nonplus.filtering.rules.rule_file import Model, Origin, RuleFile
from nonplus.measure.interfaces import TextScorer, WindowModel


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Outcome:
    """A calibration, what it advises, and what a run is expected to take.

    ``model_name`` is the name by which the model was opened, ``model_identity`` stands
    for all that decides a figure, and ``signature`` says how the model reads a text.
    """

    calibration: Calibration
    advice: Advice
    expected: Expected
    model: WindowModel | TextScorer
    model_name: str
    model_identity: str
    signature: str
    source: str

    @property
    def title(self) -> str:
        """What a page or a picture of it is called."""
        return f"Where to cut {self.source}"

    @property
    def rule_file(self) -> RuleFile:
        """The rule, with the model that it is about and where it comes from.

        Raises:
            BadProtocol: no rule is recommended.
        """
        sample = self.calibration.sample
        origin: Origin = {
            "source": self.source,
            "documents": len(sample.columns),
            "of": sample.whole.documents,
            "kept": round(self.calibration.shares[0].value or 0.0, 6),
            "why": " ".join(self.advice.reasons),
        }
        models = {"model": Model(self.model_name, self.model_identity)}
        return RuleFile(keep=parsed(self.advice.rule), models=models, origin=origin)

    def page(self, commands: Sequence[tuple[str, str]] = ()) -> str:
        """All of it as a page; ``commands`` are what to type next, each with what it is
        for.
        """
        shown = [place for shelf in self.calibration.shelves for place in shelf.places]
        pieces = excerpts(self.calibration.sample, shown, self.model)
        conditions = (
            ("model", self.model_name),
            ("protocol", self.signature),
            ("sample", self.calibration.sample.described),
        )
        return calibration_page(
            self.calibration,
            advice=self.advice,
            commands=commands,
            expected=self.expected,
            excerpts=pieces,
            conditions=conditions,
            title=self.title,
        )

    def as_dict(self) -> dict[str, Any]:
        """All of it for JSON."""
        return {
            "source": self.source,
            "model": self.model_name,
            "protocol": self.signature,
            **self.calibration.as_dict(),
            "advice": self.advice.as_dict(),
            "expected": self.expected.as_dict(),
        }

"""How the texts of a corpus are scored."""

from dataclasses import dataclass
from pathlib import Path

from nonplus.errors import BadInput
from nonplus.filtering.cascade.cascade import SecondStage
from nonplus.filtering.cascade.file import read_cascade
from nonplus.filtering.rules.rule import Rule
from nonplus.filtering.scoring.placing import Placing
from nonplus.filtering.scoring.trimming import TRIM_BITS, Trimming, Where


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreOptions:
    """What is done with a text beside scoring it.

    If there is a model for each language, ``other`` says what becomes of documents in
    other languages: ``keep``, ``drop``, or a model for them. With
    ``identify_languages`` the language of a document is told by its words and not by a
    field. With ``trim`` text of more than so many bits per byte is cut off the
    ``trim_at`` of documents, where that saves at least ``trim_bits`` bits; ``None``
    cuts nothing. ``cascade`` is a file of ``nonplus filter cascade``: the second model
    in it decides what the first leaves undecided. Neural models run on ``device``, and
    with ``budget`` tokens in a batch. With 1 a document has the same bits whatever is
    scored with it.
    """

    other: str = ""
    identify_languages: bool = False
    trim: float | None = None
    trim_at: Where = "end"
    trim_bits: float = TRIM_BITS
    cascade: Path | None = None
    device: str = "auto"
    budget: int = 1

    def __post_init__(self) -> None:
        """Refuse what would change nothing."""
        for name, usual in (("trim_at", "end"), ("trim_bits", TRIM_BITS)):
            if self.trim is None and (given := getattr(self, name)) != usual:
                raise BadInput(
                    f"{name}={given} is about text that is cut off, and none is; add e.g. trim=3.5, or omit "
                    f"{name}={given}"
                )

    @property
    def placing(self) -> Placing:
        """How models are opened.

        Raises:
            BadInput: the budget is below 1.
        """
        return Placing(device=self.device, budget=self.budget)

    @property
    def second(self) -> tuple[str, ...]:
        """The name of the second model, if there is a cascade.

        Raises:
            BadInput: there is no such cascade.
        """
        return () if self.cascade is None else (read_cascade(self.cascade).second.name,)

    def second_stage(self, rule: Rule, first: str, placing: Placing) -> SecondStage | None:
        """The second model for a rule, where the first is that of an identity.

        Raises:
            BadInput: there is no such cascade, or the rule needs all scores.
            BadProtocol: it is about another first model.
        """
        if self.cascade is None:
            return None
        made = read_cascade(self.cascade)
        made.check(rule, first)
        return SecondStage(cascade=made, rule=rule, placing=placing)

    @property
    def trimming(self) -> Trimming | None:
        """How texts are trimmed, if they are.

        Raises:
            BadInput: a limit is no number of bits.
        """
        if self.trim is None:
            return None
        return Trimming(trim=self.trim, trim_at=self.trim_at, trim_bits=self.trim_bits)

"""What a calibration advises, in plain words, for the terminal and for the page."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, final

from nonplus.filtering.calibration.bounds import DEVIATIONS
from nonplus.filtering.calibration.calibrating import Calibration
from nonplus.measure.formatting import percent


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """``summary`` and ``reasons`` say what to do and why, ``limits`` what nothing here
    tells. ``rule`` is the rule of ``nonplus filter run``, empty if there is none.
    """

    summary: tuple[str, ...]
    rule: str
    reasons: tuple[str, ...]
    limits: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """All of it, for JSON."""
        return asdict(self)


def advice(calibration: Calibration) -> Advice:
    """What to do after this calibration."""
    return Advice(
        summary=tuple(_summary(calibration)),
        rule=calibration.rule,
        reasons=() if calibration.bounds is None else calibration.bounds.why,
        limits=tuple(_limits(calibration)),
    )


def _summary(calibration: Calibration) -> Iterator[str]:
    about = calibration.known
    yield f"{about.how[:1].upper()}{about.how[1:]}."
    if calibration.refusal:
        yield f"No cut is recommended: {calibration.refusal}."
    elif not calibration.rule:
        yield "No cut is recommended: nothing stands out at either end."
    elif about.stated and not about.documents.all() and calibration.cuts:
        yield (
            "This rule is a proposal for the documents in these languages. It keeps all in another one, because "
            "nothing is known of these."
        )
    else:
        yield "This rule is a proposal."


def _limits(calibration: Calibration) -> Iterator[str]:
    whole = calibration.sample.whole
    yield "Perplexity is not quality: an original writer, a dialect or a table can be hard to predict, and spam easy."
    if calibration.repeating.value and not calibration.rule:
        yield (
            f"{percent(calibration.repeating.value)} of the documents repeat more than half of themselves, which "
            "perplexity does not show. The ones that do it most are among the examples."
        )
    if calibration.bounds is not None:
        yield (
            f"The number {DEVIATIONS} is a convention, not a result. Read the documents around each bound below, and "
            "move it."
        )
        yield "Where more than a quarter of the text is bad, the bounds move too; give trusted files then."
    if not calibration.known.stated and calibration.known.share is not None:
        yield "Without the language of each document, a cut may remove whole languages."
    if whole.part < 1:
        yield f"Only {whole.units_read:,} of {whole.units:,} units were read; the intervals take each for a cluster."

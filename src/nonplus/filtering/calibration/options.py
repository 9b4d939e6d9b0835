"""What a calibration looks at, as one value."""

from dataclasses import dataclass
from typing import final

from nonplus.errors import BadInput
from nonplus.filtering.scoring.scorer import DEFAULT


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class CalibrationOptions:
    """What is looked at, and with what.

    ``sample`` is how many documents are drawn, of all units or of a ``part`` of them.
    ``trusted`` names files of documents that are as the others should be, read from the
    same fields. ``languages`` are those of the model, with commas between them, if it
    does not know them itself. With ``identify_languages`` the language of a document is
    told by its words and not by a field. ``workers`` are those of the run whose time is
    estimated.
    """

    model: str = DEFAULT
    sample: int = 2000
    part: float = 1.0
    trusted: str = ""
    languages: str = ""
    identify_languages: bool = False
    workers: int = 0

    def __post_init__(self) -> None:
        if self.sample < 1:
            raise BadInput(f"sample={self.sample} is no number of documents; use e.g. sample=2000")
        if self.workers < 0:
            raise BadInput(f"workers={self.workers} is below 0; use workers=0 for as many as there are processors")
        if not 0 < self.part <= 1:
            raise BadInput(f"part={self.part} is no part of the units; use a number above 0, at most 1, e.g. part=0.05")

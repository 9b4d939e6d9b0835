"""How far a calibration is, for a progress line in another thread."""

from dataclasses import dataclass
from typing import final


@final
@dataclass(slots=True)
class CalibrationMeter:
    """The documents that were read, and those of them that are scored."""

    read: int = 0
    scored: int = 0

    def reading(self, documents: int) -> None:
        """Count documents that were read."""
        self.read += documents

    def scoring(self, documents: int) -> None:
        """Count documents that were scored."""
        self.scored += documents

"""How long the run would take, and how much it would write."""

from dataclasses import asdict, dataclass
from typing import Any, Self, final

from nonplus.filtering.calibration.writing import Writing
from nonplus.filtering.samples.sample import Sample
from nonplus.filtering.units.cutting import DROPPED, KEPT


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """Of a run over all documents.

    ``text_bytes`` is about all text there is, ``bytes_per_second`` what one worker
    reads, scores and writes of it, as measured here; ``seconds`` takes ``workers`` of
    them. The records that are kept and dropped take ``kept_bytes`` and
    ``dropped_bytes`` with their columns, and what is beside them, such as the scores,
    ``beside_bytes``.
    """

    text_bytes: float
    bytes_per_second: float
    workers: int
    seconds: float
    kept_bytes: float
    dropped_bytes: float
    beside_bytes: float

    @classmethod
    def of(cls, sample: Sample, writing: Writing, *, reading: float, scoring: float, workers: int) -> Self:
        """What is expected after ``reading`` and ``scoring`` took so many seconds of
        processors.
        """
        looked_at, text_bytes = float(sample.columns.bytes.sum()), sample.whole.expected_bytes
        each = scoring / max(1.0, looked_at) + writing.seconds
        seconds = reading / max(sample.whole.part, 1e-9) + each * text_bytes
        sizes = {folder: size * text_bytes for folder, size in writing.bytes.items()}
        return cls(
            text_bytes=text_bytes,
            bytes_per_second=text_bytes / max(1e-9, seconds),
            workers=workers,
            seconds=seconds / workers,
            kept_bytes=sizes.pop(KEPT, 0.0),
            dropped_bytes=sizes.pop(DROPPED, 0.0),
            beside_bytes=sum(sizes.values()),
        )

    @property
    def output_bytes(self) -> float:
        """All that is written."""
        return self.kept_bytes + self.dropped_bytes + self.beside_bytes

    def as_dict(self) -> dict[str, Any]:
        """All of it, for JSON."""
        return asdict(self) | {"output_bytes": self.output_bytes}

"""How long the run would take, and how much it would write."""

from dataclasses import asdict, dataclass
from typing import Any, Self, final

from nonplus.filtering.calibration.sample import Sample
from nonplus.filtering.calibration.shares import Share


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """Of a run over all documents.

    ``text_bytes`` is about all text there is, ``bytes_per_second`` what one worker
    reads and scores of it, as measured here; ``seconds`` takes ``workers`` of them, and
    leaves out what writing costs. ``output_bytes`` is the part of the files' size that
    the rule keeps of their text.
    """

    text_bytes: float
    bytes_per_second: float
    workers: int
    seconds: float
    output_bytes: float

    @classmethod
    def of(cls, sample: Sample, kept: Share, *, reading: float, scoring: float, workers: int) -> Self:
        """What is expected after ``reading`` and ``scoring`` took so many seconds of
        processors; ``kept`` is the share of the bytes.
        """
        looked_at = float(sample.columns.bytes.sum())
        text_bytes = looked_at / max(1, len(sample.columns)) * sample.whole.expected_documents
        seconds = reading / max(sample.whole.part, 1e-9) + scoring * text_bytes / max(1.0, looked_at)
        return cls(
            text_bytes=text_bytes,
            bytes_per_second=text_bytes / max(1e-9, seconds),
            workers=workers,
            seconds=seconds / workers,
            output_bytes=sample.whole.disk_bytes * kept.value,
        )

    def as_dict(self) -> dict[str, Any]:
        """All of it, for JSON."""
        return asdict(self)

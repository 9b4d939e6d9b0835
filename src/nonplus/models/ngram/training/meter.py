"""The progress of a training."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TypeVar, final

T = TypeVar("T")

WRITTEN = "removing finished work"  # the last stage, when the model is there


@final
@dataclass(slots=True)
class TrainingMeter:
    """What is going on; another thread may read it, for a progress bar.

    ``done`` of ``pieces`` of the stage are finished; 0 pieces while the text is read,
    whose size is unknown.
    """

    stage: str = ""
    done: int = 0
    pieces: int = 0
    documents: int = 0
    tokens: int = 0

    def begin(self, stage: str, pieces: int = 0) -> None:
        """A stage begins."""
        self.stage, self.done, self.pieces = stage, 0, pieces

    def each(self, pieces: Iterable[T]) -> Iterator[T]:
        """The pieces of a stage; one is done when the next is asked for."""
        for piece in pieces:
            yield piece
            self.done += 1

    def add(self, *, documents: int, tokens: int) -> None:
        """So much more text was read."""
        self.documents += documents
        self.tokens += tokens

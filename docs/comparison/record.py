"""A case of the comparison and its record: all figures, and the truth."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

Figure = float | str  # a number, or text if there was none


class Line(NamedTuple):
    """One input: its truth, if there is one, and how to get each figure."""

    input: str
    truth: float | None
    figures: dict[str, Callable[[], Figure]]


@dataclass(frozen=True, slots=True)
class Case:
    """One thing to compare, with all that the page says about it except the figures."""

    name: str
    title: str
    measure: Callable[[], Iterator[Line]]
    packages: tuple[str, ...]
    unit: str = "perplexity"
    threads: tuple[str, ...] = ()
    fixed: str = ""
    backends: tuple[str, ...] = ("jax",)
    shows: tuple[Callable[..., object], ...] = ()  # functions to show before its own
    elsewhere: str = ""  # which environment, if not the usual one

    @property
    def text(self) -> str:
        """The explanation on the page."""
        return self.measure.__doc__ or ""


@dataclass(slots=True)
class Cases:
    """The cases of a chapter, in order."""

    all: dict[str, Case] = field(default_factory=dict)

    def add(self, name: str, title: str, **rest: object) -> Callable[[Callable[[], Iterator[Line]]], Case]:
        """Make a case from a function that yields lines; its docstring is the text."""

        def made(measure: Callable[[], Iterator[Line]]) -> Case:
            self.all[name] = Case(name, title, measure, **rest)  # type: ignore[arg-type]
            return self.all[name]

        return made

"""What a rule decided about documents: which are kept, and why the others are not."""

# D documents

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import final

from nonplus.filtering.rules.scored import Bools, Ints

KEPT, NO_TEXT = "", "no text"


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Decision:
    """Which of D documents are kept, and the cause for the others.

    ``keep`` and ``cause`` are (D,); ``causes[cause]`` is the opposite of the clause
    that a document failed first, or what it lacks to be judged by that one, and empty
    for one that is kept. ``reasons()`` says it with the document's own figure.
    ``bucket`` is head, middle, tail or all for each document, if the rule has buckets.
    """

    keep: Bools
    cause: Ints
    causes: tuple[str, ...]
    reasons: Callable[[], list[str]]
    bucket: Sequence[str | None] | None = None

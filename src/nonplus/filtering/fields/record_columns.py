"""What is written into each record: its figures, the decision, and by which model.

Letters in shapes: D documents.
"""

from collections.abc import Mapping, Sequence

from nonplus.closest import did_you_mean
from nonplus.corpora.records import Column
from nonplus.errors import BadInput
from nonplus.filtering.languages.choice import MODEL
from nonplus.filtering.rules.decision import Decision
from nonplus.filtering.rules.scored import FIGURES, Scored
from nonplus.filtering.scoring.trimming import EXTENT

PREFIX = "nonplus_"
COLUMNS = (*FIGURES, "worst_window_at", *EXTENT, "decision", "reason", "bucket", "model")
_ALL, _NONE = "all", "none"


def chosen_columns(text: str) -> tuple[str, ...]:
    """The columns that ``all``, ``none`` or a list with commas names, in our order.

    Raises:
        BadInput: one is no column.
    """
    if text in (_ALL, _NONE):
        return COLUMNS if text == _ALL else ()
    asked = [name.strip() for name in text.split(",")]
    for name in asked:
        if name not in COLUMNS:
            raise BadInput(
                f"columns={text} names {name!r}, which is no column; they are {', '.join(COLUMNS)}, or all, or none"
                f"{did_you_mean(name, COLUMNS)}"
            )
    return tuple(name for name in COLUMNS if name in asked)


def said_of(scored: Scored, decision: Decision, model: str) -> Mapping[str, Sequence[str | None]]:
    """Where each of D records goes, why, and by which model; ``bucket`` is left out
    where the rule has none.
    """
    bucket = {} if decision.bucket is None else {"bucket": decision.bucket}
    return {
        "decision": ["kept" if keep else "dropped" for keep in decision.keep.tolist()],
        "reason": decision.reasons(),
        **bucket,
        "model": scored.attributes.get(MODEL, [model] * len(scored)),
    }


def record_columns(
    names: Sequence[str], prefix: str, scored: Scored, said: Mapping[str, Sequence[str | None]]
) -> Mapping[str, Column]:
    """The columns of these names for D records, as they are called in a record; what
    was not measured is left out.
    """
    every: dict[str, Column] = {**scored.columns, **said}
    return {f"{prefix}{name}": every[name] for name in names if name in every}

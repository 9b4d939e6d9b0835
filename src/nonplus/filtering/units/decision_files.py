"""What was decided about a unit as an Arrow file: a row for each record that could be
read, in their order and that of the file of scores.

Letters in shapes: D readable records of a unit.
"""

from collections.abc import Mapping, Sequence

from nonplus.filtering.rules.scored import Scored
from nonplus.filtering.units.arrow_columns import arrow_file, keys, numbers, words
from nonplus.jobs.ledger import Unit
from nonplus.measure.records import Ints

DECISIONS = "decisions"  # the folder in a store


def file_of(unit: Unit) -> str:
    """The file with the decisions about a unit."""
    return f"{DECISIONS}/{unit}.arrow"


def written(places: Ints, scored: Scored, said: Mapping[str, Sequence[str | None]]) -> bytes:
    """What is ``said`` of the records at ``places`` (D,) of a file, each with its key
    and, if there is one, its id.
    """
    ids = {name: words(scored.attributes[name]) for name in ("id",) if name in scored.attributes}
    decided = {name: words(values) for name, values in said.items()}
    return arrow_file({"place": numbers(places), **ids, "key": keys(scored.keys), **decided})

"""The scores of a unit as an Arrow file: a row for each record, without its text.

Letters in shapes: D documents of a unit.
"""

import io
from collections.abc import Iterator, Mapping, Sequence
from hashlib import blake2b
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from nonplus.errors import BadInput
from nonplus.filtering.rules.scored import Scored
from nonplus.filtering.units.arrow_columns import PURPOSE, arrow_file, keys, numbers, words
from nonplus.jobs.ledger import Ledger, Unit
from nonplus.measure.records import Ints
from nonplus.optional import require

SCORES = "scores"  # the folder in a store
_KEY_BYTES = 16


def keys_of(texts: Sequence[str], attributes: Mapping[str, Sequence[str | None]]) -> list[bytes]:
    """What each record is known by wherever it is read: its id or, without one, a
    digest of its text.
    """
    ids = attributes.get("id", [None] * len(texts))
    return [_digest(text) if id_ is None else id_.encode() for id_, text in zip(ids, texts, strict=True)]


def written(places: Ints, scored: Scored) -> bytes:
    """The scores of the records at ``places`` (D,) of a file."""
    said = {name: words(values) for name, values in scored.attributes.items()}
    figures = {name: numbers(values) for name, values in scored.columns.items()}
    return arrow_file({"place": numbers(places), **said, "key": keys(scored.keys), **figures})


def read(content: bytes, name: str) -> tuple[Ints, Scored]:
    """The places and scores that :func:`written` wrote to the file ``name``.

    Raises:
        BadInput: it is damaged.
    """
    arrow = require("pyarrow", purpose=PURPOSE)
    try:
        table = arrow.ipc.open_file(io.BytesIO(content)).read_all()
        said = [each.name for each in table.schema if arrow.types.is_string(each.type)]
        columns: dict[str, NDArray[Any]] = {
            each: table[each].to_numpy() for each in table.column_names if each not in ("place", "key", *said)
        }
        attributes = {each: table[each].to_pylist() for each in said}
        keys, places = table["key"].to_pylist(), table["place"].to_numpy()
    except (arrow.ArrowInvalid, KeyError) as damage:
        raise BadInput(f"{name} is damaged: {damage}; remove its unit's marker and score again") from damage
    return places.astype(np.int64), Scored(columns=columns, attributes=attributes, keys=keys)


@final
class KeptScores:
    """The scores of the units of a job."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def of(self, unit: Unit) -> tuple[Ints, Scored]:
        """The places and scores of one unit.

        Raises:
            BadInput: they are gone, or damaged.
        """
        name = file_of(unit)
        return read(self._ledger.content(unit, name), self._ledger.place(name))

    def made_of(self, unit: Unit) -> str:
        """The digest of the records that were scored.

        Raises:
            BadInput: it is damaged.
        """
        return self._ledger.made_of(unit)


@final
class AllScores:
    """The scores of all units of a job of so many ``files``, unit by unit, and again on
    every pass.
    """

    def __init__(self, ledger: Ledger, files: int) -> None:
        self._ledger, self._files = ledger, files

    def __iter__(self) -> Iterator[Scored]:
        scores = KeptScores(self._ledger)
        return (scores.of(unit)[1] for unit in self._ledger.every(self._files))


def file_of(unit: Unit) -> str:
    """The file with the scores of a unit."""
    return f"{SCORES}/{unit}.arrow"


def _digest(text: str) -> bytes:
    return blake2b(text.encode(), digest_size=_KEY_BYTES).digest()

"""The rows of ``nonplus score --per-token`` as scored texts."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from nonplus.errors import BadInput
from nonplus.measure.scores import ScoredTexts
from nonplus.measure.token_table import FORM, joined
from nonplus.models.precomputed.lines import Line
from nonplus.models.precomputed.pieces import Pieces

_KEYS = {"document", "index", "id", "text", "nats", "seen", "unknown"}


def is_own(value: dict[str, Any]) -> bool:
    """Whether an object is a row of a token."""
    return value.keys() >= _KEYS


def run_of(first: Line) -> dict[str, Any]:
    """What the first row says of the run; nothing if an older nonplus wrote it.

    Raises:
        BadInput: a newer one wrote it.
    """
    run = _about(first).get("run") or {}
    form = run.get("form") if isinstance(run, dict) else run
    if run and form != FORM:
        raise BadInput(
            f"{first.place} is of form {form!r}, and this nonplus reads form {FORM}; read it with the nonplus that "
            "wrote it"
        )
    return dict(run)


def own_texts(lines: Iterator[Line], pieces: Pieces, run: Mapping[str, Any]) -> Iterator[ScoredTexts]:
    """Each text of a run, once all of its rows were read.

    Raises:
        BadInput: a row is not as nonplus writes it, or another run begins.
    """
    rows: list[dict[str, Any]] = []
    for line in lines:
        row = _checked(line)
        if row["about"].get("run", run) != run:
            raise BadInput(
                f"{line.place} begins another run than the one before it, with another model or protocol, and figures "
                "of both are not one figure; give each run a file of its own"
            )
        pieces.met(row["id"], row["text"])
        follows = rows and row["document"] == rows[-1]["document"] and row["index"] == rows[-1]["index"] + 1
        if rows and not follows:
            yield _text(rows, line.place)
            rows = []
        if not rows and row["index"]:
            raise BadInput(
                f"{line.place} is token {row['index']} of {row['document']}, and no row before it is of token "
                f"{row['index'] - 1}; give all rows of a text, in order"
            )
        rows.append(row)
    if rows:
        yield _text(rows, "its end")


def _text(rows: list[dict[str, Any]], place: str) -> ScoredTexts:
    try:
        return joined(rows)
    except (KeyError, TypeError, ValueError, IndexError, OverflowError) as fault:
        raise BadInput(
            f"the rows of {rows[0]['document']!r}, before {place}, are not as nonplus writes them "
            f"({type(fault).__name__}: {fault}); write the file again"
        ) from None


def _checked(line: Line) -> dict[str, Any]:
    row = line.value
    kinds = {"document": str, "index": int, "id": int, "text": str}
    wrong = [name for name, kind in kinds.items() if type(row.get(name)) is not kind]
    if not is_own(row) or wrong:
        raise BadInput(
            f"{line.place} is no row of a token: {', '.join(sorted(_KEYS - row.keys()) or wrong)} is missing or of "
            "another type; write the file again"
        )
    nats = row["nats"]
    numeric = nats is None or nats == "Infinity" or (isinstance(nats, int | float) and nats >= 0)
    if not numeric:
        raise BadInput(
            f"{line.place} has nats {nats!r}, where a surprisal is a number from 0 on, or null; write the file again"
        )
    return {**row, "about": _about(line)}


def _about(line: Line) -> dict[str, Any]:
    """What is said beside the columns: an object in JSON, its text in Parquet."""
    about = line.value.get("about")
    try:
        said = json.loads(about) if isinstance(about, str) else about
    except json.JSONDecodeError:
        said = about
    if not isinstance(said or {}, dict):
        raise BadInput(f"{line.place} has {about!r} in the column about, where an object is needed; omit it")
    return said or {}

"""The tokens of scored texts as rows of a table, and scored texts from such rows.

What belongs to a text, or to the run, is in the column ``about`` of a text's first row,
and of the table's first row. So the figures of the rows are those of the run, to the
last bit.

Letters in shapes: T tokens of a text, S scored ones.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate, groupby
from typing import Any

import numpy as np

from nonplus.measure.interfaces import AnyModel, StatedProtocol
from nonplus.measure.records import Document, Ints, TokenizedTexts
from nonplus.measure.scores import Matches, ScoredText, ScoredTexts, TokenNames

Row = Mapping[str, Any]
FORM = 1  # of ``about``; another number where an older reader would be wrong


def conditions(model: AnyModel, protocol: StatedProtocol) -> Row:
    """What a run's figures were computed under, for ``about`` of its first row."""
    return {
        "form": FORM,
        "model": model.name,
        "model_identity": model.identity,
        "tokenizer_identity": model.tokenizer.identity,
        "dtype": model.dtype,
        "vocabulary": model.vocabulary,
        "quantity": protocol.quantity,
        "signature": protocol.signature,
        "fingerprint": protocol.fingerprint,
        "average": protocol.average,
        "denominator": protocol.denominator,
        "cautions": list(protocol.cautions),
        "protocol": protocol.as_dict(),
    }


def rows(scored: ScoredText, names: TokenNames, run: Row | None) -> Iterator[dict[str, Any]]:
    """Every token of a text, or of a part of one, as a row; ``nats`` is ``None`` where
    it was not scored. ``run`` are the conditions, for the first row of a table.
    """
    about: Row | None = {**_about(scored), **({"run": run} if run else {})} or None
    for token in scored.rows(names):
        yield {
            "document": scored.document.id,
            **{name: getattr(token, name) for name in token.__slots__},
            "about": about,
        }
        about = None


def joined(document_rows: Sequence[Row]) -> ScoredTexts:
    """A text from all of its rows, ``about`` as it was written.

    Raises:
        KeyError, TypeError, ValueError: they are no such rows.
    """
    notes = [(int(row["index"]), row["about"]) for row in document_rows if row.get("about")]
    said = {key: value for _, note in notes for key, value in note.items()}
    places = np.array([place for place, row in enumerate(document_rows) if row["nats"] is not None], np.int64)
    scored = [document_rows[place] for place in places.tolist()]
    n = len(document_rows)
    document = Document(
        text="".join(row["text"] for row in document_rows),
        id=document_rows[0]["document"],
        domain=said.get("domain", ""),
        original="".join(note.get("original", "") for _, note in notes),
    )
    tokens = TokenizedTexts(
        documents=(document,),
        ids=np.array([row["id"] for row in document_rows], np.int64),
        byte_ends=_byte_ends(document_rows, notes),
        offsets=np.array([0, n]),
        firsts=np.zeros(1, np.int64),
        unknown=np.array([place for place, row in enumerate(document_rows) if row["unknown"]], np.int64),
        spelled=np.array([place for _, note in notes for place in note.get("spelled", ())], np.int64),
        lost=frozenset(loss for _, note in notes for loss in note.get("lost", ())),
        normalised_bytes=np.array([said["normalised_bytes"]]) if "normalised_bytes" in said else None,
        sized=said.get("sized", True),
    )
    return ScoredTexts(
        tokens=tokens,
        index=places,
        nats=np.array([float(row["nats"]) for row in scored]),
        weight=_weights(document_rows, notes, places),
        seen=np.array([row["seen"] for row in scored], np.int64),
        partial=np.array([said.get("partial", False)]),
        matches=_matches(scored) if "match" in document_rows[0] else None,
    )


def _matches(scored: Sequence[Row]) -> Matches:
    lengths, backoffs = ([row[name] for row in scored] for name in ("match", "backoff"))
    return Matches(np.array(lengths, np.int64), np.array(backoffs, np.float64))


def _about(scored: ScoredText) -> dict[str, Any]:
    """What else decides the figures of a text, where it is not what it usually is."""
    one, document = scored.texts, scored.document
    first, before = scored.tokens.first, scored.part.tokens
    said: dict[str, Any] = {"domain": document.domain, "original": document.original, "partial": scored.partial}
    said["lost"] = sorted(one.tokens.lost)
    said["spelled"] = (one.tokens.spelled - first + before).tolist()
    said["cut"] = list(_cuts(scored))
    said["weights"] = _runs(scored.weight.tolist())
    about = {key: value for key, value in said.items() if value}
    if one.tokens.normalised_bytes is not None:
        about["normalised_bytes"] = int(one.tokens.normalised_bytes[0])
    return about if one.tokens.sized else {**about, "sized": False}


def _cuts(scored: ScoredText) -> Iterator[list[int]]:
    """Tokens that end inside a character, and how many bytes before its end."""
    first, before, data = scored.tokens.first, scored.part.tokens, scored.document.text.encode()
    for place, end in enumerate(scored.tokens.byte_ends[first:].tolist()):
        stop = end
        while b"\x80" <= data[stop : stop + 1] < b"\xc0":
            stop += 1
        if stop > end:
            yield [before + place, stop - end]


def _byte_ends(document_rows: Sequence[Row], notes: Sequence[tuple[int, Row]]) -> Ints:
    ends = np.array(list(accumulate(len(row["text"].encode()) for row in document_rows)), np.int64)
    for _, note in notes:
        for place, lacking in note.get("cut", ()):
            ends[place] -= lacking
    return ends


def _runs(weights: Sequence[float]) -> list[list[float]]:
    """How many tokens in a row count how often; nothing if all count once."""
    runs = [[len(list(same)), weight] for weight, same in groupby(weights)]
    return [] if all(weight == 1 for _, weight in runs) else runs


def _weights(document_rows: Sequence[Row], notes: Sequence[tuple[int, Row]], places: Ints) -> Any:
    """How often each scored token counts, part by part, shape (S,)."""
    weight_S = np.ones(len(places))
    for begin, note in notes:
        place = int(np.searchsorted(places, begin))
        for count, weight in note.get("weights", ()):
            weight_S[place : place + int(count)] = weight
            place += int(count)
    return weight_S

"""New fields written into the bytes of JSON objects, which stay as they are."""

import json
from collections.abc import Mapping, Sequence
from functools import partial

from nonplus.compression.packing import compressed
from nonplus.corpora.records.interfaces import Column, Written
from nonplus.corpora.records.json_codec import in_json
from nonplus.corpora.records.retelling import with_text
from nonplus.measure.records import Ints

_AT_ONCE = 1 << 10  # records; their lines fit into the cache


def written_objects(objects: Sequence[bytes], suffix: str, chosen: Ints, columns: Mapping[str, Column]) -> bytes:
    """The ``chosen`` objects, a line each, with ``columns`` before their last brace,
    compressed as ``suffix`` says.

    Each must have a field of its own already. What is around it stays: blanks, and the
    carriage return of a line that ends with CRLF.
    """
    runs = [chosen[first : first + _AT_ONCE] for first in range(0, len(chosen), _AT_ONCE)]
    return compressed(b"".join([_lines(objects, run, columns) for run in runs]), suffix)


def retold_objects(objects: Sequence[bytes], field: str, suffix: str, texts: Mapping[int, str]) -> Written:
    """What writes them as above, some with other ``texts`` in ``field``."""
    retold = [with_text(each, field, texts[place]) if place in texts else each for place, each in enumerate(objects)]
    return partial(written_objects, retold, suffix)


def _lines(objects: Sequence[bytes], chosen: Ints, columns: Mapping[str, Column]) -> bytes:
    line = b"%b"
    varying: list[list[bytes]] = []
    for name, values in columns.items():
        line += b",%b:" % _literal(json.dumps(name, ensure_ascii=False).encode())
        written = in_json(taken(values, chosen))
        if written == written[:1] * len(written):
            line += _literal(written[0])
        else:
            line += b"%b"
            varying.append(written)
    line += b"}%b\n"
    bodies, _, tails = zip(*[objects[place].rpartition(b"}") for place in chosen.tolist()], strict=True)
    return b"".join([line % row for row in zip(bodies, *varying, tails, strict=True)])


def _literal(text: bytes) -> bytes:
    """``text`` as part of a template."""
    return text.replace(b"%", b"%%")


def taken(values: Column, chosen: Ints) -> Column:
    """The values of the chosen records."""
    return [values[place] for place in chosen.tolist()] if isinstance(values, Sequence) else values[chosen]

"""New fields written into the bytes of JSON objects, which stay as they are."""

import json
from collections.abc import Mapping, Sequence

from nonplus.corpora.records.interfaces import Column
from nonplus.corpora.records.json_codec import in_json
from nonplus.measure.records import Ints


def spliced(objects: Sequence[bytes], chosen: Ints, columns: Mapping[str, Column]) -> bytes:
    """The ``chosen`` objects, a line each, with ``columns`` before their last brace.

    Each must have a field of its own already, and end with that brace.
    """
    picked = [objects[place] for place in chosen.tolist()]
    if not columns:
        return b"".join([each + b"\n" for each in picked])
    names = [json.dumps(name, ensure_ascii=False).encode().replace(b"%", b"%%") for name in columns]
    template = b"".join(b",%b:%%b" % name for name in names) + b"}\n"
    rows = zip(*(in_json(_taken(values, chosen)) for values in columns.values()), strict=True)
    return b"".join([each[:-1] + template % row for each, row in zip(picked, rows, strict=True)])


def _taken(values: Column, chosen: Ints) -> Column:
    return [values[place] for place in chosen.tolist()] if isinstance(values, Sequence) else values[chosen]

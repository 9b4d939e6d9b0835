"""JSON Lines: each line a record, which is written again as the bytes it was."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import final

import numpy as np

from nonplus.compression.packing import SUFFIXES, compressed
from nonplus.corpora.records.field_values import as_label, attribute_of, check_names, text_of
from nonplus.corpora.records.interfaces import SHOWN, Batch, Column, RecordFields, Rejection, Sizes
from nonplus.corpora.records.json_codec import exactly, parsed
from nonplus.corpora.records.lines import Block, blocks, check_size
from nonplus.corpora.records.splicing import spliced
from nonplus.corpora.streams import opened
from nonplus.errors import BadRecord
from nonplus.measure.records import Ints

_BLANKS = b" \t\r\n"  # what JSON calls white space


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class JsonLines:
    """JSON Lines; they are written as ``compression``."""

    fields: RecordFields
    sizes: Sizes
    compression: str

    @property
    def suffix(self) -> str:
        """That of the parts."""
        return f".jsonl{SUFFIXES[self.compression]}"

    def batches(self, path: str, takes: Callable[[int], bool]) -> Iterator[Batch]:
        """The units of the file, which may be compressed in any way.

        A unit has the fewest lines that are ``sizes.unit`` bytes or more.
        """
        with opened(path) as (stream, _):
            for block in blocks(stream, takes, self.sizes):
                yield self._batch(block)

    def _batch(self, block: Block) -> Batch:
        found = _Found({what: [] for what in self.fields.attributes})
        _read(block, self.fields, self.sizes.record, found)
        return Batch(
            number=block.number,
            texts=found.texts,
            places=np.array(found.places, np.int64),
            attributes=found.attributes,
            rejected=found.rejected,
            written=partial(_written, found.objects, self.compression),
        )


def _written(objects: Sequence[bytes], compression: str, chosen: Ints, columns: Mapping[str, Column]) -> bytes:
    return compressed(spliced(objects, chosen, columns), compression)


@final
@dataclass(frozen=True, slots=True)
class _Found:
    """The readable records of a block, with their bytes, and the others."""

    attributes: dict[str, list[str | None]]
    objects: list[bytes] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    places: list[int] = field(default_factory=list)
    rejected: list[Rejection] = field(default_factory=list)


def _read(block: Block, fields: RecordFields, longest: int, into: _Found) -> None:
    """Sort the lines of a block; blank ones are no records."""
    taken = frozenset(fields.taken)
    attributes = [(into.attributes[what], name) for what, name in fields.attributes.items()]
    for place, line in enumerate(block.data.split(b"\n"), block.first):
        record = line.strip(_BLANKS)
        if not record:
            continue
        try:
            check_size(line, longest)
            row = parsed(record)
            text = text_of(row, fields.text)
            check_names(row, taken)
        except BadRecord as problem:
            into.rejected.append(Rejection(place, str(problem), line[:SHOWN]))
            continue
        into.texts.append(text)
        into.objects.append(record)
        into.places.append(place)
        for column, name in attributes:
            value = attribute_of(row, name)
            # Of an integer beyond 64 bits a fast parser makes a float.
            column.append(as_label(attribute_of(exactly(record), name) if type(value) is float else value))

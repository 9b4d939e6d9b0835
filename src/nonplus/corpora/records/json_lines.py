"""JSON Lines: each line a record, which is written again as the bytes it was."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import ClassVar, final

import numpy as np

from nonplus.corpora.records.archived import archived_lines
from nonplus.corpora.records.interfaces import Batch, RecordFields, Sizes
from nonplus.corpora.records.json_objects import BLANKS, objects_of
from nonplus.corpora.records.lines import Block, blocks
from nonplus.corpora.records.part_suffixes import compressible
from nonplus.corpora.records.places import shown_place, unpacked_at
from nonplus.corpora.records.splicing import retold_objects, written_objects
from nonplus.corpora.records.unpacked import unpacked_share


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class JsonLines:
    """JSON Lines, compressed or not."""

    fields: RecordFields
    sizes: Sizes
    suffixes: ClassVar = compressible(".jsonl", ".ndjson")
    has_columns: ClassVar = True

    def units_of_a_byte(self, paths: Sequence[str]) -> float:
        """How much the beginnings of the files unpack to, in units."""
        return unpacked_share(paths) / self.sizes.unit

    def batches(self, path: str, suffix: str, takes: Callable[[int], bool]) -> Iterator[Batch]:
        """The units of the file, which may be compressed in any way.

        A unit has the fewest lines that are ``sizes.unit`` bytes or more. Blank lines
        are no records. The members of an archive are read as one file.
        """
        with unpacked_at(path) as (stream, content):
            if content.archive:
                name, longest = shown_place(path), self.sizes.record
                stream = archived_lines(stream, content.archive, name, field=self.fields.text, longest=longest)
            for block in blocks(stream, takes, self.sizes):
                yield self._batch(block, suffix)

    def _batch(self, block: Block, suffix: str) -> Batch:
        found = objects_of(block, self.fields)
        return Batch(
            number=block.number,
            records=block.size - sum(1 for line in block.lines if not line.strip(BLANKS)),
            texts=found.texts,
            places=np.array(found.places, np.int64),
            attributes=found.attributes,
            rejected=sorted([*block.rejected, *found.rejected], key=lambda rejection: rejection.place),
            digest=block.digest,
            written=partial(written_objects, found.raw, suffix),
            with_texts=partial(retold_objects, found.raw, self.fields.text, suffix),
        )

"""Plain text: each line a record, which is written again as it was."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import ClassVar, final

import numpy as np

from nonplus.compression.packing import compressed
from nonplus.corpora.records.interfaces import SHOWN, Batch, Column, RecordFields, Rejection, Sizes, Written
from nonplus.corpora.records.lines import Block, blocks
from nonplus.corpora.records.part_suffixes import compressible
from nonplus.corpora.records.places import check_no_archive, shown_place, unpacked_at
from nonplus.corpora.records.unpacked import unpacked_share
from nonplus.measure.records import Ints


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class TextLines:
    """Lines of text. There is no room for columns in a line, so none are written."""

    fields: RecordFields
    sizes: Sizes
    suffixes: ClassVar = compressible(".txt")
    has_columns: ClassVar = False

    def units_of_a_byte(self, paths: Sequence[str]) -> float:
        """How much the beginnings of the files unpack to, in units."""
        return unpacked_share(paths) / self.sizes.unit

    def batches(self, path: str, suffix: str, takes: Callable[[int], bool]) -> Iterator[Batch]:
        """The units of the file, which may be compressed in any way.

        A unit has the fewest lines that are ``sizes.unit`` bytes or more. The newline
        at the end of a line does not belong to its text. Lines have no attributes.
        """
        with unpacked_at(path) as (stream, content):
            check_no_archive(content, shown_place(path))
            for block in blocks(stream, takes, self.sizes):
                yield self._batch(block, suffix)

    def _batch(self, block: Block, suffix: str) -> Batch:
        texts: list[str] = []
        places: list[int] = []
        lines: list[bytes] = []
        rejected = list(block.rejected)
        for place, line in zip(block.places, block.lines, strict=True):
            try:
                texts.append(line.removesuffix(b"\r").decode())
            except UnicodeDecodeError as error:
                reason = (
                    f"not UTF-8: byte 0x{line[error.start]:02x} at byte {error.start} of the line; convert the file "
                    "first, for example with iconv -f WINDOWS-1252 -t UTF-8"
                )
                rejected.append(Rejection(place, reason, line[:SHOWN]))
                continue
            places.append(place)
            lines.append(line)
        return Batch(
            number=block.number,
            records=block.size,
            texts=texts,
            places=np.array(places, np.int64),
            attributes={what: [None] * len(texts) for what in self.fields.attributes},
            rejected=sorted(rejected, key=lambda rejection: rejection.place),
            digest=block.digest,
            written=partial(_written, lines, suffix),
            with_texts=partial(_retold, lines, suffix),
        )


def _written(lines: Sequence[bytes], suffix: str, chosen: Ints, columns: Mapping[str, Column]) -> bytes:
    return compressed(b"".join([lines[place] + b"\n" for place in chosen.tolist()]), suffix)


def _retold(lines: Sequence[bytes], suffix: str, texts: Mapping[int, str]) -> Written:
    retold = [texts[place].encode() + _return(each) if place in texts else each for place, each in enumerate(lines)]
    return partial(_written, retold, suffix)


def _return(line: bytes) -> bytes:
    """The carriage return at the end of a line, which is none of its text."""
    return b"\r" if line.endswith(b"\r") else b""

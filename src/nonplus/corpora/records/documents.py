"""Text files, each of them one record."""

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import ClassVar, final

import numpy as np

from nonplus.corpora.decoding import whole_text
from nonplus.corpora.records.interfaces import Batch, RecordFields, Rejection, Sizes
from nonplus.corpora.records.part_suffixes import compressible
from nonplus.corpora.records.places import check_no_archive, shown_place, size_at, unpacked_at
from nonplus.corpora.records.splicing import retold_objects, written_objects
from nonplus.errors import BadInput
from nonplus.measure.lists import in_lists


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Documents:
    """Text files ``paths``; they are written as JSON Lines with ``id`` and ``text``."""

    paths: tuple[str, ...]
    fields: RecordFields
    sizes: Sizes
    suffixes: ClassVar = compressible(".jsonl", ".ndjson")
    has_columns: ClassVar = True

    def units_of_a_byte(self, paths: Sequence[str]) -> float:
        """As many as the sizes of the files say."""
        return 1 / self.sizes.unit

    def batches(self, path: str, suffix: str, takes: Callable[[int], bool]) -> Iterator[Batch]:
        """The units: the fewest files that take ``sizes.unit`` bytes on disk or more.

        The place of a record is the number of its file; its id is the path.
        """
        numbered = enumerate(self.paths, 1)
        together = in_lists(numbered, size=lambda each: size_at(each[1]), least=self.sizes.unit)
        for number, files in enumerate(together):
            if takes(number):
                yield self._batch(number, files, suffix)

    def _batch(self, number: int, files: list[tuple[int, str]], suffix: str) -> Batch:
        texts, names, places, rejected = [], [], [], []
        for place, path in files:
            size_at(path)  # that it is gone is no fault of the record
            name = shown_place(path)
            try:
                texts.append(_text_at(path, name, self.sizes.record))
            except BadInput as problem:
                rejected.append(Rejection(place, str(problem), os.fsencode(path)))
                continue
            names.append(name)
            places.append(place)
        objects = [
            json.dumps({"id": name, "text": text}, ensure_ascii=False).encode()
            for name, text in zip(names, texts, strict=True)
        ]
        unknown: list[str | None] = [None] * len(texts)
        faults = [f"{each.place} {each.reason}" for each in rejected]
        numbers = " ".join(map(str, places))
        return Batch(
            number=number,
            records=len(files),
            texts=texts,
            places=np.array(places, np.int64),
            attributes={what: names if what == "id" else unknown for what in self.fields.attributes},
            rejected=rejected,
            digest=partial(_digest, objects, [numbers, *faults]),
            written=partial(written_objects, objects, suffix),
            with_texts=partial(retold_objects, objects, "text", suffix),
        )


def _digest(objects: Sequence[bytes], others: Sequence[str]) -> str:
    return hashlib.sha256(b"\n".join([*objects, *(each.encode() for each in others)])).hexdigest()


def _text_at(path: str, name: str, longest: int) -> str:
    with unpacked_at(path) as (stream, content):
        check_no_archive(content, name)
        return whole_text(stream, name, max_bytes=longest)

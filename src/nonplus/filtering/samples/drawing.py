"""Files of records are read once, and documents drawn from them by their keys.

Letters in shapes: D documents.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, final

import numpy as np

from nonplus.corpora.records import Batch, RecordFile
from nonplus.errors import BadInput
from nonplus.filtering.fields.asked import Said
from nonplus.filtering.languages.identifying import languages_of
from nonplus.filtering.samples.sample import Sample, Whole
from nonplus.filtering.samples.sampling import Keys, Smallest, key_of_unit, keys_of_ids, keys_of_places, takes
from nonplus.filtering.scoring.columns import ScoreColumns
from nonplus.filtering.scoring.repetition import repetition
from nonplus.measure.formatting import counted
from nonplus.measure.records import Ints, n_bytes

_WHOLE = 3  # units that are kept whole; each may take a dozen times its size in memory


class Found(NamedTuple):
    """A document, where it stands, and what it says of itself."""

    text: str
    file: str
    place: int
    unit: int
    id: str | None
    language: str | None
    source: str | None


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """Documents in the order of their ``keys``, and what they were drawn from.

    ``speaks`` tells whether documents were asked for their language, and ``said`` what
    all of them say of themselves; ``rejection`` is why the first record that could not
    be read was rejected, empty if none was. ``units`` are a few whole ones, drawn by
    their keys, too, each with its file.
    """

    documents: Sequence[Found]
    keys: Sequence[int]
    whole: Whole
    speaks: bool
    said: Said
    rejection: str = ""
    units: Sequence[tuple[RecordFile, Batch]] = ()

    @property
    def texts(self) -> list[str]:
        """Their texts."""
        return [each.text for each in self.documents]

    def scored(self, columns: ScoreColumns, *, identify: bool = False) -> Sample:
        """The sample, with the figures of each document; with ``identify`` the language
        of each is told by its words.

        Raises:
            MissingExtra: the extra ``languages`` is not installed.
        """
        said = [each.language for each in self.documents] if self.speaks else None
        return Sample(
            columns=columns,
            texts=self.texts,
            places=[f"{each.file}:{each.place}" for each in self.documents],
            sources=[each.source for each in self.documents],
            languages=languages_of(self.texts) if identify else said,
            identified=identify,
            clusters=self._clusters(),
            repeated=repetition(self.texts),
            whole=self.whole,
        )

    def _clusters(self) -> Ints:
        """What was drawn of each: the unit or, if all were read, the key (D,)."""
        pieces = [
            (each.file, each.unit) if self.whole.part < 1 else key
            for each, key in zip(self.documents, self.keys, strict=True)
        ]
        numbers = {piece: number for number, piece in enumerate(dict.fromkeys(pieces))}
        return np.array([numbers[piece] for piece in pieces], np.int64)


def drawn(
    files: Sequence[RecordFile], *, most: int, part: float = 1.0, read: Callable[[int], None] = lambda _: None
) -> Drawn:
    """Up to ``most`` documents, from all units of the files or from a ``part`` of them,
    which is chosen by key too. ``read`` is told of the documents in each unit.

    If the records have no field for their source, it is the file's name.

    Raises:
        BadInput: a file cannot be read or is damaged, there is no document in them, or
            the ids are none.
    """
    smallest, seen, units = Smallest[Found](most), _Seen(), 0
    for file in files:
        chosen = _Chosen(file.name, part)
        for batch in file.units(chosen):
            seen.add(file, batch)
            keys_D = _keys(file.name, batch)
            for at in smallest.wanted(keys_D).tolist():
                found = _found(file.name, batch, at)
                smallest.add(int(keys_D[at]), (found.file, found.place), found)
            read(len(batch.texts) + len(batch.rejected))
        units += chosen.units
    kept = smallest.all()
    sample = Drawn(
        documents=[each for _, each in kept],
        keys=[key for key, _ in kept],
        whole=Whole(
            documents=seen.documents,
            bytes=seen.bytes,
            rejected=seen.rejected,
            disk_bytes=sum(file.size for file in files),
            units=units,
            units_read=seen.units,
        ),
        speaks="language" in seen.without,
        said=Said(seen.documents, seen.without, 0),
        rejection=seen.rejection,
        units=[each for _, each in seen.whole.all()],
    )
    _check(sample, part)
    return sample


def _check(sample: Drawn, part: float) -> None:
    """Refuse to go on without documents, or with ids that are none."""
    if sample.rejection and not sample.documents:
        raise BadInput(f"none of {counted(sample.whole.rejected, 'record')} can be read: {sample.rejection}")
    if not sample.documents:
        remedy = f"part={part:g} chose none of the units; leave it out" if part < 1 else "give files with records"
        raise BadInput(f"there is no document to look at; {remedy}")
    ids = len({*sample.keys})
    if ids <= len(sample.keys) // 2:
        raise BadInput(
            f"{counted(len(sample.keys), 'document')} of the sample have {counted(ids, 'id')}, where an id names one "
            "record; give another field, id_field=…, or none"
        )


class _Seen:
    """What was read: counts, why the first record was rejected, and a few units."""

    def __init__(self) -> None:
        self.documents = self.bytes = self.rejected = self.units = 0
        self.without: Counter[str] = Counter()  # documents that do not say what they were asked for
        self.rejection = ""
        self.whole = Smallest[tuple[RecordFile, Batch]](_WHOLE)

    def add(self, file: RecordFile, batch: Batch) -> None:
        self.units += 1
        self.documents += len(batch.texts)
        self.bytes += sum(map(n_bytes, batch.texts))
        self.rejected += len(batch.rejected)
        self.without.update({name: values.count(None) for name, values in batch.attributes.items()})
        if batch.rejected and not self.rejection:
            first = batch.rejected[0]
            self.rejection = f"{file.name}:{first.place}: {first.reason}"
        key = key_of_unit(file.name, batch.number)
        if self.whole.wanted(np.array([key], np.uint64)).size:
            self.whole.add(key, (file.name, batch.number), (file, batch))
            self.whole.all()  # which lets go of others


class _Chosen:
    """Whether a unit of a file is read, and how many units the file has."""

    def __init__(self, file: str, part: float) -> None:
        self._file = file
        self._part = part
        self.units = 0

    def __call__(self, number: int) -> bool:
        self.units = max(self.units, number + 1)
        return takes(self._file, number, part=self._part)


def _keys(file: str, batch: Batch) -> Keys:
    by_place_D = keys_of_places(file, batch.places)
    ids = batch.attributes.get("id")
    return by_place_D if ids is None else keys_of_ids(ids, by_place_D)


def _found(file: str, batch: Batch, at: int) -> Found:
    said = {name: values[at] for name, values in batch.attributes.items()}
    source = said.get("source", file)
    return Found(
        batch.texts[at], file, int(batch.places[at]), batch.number, said.get("id"), said.get("language"), source
    )

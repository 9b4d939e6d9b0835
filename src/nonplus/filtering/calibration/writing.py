"""How much a run writes: whole units are cut as by a run, and measured.

Letters in shapes: D documents of a unit.
"""

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import final

import numpy as np

from nonplus.corpora.records import Batch, RecordFile
from nonplus.filtering.fields.options import WriteOptions
from nonplus.filtering.rules.parsing import parsed
from nonplus.filtering.rules.rule import Rule
from nonplus.filtering.rules.scored import Scored
from nonplus.filtering.samples.sample import Sample
from nonplus.filtering.scoring.columns import ScoreColumns
from nonplus.filtering.units.cutting import Cut
from nonplus.filtering.units.score_files import file_of, keys_of, written
from nonplus.jobs.ledger import Unit
from nonplus.measure.records import Ints, n_bytes

_OFF = 0.02  # figures that occur again and again would compress better than others do


@final
@dataclass(frozen=True, slots=True)
class Writing:
    """What is written for each byte of text: bytes by folder, and the seconds of
    processors that takes.
    """

    bytes: Mapping[str, float]
    seconds: float

    @classmethod
    def of(cls, units: Sequence[tuple[RecordFile, Batch]], sample: Sample, *, rule: str, model: str) -> "Writing":
        """Measured on these ``units``, cut by the ``rule`` or, if it is empty, whole.

        A document of theirs that nobody has scored has about the figures of one in the
        ``sample`` that is as long.
        """
        writing = WriteOptions()
        keep = parsed(rule) if rule else Rule(())
        cut = Cut(rule=keep, columns=writing.chosen, prefix=writing.prefix, model=model)
        sizes, seconds, texts = Counter[str](), 0.0, 0
        for file, batch in units:
            unit, scored = Unit(0, batch.number), _scored(file.name, batch, sample, keep)
            begun = time.process_time()
            files = cut.of(unit, file, batch, scored).files | {file_of(unit): written(batch.places, scored)}
            seconds += time.process_time() - begun
            for name, content in files.items():
                sizes[name.partition("/")[0]] += len(content)
            texts += sum(map(n_bytes, batch.texts))
        return cls({folder: size / max(1, texts) for folder, size in sizes.items()}, seconds / max(1, texts))


def _scored(file: str, batch: Batch, sample: Sample, rule: Rule) -> Scored:
    """What the documents of a unit may have for figures."""
    own = {place: each for each, place in enumerate(sample.places)}
    found = [own.get(f"{file}:{place}") for place in batch.places.tolist()]
    looked_at_D = np.array([each is not None for each in found], np.bool_)
    places_D = np.where(looked_at_D, np.array([each or 0 for each in found], np.int64), _as_long(batch, sample.columns))
    off_D = np.where(looked_at_D, 1, 1 + _OFF * np.random.default_rng(batch.number).uniform(-1, 1, len(found)))
    like = sample.columns.at(places_D)
    like = replace(like, nats=like.nats * off_D, error=like.error * off_D, worst=like.worst * off_D)
    attributes = dict(batch.attributes)
    if sample.identified and sample.languages is not None:
        attributes["language"] = [sample.languages[place] for place in places_D.tolist()]
    columns = like.as_dict() | ({"repetition": sample.repeated[places_D]} if "repetition" in rule.figures else {})
    return Scored(columns=columns, attributes=attributes, keys=keys_of(batch.texts, batch.attributes))


def _as_long(batch: Batch, columns: ScoreColumns) -> Ints:
    """For each document of a unit one of those that were scored (D,)."""
    order = np.argsort(columns.bytes, kind="stable")
    lengths = np.array([n_bytes(text) for text in batch.texts], np.int64)
    nearest_D: Ints = order[np.minimum(np.searchsorted(columns.bytes[order], lengths), len(order) - 1)]
    return nearest_D

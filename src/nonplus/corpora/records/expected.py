"""How many units files probably have, for whoever waits for the last."""

import os
from collections.abc import Sequence

from nonplus.corpora.records.record_file import RecordFile

_LOOKED_AT = 2  # files of each kind


def expected_units(files: Sequence[RecordFile], sizes: Sequence[int]) -> list[float]:
    """The units of each file of so many bytes, at least one, if all files of a kind
    have as many for their size as two of them, at which their format takes a look; 0
    where that cannot be told. Nothing is asked of any other file.

    Raises:
        BadInput: one of them cannot be read.
    """
    kinds: dict[tuple[str, str], list[RecordFile]] = {}
    for file in files:
        kinds.setdefault(_kind(file), []).append(file)
    shares = {kind: _units_of_a_byte(alike) for kind, alike in kinds.items()}
    each = [(size, shares[_kind(file)]) for file, size in zip(files, sizes, strict=True)]
    return [max(1.0, size * share) if share else 0.0 for size, share in each]


def _kind(file: RecordFile) -> tuple[str, str]:
    return type(file.format).__name__, os.path.splitext(file.path)[1].lower()


def _units_of_a_byte(files: Sequence[RecordFile]) -> float:
    some = files[:: max(1, len(files) // _LOOKED_AT)][:_LOOKED_AT]
    return files[0].format.units_of_a_byte([file.path for file in some])

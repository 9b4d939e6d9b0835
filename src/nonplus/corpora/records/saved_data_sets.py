"""Data sets saved by ``save_to_disk`` of Hugging Face: their files, in order."""

import json
import os
from typing import Any

from nonplus.corpora.streams import existing, explained, name_of
from nonplus.errors import BadInput

_STATE, _SPLITS = "state.json", "dataset_dict.json"


def is_saved(folder: str) -> bool:
    """Whether a place is the folder of a saved data set, or of several."""
    return any(os.path.isfile(os.path.join(folder, mark)) for mark in (_STATE, _SPLITS))


def files_of(place: str) -> list[str]:
    """The Arrow files of a saved data set, in the order of its rows.

    ``FOLDER?split=train`` is one of several that were saved together.

    Raises:
        BadInput: it is none, or it is not said which of several.
    """
    folder, _, query = place.partition("?")
    split = query.removeprefix("split=")
    if not is_saved(existing(folder)):
        raise BadInput(
            f"{name_of(folder)} has neither {_STATE} nor {_SPLITS}, so save_to_disk did not write it; name its "
            "Parquet, Arrow or JSON Lines files without dataset:"
        )
    if os.path.isfile(os.path.join(folder, _SPLITS)):
        folder = _split_of(folder, split)
    state = _loaded(folder, _STATE)
    if state.get("_indices_files") or state.get("_indices_data_files"):
        raise BadInput(
            f"{name_of(folder)} selects rows by an index; load it and save it again, which applies the index"
        )
    try:
        return [os.path.join(folder, each["filename"]) for each in state["_data_files"]]
    except (KeyError, TypeError):
        raise BadInput(f"{name_of(folder)}/{_STATE} does not list data files; save the data set again") from None


def _split_of(folder: str, split: str) -> str:
    splits = _loaded(folder, _SPLITS).get("splits")
    if not (isinstance(splits, list) and split in splits):
        known = ", ".join(map(str, splits)) if isinstance(splits, list) else "none"
        asked = f"no split {split!r}" if split else "no split is named"
        raise BadInput(f"{name_of(folder)}: {asked}; write dataset:{name_of(folder)}?split= and one of these: {known}")
    return os.path.join(folder, split)


def _loaded(folder: str, name: str) -> dict[str, Any]:
    path = os.path.join(folder, name)
    with explained(path), open(path, "rb") as file:
        content = file.read()
    try:
        loaded = json.loads(content)
    except ValueError as error:
        raise BadInput(f"{name_of(path)} is no JSON: {error}; save the data set again") from None
    if not isinstance(loaded, dict):
        raise BadInput(f"{name_of(path)} holds no object; save the data set again")
    return loaded

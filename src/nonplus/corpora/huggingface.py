"""Data sets that the ``datasets`` library opens: on the Hugging Face hub, or on this disk."""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import ModuleType
from typing import Any, final
from urllib.parse import parse_qsl

from nonplus.corpora.rows import Place, Rows
from nonplus.corpora.streams import existing, name_of
from nonplus.errors import BadInput, NonplusError
from nonplus.measure.records import Document
from nonplus.optional import require


def hub(location: str, rows: Rows) -> "DataSet":
    """``hub:Salesforce/wikitext?config=wikitext-2-raw-v1&split=test``, streamed: nothing is kept on disk.

    ``config``, ``split`` and ``revision`` may be left out where there is only one.
    """
    name, query = _parted(location, known=("config", "split", "revision"))
    library = _library()

    def splits() -> Mapping[str, Any]:
        config, revision = query.get("config"), query.get("revision")
        found: Mapping[str, Any] = library.load_dataset(name, config, revision=revision, streaming=True)
        return found

    return DataSet(name, query.get("split", ""), splits, library=library, rows=rows)


def local(location: str, rows: Rows) -> "DataSet":
    """``dataset:folder?split=test``: what ``save_to_disk`` wrote, a folder of data files, or one file."""
    path, query = _parted(location, known=("split",))
    existing(path)
    library = _library()

    def splits() -> Mapping[str, Any]:
        if any(os.path.exists(os.path.join(path, mark)) for mark in ("state.json", "dataset_dict.json")):
            saved = library.load_from_disk(path)
            # One split is saved bare; the library itself calls what has no name "train".
            return saved if isinstance(saved, dict) else {str(saved.split or "train"): saved}
        # Absolute, because the library takes the name of a folder without a slash for one on the hub.
        whole = os.path.abspath(path)
        folder, file = (whole, None) if os.path.isdir(whole) else os.path.split(whole)
        found: Mapping[str, Any] = library.load_dataset(folder, data_files=file, streaming=True)
        return found

    return DataSet(name_of(path), query.get("split", ""), splits, library=library, rows=rows)


@final
class DataSet:
    """One split of a data set: a document per row, called ``name:row``, rows counted from 0."""

    def __init__(
        self, name: str, split: str, splits: Callable[[], Mapping[str, Any]], *, library: ModuleType, rows: Rows
    ) -> None:
        self._name = name
        self._split = split
        self._splits = splits
        self._library = library
        self._rows = rows

    def __iter__(self) -> Iterator[Document]:
        for number, row in enumerate(self._read()):
            yield from self._rows.documents(row, Place(self._name, "row", number))

    def _read(self) -> Iterator[Any]:
        with self._explained():
            table = self._chosen(self._splits())
            if table.column_names is not None:  # a stream may not know before its first row
                self._rows.check(table.column_names, self._name)
                table = table.select_columns(self._rows.columns)
            yield from table

    def _chosen(self, splits: Mapping[str, Any]) -> Any:
        if self._split in splits:
            return splits[self._split]
        if not self._split and len(splits) == 1:
            return next(iter(splits.values()))
        asked = f"there is no split {self._split!r}" if self._split else "no split is named"
        raise BadInput(f"{self._name}: {asked}; put ?split= and one of these after it: {', '.join(splits)}")

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except NonplusError:
            raise
        except (OSError, ValueError, RuntimeError, self._library.exceptions.DatasetsError) as problem:
            raise BadInput(
                f"the data set {self._name} cannot be read: {problem}; check its name, or fetch it to a file first"
            ) from problem


def _library() -> ModuleType:
    return require("datasets", purpose="reading data sets of Hugging Face")


def _parted(location: str, *, known: tuple[str, ...]) -> tuple[str, dict[str, str]]:
    name, _, query = location.partition("?")
    pairs = dict(parse_qsl(query, keep_blank_values=True))
    if not name:
        raise BadInput("no data set is named; write hub:owner/name, or dataset: and a folder or file")
    if not pairs.keys() <= set(known) or bool(query) != bool(pairs):
        raise BadInput(
            f"after the ? of a data set may come {', '.join(f'{key}=…' for key in known)}, joined by &, got {query!r}"
        )
    return name, pairs

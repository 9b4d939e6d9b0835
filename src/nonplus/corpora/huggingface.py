"""Data sets of the ``datasets`` library: on the Hugging Face hub, or on disk."""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import ModuleType
from typing import Any, final
from urllib.parse import parse_qsl

from nonplus.corpora.rows import Place, RowReader
from nonplus.corpora.streams import existing, name_of
from nonplus.errors import BadInput, NonplusError
from nonplus.measure.records import Document
from nonplus.optional import require


def hub(location: str, reader: RowReader) -> "DataSet":
    """``hub:owner/name?config=NAME&split=test``, streamed: nothing is kept on disk.

    ``config``, ``split`` and ``revision`` may be omitted where there is only one.
    """
    name, query = _name_and_query(location, known=("config", "split", "revision"))
    library = _library()

    def splits() -> Mapping[str, Any]:
        config, revision = query.get("config"), query.get("revision")
        found: Mapping[str, Any] = library.load_dataset(name, config, revision=revision, streaming=True)
        return found

    return DataSet(name, query.get("split", ""), splits, library=library, reader=reader)


def local(location: str, reader: RowReader) -> "DataSet":
    """``dataset:PATH?split=test``: a data file, a folder of them, a saved data set."""
    path, query = _name_and_query(location, known=("split",))
    existing(path)
    library = _library()

    def splits() -> Mapping[str, Any]:
        if any(os.path.exists(os.path.join(path, mark)) for mark in ("state.json", "dataset_dict.json")):
            saved = library.load_from_disk(path)
            # One split is saved without a dictionary; the library itself calls a split
            # without a name "train".
            return saved if isinstance(saved, dict) else {str(saved.split or "train"): saved}
        # Absolute, because the library looks for a name without a slash on the hub.
        whole = os.path.abspath(path)
        folder, file = (whole, None) if os.path.isdir(whole) else os.path.split(whole)
        found: Mapping[str, Any] = library.load_dataset(folder, data_files=file, streaming=True)
        return found

    return DataSet(name_of(path), query.get("split", ""), splits, library=library, reader=reader)


@final
class DataSet:
    """One split of a data set: a document for each row, with the id ``name:row``.

    Rows are counted from 0.
    """

    def __init__(
        self, name: str, split: str, splits: Callable[[], Mapping[str, Any]], *, library: ModuleType, reader: RowReader
    ) -> None:
        self._name = name
        self._split = split
        self._splits = splits
        self._library = library
        self._reader = reader

    def __iter__(self) -> Iterator[Document]:
        for number, row in enumerate(self._rows()):
            yield from self._reader.documents(row, Place(self._name, "row", number))

    def _rows(self) -> Iterator[Any]:
        with self._explained():
            table = self._chosen(self._splits())
            if table.column_names is not None:  # of a stream they may be unknown before its first row
                self._reader.check(table.column_names, self._name)
                table = table.select_columns(self._reader.columns)
            yield from table

    def _chosen(self, splits: Mapping[str, Any]) -> Any:
        if self._split in splits:
            return splits[self._split]
        if not self._split and len(splits) == 1:
            return next(iter(splits.values()))
        problem = f"there is no split {self._split!r}" if self._split else "no split is named"
        raise BadInput(f"{self._name}: {problem}; put ?split= and one of these after it: {', '.join(splits)}")

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except NonplusError:
            raise
        except (OSError, ValueError, RuntimeError, self._library.exceptions.DatasetsError) as problem:
            reason = str(problem).rstrip(".")
            raise BadInput(
                f"the data set {self._name} cannot be read: {reason}; check its name, or download it to a file first"
            ) from problem


def _library() -> ModuleType:
    return require("datasets", purpose="reading data sets of Hugging Face")


def _name_and_query(location: str, *, known: tuple[str, ...]) -> tuple[str, dict[str, str]]:
    name, _, query = location.partition("?")
    pairs = dict(parse_qsl(query, keep_blank_values=True))
    if not name:
        raise BadInput("no data set is named; write hub:owner/name, or dataset: and a folder or file")
    if not pairs.keys() <= set(known) or bool(query) != bool(pairs):
        raise BadInput(
            f"the ? after a data set takes {', '.join(f'{key}=…' for key in known)}, joined by &; got {query!r}"
        )
    return name, pairs

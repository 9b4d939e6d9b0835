"""Tables of tokens and documents, written as they come: JSON Lines or Parquet by the name's ending."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import IO, Any, Protocol, final

from nonplus.files import replacing
from nonplus.measure.formatting import jsonable
from nonplus.measure.records import ScoredText, TokenNames
from nonplus.optional import require

Row = Mapping[str, Any]
Columns = Mapping[str, type]

DOCUMENTS: Columns = {
    "id": str,
    "domain": str,
    "perplexity": float,
    "log_perplexity": float,
    "nats": float,
    "tokens": float,
    "unscored_tokens": int,
    "bytes": int,
    "chars": int,
    "words": int,
    "bits_per_byte": float,
    "partial": bool,
}
TOKENS: Columns = {
    "document": str,
    "index": int,
    "id": int,
    "text": str,
    "start": int,
    "nats": float,
    "seen": int,
}
READ_TOKENS: Columns = {**TOKENS, "entropy": float, "rank": int, "top": list}
SUFFIXES = (".jsonl", ".parquet")

_ROW_GROUP = 1 << 15  # rows that are held until they are written together


class Table(Protocol):
    """A place for rows."""

    def write(self, rows: Iterable[Row]) -> None:
        """Add rows at the end."""
        ...


@contextmanager
def table(path: Path, columns: Columns) -> Iterator[Table]:
    """A table that takes the place of ``path`` at the end of the block; ``columns`` says what it holds.

    Raises:
        BadInput: the file cannot be written there.
        MissingExtra: Parquet is not installed.
    """
    kinds: dict[str, Callable[[Path, Columns], AbstractContextManager[Table]]]
    kinds = {".jsonl": _json_lines, ".parquet": _parquet}
    with replacing(path) as unfinished, kinds[path.suffix](unfinished, columns) as opened:
        yield opened


def token_rows(scored: ScoredText, names: TokenNames, columns: Columns) -> Iterator[Row]:
    """Every token of a text as a row of ``columns``, the unscored ones with ``nats`` null."""
    for token in scored.rows(names):
        yield {"document": scored.document.id} | {name: getattr(token, name) for name in [*columns][1:]}


@final
class _JsonLines:
    def __init__(self, file: IO[str]) -> None:
        self._file = file

    def write(self, rows: Iterable[Row]) -> None:
        for row in rows:
            line = json.dumps({name: jsonable(value) for name, value in row.items()}, ensure_ascii=False)
            self._file.write(f"{line}\n")


@contextmanager
def _json_lines(path: Path, columns: Columns) -> Iterator[_JsonLines]:
    with path.open("w", encoding="utf-8", newline="\n") as file:
        yield _JsonLines(file)


@final
class _Parquet:
    def __init__(self, arrow: Any, writer: Any) -> None:
        self._arrow = arrow
        self._writer = writer
        self._rows: list[Row] = []

    def write(self, rows: Iterable[Row]) -> None:
        for row in rows:
            self._rows.append(row)
            if len(self._rows) >= _ROW_GROUP:
                self.flush()

    def flush(self) -> None:
        schema = self._writer.schema
        floats = [field.name for field in schema if self._arrow.types.is_floating(field.type)]
        rows = [{**row, **{name: _number(row[name]) for name in floats}} for row in self._rows]
        self._writer.write_table(self._arrow.Table.from_pylist(rows, schema=schema))
        self._rows.clear()


def _number(value: Any) -> float | None:
    """A float column holds infinity, which JSON spells as a word."""
    return None if value is None else float(value)


@contextmanager
def _parquet(path: Path, columns: Columns) -> Iterator[_Parquet]:
    arrow = require("pyarrow", purpose="writing Parquet files")
    parquet = require("pyarrow.parquet", purpose="writing Parquet files")
    alternative = arrow.struct([("token", arrow.string()), ("probability", arrow.float64())])
    types = {
        str: arrow.string(),
        int: arrow.int64(),
        float: arrow.float64(),
        bool: arrow.bool_(),
        list: arrow.list_(alternative),
    }
    schema = arrow.schema([(name, types[kind]) for name, kind in columns.items()])
    with parquet.ParquetWriter(path, schema) as writer:
        opened = _Parquet(arrow, writer)
        yield opened
        opened.flush()

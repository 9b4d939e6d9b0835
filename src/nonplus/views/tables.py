"""Tables of tokens and documents, written row by row as JSON Lines or Parquet."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import IO, Any, final

from nonplus.files import replacing
from nonplus.measure.formatting import jsonable
from nonplus.measure.interfaces import Quantity
from nonplus.measure.scores import ScoredText, TokenNames
from nonplus.measure.statistics.document_sums import DocumentSums
from nonplus.measure.token_table import rows
from nonplus.optional import require

Row = Mapping[str, Any]
Columns = Mapping[str, type]

DOCUMENTS: Columns = {
    "id": str,
    "domain": str,
    "quantity": str,
    "perplexity": float,
    "log_perplexity": float,
    "nats": float,
    "tokens": float,
    "unscored_tokens": int,
    "unknown_tokens": int,
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
    "unknown": bool,
}
OF_MATCHES: Columns = {"match": int, "backoff": float}
OF_READINGS: Columns = {"entropy": float, "rank": int, "top": list}
ABOUT: Columns = {"about": dict}  # of a text, in its first row
REJECTS: Columns = {"place": str, "reason": str, "row": str}
SUFFIXES = (".jsonl", ".parquet")

_ROW_GROUP = 1 << 15  # rows held in memory until they are written together


@final
class Table:
    """A file that takes rows, and how many it has."""

    def __init__(self, put: Callable[[Row], None]) -> None:
        """``put`` adds one row at the end."""
        self._put = put
        self.rows = 0

    def write(self, rows: Iterable[Row]) -> None:
        """Add rows at the end."""
        for row in rows:
            self._put(row)
            self.rows += 1


@contextmanager
def table(path: Path, columns: Columns) -> Iterator[Table]:
    """A table in the format of its suffix; it replaces ``path`` when the block ends.

    Raises:
        BadInput: the file cannot be written there.
        MissingExtra: pyarrow is not installed.
    """
    with begun_table(path) as begin, begin(columns) as opened:
        yield opened


@contextmanager
def begun_table(path: Path) -> Iterator[Callable[[Columns], AbstractContextManager[Table]]]:
    """The file of a table whose columns are not known yet, as a function of these.

    Raises:
        BadInput: the file cannot be written there.
        MissingExtra: pyarrow is not installed.
    """
    formats: dict[str, Callable[[IO[bytes], Columns], AbstractContextManager[Callable[[Row], None]]]]
    formats = {".jsonl": _json_lines, ".parquet": _parquet}
    if path.suffix == ".parquet":
        require("pyarrow", purpose="writing Parquet files")

    @contextmanager
    def with_columns(columns: Columns) -> Iterator[Table]:
        with formats[path.suffix](file, columns) as put:
            yield Table(put)

    with replacing(path) as file:
        yield with_columns


def document_row(document: DocumentSums, quantity: Quantity) -> Row:
    """A document as a row of ``DOCUMENTS``; ``None``: the figure does not exist."""
    return {
        "id": document.id,
        "domain": document.domain,
        "quantity": quantity,
        "perplexity": document.perplexity,
        "log_perplexity": document.log_perplexity,
        "nats": document.nats,
        "tokens": document.tokens,
        "unscored_tokens": document.sums.unscored,
        "unknown_tokens": document.sums.unknown,
        "bytes": document.sums.bytes,
        "chars": document.sums.chars,
        "words": document.sums.words,
        "bits_per_byte": document.bits_per_byte,
        "partial": document.partial,
    }


def token_rows(scored: ScoredText, names: TokenNames, columns: Columns, run: Row | None) -> Iterator[Row]:
    """Every token of a text as a row of ``columns``; without ``nats`` if unscored.

    ``run`` are the conditions, for the first row of the table.
    """
    for row in rows(scored, names, run):
        yield {name: row[name] for name in columns}


@contextmanager
def _json_lines(file: IO[bytes], columns: Columns) -> Iterator[Callable[[Row], None]]:
    def put(row: Row) -> None:
        line = json.dumps(
            {name: jsonable(value) for name, value in row.items() if name != "about" or value}, ensure_ascii=False
        )
        file.write(f"{line}\n".encode())

    yield put


@final
class _Parquet:
    def __init__(self, arrow: Any, writer: Any) -> None:
        self._arrow = arrow
        self._writer = writer
        self._rows: list[Row] = []

    def put(self, row: Row) -> None:
        self._rows.append(row)
        if len(self._rows) >= _ROW_GROUP:
            self.flush()

    def flush(self) -> None:
        schema = self._writer.schema
        floats = [field.name for field in schema if self._arrow.types.is_floating(field.type)]
        these = [{**row, **{name: _number(row[name]) for name in floats}, **_as_text(row)} for row in self._rows]
        self._writer.write_table(self._arrow.Table.from_pylist(these, schema=schema))
        self._rows.clear()


def _number(value: Any) -> float | None:
    """A float column can hold infinity, which is a word in JSON."""
    return None if value is None else float(value)


def _as_text(row: Row) -> Row:
    """What is said about a text has no columns of its own."""
    about = row.get("about")
    return {"about": json.dumps(about, ensure_ascii=False)} if about else {}


@contextmanager
def _parquet(file: IO[bytes], columns: Columns) -> Iterator[Callable[[Row], None]]:
    arrow = require("pyarrow", purpose="writing Parquet files")
    parquet = require("pyarrow.parquet", purpose="writing Parquet files")
    alternative = arrow.struct([("token", arrow.string()), ("probability", arrow.float64())])
    types = {
        str: arrow.string(),
        int: arrow.int64(),
        float: arrow.float64(),
        bool: arrow.bool_(),
        list: arrow.list_(alternative),
        dict: arrow.string(),
    }
    schema = arrow.schema([(name, types[kind]) for name, kind in columns.items()])
    with parquet.ParquetWriter(file, schema) as writer:
        opened = _Parquet(arrow, writer)
        yield opened.put
        opened.flush()

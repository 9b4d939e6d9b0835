"""Arrow tables written as files: Parquet, and Arrow's two formats."""

import hashlib
import io
from collections.abc import Iterator
from contextlib import AbstractContextManager
from itertools import chain
from typing import IO, TYPE_CHECKING, Any, final

from nonplus.corpora.records.arrow_library import arrow, ipc, parquet
from nonplus.corpora.records.table_schemas import same_columns

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

FILE, STREAM, PARQUET = ".arrow", ".arrows", ".parquet"
TABLES = (PARQUET, FILE, STREAM)


def table_file(table: Any, suffix: str) -> bytes:
    """``table`` as a whole file; in Parquet one row group, compressed by zstd."""
    out = io.BytesIO()
    with _writer(out, table.schema, suffix) as writer:
        if table.num_rows:
            writer.write_table(table)
    return out.getvalue()


def digest_of(table: Any) -> str:
    """A digest of all columns of ``table``, however its rows are divided."""
    sink = _Digesting()
    with ipc().new_stream(sink, table.schema) as writer:
        writer.write_table(table.combine_chunks())
    return sink.found.hexdigest()


@final
class _Digesting(io.RawIOBase):
    """Takes bytes, and keeps only their digest."""

    def __init__(self) -> None:
        self.found = hashlib.sha256()

    def writable(self) -> bool:
        return True

    def write(self, content: "ReadableBuffer") -> int:
        self.found.update(content)
        return memoryview(content).nbytes


def join_tables(suffix: str, contents: Iterator[bytes], out: IO[bytes]) -> None:
    """Files of the same columns as one, a row group or a record batch for each.

    Raises:
        BadInput: their columns differ.
    """
    tables = map(_READERS[suffix], contents)
    first = next(tables, arrow().table({}))
    with _writer(out, first.schema, suffix) as writer:
        for table in chain([first], tables):
            if table.num_rows:
                writer.write_table(same_columns(table, first.schema))


def _writer(out: IO[bytes], schema: Any, suffix: str) -> AbstractContextManager[Any]:
    writer: AbstractContextManager[Any] = _WRITERS[suffix](out, schema)
    return writer


_WRITERS = {
    FILE: lambda out, schema: ipc().new_file(out, schema),
    STREAM: lambda out, schema: ipc().new_stream(out, schema),
    PARQUET: lambda out, schema: parquet().ParquetWriter(out, schema, compression="zstd"),
}
_READERS = {
    FILE: lambda content: ipc().open_file(content).read_all(),
    STREAM: lambda content: ipc().open_stream(content).read_all(),
    PARQUET: lambda content: parquet().read_table(arrow().BufferReader(content)),
}

"""Parquet files: only some columns, and only some rows at a time."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, final

from nonplus.corpora.decoding import too_long
from nonplus.corpora.rows import Place, RowReader
from nonplus.corpora.streams import STANDARD_INPUT, existing, explained, name_of
from nonplus.errors import BadInput, BadRecord
from nonplus.measure.records import Document
from nonplus.optional import require

# Few, because a row may be a book.
_ROWS_AT_ONCE = 64
# Both keep the library from holding a whole row group: it reads chunks of this many
# bytes, and none in advance.
_IN_CHUNKS = {"buffer_size": 1 << 16, "pre_buffer": False}


@final
class Parquet:
    """``parquet:articles.parquet``: a document for each row, with the id ``path:row``.

    Rows are counted from 0.
    """

    def __init__(self, location: str, reader: RowReader) -> None:
        self._arrow = require("pyarrow", purpose="reading Parquet files")
        self._parquet = require("pyarrow.parquet", purpose="reading Parquet files")
        if location == STANDARD_INPUT:
            raise BadInput("a Parquet file is read from its end, so it cannot come from standard input; give its path")
        self._location = existing(location)
        self._reader = reader

    def __iter__(self) -> Iterator[Document]:
        name = name_of(self._location)
        for number, row in enumerate(self._rows(name)):
            yield from self._reader.documents(row, Place(name, "row", number))

    def _rows(self, name: str) -> Iterator[dict[str, Any]]:
        with (
            explained(self._location),
            self._explained(name),
            self._parquet.ParquetFile(self._location, **_IN_CHUNKS) as file,
        ):
            self._reader.check(file.schema_arrow.names, name)
            self._check_sizes(file.metadata, name)
            for batch in file.iter_batches(_ROWS_AT_ONCE, columns=self._reader.columns):
                yield from batch.to_pylist()

    def _check_sizes(self, metadata: Any, name: str) -> None:
        """Refuse a column whose rows are too long on average: one of them surely is.

        The file says so before anything is decompressed.
        """
        for group in map(metadata.row_group, range(metadata.num_row_groups)):
            for column in map(group.column, range(group.num_columns)):
                wanted = column.path_in_schema.partition(".")[0] in self._reader.columns
                if wanted and column.total_uncompressed_size > self._reader.max_bytes * max(1, group.num_rows):
                    raise too_long(f"{name}: a text in the column {column.path_in_schema!r}", self._reader.max_bytes)

    @contextmanager
    def _explained(self, name: str) -> Iterator[None]:
        try:
            yield
        except UnicodeDecodeError as error:
            raise BadRecord(
                f"{name}: a text is not UTF-8, {error.reason}; write the file again from valid text"
            ) from None
        except self._arrow.ArrowException as error:
            raise BadRecord(
                f"{name} is damaged or not a Parquet file: {_first_of(error)}; make or download it again"
            ) from error


def _first_of(error: Exception) -> str:
    """The first sentence of a message of pyarrow, which has several."""
    return str(error).partition(". ")[0].rstrip(".")

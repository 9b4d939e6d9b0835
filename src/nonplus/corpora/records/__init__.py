"""A file as raw records in units, and the same records written with new columns."""

from nonplus.corpora.records.expected import expected_units
from nonplus.corpora.records.interfaces import Batch, Column, Format, RecordFields, Rejection, Sizes, Written
from nonplus.corpora.records.opening import joined, open_records, record_files
from nonplus.corpora.records.record_file import RecordFile

__all__ = [
    "Batch",
    "Column",
    "Format",
    "RecordFields",
    "RecordFile",
    "Rejection",
    "Sizes",
    "Written",
    "expected_units",
    "joined",
    "open_records",
    "record_files",
]

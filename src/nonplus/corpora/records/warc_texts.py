"""WET files of Common Crawl: each page that was converted to text is a record."""

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import ClassVar, final
from urllib.parse import urlsplit

import numpy as np

from nonplus.compression.packing import compressed
from nonplus.corpora.records.interfaces import SHOWN, Batch, Column, RecordFields, Rejection, Sizes, Written, too_long
from nonplus.corpora.records.json_codec import in_json
from nonplus.corpora.records.part_suffixes import compressible
from nonplus.corpora.records.places import check_no_archive, shown_place, unpacked_at
from nonplus.corpora.records.splicing import taken
from nonplus.corpora.records.unpacked import unpacked_share
from nonplus.corpora.records.warc_reading import WarcRecord, warc_records
from nonplus.errors import BadInput, BadRecord
from nonplus.measure.lists import in_lists
from nonplus.measure.records import Ints

# Records of these types have pages or files as they came.
_PAGES = ("response", "resource", "continuation")
# Names for what Common Crawl calls otherwise.
_HEADERS = {
    "id": "WARC-Record-ID",
    "language": "WARC-Identified-Content-Language",
    "source": "WARC-Target-URI",
}


_LENGTH = re.compile(rb"(?im)^(Content-Length[ \t]*:[ \t]*)\d+([ \t]*\r?)$")
_DIGESTS = re.compile(rb"(?im)^WARC-(?:Block|Payload)-Digest[ \t]*:.*\n")


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class WarcTexts:
    """WARC records of the type ``conversion``; each is written as a member of its own.

    A field is the name of a named field of the record, or ``id``, ``language`` (the
    first of those that were identified) or ``source`` (the host of the page).
    """

    fields: RecordFields
    sizes: Sizes
    suffixes: ClassVar = compressible(".warc.wet", ".wet")
    has_columns: ClassVar = True

    def units_of_a_byte(self, paths: Sequence[str]) -> float:
        """How much the beginnings of the files unpack to, in units."""
        return unpacked_share(paths) / self.sizes.unit

    def batches(self, path: str, suffix: str, takes: Callable[[int], bool]) -> Iterator[Batch]:
        """The units of the file, which may be compressed in any way.

        A unit has the fewest records whose contents are ``sizes.unit`` bytes or more.
        Records that describe others, such as ``warcinfo``, are no texts.

        Raises:
            BadInput: the file is damaged, or has pages that are not text yet.
        """
        name = shown_place(path)
        if self.fields.text != "text":
            raise BadInput(
                f"field={self.fields.text} names a field, and the text of a record of {name} is its content; omit "
                f"field={self.fields.text}"
            )
        with unpacked_at(path) as (stream, content):
            check_no_archive(content, shown_place(path))
            records = warc_records(stream, name, longest=self.sizes.record)
            together = in_lists(_texts(records, name), size=lambda record: record.size + 1, least=self.sizes.unit)
            for number, unit in enumerate(together):
                if takes(number):
                    yield self._batch(number, unit, suffix)

    def _batch(self, number: int, records: Sequence[WarcRecord], suffix: str) -> Batch:
        texts: list[str] = []
        readable: list[WarcRecord] = []
        rejected: list[Rejection] = []
        for record in records:
            try:
                texts.append(self._text_of(record))
            except BadRecord as problem:
                rejected.append(Rejection(record.number, str(problem), (record.head + record.content)[:SHOWN]))
            else:
                readable.append(record)
        return Batch(
            number=number,
            records=len(records),
            texts=texts,
            places=np.array([record.number for record in readable], np.int64),
            attributes={
                what: [_attribute(record, name) for record in readable] for what, name in self.fields.attributes.items()
            },
            rejected=rejected,
            digest=partial(_digest, records),
            written=partial(_written, readable, suffix),
            with_texts=partial(_retold, readable, suffix),
        )

    def _text_of(self, record: WarcRecord) -> str:
        if not record.whole:
            raise BadRecord(too_long("the text", self.sizes.record))
        for name in self.fields.taken:
            if record.field(header_of(name)):
                raise BadRecord(
                    f"it has a field {header_of(name)} already; give the new ones other names, with prefix=…"
                )
        try:
            return record.content.decode()
        except UnicodeDecodeError as error:
            raise BadRecord(
                f"not UTF-8: byte 0x{record.content[error.start]:02x} at byte {error.start} of the content"
            ) from None


def header_of(name: str) -> str:
    """What a column is called in a WARC record: ``WARC-Nonplus-Bits-Per-Byte``."""
    return "-".join(["WARC", *(word.capitalize() for word in name.split("_"))])


def _texts(records: Iterator[WarcRecord], name: str) -> Iterator[WarcRecord]:
    for record in records:
        kind = record.field("WARC-Type")
        if kind in _PAGES:
            raise BadInput(
                f"{name} has pages as they were fetched (record {record.number:,} is a {kind}), and to take the text "
                "out of HTML is another task; give Common Crawl's WET files, which have the same pages as text"
            )
        if kind == "conversion":
            yield record


def _digest(records: Sequence[WarcRecord]) -> str:
    found = hashlib.sha256()
    for record in records:
        found.update(b"%d %b" % (record.number, record.head))
        found.update(record.content)
    return found.hexdigest()


def _attribute(record: WarcRecord, name: str) -> str | None:
    value = record.field(_HEADERS.get(name, name))
    match name:
        case "source":
            return _host(value)
        case "language":
            return value.partition(",")[0].strip() or None
        case _:
            return value or None


def _host(url: str) -> str | None:
    try:
        return urlsplit(url).hostname
    except ValueError:  # such as http://[
        return None


def _written(records: Sequence[WarcRecord], suffix: str, chosen: Ints, columns: Mapping[str, Column]) -> bytes:
    added = [_headers(name, taken(values, chosen)) for name, values in columns.items()]
    rows = zip(*added, strict=True) if added else [()] * len(chosen)
    members = []
    for place, headers in zip(chosen.tolist(), rows, strict=True):
        record = records[place]
        newline = b"\r\n" if record.head.endswith(b"\r\n") else b"\n"
        head = record.head + b"".join([header + newline for header in headers if header])
        members.append(compressed(head + newline + record.content + newline * 2, suffix))
    return b"".join(members)


def _retold(records: Sequence[WarcRecord], suffix: str, texts: Mapping[int, str]) -> Written:
    retold = [_with_text(each, texts[place]) if place in texts else each for place, each in enumerate(records)]
    return partial(_written, retold, suffix)


def _with_text(record: WarcRecord, text: str) -> WarcRecord:
    """The record with another length, and without the digests of what it had."""
    content = text.encode()
    head = _LENGTH.sub(rb"\g<1>%d\g<2>" % len(content), _DIGESTS.sub(b"", record.head))
    return replace(record, head=head, size=len(content), content=content)


def _headers(name: str, values: Column) -> list[bytes]:
    """A line of a head for each value; none for null and for an empty text."""
    header = header_of(name).encode()
    lines = []
    for value, written in zip(values, in_json(values), strict=True):
        text = " ".join(value.split()).encode() if isinstance(value, str) else written
        lines.append(b"%b: %b" % (header, text) if text not in (b"", b"null") else b"")
    return lines

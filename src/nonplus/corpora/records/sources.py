"""Which files a source names, and how the records of each are read."""

import os
import re
from glob import has_magic
from typing import NamedTuple

from nonplus.corpora.addresses import Address, addresses
from nonplus.corpora.records.places import shown_place
from nonplus.corpora.records.saved_data_sets import files_of, is_saved
from nonplus.corpora.streams import STANDARD_INPUT
from nonplus.corpora.suffixes import suffix_of
from nonplus.errors import BadInput
from nonplus.urls import is_url, urls_of

# The kind of a file of this suffix. Another suffix may follow that says how it is
# compressed.
KINDS = {
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".txt": "file",
    ".md": "file",
    ".parquet": "parquet",
    ".arrow": "arrow",
    ".arrows": "arrow",
    ".warc": "warc",
    ".wet": "warc",
}
_NAMED = re.compile(r"(jsonl|lines|file|parquet|arrow|warc):(.+)", re.DOTALL)
_DATASET = "dataset:"
_URL_OF_FILE = "file://"
_REMEDY = f"give {', '.join(KINDS)}, or write jsonl:, lines:, file:, parquet:, arrow: or warc: before it"
_INSTEAD = {
    "stdin": "standard input or a pipe can be read only once, and a run that is resumed reads again; save it in a file",
    "hub": "a data set of the hub is not read from there, because a run that is resumed reads again; download it",
}


class Found(NamedTuple):
    """A file, and the kind of its records."""

    kind: str
    location: str


def found(source: str) -> list[Found]:
    """The files of a source, by path.

    Raises:
        BadInput: there are none, or one that is not read as records.
    """
    if is_saved(source) or source.startswith(_DATASET):
        return [Found("arrow", file) for file in files_of(source.removeprefix(_DATASET))]
    named = _NAMED.fullmatch(source)
    if not named or source.startswith(_URL_OF_FILE):
        return _by_suffix(source, KINDS)
    kind, location = named.groups()
    return _by_suffix(location, {**dict.fromkeys(KINDS, kind), ".json": kind}, otherwise=kind)


def _by_suffix(source: str, kinds: dict[str, str], otherwise: str = "") -> list[Found]:
    if not is_url(source):
        is_path = source != STANDARD_INPUT and ":" not in source and not has_magic(source)
        if is_path and not os.path.exists(source):
            raise BadInput(f"no such file: {source}; check the path")
        return [
            Found(_known(_kind(address, kinds, otherwise), address.location), address.location)
            for address in addresses(source, suffixes=kinds)
        ]
    urls = urls_of(source)
    suffixes = {url: suffix_of(shown_place(url)) for url in urls}  # what is shown has no query
    wanted = urls if len(urls) == 1 else [url for url in urls if suffixes[url] in kinds]
    if not wanted:
        raise BadInput(f"there are no files in {', '.join(kinds)} at {shown_place(source)}; name others by a pattern")
    return [Found(_known(otherwise or kinds.get(suffixes[url], ""), url), url) for url in wanted]


def _kind(address: Address, kinds: dict[str, str], otherwise: str) -> str:
    """What an address is of; nothing, if it is taken for text only at last."""
    path = address.location
    if address.scheme == "stdin" or (os.path.exists(path) and not os.path.isfile(path)):
        return "stdin"
    if otherwise:
        return otherwise
    return kinds.get(suffix_of(address.location), "") if address.scheme == "file" else address.scheme


def _known(kind: str, location: str) -> str:
    if kind == "archive":
        return "jsonl"
    if kind in KINDS.values() or kind == "lines":
        return kind
    name = shown_place(location)
    if kind == "text":
        raise BadInput(f"no such file: {name}; check the path")
    raise BadInput(_INSTEAD.get(kind, f"{name} is not read as records; {_REMEDY}"))

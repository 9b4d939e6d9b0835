"""Which scheme is read by what: names only, so that nothing is imported before it is asked for."""

import importlib
from collections.abc import Callable, Iterable
from functools import cache
from typing import TYPE_CHECKING

from nonplus.corpora.rows import Rows
from nonplus.errors import BadInput
from nonplus.measure.records import Document

if TYPE_CHECKING:
    from importlib.metadata import EntryPoints

GROUP = "nonplus.corpora"

# What follows the colon, and how rows are read, to documents that can be iterated again and again.
Opener = Callable[[str, Rows], Iterable[Document]]

BUILT_IN = {
    "text": "nonplus.corpora.plain_text:Literal",
    "stdin": "nonplus.corpora.plain_text:StandardInput",
    "file": "nonplus.corpora.plain_text:WholeFile",
    "lines": "nonplus.corpora.plain_text:Lines",
    "wikitext": "nonplus.corpora.wikitext:WikiText",
    "jsonl": "nonplus.corpora.jsonl:JsonLines",
    "parquet": "nonplus.corpora.parquet:Parquet",
    "dataset": "nonplus.corpora.huggingface:local",
    "hub": "nonplus.corpora.huggingface:hub",
}


def is_scheme(name: str) -> bool:
    """Whether something is known to read ``name:…``."""
    return name in BUILT_IN or name in _installed().names


def opener(scheme: str) -> Opener:
    """What reads ``scheme:…``.

    Raises:
        BadInput: nothing does; the message lists what there is.
    """
    if scheme in BUILT_IN:
        module, _, name = BUILT_IN[scheme].partition(":")
        built_in: Opener = getattr(importlib.import_module(module), name)
        return built_in
    if scheme not in _installed().names:
        known = ", ".join([*BUILT_IN, *sorted(_installed().names)])
        raise BadInput(
            f"nothing reads the scheme {scheme!r}; there are {known}; write text: before it all to score it as text"
        )
    installed: Opener = _installed()[scheme].load()
    return installed


@cache
def _installed() -> "EntryPoints":
    # Imported here because it costs 30 ms, and only schemes that are not built in need it.
    from importlib.metadata import entry_points

    return entry_points(group=GROUP)

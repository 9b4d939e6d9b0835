"""Where text comes from: a source, named by one string, becomes documents.

>>> [document.text for document in open_corpus("text:The quick brown fox")]
['The quick brown fox']
"""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

from nonplus.closest import did_you_mean
from nonplus.corpora.addresses import Address, addresses
from nonplus.corpora.chat import responses
from nonplus.corpora.corpus import Corpus
from nonplus.corpora.options import CorpusOptions
from nonplus.corpora.rejects import Rejected, Rejects
from nonplus.corpora.rows import Place, RowReader
from nonplus.corpora.streams import name_of
from nonplus.corpora.tables import TableRows, is_table
from nonplus.corpora.values import type_phrase
from nonplus.errors import BadInput
from nonplus.measure.interfaces import KnownTokens
from nonplus.measure.records import Document
from nonplus.optional import CORPORA, is_scheme, opener, schemes

__all__ = ["Corpus", "CorpusOptions", "Place", "Rejected", "RowReader", "open_corpora", "open_corpus", "responses"]

PLAIN = CorpusOptions()

# The name of a source, a path, or a table: columns by name, or an object of pandas,
# polars, pyarrow or datasets, which have no common type.
Source = str | Path | Mapping[str, Any] | Any

_WITHOUT_ROWS = {"text", "stdin", "file", "lines", "wikitext"}


def open_corpus(
    source: Source,
    *,
    options: CorpusOptions = PLAIN,
    tokenizer: KnownTokens | None = None,
    keep_blank: bool = False,
    rejects: Callable[[Rejected], object] | None = None,
) -> Corpus:
    """The documents of one source, read lazily, and again on every pass.

    ``source`` is ``scheme:location``; ``-`` for standard input; or, where it can mean
    only one thing, a file, a folder, a glob pattern or a text without a scheme. A
    :class:`~pathlib.Path` is always a file or folder. A table in memory, of pandas,
    polars, pyarrow or datasets or a mapping of columns, is read by its columns. The
    schemes are ``text``, ``stdin``, ``file``, ``archive``, ``lines``, ``wikitext``,
    ``jsonl``, ``csv``, ``parquet``, ``dataset`` and ``hub``; packages add more through
    the entry point group ``nonplus.corpora``.
    ``tokenizer`` is needed only with ``options.messages``: it applies the chat
    template. ``keep_blank`` and ``rejects`` as in :func:`open_corpora`.

    Raises:
        BadInput: the source cannot be read or has no text; some errors appear only
            during iteration.
        MissingExtra: the source needs a package that is not installed.
    """
    return open_corpora([source], options=options, tokenizer=tokenizer, keep_blank=keep_blank, rejects=rejects)


def open_corpora(
    sources: Iterable[Source],
    *,
    options: CorpusOptions = PLAIN,
    tokenizer: KnownTokens | None = None,
    keep_blank: bool = False,
    rejects: Callable[[Rejected], object] | None = None,
) -> Corpus:
    """The documents of several sources as one corpus, in order, with one limit.

    ``keep_blank`` is for protocols that join documents to a stream: the tools they
    reproduce join the blank rows of a data set too. ``rejects`` is called with each row
    that could not be read, if ``options`` say to skip those.

    Raises:
        BadInput: as in :func:`open_corpus`; or ``sources`` is empty.
    """
    if not isinstance(options, CorpusOptions):
        raise BadInput(f"options is {type_phrase(options)}, where CorpusOptions are needed; pass CorpusOptions(...)")
    reader = RowReader(options, tokenizer, Rejects(rejects))
    found = [_found(source, options) for source in sources]
    if not found:
        raise BadInput("there are no sources to read; name a file, a folder or a text, or - for standard input")
    _check_fields(options, {address.scheme for each in found for address in each.addresses})
    return Corpus(
        _joined([each.label for each in found]),
        [part for each in found for part in each.parts(reader)],
        origin=_joined([each.origin for each in found]),
        reader=reader,
        limit=options.limit,
        keep_blank=keep_blank,
    )


def _open(address: Address, reader: RowReader) -> Iterable[Document]:
    if not is_scheme(CORPORA, address.scheme):
        meant = did_you_mean(address.scheme, schemes(CORPORA), after=f":{address.location}")
        raise BadInput(
            f"{address.scheme!r} is not a scheme of a corpus; the schemes are {', '.join(schemes(CORPORA))}; "
            f"to read the whole as text, write text: before it{meant}"
        )
    documents: Iterable[Document] = opener(CORPORA, address.scheme)(address.location, reader)
    return documents


def _check_fields(options: CorpusOptions, schemes_: set[str]) -> None:
    if options.chosen and schemes_ <= _WITHOUT_ROWS:
        given = " and ".join(f"{option}={name!r}" for option, name in options.chosen.items())
        raise BadInput(
            f"{given} names a field, and there are no rows with fields here, only text; omit {given}, or write jsonl: "
            "or csv: before a file that has rows"
        )


@final
@dataclass(frozen=True, slots=True)
class _Found:
    """What a source is: addresses, or a table in memory."""

    label: str
    origin: str
    addresses: tuple[Address, ...]
    table: object = None

    def parts(self, reader: RowReader) -> Iterator[Iterable[Document]]:
        """What yields its documents."""
        if self.table is not None:
            yield TableRows(self.table, reader)
        else:
            yield from (_open(address, reader) for address in self.addresses)


def _found(source: object, options: CorpusOptions) -> _Found:
    if isinstance(source, os.PathLike):
        source = Path(source)
    if is_table(source):
        return _Found("the table", "your table", (Address("table", ""),), source)
    if not isinstance(source, str | Path):
        raise BadInput(
            f"a source is {type_phrase(source)}, where the name of a source as text, a Path or a table is needed; "
            "documents in memory need no corpus: pass them as they are to evaluate or score"
        )
    found = tuple(addresses(source, follow_links=options.follow_links))
    if found[0].scheme == "text":
        return _Found("text", "your text", found)
    name = name_of(str(source))
    files = f" ({len(found):,} files)" if len(found) > 1 else ""
    return _Found(name, "standard input" if found[0].scheme == "stdin" else f"{name}{files}", found)


def _joined(labels: list[str]) -> str:
    first, *others = labels
    return f"{first} and {len(others)} more" if others else first

"""Where text comes from: a source, named by one string, becomes documents.

>>> [document.text for document in open_corpus("text:The quick brown fox")]
['The quick brown fox']
"""

from collections.abc import Callable, Iterable
from pathlib import Path

from nonplus.closest import did_you_mean
from nonplus.corpora.addresses import Address, addresses
from nonplus.corpora.chat import responses
from nonplus.corpora.corpus import Corpus
from nonplus.corpora.options import CorpusOptions
from nonplus.corpora.rejects import Rejected, Rejects
from nonplus.corpora.rows import Place, RowReader
from nonplus.corpora.streams import name_of
from nonplus.errors import BadInput
from nonplus.measure.interfaces import Tokenizer
from nonplus.measure.records import Document
from nonplus.optional import CORPORA, is_scheme, opener, schemes

__all__ = ["Corpus", "CorpusOptions", "Place", "Rejected", "RowReader", "open_corpora", "open_corpus", "responses"]

PLAIN = CorpusOptions()

_WITHOUT_ROWS = {"text", "stdin", "file", "lines", "wikitext"}


def open_corpus(
    source: str | Path,
    *,
    options: CorpusOptions = PLAIN,
    tokenizer: Tokenizer | None = None,
    keep_blank: bool = False,
    rejects: Callable[[Rejected], object] | None = None,
) -> Corpus:
    """The documents of one source, read lazily, and again on every pass.

    ``source`` is ``scheme:location``; ``-`` for standard input; or, where it can mean
    only one thing, a file, a folder, a glob pattern or a text without a scheme. A
    :class:`~pathlib.Path` is always a file or folder. The schemes are ``text``,
    ``stdin``, ``file``, ``archive``, ``lines``, ``wikitext``, ``jsonl``, ``csv``,
    ``parquet``, ``dataset`` and ``hub``; packages add more through the entry point
    group ``nonplus.corpora``.
    ``tokenizer`` is needed only with ``options.messages``: it applies the chat
    template. ``keep_blank`` and ``rejects`` as in :func:`open_corpora`.

    Raises:
        BadInput: the source cannot be read or has no text; some errors appear only
            during iteration.
        MissingExtra: the source needs a package that is not installed.
    """
    return open_corpora([source], options=options, tokenizer=tokenizer, keep_blank=keep_blank, rejects=rejects)


def open_corpora(
    sources: Iterable[str | Path],
    *,
    options: CorpusOptions = PLAIN,
    tokenizer: Tokenizer | None = None,
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
    reader = RowReader(options, tokenizer, Rejects(rejects))
    found = [(source, addresses(source, follow_links=options.follow_links)) for source in sources]
    if not found:
        raise BadInput("there are no sources to read; name a file, a folder or a text, or - for standard input")
    _check_fields(options, {address.scheme for _, of_source in found for address in of_source})
    parts = [_open(address, reader) for _, of_source in found for address in of_source]
    return Corpus(
        _joined([_label(source, of_source) for source, of_source in found]),
        parts,
        origin=_joined([_origin(source, of_source) for source, of_source in found]),
        reader=reader,
        limit=options.limit,
        keep_blank=keep_blank,
    )


def _open(address: Address, reader: RowReader) -> Iterable[Document]:
    if not is_scheme(CORPORA, address.scheme):
        meant = did_you_mean(address.scheme, schemes(CORPORA), after=f":{address.location}")
        raise BadInput(
            f"{address.scheme!r} is not a scheme of a corpus; the schemes are {', '.join(schemes(CORPORA))}; "
            f"to score the whole as text, write text: before it{meant}"
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


def _label(source: str | Path, found: list[Address]) -> str:
    return "text" if found[0].scheme == "text" else name_of(str(source))


def _origin(source: str | Path, found: list[Address]) -> str:
    files = f" ({len(found):,} files)" if len(found) > 1 else ""
    return {"text": "your text", "stdin": "standard input"}.get(found[0].scheme, f"{name_of(str(source))}{files}")


def _joined(labels: list[str]) -> str:
    first, *others = labels
    return f"{first} and {len(others)} more" if others else first

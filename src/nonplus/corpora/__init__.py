"""Where text comes from: a source, named by one string, becomes documents.

>>> [document.text for document in open_corpus("text:The quick brown fox")]
['The quick brown fox']
"""

from collections.abc import Iterable
from pathlib import Path

from nonplus.closest import did_you_mean
from nonplus.corpora.addresses import Address, addresses
from nonplus.corpora.chat import responses
from nonplus.corpora.corpus import Corpus
from nonplus.corpora.options import CorpusOptions
from nonplus.corpora.rows import Place, RowReader
from nonplus.corpora.streams import name_of
from nonplus.errors import BadInput
from nonplus.measure.interfaces import Tokenizer
from nonplus.measure.records import Document
from nonplus.optional import CORPORA, is_scheme, opener, schemes

__all__ = ["Corpus", "CorpusOptions", "Place", "RowReader", "open_corpora", "open_corpus", "responses"]

PLAIN = CorpusOptions()


def open_corpus(
    source: str | Path, *, options: CorpusOptions = PLAIN, tokenizer: Tokenizer | None = None, keep_blank: bool = False
) -> Corpus:
    """The documents of one source, read lazily, and again on every pass.

    ``source`` is ``scheme:location``; ``-`` for standard input; or, where it can mean
    only one thing, a file, a folder, a glob pattern or a text without a scheme. A
    :class:`~pathlib.Path` is always a file or folder. The schemes are ``text``,
    ``stdin``, ``file``, ``lines``, ``wikitext``, ``jsonl``, ``parquet``, ``dataset``
    and ``hub``; packages add more through the entry point group ``nonplus.corpora``.
    ``tokenizer`` is needed only with ``options.messages``: it applies the chat
    template. ``keep_blank`` as in :func:`open_corpora`.

    Raises:
        BadInput: the source cannot be read or has no text; some errors appear only
            during iteration.
        MissingExtra: the source needs a package that is not installed.
    """
    return open_corpora([source], options=options, tokenizer=tokenizer, keep_blank=keep_blank)


def open_corpora(
    sources: Iterable[str | Path],
    *,
    options: CorpusOptions = PLAIN,
    tokenizer: Tokenizer | None = None,
    keep_blank: bool = False,
) -> Corpus:
    """The documents of several sources as one corpus, in order, with one limit.

    ``keep_blank`` is for protocols that join documents to a stream: the tools they
    reproduce join the blank rows of a data set too.

    Raises:
        BadInput: as in :func:`open_corpus`; or ``sources`` is empty.
    """
    reader = RowReader(options, tokenizer)
    found = [(source, addresses(source)) for source in sources]
    if not found:
        raise BadInput("there are no sources to read; name a file, a folder or a text, or - for standard input")
    parts = [_open(address, reader) for _, of_source in found for address in of_source]
    name = _name([_label(source, of_source) for source, of_source in found])
    return Corpus(name, parts, limit=options.limit, keep_blank=keep_blank)


def _open(address: Address, reader: RowReader) -> Iterable[Document]:
    if not is_scheme(CORPORA, address.scheme):
        meant = did_you_mean(address.scheme, schemes(CORPORA), after=f":{address.location}")
        raise BadInput(
            f"{address.scheme!r} is not a scheme of a corpus; the schemes are {', '.join(schemes(CORPORA))}; "
            f"to score the whole as text, write text: before it{meant}"
        )
    documents: Iterable[Document] = opener(CORPORA, address.scheme)(address.location, reader)
    return documents


def _label(source: str | Path, found: list[Address]) -> str:
    return "text" if found[0].scheme == "text" else name_of(str(source))


def _name(labels: list[str]) -> str:
    first, *others = labels
    return f"{first} and {len(others)} more" if others else first

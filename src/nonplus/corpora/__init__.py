"""Where text comes from: a source, named in one string, becomes documents.

>>> [document.text for document in open_corpus("text:The quick brown fox")]
['The quick brown fox']
"""

from collections.abc import Iterable
from pathlib import Path

from nonplus.corpora.addresses import Address, addresses
from nonplus.corpora.chat import responses
from nonplus.corpora.corpus import Corpus
from nonplus.corpora.options import CorpusOptions
from nonplus.corpora.rows import Place, Rows
from nonplus.corpora.streams import name_of
from nonplus.errors import BadInput
from nonplus.measure.interfaces import Tokenizer
from nonplus.measure.records import Document
from nonplus.optional import CORPORA, is_scheme, opener, schemes

__all__ = ["Corpus", "CorpusOptions", "Place", "Rows", "open_corpora", "open_corpus", "responses"]

PLAIN = CorpusOptions()


def open_corpus(
    source: str | Path, *, options: CorpusOptions = PLAIN, tokenizer: Tokenizer | None = None, keep_blank: bool = False
) -> Corpus:
    """The documents of one source, read as they are asked for and anew on every pass.

    ``source`` is ``scheme:location``; ``-`` for standard input; or, where only one reading is possible, a bare file,
    folder, glob pattern or text. A :class:`~pathlib.Path` is always a file or folder. The schemes are in
    :mod:`nonplus.optional`; packages add more through the entry point group ``nonplus.corpora``.
    ``tokenizer`` is needed only where ``options.messages`` has conversations written out; ``keep_blank`` as in
    :func:`open_corpora`.

    Raises:
        BadInput: the source cannot be read, or has no text; some of this is known only when it is iterated.
        MissingExtra: the source needs a part of nonplus that is not installed.
    """
    return open_corpora([source], options=options, tokenizer=tokenizer, keep_blank=keep_blank)


def open_corpora(
    sources: Iterable[str | Path],
    *,
    options: CorpusOptions = PLAIN,
    tokenizer: Tokenizer | None = None,
    keep_blank: bool = False,
) -> Corpus:
    """The documents of several sources as one corpus, in the order given; ``options.limit`` counts across them.

    ``keep_blank`` is for protocols over a stream: their peers join the blank rows of a data set too.

    Raises:
        BadInput: as :func:`open_corpus`; or there are no sources.
    """
    rows = Rows(options, tokenizer)
    named = [(source, addresses(source)) for source in sources]
    if not named:
        raise BadInput("there is nothing to read; name a file, a folder or a text, or - for standard input")
    parts = [_open(address, rows) for _, found in named for address in found]
    name = _name([_label(source, found) for source, found in named])
    return Corpus(name, parts, limit=options.limit, keep_blank=keep_blank)


def _open(address: Address, rows: Rows) -> Iterable[Document]:
    if not is_scheme(CORPORA, address.scheme):
        raise BadInput(
            f"nothing reads the scheme {address.scheme!r}; there are {', '.join(schemes(CORPORA))}; "
            "write text: before it all to score it as text"
        )
    documents: Iterable[Document] = opener(CORPORA, address.scheme)(address.location, rows)
    return documents


def _label(source: str | Path, found: list[Address]) -> str:
    return "text" if found[0].scheme == "text" else name_of(str(source))


def _name(labels: list[str]) -> str:
    first, *others = labels
    return f"{first} and {len(others)} more" if others else first

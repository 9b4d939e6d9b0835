"""Documents to token ids: what a protocol does to a text before windows are cut."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

import numpy as np

from nonplus.errors import BadInput, BadModel, BadProtocol
from nonplus.measure.interfaces import WindowModel
from nonplus.measure.protocol.choices import Protocol
from nonplus.measure.protocol.lm_eval_text import detokenize
from nonplus.measure.records import Document, Encoding, Tokens

_AHEAD = 1 << 19  # characters that are tokenised together


def units(documents: Iterable[Document | str], protocol: Protocol) -> Iterator[Document]:
    """The texts that windows are cut from, each with an id.

    Raises:
        BadInput: there is no text, or it holds what UTF-8 cannot.
        BadProtocol: a document has a context and the protocol joins all documents into one.
    """
    named = (_named(document, place) for place, document in enumerate(documents, 1))
    rewritten = (_detokenised(document) if protocol.detokenize == "wikitext" else document for document in named)
    empty = True
    for unit in _joined(rewritten, protocol) if protocol.unit == "stream" else rewritten:
        _check(unit)
        empty = False
        yield unit
    if empty:
        raise BadInput("no text came; give at least one document that is not empty")


def slices(documents: Iterable[Document]) -> Iterator[list[Document]]:
    """Documents in lists of about half a million characters."""
    together: list[Document] = []
    size = 0
    for document in documents:
        together.append(document)
        size += len(document.text) + len(document.context)
        if size >= _AHEAD:
            yield together
            together, size = [], 0
    if together:
        yield together


def encode(documents: Sequence[Document], model: WindowModel, *, specials: bool) -> list[Tokens]:
    """Tokenise context and text in one piece, as the model would meet them.

    A token that reaches over the end of the context belongs to the text.

    Raises:
        BadInput: a text has no tokens.
        BadModel: the tokenizer gives an id that the model does not know.
    """
    encodings = model.tokenizer.encode([d.context + d.text for d in documents], specials=specials)
    found = [_tokens(document, encoding) for document, encoding in zip(documents, encodings, strict=True)]
    for tokens in found:
        highest = int(tokens.ids.max(initial=0))
        if highest >= model.vocabulary:
            raise BadModel(
                f"the tokenizer gives the id {highest} for {tokens.document.id}, and {model.name} knows only ids below "
                f"{model.vocabulary}; use the tokenizer that the model was trained with"
            )
    return found


def _named(document: Document | str, place: int) -> Document:
    if isinstance(document, str):
        return Document(text=document, id=f"text {place}")
    return document if document.id else replace(document, id=f"text {place}")


def _detokenised(document: Document) -> Document:
    return replace(document, text=detokenize(document.text), original=document.original or document.text)


def _joined(documents: Iterable[Document], protocol: Protocol) -> Iterator[Document]:
    texts, originals = [], []
    for document in documents:
        if document.context:
            raise BadProtocol(
                f"{protocol.name} joins all texts into one stream, and {document.id} has a context that is not to be "
                "scored; use a protocol over documents, such as full"
            )
        texts.append(document.text)
        originals.append(document.original or document.text)
    if texts:
        original = protocol.joiner.join(originals) if originals != texts else ""
        yield Document(text=protocol.joiner.join(texts), id="stream", original=original)


def _check(document: Document) -> None:
    if not document.text:
        raise BadInput(f"{document.id} is empty; a text needs at least one character")
    try:
        document.text.encode()
    except UnicodeEncodeError as wrong:
        raise BadInput(
            f"{document.id} holds {document.text[wrong.start]!a} at character {wrong.start}, half of a surrogate pair, "
            "which is not text; decode the source with the encoding it was written in"
        ) from None


def _tokens(document: Document, encoding: Encoding) -> Tokens:
    if not len(encoding.ids):
        raise BadInput(f"the tokenizer finds no token in {document.id}; a text needs at least one")
    ends = np.maximum.accumulate(np.clip(encoding.spans[:, 1] - len(document.context), 0, len(document.text)))
    first = int(np.searchsorted(ends, 1)) if document.context else 0
    ends[-1] = len(document.text)
    return Tokens(document, encoding.ids, ends, first)

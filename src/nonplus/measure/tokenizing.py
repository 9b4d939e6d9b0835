"""Documents to token ids: what happens to a text before windows are cut."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import fields, replace
from itertools import groupby
from operator import attrgetter, itemgetter

import numpy as np

from nonplus.cautions import warn
from nonplus.errors import BadInput, BadModel, BadProtocol, SuspectInput
from nonplus.measure.contract import checked_encodings
from nonplus.measure.interfaces import AnyModel, EncodingModel, HasEncode, KnownTokens
from nonplus.measure.lists import in_lists
from nonplus.measure.lost_text import SAMPLE, marked
from nonplus.measure.protocol.choices import Protocol
from nonplus.measure.protocol.lm_eval_text import detokenize
from nonplus.measure.records import Document, Encodings, Integers, Ints, TokenizedTexts, n_bytes

_TEXTS = tuple(field.name for field in fields(Document))
_values = attrgetter(*_TEXTS)
AHEAD = 1 << 19  # characters that are tokenised together


def units(documents: Iterable[Document | str], protocol: Protocol) -> Iterator[Document]:
    """The texts that windows are cut from, each with an id.

    Raises:
        BadInput: there is no text, or it holds what UTF-8 cannot.
        BadProtocol: a document has a context and the protocol joins all documents into
            one.
    """
    texts = _prepared(documents, protocol)
    if protocol.unit == "stream":
        texts = _joined(texts, protocol)
    if protocol.last_newline == "drop":
        texts = (replace(text, text=text.text.removesuffix("\n")) for text in texts)
    return checked(texts)


def stream_of(documents: Iterable[Document | str], protocol: Protocol) -> Iterator[str]:
    """The stream of a protocol that joins all documents, in pieces, as it is read.

    Raises:
        BadInput: there is no text, or it holds what UTF-8 cannot.
        BadProtocol: a document has a context.
    """
    characters, newline, joiner, none = 0, "", "", True
    for document in _prepared(documents, protocol):
        _check_context(document, protocol)
        text, newline = newline + joiner + document.text, ""
        if protocol.last_newline == "drop" and text.endswith("\n"):
            text, newline = text[:-1], "\n"
        _check_value("stream", "text", text, before=characters)
        characters += len(text)
        joiner, none = protocol.joiner, False
        yield text
    if none:
        raise _no_text()
    if not characters:
        raise _empty("stream")


def _prepared(documents: Iterable[Document | str], protocol: Protocol) -> Iterator[Document]:
    texts = named(documents)
    texts = map(_normalised, texts) if protocol.newlines == "normalise" else newlines_noted(texts)
    return map(_detokenised, texts) if protocol.detokenize == "wikitext" else texts


def named(documents: Iterable[Document | str]) -> Iterator[Document]:
    """Documents, each with an id."""
    return (_named(document, place) for place, document in enumerate(documents, 1))


def newlines_noted(documents: Iterable[Document], *, tokens: KnownTokens | None = None) -> Iterator[Document]:
    """The same documents; warns with SuspectInput of the first CRLF or CR newline.

    ``tokens`` are those of a model that reads newlines in a way of its own: then there
    is no warning if it is known to give those that it gives with LF.
    """
    only_lf = True
    for document in documents:
        if only_lf and "\r" in document.text:
            only_lf = False
            if tokens is None:
                _note_carriage_return(document, "use newlines=normalise to score LF")
            elif not isinstance(tokens, HasEncode) or _tells_apart(tokens, document.text):
                _note_carriage_return(document, "turn them into LF in the source, if they are to be scored so")
        yield document


def _tells_apart(tokenizer: HasEncode, text: str) -> bool:
    """Whether the beginning of a text has other tokens with LF."""
    begin = max(0, text.index("\r") - SAMPLE // 2)
    sample = text[begin : begin + SAMPLE]
    own, with_lf = tokenizer.encode([sample, _with_lf(sample)], specials=False)
    return not np.array_equal(own.ids, with_lf.ids)


def checked(documents: Iterable[Document]) -> Iterator[Document]:
    """The same documents, once each is known to be text.

    Raises:
        BadInput: there is none, or one is empty or holds what UTF-8 cannot.
    """
    empty = True
    for document in documents:
        _check(document)
        empty = False
        yield document
    if empty:
        raise _no_text()


def slices(documents: Iterable[Document]) -> Iterator[list[Document]]:
    """Documents in lists of about half a million characters."""
    return in_lists(documents, size=lambda each: len(each.text) + len(each.context), least=AHEAD)


def encode(
    documents: Sequence[Document],
    model: EncodingModel,
    *,
    choices: Protocol = Protocol(),  # noqa: B008
    prefix: Sequence[int] = (),
) -> TokenizedTexts:
    """Tokenise context and text together, as a model would see them.

    A token that reaches over the end of the context belongs to the text. Of ``choices``
    those on special tokens matter; ``prefix`` is that of the windows.

    Raises:
        BadInput: a text has no tokens.
        BadModel: the tokenizer gives an id that the model does not know, or tokens that
            do not follow each other.
    """
    texts = laid_out(documents, _encodings([d.context + d.text for d in documents], model, choices, prefix), model)
    odd = int(texts.ids.argmin() if texts.ids.min() < 0 else texts.ids.argmax())
    if not 0 <= texts.ids[odd] < model.vocabulary:
        document = documents[int(np.searchsorted(texts.offsets, odd, side="right")) - 1]
        raise beyond_vocabulary(int(texts.ids[odd]), document.id, model)
    return marked(texts, model.tokenizer)


def laid_out(documents: Sequence[Document], encodings: Encodings, model: AnyModel) -> TokenizedTexts:
    """Documents end to end, by the tokens of each context with its text.

    Raises:
        BadInput: a text has no tokens.
        BadModel: the tokens of one do not follow each other.
    """
    if not encodings.counts.all():
        document = documents[int(np.argmin(encodings.counts))]
        raise BadInput(f"the tokenizer finds no token in {document.id}; a text needs at least one")
    offsets = np.concatenate([[0], np.cumsum(encodings.counts)])
    ids_T = narrow(encodings.ids)
    ends_T, firsts_D = _ends_in_text(documents, encodings.byte_ends, offsets, model)
    return TokenizedTexts(documents=tuple(documents), ids=ids_T, byte_ends=ends_T, offsets=offsets, firsts=firsts_D)


def beyond_vocabulary(token: int, document: str, model: EncodingModel) -> BadModel:
    """An id that the model does not know."""
    return BadModel(
        f"the tokenizer gives the id {token} for {document}, and {model.name} knows only ids from 0 to "
        f"{model.vocabulary - 1}; use the tokenizer that the model was trained with"
    )


def out_of_order(document: str, model: AnyModel) -> BadModel:
    """Tokens that do not follow each other."""
    return BadModel(
        f"the tokenizer of {model.name} gives a token of {document} that ends before the one that precedes it, "
        "or after the text; the byte_ends of an Encoding rise, to the end of the text at most"
    )


def _encodings(texts: Sequence[str], model: EncodingModel, choices: Protocol, prefix: Sequence[int]) -> Encodings:
    tokenizer = model.tokenizer
    spelled = tokenizer.decode(prefix) if choices.specials == "lm-eval" and prefix else ""
    added = [choices.specials != "none" and not (spelled and text.startswith(spelled)) for text in texts]
    encodings: list[Encodings] = []
    for specials, run in groupby(zip(added, texts, strict=True), key=itemgetter(0)):
        own = [text for _, text in run]
        given = tokenizer.encode(own, specials=specials, special_text=choices.special_text)
        encodings.append(checked_encodings(given, len(own), model))
    return encodings[0] if len(encodings) == 1 else Encodings.of([each for own in encodings for each in own])


def _ends_in_text(
    documents: Sequence[Document], byte_ends: Integers, offsets: Ints, model: AnyModel
) -> tuple[Integers, Ints]:
    """The byte of its text at which each token ends (T,); how many tokens are context
    (D,).
    """
    counts = np.diff(offsets)
    contexts = np.array([n_bytes(document.context) for document in documents])
    lengths = np.array([n_bytes(document.text) for document in documents])
    ends_T = narrow(byte_ends)
    wrong_T = np.append(False, ends_T[1:] < ends_T[:-1])
    wrong_T[offsets[:-1]] = ends_T[offsets[:-1]] < 0
    wrong_T[offsets[1:] - 1] |= ends_T[offsets[1:] - 1] > contexts + lengths
    if wrong_T.any():
        document = documents[int(np.searchsorted(offsets, int(wrong_T.argmax()), side="right")) - 1]
        raise out_of_order(document.id, model)
    firsts_D = np.zeros(len(documents), np.int64)
    if contexts.any():
        ends_T = np.maximum(ends_T - np.repeat(contexts.astype(ends_T.dtype), counts), 0)
        firsts_D = np.where(contexts > 0, np.add.reduceat(ends_T == 0, offsets[:-1], dtype=np.int64), 0)
    last_D = offsets[1:] - 1
    if (ends_T[last_D] != lengths).any():  # what follows the last token, e.g. a blank, goes to it
        ends_T = ends_T.copy()  # the tokenizer may keep its own
        ends_T[last_D] = lengths
    return ends_T, firsts_D


def narrow(values: Integers) -> Integers:
    """In half the memory, where they fit; there may be one for every byte of a text."""
    most = np.iinfo(np.int32).max
    fits = len(values) == 0 or (int(values.min()) >= -most and int(values.max()) <= most)
    return values.astype(np.int32, copy=False) if fits else values.astype(np.int64, copy=False)


def _named(document: Document | str, place: int) -> Document:
    if isinstance(document, str):
        return Document(text=document, id=f"text {place}")
    if not isinstance(document, Document):
        raise BadInput(f"text {place} is of type {type(document).__name__}, where a text or a Document is needed")
    # field by field, as below: a loop takes five times as long, for each text
    of_one = type(document.text) is type(document.id) is type(document.context) is type(document.domain)
    if not (of_one and type(document.domain) is type(document.original) is str):
        _refuse_other_types(document, place)
    return document if document.id else replace(document, id=f"text {place}")


def _refuse_other_types(document: Document, place: int) -> None:
    for name, value in zip(_TEXTS, _values(document), strict=True):
        if not isinstance(value, str):
            raise BadInput(f"the {name} of document {place} is of type {type(value).__name__}, where text is needed")


def _normalised(document: Document) -> Document:
    text, context, original = map(_with_lf, (document.text, document.context, document.original))
    return replace(document, text=text, context=context, original=original)


def _with_lf(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _detokenised(document: Document) -> Document:
    return replace(document, text=detokenize(document.text), original=document.original or document.text)


def _joined(documents: Iterable[Document], protocol: Protocol) -> Iterator[Document]:
    texts, originals = [], []
    for document in documents:
        _check_context(document, protocol)
        texts.append(document.text)
        originals.append(document.original or document.text)
    if texts:
        original = protocol.joiner.join(originals) if originals != texts else ""
        yield Document(text=protocol.joiner.join(texts), id="stream", original=original)


def _check_context(document: Document, protocol: Protocol) -> None:
    if document.context:
        raise BadProtocol(
            f"{protocol.name} joins all texts into one stream, and {document.id} has a context that is not to be "
            "scored; use a protocol over documents, as in protocol=full"
        )


def _note_carriage_return(document: Document, remedy: str) -> None:
    kind = "CRLF" if "\r\n" in document.text else "CR"
    warn(
        f"{document.id} has {kind} newlines, the first at character {document.text.index(chr(13))}, which are scored "
        f"as they are: a chapter of perplexity 36.8 with LF had 489 with CRLF; {remedy}",
        SuspectInput,
    )


def _check(document: Document) -> None:
    if not document.text:
        raise _empty(document.id)
    is_ascii = document.text.isascii() and document.id.isascii() and document.context.isascii()
    if not (is_ascii and document.domain.isascii() and document.original.isascii()):
        for name, value in zip(_TEXTS, _values(document), strict=True):
            _check_value(document.id, name, value)


def _check_value(document: str, name: str, value: str, *, before: int = 0) -> None:
    """Refuse what is no text in a field of a document, of which ``value`` follows some
    characters.
    """
    try:
        value.encode()
    except UnicodeEncodeError as wrong:
        where = "" if name == "text" else f" of its {name}"
        raise BadInput(
            f"{document!r} holds {value[wrong.start]!a} at character {before + wrong.start}{where}, half of a "
            "surrogate pair, which is not text; decode the source with the encoding it was written in"
        ) from None


def _no_text() -> BadInput:
    return BadInput("there is no text; give at least one document that is not empty")


def _empty(document: str) -> BadInput:
    return BadInput(f"{document} is empty; a text needs at least one character")

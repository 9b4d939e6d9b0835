"""All documents as one stream, tokenised as it is read and cut into parts.

A part ends where a window does, so that each window is scored in one part. It has the
tokens before it as context, as far back as a window reaches.

Letters in shapes: T tokens.
"""

import sys
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from typing import final

import numpy as np

from nonplus.errors import BadInput
from nonplus.measure.contract import checked_encodings
from nonplus.measure.gathered import GatheredText
from nonplus.measure.interfaces import GrowingEncoding, HasStreams, WindowModel
from nonplus.measure.lost_text import SAMPLE, losses, marked
from nonplus.measure.protocol.choices import Protocol
from nonplus.measure.protocol.resolved import ResolvedProtocol
from nonplus.measure.records import Document, Encoding, Part, TokenizedTexts, Tokens, Window
from nonplus.measure.tokenizing import AHEAD, beyond_vocabulary, narrow, out_of_order, stream_of

_ID = "stream"
_PART = 1 << 17  # tokens


def comes_in_parts(choices: Protocol) -> bool:
    """Whether windows are decided before the end of the stream is known, and every
    other choice too.
    """
    by_window = choices.cut != "whole" and choices.denominator == "scored"
    return choices.unit == "stream" and by_window and choices.specials != "lm-eval"


def parts(
    documents: Iterable[Document | str], model: WindowModel, protocol: ResolvedProtocol
) -> Iterator[tuple[TokenizedTexts, list[Window]]]:
    """The parts of the stream, each with its windows.

    Raises:
        BadInput: there is no text, or it has no tokens, or it holds what UTF-8 cannot.
        BadModel: the tokenizer gives an id that the model does not know, or tokens that
            do not follow each other.
        BadProtocol: a document has a context, or the stream is too short.
    """
    stream = _Stream(stream_of(documents, protocol.choices), model, protocol.choices)
    own: list[Window] = []
    for window in protocol.windows(stream.first_token(), stream.reach):
        if own and stream.may_end(own[-1].stop):
            yield stream.part(own)
            own = []
        own.append(window)
    yield stream.part(own, last=True)


@final
class _Stream:
    """The tokens that may still be fed, and the text of those that were not given away.

    Places of tokens and bytes are those in the whole stream.
    """

    def __init__(self, texts: Iterable[str], model: WindowModel, choices: Protocol) -> None:
        growing = _growing(model, choices)
        self._model, self._context = model, choices.window
        self._data = bytearray()  # from byte _data_begin on
        self._data_begin = 0
        self._encodings = _encodings(texts, growing, self._data)
        self._ids_T, self._ends_T = np.empty(0, np.int32), np.empty(0, np.int64)  # from token _tokens_begin on
        self._tokens_begin = 0
        self._of = Part()  # where the next part begins

    def reach(self, n: int) -> int:
        """``n``, or the number of all tokens if these are fewer."""
        while self._known < n and (encoding := next(self._encodings, None)):
            self._take(encoding)
        return min(n, self._known)

    @property
    def _known(self) -> int:
        return self._tokens_begin + len(self._ids_T)

    def _take(self, encoding: Encoding) -> None:
        checked_encodings([encoding], 1, self._model)
        for odd in (int(encoding.ids.min(initial=0)), int(encoding.ids.max(initial=0))):
            if not 0 <= odd < self._model.vocabulary:
                raise beyond_vocabulary(odd, _ID, self._model)
        rises = (np.diff(encoding.byte_ends, prepend=self._end_of(self._known)) >= 0).all()
        if not rises or encoding.byte_ends[-1:].sum() > self._data_begin + len(self._data):
            raise out_of_order(_ID, self._model)
        self._ids_T = np.concatenate([self._ids_T, narrow(encoding.ids)])
        self._ends_T = np.concatenate([self._ends_T, encoding.byte_ends])

    def first_token(self) -> Tokens:
        """The first token.

        Raises:
            BadInput: there is none.
        """
        if not self.reach(1):
            raise BadInput(f"the tokenizer finds no token in {_ID}; a text needs at least one")
        return Tokens(Document(text="", id=_ID), self._ids_T[:1].copy(), self._ends_T[:1].copy(), 0)

    def may_end(self, stop: int) -> bool:
        """Whether a part is long enough that ends before token ``stop``, and ends with
        a character.
        """
        place = self._end_of(stop) - self._data_begin
        within = b"\x80" <= self._data[place : place + 1] < b"\xc0"
        return stop - self._of.tokens >= _PART and not within

    def _end_of(self, stop: int) -> int:
        """The byte at which the tokens before ``stop`` end."""
        return int(self._ends_T[stop - 1 - self._tokens_begin]) if stop else 0

    def part(self, windows: list[Window], *, last: bool = False) -> tuple[TokenizedTexts, list[Window]]:
        """The tokens up to the last of the windows, or to the end of the stream."""
        start, stop = self._of.tokens, self.reach(sys.maxsize) if last else windows[-1].stop
        base = max(0, start - self._context)
        begin = self._end_of(start)
        end = self._data_begin + len(self._data) if last else self._end_of(stop)
        own = slice(base - self._tokens_begin, stop - self._tokens_begin)
        ends_T = np.maximum(self._ends_T[own] - begin, 0)
        ends_T[-1] = end - begin  # what follows the last token, e.g. a blank, goes to it
        text = self._data[: end - begin].decode()
        texts = TokenizedTexts(
            documents=(Document(text=text, id=_ID),),
            ids=self._ids_T[own],
            byte_ends=narrow(ends_T),
            offsets=np.array([0, stop - base]),
            firsts=np.array([start - base]),
            lost=frozenset() if start else losses([self._beginning], self._model.tokenizer),
            of=replace(self._of, last=last),
        )
        self._drop(stop, end, text)
        local = [replace(w, start=w.start - base, first=w.first - base, stop=w.stop - base) for w in windows]
        return marked(texts, self._model.tokenizer), local

    @property
    def _beginning(self) -> str:
        # as many bytes as the characters that are tried can have
        return self._data[: 4 * SAMPLE].decode(errors="ignore")

    def _drop(self, stop: int, end: int, text: str) -> None:
        """Forget what no later part needs."""
        del self._data[: end - self._data_begin]
        self._data_begin = end
        begin = max(0, stop - self._context - 1)  # with the token whose end is asked for
        self._ids_T = self._ids_T[begin - self._tokens_begin :]
        self._ends_T = self._ends_T[begin - self._tokens_begin :]
        self._tokens_begin = begin
        inside_word = not text[-1].isspace() if text else self._of.inside_word
        self._of = Part(stop, self._of.chars + len(text), inside_word)


def _growing(model: WindowModel, choices: Protocol) -> GrowingEncoding:
    tokenizer, specials = model.tokenizer, choices.specials != "none"
    if isinstance(tokenizer, HasStreams):
        return tokenizer.stream(specials=specials, special_text=choices.special_text)
    encode = partial(tokenizer.encode, specials=specials, special_text=choices.special_text)
    return GatheredText(lambda texts: checked_encodings(encode(texts), 1, model))


def _encodings(texts: Iterable[str], growing: GrowingEncoding, data: bytearray) -> Iterator[Encoding]:
    """Tokens, encoded in a thread one piece ahead of their use; each piece of text goes
    to ``data``.
    """
    with ThreadPoolExecutor(1) as thread:
        ahead: deque[Future[Encoding]] = deque()
        for text in _gathered(texts):
            data += text.encode()
            ahead.append(thread.submit(growing.feed, text))
            if len(ahead) > 1:
                yield ahead.popleft().result()
        ahead.append(thread.submit(growing.end))
        while ahead:
            yield ahead.popleft().result()


def _gathered(texts: Iterable[str]) -> Iterator[str]:
    """The same text in pieces of half a million characters at most."""
    together: list[str] = []
    room = AHEAD
    for text in texts:
        for start in range(0, len(text), AHEAD):
            piece = text[start : start + AHEAD]
            if len(piece) > room:
                yield "".join(together)
                together, room = [], AHEAD
            together.append(piece)
            room -= len(piece)
    if together:
        yield "".join(together)

"""A model of a server that is sent texts: the tokens are those that the server makes,
and the bytes of each follow from where the server says that it begins.

Letters in shapes: D documents, T tokens of all of them, S scored tokens.
"""

import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn, final

import numpy as np

from nonplus.errors import BadModel
from nonplus.measure.interfaces import Message
from nonplus.measure.lists import in_lists
from nonplus.measure.records import Document, Encoding, Encodings, Ints
from nonplus.measure.scores import ScoredTexts
from nonplus.measure.tokenizing import laid_out
from nonplus.models.loading import reopened
from nonplus.models.remote.protocol import ServerProtocol
from nonplus.models.remote.windows import DTYPE
from nonplus.models.token_bytes import bytes_before
from nonplus.models.token_texts import stands
from nonplus.outbound.probe import Probed
from nonplus.outbound.wires import NAME_TOKENIZER, ScoredPrompt

_TOGETHER = 1 << 14  # characters that are asked for before any is given


@final
@dataclass(frozen=True, slots=True)
class ServedTokens:
    """Tokens of which a server tells the text. Its own ids are not known: equal tokens
    have equal numbers.
    """

    identity: str

    special_ids: frozenset[int] = frozenset()
    unknown_id: None = None

    def decode(self, ids: Sequence[int]) -> str:
        """Not known: a sign for each."""
        return "\N{REPLACEMENT CHARACTER}" * len(ids)

    def chat(self, messages: Sequence[Message]) -> str:
        """Not possible here.

        Raises:
            BadModel: always.
        """
        raise BadModel(
            f"the chat template of this model is not known here; {NAME_TOKENIZER}, or omit messages=… and score a "
            "field of text"
        )


@final
class RemoteTexts:
    """Sends each text in one piece."""

    dtype = DTYPE
    vocabulary = None

    def __init__(self, probed: Probed, *, opens: "Callable[[], RemoteTexts]") -> None:
        """``opens`` opens it in another process."""
        self.name = probed.completions.name
        self.identity = probed.identity
        self.witness = probed.witness
        self.confirms = probed.confirms
        self.tokenizer = ServedTokens(f"tokens of {self.name}")
        self.protocol = ServerProtocol("added" if probed.adds_bos else "none", DTYPE)
        self._added = int(probed.adds_bos)
        self._completions = probed.completions
        self._opens = opens

    def __reduce__(self) -> tuple[Any, ...]:
        """A pickle has the name, and no key."""
        return reopened, (self._opens, self.identity)

    def score(self, documents: Iterable[Document], *, alternatives: int) -> Iterator[ScoredTexts]:
        """Documents with the surprisal of each token, in order, many at a time.

        Raises:
            BadModel: the server does not answer, or breaks the contract; or
                alternatives are asked for, of which servers give too few for entropy
                and rank.
        """
        if alternatives:
            raise BadModel(
                f"{self.name} gives no whole distributions, so there are no alternatives to read; use alternatives=0"
            )
        for together in in_lists(documents, size=lambda each: len(each.text) + len(each.context), least=_TOGETHER):
            yield self._scored(together)

    def _scored(self, documents: Sequence[Document]) -> ScoredTexts:
        prompts = [document.context + document.text for document in documents]
        advice = [f"{each.id} may be too long: {NAME_TOKENIZER}, and it is cut into windows" for each in documents]
        scored = self._completions.scored(list(zip(prompts, advice, strict=True)))
        each = zip(documents, prompts, scored, strict=True)
        encodings = [self._encoding(document, prompt, own) for document, prompt, own in each]
        tokens = laid_out(documents, Encodings.of(encodings), self)
        begins = np.maximum(tokens.firsts, 1 - self._added).tolist()
        places = [np.arange(begin, len(own.ids)) for begin, own in zip(begins, encodings, strict=True)]
        nats = [-own.logprobs[at + self._added - 1] for at, own in zip(places, scored, strict=True)]
        index = [at + offset for at, offset in zip(places, tokens.offsets[:-1].tolist(), strict=True)]
        return ScoredTexts.complete(
            tokens,
            index=np.concatenate(index),
            nats=np.concatenate(nats),
            seen=np.concatenate(places) + self._added,
        )

    def _encoding(self, document: Document, prompt: str, scored: ScoredPrompt) -> Encoding:
        """Numbers that stand for its tokens, and the byte at which each ends."""
        texts, begins = scored.tokens[self._added :], scored.offsets[self._added :]
        if len(begins) != len(texts) or not texts:
            self._refuse(document, "no text offsets")
        begin_T = np.array(begins, np.int64) - begins[0]
        for lead in ("", " "):  # a blank that a tokenizer puts before a text
            if _spells(lead + prompt, texts, begin_T):
                ends = np.clip(np.append(begin_T[1:], len(lead + prompt)) - len(lead), 0, None)
                ids = np.array([zlib.crc32(text.encode(errors="replace")) >> 1 for text in texts], np.int64)
                return Encoding(ids, bytes_before(prompt)[ends])
        self._refuse(document, "text offsets at which its tokens do not stand in the text")

    def _refuse(self, document: Document, what: str) -> NoReturn:
        raise BadModel(
            f"{self.name} gives {what} for {document.id}, so the bytes of its tokens are not known; {NAME_TOKENIZER}"
        )


def _spells(prompt: str, texts: Sequence[str], begin_T: Ints) -> bool:
    """Whether each token stands in the prompt where it is said to."""
    end_T = np.append(begin_T[1:], len(prompt))
    if (end_T < begin_T).any():
        return False
    spans = zip(texts, begin_T.tolist(), end_T.tolist(), strict=True)
    return all(stands(text, prompt[begin:end]) for text, begin, end in spans)

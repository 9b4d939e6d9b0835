"""A SentencePiece model trained on a sample of a corpus.

The sample depends on what sentences there are, not on their order: it takes each
sentence once, those with the smallest digests first, up to a number of bytes, and hands
them to SentencePiece sorted, which works in one thread. So any order of the documents
gives the same model, byte for byte, as long as the version of SentencePiece, the kind
of processor and the sentences are the same.
"""

import hashlib
import io
from collections.abc import Iterable, Iterator
from itertools import accumulate, pairwise
from typing import final

import sentencepiece

from nonplus.cautions import warn
from nonplus.errors import BadInput, SuspectInput
from nonplus.measure.formatting import counted
from nonplus.measure.lists import in_lists
from nonplus.models.ngram.normalizers.aligned import Unit
from nonplus.models.ngram.normalizers.named import Normalizer

_SAMPLE = 1 << 24  # bytes
_BATCH = 1 << 20  # characters that are normalised together
_LEAST = 8  # pieces
_LONG = 1 << 12  # bytes of a sentence
_TOGETHER = 1 << 8  # words of a long one that are a part


def trained(texts: Iterable[str], *, normalizer: Normalizer, unit: Unit, pieces: int) -> bytes:
    """The content of a model of at most ``pieces`` pieces, of the unigram type.

    It changes no character by itself: texts are those that the normaliser made of
    ``texts``. Fewer pieces come of a text that has no more, with a warning.

    Raises:
        BadInput: there is no text, or it has more different characters than pieces.
    """
    if pieces < _LEAST:
        raise BadInput(f"sentencepiece:{pieces} has too few pieces; use e.g. tokenizer=sentencepiece:8000")
    sample = _Sample(_SAMPLE)
    for batch in in_lists(texts, size=len, least=_BATCH):
        for sentence in _sentences(batch, normalizer, unit):
            sample.add(sentence)
    sentences, file = sample.sentences(), io.BytesIO()
    if not sentences:
        raise BadInput("there is no text to train pieces on; give texts that are not empty, or use tokenizer=bytes")
    try:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(sentences),
            model_writer=file,
            vocab_size=pieces,
            hard_vocab_limit=False,
            character_coverage=0.9995,
            normalization_rule_name="identity",
            max_sentence_length=_SAMPLE,
            bos_id=-1,
            eos_id=-1,
            num_threads=1,
            minloglevel=2,
        )
    except RuntimeError:  # whose messages are lines of its source
        signs = len(set(b"".join(sentences).decode()))
        raise BadInput(
            f"no SentencePiece model of {pieces} pieces can be trained on text with "
            f"{counted(signs, 'different character')}; use more pieces, e.g. tokenizer=sentencepiece:{signs + 1000}, "
            "or give more text"
        ) from None
    made = sentencepiece.SentencePieceProcessor(model_proto=file.getvalue()).get_piece_size()
    if made < pieces:
        warn(f"the text gives {counted(made, 'piece')}, fewer than tokenizer=sentencepiece:{pieces} asks", SuspectInput)
    return file.getvalue()


@final
class _Sample:
    """Different sentences with the smallest digests, about so many bytes of them."""

    def __init__(self, room: int) -> None:
        self._room = room
        self._kept: dict[bytes, bytes] = {}
        self._size = 0
        self._limit = b"\xff" * 16  # no sentence with a larger digest is among them

    def add(self, sentence: bytes) -> None:
        digest = hashlib.blake2b(sentence, digest_size=16).digest()
        if digest > self._limit or digest in self._kept or not 0 < len(sentence) <= self._room:
            return
        self._kept[digest] = sentence
        self._size += len(sentence)
        if self._size > 2 * self._room:
            self._shrink()

    def sentences(self) -> list[bytes]:
        """The sample, sorted."""
        self._shrink()
        return sorted(self._kept.values())

    def _shrink(self) -> None:
        digests = sorted(self._kept)
        sizes = accumulate(len(self._kept[digest]) for digest in digests)
        within = [digest for digest, size in zip(digests, sizes, strict=True) if size <= self._room]
        self._kept = {digest: self._kept[digest] for digest in within}
        self._size = sum(map(len, self._kept.values()))
        if len(self._kept) < len(digests):
            self._limit = max(self._kept, default=b"")


def _sentences(texts: list[str], normalizer: Normalizer, unit: Unit) -> list[bytes]:
    aligned = normalizer.normalize(texts, unit)
    data, bounds = aligned.data_N.tobytes(), aligned.starts_D1.tolist()
    documents = [data[start:stop] for start, stop in pairwise(bounds)]
    lines = documents if unit == "document" else [line for each in documents for line in each.split(b"\n")]
    return [part for line in lines for part in _parts(line)]


def _parts(sentence: bytes) -> Iterator[bytes]:
    """A sentence, or so many words of a long one at a time: pieces never reach over
    blanks.
    """
    if len(sentence) <= _LONG:
        yield sentence
        return
    words = sentence.split(b" ")
    for start in range(0, len(words), _TOGETHER):
        yield b" ".join(words[start : start + _TOGETHER])

"""Whether a tokenizer is the one of a model: whether it makes the model's words.

The words of the model, each read as a text, tell it. The tokenizer that they come from
makes of nearly all of them words of the model: the same, or others. Another one does
not: to a model of words, bytes are unknown, and so are pieces with a mark for the blank
before them.

Letters in shapes: W words, T tokens.
"""

import numpy as np

from nonplus.errors import BadModel
from nonplus.models.ngram.ngrams import SPECIAL_WORDS, UNKNOWN
from nonplus.models.ngram.text.splitters import Splitter

_TRIED = 10_000  # words, from the first to the last: more tell no more
_MOST_UNKNOWN = 0.5  # the right one is far below, a wrong one far above


def check_makes(splitter: Splitter, tokenizer: str) -> None:
    """Refuse a tokenizer to which most words of its model are texts with unknown ones.

    Raises:
        BadModel: so it is with more than half of them.
    """
    words = splitter.words
    ids_W = np.unique(np.linspace(len(SPECIAL_WORDS), len(words) - 1, _TRIED).astype(np.int64))
    if len(words) == len(SPECIAL_WORDS):
        return
    texts = [_after_a_blank(splitter.decode([word]) or words[word]).encode(errors="replace") for word in ids_W.tolist()]
    stop_W = np.cumsum([len(text) + 1 for text in texts])
    split = splitter.split(np.frombuffer(b"\n".join([*texts, b""]), np.uint8), np.append(0, stop_W[:-1]), stop_W - 1)
    of_T = np.repeat(np.arange(len(texts)), split.counts_S)
    unknown_W = (split.counts_S == 0) & [not text.isspace() for text in texts]
    unknown_W[of_T[split.ids_T == UNKNOWN]] = True
    if (share := float(unknown_W.mean())) > _MOST_UNKNOWN:
        example = words[int(ids_W[np.argmax(unknown_W)])]
        raise BadModel(
            f"tokenizer={tokenizer} is not the tokenizer of this model: it makes tokens that the model lacks of "
            f"{share:.0%} of the model's own words, such as {example!r}, where at most half of them may have such; "
            "give the one that the model's text was cut with, or leave it out for words between blanks"
        )


def _after_a_blank(text: str) -> str:
    """As most words of a text are: the first may have other pieces."""
    return text if text[:1].isspace() else f" {text}"

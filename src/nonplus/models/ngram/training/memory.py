"""How much of the memory is left for n-grams."""

from nonplus.errors import BadInput
from nonplus.models.ngram.training.options import TrainingOptions

_FIXED = 120_000_000  # bytes that a training takes beside words and n-grams
_PER_WORD = 300  # bytes of each word: itself, and its place in some arrays
_LEAST = 4_000_000  # bytes of n-grams
_MOST_TO_WRITE = 1 << 30  # bytes; more does not make it faster


def room_beside(*, words: int, options: TrainingOptions) -> int:
    """The bytes for n-grams that so many words leave.

    Raises:
        BadInput: they leave too little.
    """
    room = options.bytes - _FIXED - _PER_WORD * words
    if room < _LEAST:
        least = -(-(_FIXED + _PER_WORD * words + _LEAST) // 1_000_000)
        raise BadInput(
            f"memory={options.memory or options.bytes} is too little for the {words:,} different words of the text; "
            f"give at least memory={least}M"
        )
    return room


def room_to_write(*, words: int, options: TrainingOptions) -> int:
    """The bytes in which to write a model.

    Raises:
        BadInput: as :func:`room_beside`.
    """
    return min(_MOST_TO_WRITE, room_beside(words=words, options=options) // 2)

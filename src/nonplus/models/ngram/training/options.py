"""How to train an n-gram model, as one value."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from nonplus.errors import BadInput
from nonplus.models.ngram.normalizers.aligned import Unit
from nonplus.models.ngram.option_types import check_switch, check_text, check_unit, check_whole
from nonplus.sizes import bytes_of

MOST = 6  # the highest order
_PART_OF_MACHINE = 4  # the default memory is this part of what the machine has
_LEAST_MEMORY = 128_000_000
_TRAINED, _LEAST_PIECES, _MOST_DIGITS = "sentencepiece:", 8, 9
_EXAMPLES = {"order": "5", "vocabulary": "100000", "memory": "4G", "normalizer": "standard", "tokenizer": "words"}


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingOptions:
    """The order of a model, what it leaves out, how it reads text, and the memory.

    ``prune`` are thresholds for the orders 1, 2, …; the last one is repeated. An n-gram
    that occurs at most so often is left out. The first must be 0: ``vocabulary`` says
    how many words the model has, the most frequent ones, 0 for all; others are read as
    ``<unk>``. ``normalizer`` and ``tokenizer`` say how a text becomes words:
    the name of a normaliser; ``words``, ``bytes``, the file of a SentencePiece model or
    of the package tokenizers, or ``sentencepiece:8000`` for a model of at most so many
    pieces that is trained on the documents first. ``unit`` is what a sentence is: a
    ``line`` or a whole ``document``, by default as the normaliser says. ``memory`` is
    e.g. ``"4G"``, 4,000,000,000 bytes, by default a quarter of what the machine has.
    With ``exact_lmplz`` the discounts are what ``lmplz`` computes, which takes the
    count of one n-gram of each order wrongly.
    """

    order: int = 5
    prune: tuple[int, ...] = ()
    vocabulary: int = 0
    normalizer: str = "standard"
    tokenizer: str = "words"
    unit: Unit | None = None
    memory: str = ""
    exact_lmplz: bool = False

    def __post_init__(self) -> None:
        for name in ("order", "vocabulary"):
            check_whole(name, getattr(self, name), example=_EXAMPLES[name])
        for name in ("memory", "normalizer", "tokenizer"):
            check_text(name, getattr(self, name), example=_EXAMPLES[name])
        check_unit(self.unit)
        check_switch("exact_lmplz", self.exact_lmplz)
        if not 1 <= self.order <= MOST:
            raise BadInput(f"order={self.order} is no order of a model; use one from order=1 to order={MOST}")
        if self.vocabulary < 0:
            raise BadInput(
                f"vocabulary={self.vocabulary} is less than 0; use the number of words to keep, or 0 for all"
            )
        check_thresholds(self.prune, order=self.order, option="prune")
        if self.tokenizer.startswith(_TRAINED) and not self.pieces:
            raise BadInput(
                f"tokenizer={self.tokenizer} names no number of pieces from {_LEAST_PIECES} on; use e.g. "
                f"tokenizer={_TRAINED}8000, from tokenizer={_TRAINED}{_LEAST_PIECES} on"
            )
        if self.bytes < _LEAST_MEMORY:
            raise BadInput(f"memory={self.memory} is too little to train in; give at least memory=128M")

    @property
    def pieces(self) -> int:
        """Those of the SentencePiece model that is to be trained, 0 without one."""
        number = self.tokenizer.removeprefix(_TRAINED)
        wanted = number != self.tokenizer and number.isascii() and number.isdigit() and len(number) < _MOST_DIGITS
        return int(number) if wanted and int(number) >= _LEAST_PIECES else 0

    @property
    def thresholds(self) -> tuple[int, ...]:
        """One for each order."""
        given = tuple(self.prune) or (0,)
        return (given + given[-1:] * self.order)[: self.order]

    @property
    def bytes(self) -> int:
        """The memory to train in."""
        if not self.memory:
            return _machine() // _PART_OF_MACHINE
        return bytes_of(self.memory, option="memory", example="4G")


def check_thresholds(thresholds: Sequence[Any], *, order: int, option: str) -> None:
    """Refuse what does not say how often an n-gram of each order occurs at most.

    Raises:
        BadInput: the thresholds do not fit; the message names the option.
    """
    if not isinstance(thresholds, tuple | list):
        raise BadInput(
            f"{option} are thresholds, one for each order, got one of type {type(thresholds).__name__}; use e.g. "
            f"{option}=0,0,1"
        )
    shown = f"{option}={','.join(map(str, thresholds))}"
    if not all(type(each) is int for each in thresholds) or min(thresholds, default=0) < 0:
        raise BadInput(f"{shown} has a threshold that is no count; use whole numbers, as in {option}=0,0,1")
    if list(thresholds) != sorted(thresholds):
        raise BadInput(f"{shown} falls from one order to the next, where it must not; use e.g. {option}=0,0,1")
    if len(thresholds) > order:
        raise BadInput(
            f"{shown} has thresholds for {len(thresholds)} orders, and order={order}; leave out the last ones"
        )
    if thresholds and thresholds[0]:
        raise BadInput(
            f"{shown} would leave out words; begin with 0, as in {option}=0,{thresholds[0]}, and train with "
            "vocabulary=N for fewer words"
        )


def _machine() -> int:
    """The bytes of memory that the machine has, where it says so."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return 8 << 30

"""What a page shows of each token, as compact JSON."""

import json
import math
from collections.abc import Sequence
from typing import Any, final

import numpy as np

from nonplus.measure.scores import ScoredText, TokenNames, TokenScore

_HARMLESS = str.maketrans({"<": r"\u003c", ">": r"\u003e", "&": r"\u0026", "\u2028": r"\u2028", "\u2029": r"\u2029"})


@final
class TokenData:
    """Columns of figures for each document.

    Surprisal and entropy are in bits with three decimals: ``null`` for an unscored
    token, the string ``"Infinity"`` for a token of probability 0. An alternative is an
    index into one list of names, and a probability. ``bare`` has the names of tokens
    without text; ``match`` and ``backoff`` (bits) are there for an n-gram model.
    """

    def __init__(self, names: TokenNames) -> None:
        self._token_names = names
        self._documents: list[dict[str, Any]] = []
        self._names: dict[str, int] = {}

    def add(self, text: ScoredText, tokens: Sequence[TokenScore]) -> None:
        """Add the first ``tokens`` of a document."""
        self._documents.append(
            {
                "bits": [_bits(token.nats) for token in tokens],
                "entropy": [_bits(token.entropy) for token in tokens],
                "rank": [token.rank for token in tokens],
                "top": [self._top(token) for token in tokens],
                "own": _own(text, tokens),
                "bare": {place: name for place, each in enumerate(tokens) if (name := self._token_names.bare(each))},
                **({} if text.matches is None else _matches(tokens)),
            }
        )

    def json(self, *, vocabulary: int | None) -> str:
        """JSON for a ``script`` element: no character in it can end the element."""
        content = {"vocabulary": vocabulary, "names": list(self._names), "documents": self._documents}
        return json.dumps(content, ensure_ascii=False, separators=(",", ":")).translate(_HARMLESS)

    def _top(self, token: TokenScore) -> list[float]:
        flat: list[float] = []
        for name, probability in token.top:
            flat += [self._names.setdefault(name, len(self._names)), float(f"{probability:.4g}")]
        return flat


def _own(text: ScoredText, tokens: Sequence[TokenScore]) -> list[int | None]:
    """The index of each token among its own alternatives.

    The rank is not enough: equally probable tokens share a rank.
    """
    if text.readings is None:
        return [None] * len(tokens)
    rows, columns = np.nonzero(text.readings.top_ids == text.tokens.ids[text.index][:, None])
    own = dict(zip(text.index[rows].tolist(), columns.tolist(), strict=True))
    return [own.get(text.tokens.first + token.index - text.part.tokens) for token in tokens]


def _matches(tokens: Sequence[TokenScore]) -> dict[str, list[Any]]:
    return {
        "match": [token.match for token in tokens],
        "backoff": [_bits(token.backoff) for token in tokens],
    }


def _bits(nats: float | None) -> float | str | None:
    if nats is None:
        return None
    return "Infinity" if math.isinf(nats) else round(nats / math.log(2), 3)

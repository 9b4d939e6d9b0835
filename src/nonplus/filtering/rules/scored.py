"""Documents that were scored, as columns: what a rule decides by."""

# D documents

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias, final

import numpy as np
from numpy.typing import NDArray

from nonplus.errors import BadProtocol

Floats: TypeAlias = NDArray[np.float64]
Bools: TypeAlias = NDArray[np.bool_]
Ints: TypeAlias = NDArray[np.int64]

# Each figure that a rule may name, and what it is.
FIGURES = {
    "bits_per_byte": "bits per byte of the text",
    "perplexity": "perplexity per token",
    "nats": "all surprisal, in nats",
    "tokens": "scored tokens",
    "bytes": "bytes of the text in UTF-8",
    "unknown_rate": "share of the tokens that the model does not know, from 0 to 1",
    "standard_error": "standard error of the logarithm of the perplexity",
    "worst_window": "bits per byte of the worst stretch of 32 tokens",
    "repetition": "share of the text's stretches of 32 bytes that occur earlier in it",
}
ATTRIBUTES = ("id", "language", "source")


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scored:
    """D documents that were scored.

    ``columns`` has the figures by name, each (D,), with NaN where a document has none;
    a figure of a second model is named ``figure.model``. ``attributes`` has what the
    records say of themselves, ``None`` where one says nothing. ``keys`` has the bytes
    by which a record is known wherever it is read, for keyed hashes; a rule that draws
    none needs none.
    """

    columns: Mapping[str, NDArray[Any]]
    attributes: Mapping[str, Sequence[str | None]] = field(default_factory=dict)
    keys: Sequence[bytes] = ()

    def __len__(self) -> int:
        return len(self.figure("tokens"))

    def figure(self, name: str) -> Floats:
        """One figure of each document, as float64 (D,).

        Raises:
            BadProtocol: the documents were scored without it.
        """
        if name not in self.columns:
            raise BadProtocol(
                f"the rule asks for {name}, and the documents were scored without it; they have "
                f"{', '.join(self.columns)}; give the same rule to nonplus filter run, with another output"
            )
        return np.asarray(self.columns[name], np.float64)

    def attribute(self, name: str) -> Sequence[str | None]:
        """What each record says of itself under this name.

        Raises:
            BadProtocol: it was not read from the records.
        """
        if name not in self.attributes:
            raise BadProtocol(
                f"the rule asks for the {name} of each record, which was not read; name its field with {name}_field=…"
            )
        return self.attributes[name]

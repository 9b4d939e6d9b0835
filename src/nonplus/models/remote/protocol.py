"""All that is known of how a server scores a text that it cuts into tokens itself."""

from dataclasses import dataclass
from typing import Any, Literal, final

from nonplus.measure.protocol.fingerprint import fingerprint_of


@final
@dataclass(frozen=True, slots=True)
class ServerProtocol:
    """Each text in one piece; ``bos`` is ``added`` if the server puts a token before
    it, else the first token is not scored.
    """

    bos: Literal["added", "none"]
    dtype: str

    quantity: Literal["perplexity"] = "perplexity"
    cautions: tuple[str, ...] = ()
    average: Literal["tokens"] = "tokens"
    denominator: Literal["scored"] = "scored"

    @property
    def signature(self) -> str:
        """The choices in words."""
        return f"server|cut:whole|bos:{self.bos}|dtype:{self.dtype}"

    @property
    def fingerprint(self) -> str:
        """Twelve hexadecimal digits that differ whenever a choice does."""
        return fingerprint_of(self.as_dict())

    def as_dict(self) -> dict[str, Any]:
        """Every choice, for JSON."""
        return {"name": "server", "cut": "whole", "bos": self.bos, "dtype": self.dtype}

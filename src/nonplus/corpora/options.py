"""Which fields of a row hold what, and how much to read, as one value."""

from dataclasses import dataclass
from typing import Literal, get_args

from nonplus.errors import BadInput, BadProtocol

OnBadRow = Literal["stop", "skip"]

_TEXTS = ("field", "context_field", "domain_field", "id_field", "messages")
_MAX_BYTES = 1 << 28


@dataclass(frozen=True, slots=True, kw_only=True)
class CorpusOptions:
    """Which fields of a row hold what, and how much to read.

    ``field`` holds the text, ``context_field`` a context that is fed before the text
    but not scored, ``domain_field`` a label to report by, ``id_field`` a name for the
    document. ``messages`` holds a conversation and replaces ``field``: each turn of the
    assistant becomes a document. An empty name means that no field is used.

    ``limit`` is the largest number of documents to read, 0 for all. ``max_bytes`` is
    the largest size of a text file that is one document, and of a line. ``on_bad_row``
    says whether a row that cannot be read stops the reading or is skipped and counted.
    With ``follow_links``, links in a folder that lead out of it are followed.
    """

    field: str = "text"
    context_field: str = ""
    domain_field: str = ""
    id_field: str = ""
    messages: str = ""
    limit: int = 0
    max_bytes: int = _MAX_BYTES
    on_bad_row: OnBadRow = "stop"
    follow_links: bool = False

    def __post_init__(self) -> None:
        for name in _TEXTS:
            if not isinstance(value := getattr(self, name), str):
                raise BadInput(f"{name} is the name of a field, as text; got one of type {type(value).__name__}")
        for name, least in (("limit", 0), ("max_bytes", 1)):
            if not isinstance(value := getattr(self, name), int):
                raise BadInput(f"{name} is a whole number, got one of type {type(value).__name__}; give e.g. 1000")
            if value < least:
                raise BadInput(f"{name}={value} is less than {least}, and it is {_MEANT[name]}")
        if not (type(self.on_bad_row) is str and self.on_bad_row in get_args(OnBadRow)):
            raise BadInput(f"on_bad_row is {' or '.join(get_args(OnBadRow))}, got {self.on_bad_row!r}")
        if not (self.field or self.messages):
            raise BadInput(
                "no field is named that holds the text; pass field='text', or field=… with the name that it has"
            )
        if self.messages and self.context_field:
            raise BadProtocol(
                f"messages={self.messages!r} and context_field={self.context_field!r} both set the context; in a "
                f"conversation the context is the turns before the answer, so omit context_field={self.context_field!r}"
            )

    @property
    def fields(self) -> dict[str, str]:
        """The fields that every row must have, by the option that names them."""
        named = {
            "messages": self.messages,
            "field": "" if self.messages else self.field,
            "context_field": self.context_field,
            "domain_field": self.domain_field,
            "id_field": self.id_field,
        }
        return {option: name for option, name in named.items() if name}

    @property
    def chosen(self) -> dict[str, str]:
        """Those of :attr:`fields` that are not the default."""
        return {option: name for option, name in self.fields.items() if (option, name) != ("field", "text")}


_MEANT = {
    "limit": "the number of documents to read; use limit=0 for all",
    "max_bytes": "the largest size of a document or line; give it in bytes",
}

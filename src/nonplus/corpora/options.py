"""Which fields of a row hold what, and how many documents to read, as one value."""

from dataclasses import dataclass

from nonplus.errors import BadInput, BadProtocol


@dataclass(frozen=True, slots=True, kw_only=True)
class CorpusOptions:
    """Which fields of a row hold what, and how many documents to read.

    ``field`` holds the text, ``context_field`` a context that is fed before the text
    but not scored, ``domain_field`` a label to report by, ``id_field`` a name for the
    document. ``messages`` holds a conversation and replaces ``field``: each turn of the
    assistant becomes a document. An empty name means that no field is used. ``limit``
    is the largest number of documents to read, 0 for all. Sources without rows, such as
    text files, ignore the fields.
    """

    field: str = "text"
    context_field: str = ""
    domain_field: str = ""
    id_field: str = ""
    messages: str = ""
    limit: int = 0

    def __post_init__(self) -> None:
        if self.limit < 0:
            raise BadInput(
                f"limit={self.limit} is less than 0, and it is the number of documents to read; use limit=0 for all"
            )
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

"""Rows of a table to documents: the named fields, each checked."""

import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, final

from nonplus.closest import did_you_mean
from nonplus.corpora.chat import responses
from nonplus.corpora.options import CorpusOptions
from nonplus.corpora.rejects import Rejected, Rejects
from nonplus.corpora.values import as_label, as_text, type_phrase
from nonplus.errors import BadInput, BadRecord
from nonplus.measure.interfaces import KnownTokens
from nonplus.measure.records import Document


@final
class Place(NamedTuple):
    """Where a row is: a line or row (``unit``) of the file or data set ``name``."""

    name: str
    unit: str
    number: int

    def __str__(self) -> str:
        return f"{self.name}, at {self.unit} {self.number}"

    @property
    def id(self) -> str:
        """The id of this row's document, unless a field holds one."""
        return f"{self.name}:{self.number}"


@final
class RowReader:
    """Makes documents of rows; ``tokenizer`` has the chat template of conversations.

    Raises:
        BadInput: ``options`` names a field of conversations, and there is no tokenizer.
    """

    def __init__(
        self, options: CorpusOptions, tokenizer: KnownTokens | None = None, rejects: Rejects | None = None
    ) -> None:
        if options.messages and tokenizer is None:
            raise BadInput(
                f"messages={options.messages} names a field of conversations, which need a model's chat template; "
                "pass the tokenizer of a model that has one"
            )
        self.options = options
        self.fields = options.fields
        self._template = tokenizer if options.messages else None
        self.max_bytes = options.max_bytes
        self.rejects = rejects or Rejects()
        self.met_rows = False

    @property
    def columns(self) -> list[str]:
        """The fields to read, each once, so that a table need not load the others."""
        return list(dict.fromkeys(self.fields.values()))

    def check(self, fields: Collection[str], where: object) -> None:
        """Check that ``fields`` has every field to read.

        Raises:
            BadRecord: a field is missing.
        """
        for option, name in self.fields.items():
            if name not in fields:
                found = f"its fields are {', '.join(map(repr, fields))}" if fields else "it has no fields"
                remedy = did_you_mean(name, fields, before=f"{option}='", after="'")
                remedy = remedy or f"; name the right one with {option}=…"
                raise BadRecord(f"{where}: no field {name!r}; {found}{remedy}")

    def reject(self, problem: BadInput, place: Place, row: object) -> None:
        """Count ``row``, which could not be read because of ``problem``.

        Raises:
            BadInput: ``problem`` itself, if the options do not say to skip such rows.
        """
        if self.options.on_bad_row == "stop":
            raise type(problem)(f"{problem}; on_bad_row=skip leaves such rows out") from None
        self.rejects.add(Rejected(place=str(place), reason=str(problem), row=_shown(row)))

    def documents(self, row: object, place: Place) -> Iterator[Document]:
        """The documents of a row as :meth:`read` gives them; none if it is rejected.

        Raises:
            BadRecord: the row is bad, and the options do not say to skip it.
        """
        try:
            yield from self.read(row, place)
        except BadInput as problem:
            self.reject(problem, place, row)

    def read(self, row: object, place: Place) -> Sequence[Document]:
        """The document of a row, or those of its conversation.

        A conversation without an answer is one blank document.

        Raises:
            BadRecord: a field is missing, or its value has the wrong type.
        """
        self.met_rows = True
        if not isinstance(row, Mapping):
            raise BadRecord(
                f"{place}: the row is {type_phrase(row)}, where an object with named fields is needed; fix the data"
            )
        self.check(row, place)
        id_ = self._read(row, self.options.id_field, place, as_label) or place.id
        domain = self._read(row, self.options.domain_field, place, as_label)
        if self._template is None:
            text = self._read(row, self.options.field, place, as_text)
            context = self._read(row, self.options.context_field, place, as_text)
            return [Document(text=text, id=id_, context=context, domain=domain)]
        answers = responses(self._messages(row, place), self._template, row=id_, domain=domain)
        return list(answers) or [Document(text="", id=id_)]

    @property
    def described(self) -> str:
        """Which field was read: ``field text``."""
        option, name = next(iter(self.fields.items()))
        return f"{option} {name}"

    def _messages(self, row: Mapping[str, Any], place: Place) -> list[Any]:
        messages, name = row[self.options.messages], self.options.messages
        if not isinstance(messages, list):
            raise BadRecord(
                f"{place}: the field {name!r} is {type_phrase(messages)}, where a list of messages is needed; "
                "name the field that holds it"
            )
        return messages

    @staticmethod
    def _read(row: Mapping[str, Any], field: str, place: Place, check: Callable[[object, object, str], str]) -> str:
        return check(row[field], place, field) if field else ""


def _shown(row: object) -> str:
    return json.dumps(row, ensure_ascii=False, default=repr) if isinstance(row, Mapping) else str(row)

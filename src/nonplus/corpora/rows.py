"""Rows of a table to documents: the named fields, each checked."""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any, final

from nonplus.closest import did_you_mean
from nonplus.corpora.chat import responses
from nonplus.corpora.options import CorpusOptions
from nonplus.corpora.values import as_label, as_text, type_phrase
from nonplus.errors import BadInput, BadRecord
from nonplus.measure.interfaces import Tokenizer
from nonplus.measure.records import Document


@final
@dataclass(frozen=True, slots=True)
class Place:
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

    def __init__(self, options: CorpusOptions, tokenizer: Tokenizer | None = None) -> None:
        if options.messages and tokenizer is None:
            raise BadInput(
                f"messages={options.messages!r} names a field of conversations, which need a model's chat template; "
                "pass the tokenizer of a model that has one"
            )
        self._options = options
        self._fields = options.fields
        self._template = tokenizer if options.messages else None

    @property
    def columns(self) -> list[str]:
        """The fields to read, each once, so that a table need not load the others."""
        return list(dict.fromkeys(self._fields.values()))

    def check(self, fields: Collection[str], where: object) -> None:
        """Check that ``fields`` has every field to read.

        Raises:
            BadRecord: a field is missing.
        """
        for option, name in self._fields.items():
            if name not in fields:
                found = f"its fields are {', '.join(map(repr, fields))}" if fields else "it has no fields"
                remedy = did_you_mean(name, fields, before=f"{option}='", after="'")
                remedy = remedy or f"; name the right one with {option}=…"
                raise BadRecord(f"{where}: no field {name!r}; {found}{remedy}")

    def documents(self, row: object, place: Place) -> Iterator[Document]:
        """The document of a row, or those of its conversation.

        A conversation without an answer is one blank document.

        Raises:
            BadRecord: a field is missing, or its value has the wrong type.
        """
        if not isinstance(row, Mapping):
            raise BadRecord(f"{place}: the row is {type_phrase(row)}, where an object with named fields is needed")
        self.check(row, place)
        id_ = self._read(row, self._options.id_field, place, as_label) or place.id
        domain = self._read(row, self._options.domain_field, place, as_label)
        if self._template is None:
            text = self._read(row, self._options.field, place, as_text)
            context = self._read(row, self._options.context_field, place, as_text)
            yield Document(text=text, id=id_, context=context, domain=domain)
        else:
            answers = responses(self._messages(row, place), self._template, row=id_, domain=domain)
            first = next(answers, Document(text="", id=id_))
            yield from chain([first], answers)

    def _messages(self, row: Mapping[str, Any], place: Place) -> list[Any]:
        messages, name = row[self._options.messages], self._options.messages
        if not isinstance(messages, list):
            raise BadRecord(
                f"{place}: the field {name!r} is {type_phrase(messages)}, where a list of messages is needed"
            )
        return messages

    @staticmethod
    def _read(row: Mapping[str, Any], field: str, place: Place, check: Callable[[object, str], str]) -> str:
        return check(row[field], f"{place}: the field {field!r}") if field else ""

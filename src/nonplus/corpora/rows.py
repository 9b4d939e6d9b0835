"""A row of a table to documents: the fields that were asked for, each checked."""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any, final

from nonplus.corpora.chat import responses
from nonplus.corpora.options import CorpusOptions
from nonplus.corpora.values import as_label, as_text, kind
from nonplus.errors import BadInput, BadRecord
from nonplus.measure.interfaces import Tokenizer
from nonplus.measure.records import Document


@final
@dataclass(frozen=True, slots=True)
class Place:
    """Where a row stands: the ``number`` of its ``unit`` (line or row) in the file or data set ``name``."""

    name: str
    unit: str
    number: int

    def __str__(self) -> str:
        return f"{self.name}, at {self.unit} {self.number}"

    @property
    def id(self) -> str:
        """What the document of this row is called, unless a field says."""
        return f"{self.name}:{self.number}"


@final
class Rows:
    """Makes documents of rows, as ``reading`` says; ``tokenizer`` writes out conversations.

    Raises:
        BadInput: there are conversations to write out, and nothing to do it with.
    """

    def __init__(self, reading: CorpusOptions, tokenizer: Tokenizer | None = None) -> None:
        if reading.messages and tokenizer is None:
            raise BadInput(
                f"messages={reading.messages!r} asks for conversations, which only a model's own chat template can "
                "write out; give the tokenizer of a model that has one"
            )
        self._reading = reading
        self._fields = reading.fields
        self._writer = tokenizer if reading.messages else None

    @property
    def columns(self) -> list[str]:
        """The fields that are read, each once, so that a table need not load the others."""
        return list(dict.fromkeys(self._fields.values()))

    def check(self, fields: Collection[str], where: object) -> None:
        """See that everything that was asked for is among ``fields``.

        Raises:
            BadRecord: something is not.
        """
        for option, name in self._fields.items():
            if name not in fields:
                there_are = f"there are {', '.join(map(repr, fields))}" if fields else "there are none at all"
                raise BadRecord(f"{where}: no field {name!r}; {there_are}; name the right one with {option}=…")

    def documents(self, row: object, place: Place) -> Iterator[Document]:
        """The document of a row, or those of its conversation: a blank one if nothing is answered in it.

        Raises:
            BadRecord: the row is not what was asked for.
        """
        if not isinstance(row, Mapping):
            raise BadRecord(f"{place}: the row is {kind(row)}, where an object with named fields is needed")
        self.check(row, place)
        id_ = self._read(row, self._reading.id_field, place, as_label) or place.id
        domain = self._read(row, self._reading.domain_field, place, as_label)
        if self._writer is None:
            text = self._read(row, self._reading.field, place, as_text)
            context = self._read(row, self._reading.context_field, place, as_text)
            yield Document(text=text, id=id_, context=context, domain=domain)
        else:
            answers = responses(self._messages(row, place), self._writer, row=id_, domain=domain)
            first = next(answers, Document(text="", id=id_))
            yield from chain([first], answers)

    def _messages(self, row: Mapping[str, Any], place: Place) -> list[Any]:
        messages = row[self._reading.messages]
        if not isinstance(messages, list):
            raise BadRecord(
                f"{place}: the field {self._reading.messages!r} is {kind(messages)}, where a list of messages is needed"
            )
        return messages

    @staticmethod
    def _read(row: Mapping[str, Any], field: str, place: Place, check: Callable[[object, str], str]) -> str:
        return check(row[field], f"{place}: the field {field!r}") if field else ""

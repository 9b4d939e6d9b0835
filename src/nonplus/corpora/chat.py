"""Conversations to documents: each answer, with the turns before it as context."""

from collections.abc import Iterator, Sequence
from typing import Any

from nonplus.corpora.values import as_text, type_phrase
from nonplus.errors import BadRecord
from nonplus.measure.interfaces import Tokenizer
from nonplus.measure.records import Document


def responses(messages: Sequence[Any], tokenizer: Tokenizer, *, row: str = "", domain: str = "") -> Iterator[Document]:
    """One document for each turn of the assistant, with all turns before it as context.

    A message is ``{"role": …, "content": …}``; other fields are ignored. The context is
    made by the model's chat template and ends where the answer begins, so nothing that
    the template puts after an answer is scored. Ids are ``row#turn``, turns counted
    from 0 over all roles.

    Raises:
        BadRecord: a message lacks its role or content, or one of them is not text.
        BadModel: the model has no chat template.
    """
    conversation = [_message(message, f"{row}, message {turn}") for turn, message in enumerate(messages)]
    for turn, message in enumerate(conversation):
        if message["role"] == "assistant":
            context = tokenizer.chat(conversation[:turn], reply=True)
            yield Document(text=message["content"], id=f"{row}#{turn}", context=context, domain=domain)


def _message(message: Any, where: str) -> dict[str, str]:
    if not isinstance(message, dict):
        raise BadRecord(f"{where} is {type_phrase(message)}, where an object with role and content is needed")
    if not {"role", "content"} <= message.keys():
        raise BadRecord(
            f"{where} has the fields {', '.join(map(str, message))}, where role and content are needed; rename them"
        )
    return {key: as_text(message[key], f"{where}, the {key}") for key in ("role", "content")}

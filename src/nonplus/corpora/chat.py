"""Conversations to documents: each answer, after all that is written before it."""

from collections.abc import Iterator, Sequence
from itertools import count, takewhile
from typing import Any

from nonplus.cautions import warn
from nonplus.corpora.values import as_text, type_phrase
from nonplus.errors import BadInput, BadProtocol, BadRecord, SuspectInput
from nonplus.measure.interfaces import KnownTokens, Message
from nonplus.measure.protocol.choices import Protocol
from nonplus.measure.records import Document

_CALLS = ("tool_calls", "function_call")  # a turn with one of these needs no words


def check_special_text(messages: str, protocol: Protocol) -> None:
    """Refuse a protocol that reads the special tokens of a chat template as text.

    ``messages`` is the field of conversations; if it is empty, there are none.

    Raises:
        BadProtocol: it does.
    """
    if messages and protocol.special_text == "plain":
        raise BadProtocol(
            f"{protocol.name} reads text that spells a special token as text, so it would do so with those of the chat "
            "template, and no model was trained on that; use a protocol that parses them, as protocol=full does with "
            f"special_text=parsed, or omit messages={messages!r}"
        )


def responses(
    messages: Sequence[Any], tokenizer: KnownTokens, *, row: str = "", domain: str = ""
) -> Iterator[Document]:
    """One document for each turn of the assistant, with all before it as context.

    The law: context and text together are how the model's chat template writes the
    conversation up to the end of that answer. So the header of the answer is context,
    whatever the template makes of a request for one, nothing that it puts after an
    answer is scored, and an answer that it writes otherwise is scored as it is written,
    with a :class:`~nonplus.errors.SuspectInput`.

    A message is ``{"role": …, "content": …}``, with other fields as the template takes
    them; a field that is null counts as absent. The content is text, or a list of parts
    of text; a turn that only calls a tool needs none, and is no answer. An answer
    without words is a blank document. Ids are ``row#turn``, turns counted from 0 over
    all roles.

    Raises:
        BadRecord: a message lacks its role or content, one of them is not text, or the
            template refuses the conversation.
        BadModel: the model has no chat template.
    """
    conversation = [_message(message, f"{row}, message {turn}") for turn, message in enumerate(messages)]
    for turn, message in enumerate(conversation):
        if message["role"] == "assistant" and "content" in message:
            context, text = _answer(conversation[: turn + 1], tokenizer, f"{row}, message {turn}")
            yield Document(text=text, id=f"{row}#{turn}", context=context, domain=domain)


def _answer(conversation: Sequence[Message], tokenizer: KnownTokens, where: str) -> tuple[str, str]:
    """What the template writes before the last message, and as that message."""
    said = _words(conversation[-1])
    if not said or said.isspace():
        return "", ""
    written = _written(conversation, tokenizer, where)
    mark = _mark(written)
    before, *others = _written([*conversation[:-1], _marked(conversation[-1], mark)], tokenizer, where).split(mark)
    if not others:
        warn("some answers are not found in what the chat template writes; they are left out", SuspectInput)
        return "", ""
    begin, end = _place(said, written, before, others[-1])
    if written[begin:end] != said:
        _caution(said, written[begin:end])
    return written[:begin], written[begin:end]


def _place(said: str, written: str, before: str, after: str) -> tuple[int, int]:
    """Where ``written`` has the answer, whose mark stood between the other two."""
    begin = _shared(written, before)
    end = len(written) - _shared(written[begin:][::-1], after[::-1])
    if written[begin:end].strip() == said.strip():
        return begin, end
    for words in (said, said.strip()):
        if begin == len(before) and written.startswith(words, begin):
            return begin, begin + len(words)  # what follows depends on it, or repeats it
        if begin < len(before) and written.endswith(words, 0, end):
            return end - len(words), end  # what comes before depends on it, as where thoughts are set apart
    return begin, end


def _mark(written: str) -> str:
    """What stands in for an answer, to find where the template writes it.

    Digits, because no template changes their case or escapes them.
    """
    return next(mark for mark in map(str, count(10**20)) if mark not in written)


def _shared(one: str, other: str) -> int:
    """The number of characters with which both begin."""
    if one.startswith(other):
        return len(other)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))


def _caution(said: str, written: str) -> None:
    how = "without the blanks around them" if written == said.strip() else "otherwise than the messages have them"
    sentence = f"the chat template writes some answers {how}; they are scored as it writes them"
    warn(sentence, SuspectInput)


def _written(conversation: Sequence[Message], tokenizer: KnownTokens, where: str) -> str:
    """The conversation as the template writes it.

    Raises:
        BadRecord: the template refuses it, or writes a list of parts as Python does.
    """
    try:
        text = tokenizer.chat(conversation)
    except BadInput as fault:
        raise BadRecord(f"{where}: {fault}") from None
    for message in conversation:
        content = message.get("content")
        if isinstance(content, list) and str(content) in text:
            raise BadRecord(
                f"{where}: the content of a message is a list of parts, and the model's chat template takes only text; "
                "write each content as one text"
            )
    return text


def _marked(message: Message, mark: str) -> Message:
    plain = isinstance(message["content"], str)
    return {**message, "content": mark if plain else [{"type": "text", "text": mark}]}


def _words(message: Message) -> str:
    content = message["content"]
    return content if isinstance(content, str) else "".join(part["text"] for part in content)


def _message(message: Any, where: str) -> Message:
    """A message with the fields that are not null, checked."""
    if not isinstance(message, dict):
        raise BadRecord(
            f"{where} is {type_phrase(message)}, where an object with role and content is needed; fix the data"
        )
    if "role" not in message or not {"content", *_CALLS} & message.keys():
        raise BadRecord(
            f"{where} has the fields {', '.join(map(str, message))}, where role and content are needed; rename them"
        )
    known = {name: value for name, value in message.items() if value is not None}
    known["role"] = as_text(message["role"], f"{where}, the role")
    if "content" in known or not any(known.get(name) for name in _CALLS):
        known["content"] = _content(message.get("content"), f"{where}, the content")
    return known


def _content(content: Any, where: str) -> Any:
    """Text, or a list of parts of text, each as it came but for what is null.

    Raises:
        BadRecord: it is something else.
    """
    if not isinstance(content, list):
        return as_text(content, where)
    for place, part in enumerate(content):
        if not isinstance(part, dict) or part.get("type") != "text":
            found = type_phrase(part) if not isinstance(part, dict) else f"of the type {part.get('type')!r}"
            raise BadRecord(
                f"{where}, part {place} is {found}, where {{'type': 'text', 'text': …}} is needed; only text is scored"
            )
        as_text(part.get("text"), f"{where}, the text of part {place}")
    return [{name: value for name, value in part.items() if value is not None} for part in content]

import pytest

import nonplus
from nonplus.corpora import CorpusOptions, open_corpus, responses
from nonplus.errors import BadInput, BadModel, BadProtocol, BadRecord
from nonplus.measure.records import Document
from nonplus.models.synthetic import Bytes

ASK = {"role": "user", "content": "2+2?"}
FOUR = {"role": "assistant", "content": "4"}
SURE = {"role": "user", "content": "Sure?"}
YES = {"role": "assistant", "content": "Yes."}


class Plain:
    """Writes a conversation as ``<role>content``."""

    def chat(self, messages):
        return "".join(f"<{m['role']}>{m['content']}" for m in messages)


def conversations(path, **options):
    return open_corpus(str(path), options=CorpusOptions(messages="messages", **options), tokenizer=Plain())


def test_each_turn_of_the_assistant_is_a_document_with_all_before_it_as_context():
    assert list(responses([ASK, FOUR, SURE, YES], Plain(), row="r")) == [
        Document(text="4", id="r#1", context="<user>2+2?<assistant>"),
        Document(text="Yes.", id="r#3", context="<user>2+2?<assistant>4<user>Sure?<assistant>"),
    ]


def test_the_context_of_a_first_message_is_only_the_opening_of_its_turn():
    assert [document.context for document in responses([FOUR], Plain())] == ["<assistant>"]


def test_other_fields_of_a_message_reach_the_template_unless_they_are_null():
    class Named:
        def chat(self, messages):
            return "".join(f"{sorted(m)}{m['content']}" for m in messages)

    context = next(responses([ASK | {"name": "Ann", "tool_calls": None}, FOUR], Named())).context
    assert context == "['content', 'name', 'role']2+2?['content', 'role']"


def test_the_id_of_an_answer_has_its_row_and_turn(jsonl):
    path = jsonl([{"messages": [ASK, FOUR, SURE, YES], "source": "sums"}])
    found = [(document.id, document.domain) for document in conversations(path, domain_field="source")]
    assert found == [(f"{path}:1#1", "sums"), (f"{path}:1#3", "sums")]


def test_a_conversation_can_be_named_by_a_field(jsonl):
    path = jsonl([{"messages": [ASK, FOUR], "key": "k7"}])
    assert [document.id for document in conversations(path, id_field="key")] == ["k7#1"]


def test_rows_of_conversations_need_no_text_field(jsonl):
    assert len(list(conversations(jsonl([{"messages": [ASK, FOUR]}])))) == 1


def test_conversations_without_an_answer_or_with_a_blank_one_are_skipped_and_counted(jsonl):
    blank = {"role": "assistant", "content": " "}
    corpus = conversations(jsonl([{"messages": [ASK]}, {"messages": [ASK, blank]}, {"messages": [ASK, FOUR]}]))
    assert [document.text for document in corpus] == ["4"]
    assert corpus.skipped == 2


def test_parquet_holds_conversations_too(tmp_path):
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    path = tmp_path / "chats.parquet"
    parquet.write_table(pyarrow.Table.from_pylist([{"messages": [ASK, FOUR]}]), path)
    assert [document.id for document in conversations(path)] == [f"{path}:0#1"]


@pytest.mark.parametrize(
    ("messages", "reason"),
    [
        ("2+2?", "the field 'messages' is of type str, where a list of messages is needed"),
        (["2+2?"], "message 0 is of type str, where an object with role and content is needed"),
        ([{"from": "human", "value": "x"}], "message 0 has the fields from, value, where role and content are needed"),
        ([ASK, {"role": "assistant", "content": None}], "message 1, the content is null, where text is needed"),
        ([{"role": "user", "content": [{"type": "text"}]}], "message 0, the content, the text of part 0 is null"),
        ([{"role": "user", "content": ["a"]}], "message 0, the content, part 0 is of type str, where"),
        ([{"role": "user", "content": [{"type": "image"}]}], "part 0 is of the type 'image', where .*only text"),
        ([{"role": "user", "content": {"text": "a"}}], "message 0, the content is of type dict"),
        ([{"role": "user", "content": None, "tool_calls": []}], "message 0, the content is null"),
        ([{"role": "user", "content": "\ud83d"}], "message 0, the content has a lone surrogate"),
    ],
)
def test_a_broken_conversation_is_refused_with_its_place(jsonl, messages, reason):
    with pytest.raises(BadRecord, match=rf"rows\.jsonl(:|, at line )1.*{reason}"):
        list(conversations(jsonl([{"messages": messages}])))


def test_conversations_without_a_tokenizer_are_refused_before_anything_is_read():
    with pytest.raises(BadInput, match="need a model's chat template; pass the tokenizer"):
        open_corpus("nowhere.jsonl", options=CorpusOptions(messages="messages"))


def test_a_model_without_a_chat_template_says_so():
    with pytest.raises(BadModel):
        list(responses([ASK, FOUR], Bytes()))


def test_a_conversation_that_the_template_refuses_is_skipped_whole(jsonl):
    class Short(Plain):
        def chat(self, messages):
            if len(messages) > 2:
                raise BadInput("the chat template takes two messages")
            return super().chat(messages)

    path = jsonl([{"messages": [ASK, FOUR]}, {"messages": [ASK, FOUR, SURE, YES]}, {"messages": [SURE, YES]}])
    corpus = open_corpus(path, options=CorpusOptions(messages="messages", on_bad_row="skip"), tokenizer=Short())
    assert [document.id for document in corpus] == [f"{path}:1#1", f"{path}:3#1"]
    assert corpus.rejected == 1


def test_a_protocol_that_reads_special_tokens_as_text_takes_no_conversations(jsonl):
    corpus = conversations(jsonl([{"messages": [ASK, FOUR]}]))
    for measure in (nonplus.evaluate, nonplus.score):
        with pytest.raises(BadProtocol, match=r"llama\.cpp:8 reads .* as protocol=full does"):
            measure(corpus, model="uniform:256", protocol="llama.cpp:8")
    assert nonplus.evaluate(corpus, model="uniform:256", protocol="full").tally.scored == 1

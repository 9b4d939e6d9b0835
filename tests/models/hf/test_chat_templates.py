"""Answers under chat templates of the shapes that models have.

The law: context and text of an answer are how the template writes the conversation up
to the end of it. What the template writes is stated by hand.
"""

import pytest

pytest.importorskip("torch", reason="transformers needs it here")
pytest.importorskip("transformers", reason="these are its templates")

from hf_tiny import byte_tokenizer
from hypothesis import given
from hypothesis import strategies as st
from transformers import AutoTokenizer

from nonplus.corpora import CorpusOptions, open_corpus, responses
from nonplus.errors import BadModel, BadRecord, SuspectInput
from nonplus.models.hf.tokenizer import HFTokenizer

CHATML = """\
{% for m in messages %}<|im_start|>{{ m['role'] }}
{{ m['content'] }}<|im_end|>
{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant
{% endif %}"""
NO_REQUEST = CHATML[: CHATML.index("{% if add")]  # ignores add_generation_prompt
TRIMS = """\
{% for m in messages %}{% if m['role'] == 'user' %}[INST] {{ m['content'].strip() }} [/INST]\
{% else %} {{ m['content'].strip() }} </s>{% endif %}{% endfor %}"""
STRICT = """\
{% for m in messages %}{% if (m['role'] == 'user') != (loop.index0 % 2 == 0) %}\
{{ raise_exception('roles must alternate user/assistant') }}{% endif %}\
{{ '[INST]' + m['content'] + '[/INST]' if m['role'] == 'user' else m['content'] + '</s>' }}{% endfor %}"""
THINKS = """\
{% for m in messages %}<{{ m['role'] }}>
{% if m['role'] == 'assistant' %}{% set said = m['content'].split('</think>')[-1].lstrip('\\n') %}\
{% set thought = m['reasoning_content'] or \
(m['content'].split('</think>')[0].split('<think>')[-1].strip() if '</think>' in m['content'] else '') %}\
{% if loop.last %}<think>
{{ thought }}
</think>

{% endif %}{{ said }}{% else %}{{ m['content'] }}{% endif %}<end>
{% endfor %}"""
CALLS = """\
{% for m in messages %}<{{ m['role'] }}>{% for c in m['tool_calls'] or [] %}[{{ c.function.name }}]{% endfor %}\
{{ m['tool_call_id'] }}{{ m['content'] }}<end>{% endfor %}"""
PARTS = """\
{% for m in messages %}<{{ m['role'] }}>{% if m['content'] is string %}{{ m['content'] }}{% else %}\
{% for part in m['content'] %}{{ part['text'] }}{% endfor %}{% endif %}<end>{% endfor %}"""


def tokenizer(template):
    plain = byte_tokenizer()
    plain.chat_template = template
    return HFTokenizer(plain)


def user(content, **fields):
    return {"role": "user", "content": content, **fields}


def assistant(content, **fields):
    return {"role": "assistant", "content": content, **fields}


def answers(template, *messages):
    """Context and text of each answer."""
    return [(d.context, d.text) for d in responses(messages, tokenizer(template), row="r")]


@pytest.mark.parametrize("template", [CHATML, NO_REQUEST], ids=["", "that ignores the request for an answer"])
def test_the_header_of_an_answer_is_context(template):
    assert answers(template, user("Hi"), assistant("Yes?"), user("Bye"), assistant("Bye.")) == [
        ("<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n", "Yes?"),
        (
            "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\nYes?<|im_end|>\n"
            "<|im_start|>user\nBye<|im_end|>\n<|im_start|>assistant\n",
            "Bye.",
        ),
    ]


WORDS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
TURNS = st.lists(st.tuples(st.sampled_from(["user", "assistant"]), WORDS), min_size=1, max_size=5)
READERS = {name: tokenizer(globals()[name]) for name in ("CHATML", "NO_REQUEST", "TRIMS", "THINKS", "PARTS")}


@pytest.mark.filterwarnings("ignore::nonplus.errors.SuspectInput")
@pytest.mark.parametrize("name", READERS)
@given(TURNS)
def test_context_and_answer_are_how_the_template_writes_the_conversation_so_far(name, turns):
    messages = [{"role": role, "content": words} for role, words in turns]
    for document in responses(messages, READERS[name], row="r"):
        turn = int(document.id.removeprefix("r#"))
        written = READERS[name].chat(messages[: turn + 1])
        assert written.startswith(document.context + document.text)
        said = messages[turn]["content"]
        assert document.text.strip() == said.strip() or "</think>" in said


@pytest.mark.parametrize("said", ["end", "assistant", "|>", "\n<|im_end|>\n", str(10**20)])
def test_an_answer_may_read_like_what_the_template_writes(said):
    assert answers(CHATML, user(said), assistant(said)) == [
        (f"<|im_start|>user\n{said}<|im_end|>\n<|im_start|>assistant\n", said)
    ]


def test_an_answer_that_the_template_repeats_is_scored_where_it_is_written_first():
    repeats = "{% for m in messages %}<{{ m.role }}>{{ m.content }}|{{ m.content }}<end>{% endfor %}"
    for said in ("Yes", "1", " 1 "):
        assert answers(repeats, user("a"), assistant(said)) == [("<user>a|a<end><assistant>", said)]


def test_an_answer_may_end_as_the_template_ends_it():
    ends = (
        "{% for m in messages %}<{{ m.role }}>{{ m.content }}{% if not m.content.endswith('</s>') %}</s>{% endif %}"
        "{% endfor %}"
    )
    assert answers(ends, user("a"), assistant("Yes</s>")) == [("<user>a</s><assistant>", "Yes</s>")]
    assert answers(ends, user("a"), assistant("Yes")) == [("<user>a</s><assistant>", "Yes")]


def test_the_beginning_of_a_turn_may_depend_on_its_answer():
    counts = "{% for m in messages %}<{{ m.role }} {{ m.content|length }}>{{ m.content }}<end>{% endfor %}"
    assert answers(counts, user("a"), assistant("1")) == [("<user 1>a<end><assistant 1>", "1")]
    equals = (
        "{% for m in messages %}<{{ m.role }}{% if m == messages[-1] %} last{% endif %}>{{ m.content|trim }}<end>"
        "{% endfor %}"
    )
    with pytest.warns(SuspectInput, match="without the blanks around them"):
        assert answers(equals, user("a"), assistant(" b"), user("c"), assistant(" b"))[1] == (
            "<user>a<end><assistant last>b<end><user>c<end><assistant last>",
            "b",
        )


@pytest.mark.parametrize(("filter_", "written"), [("upper", "A < B"), ("e", "a &lt; b"), ("capitalize", "A < b")])
def test_an_answer_that_the_template_changes_is_scored_as_it_is_written(filter_, written):
    changes = "{% for m in messages %}<{{ m.role }}>{{ m.content|FILTER }}<end>{% endfor %}".replace("FILTER", filter_)
    with pytest.warns(SuspectInput, match="otherwise than the messages have them"):
        ((context, text),) = answers(changes, user("1"), assistant("a < b"))
    assert (context, text) == ("<user>1<end><assistant>", written)


def test_a_conversation_may_begin_with_the_assistant():
    assert answers(CHATML, assistant("Hello."))[0] == ("<|im_start|>assistant\n", "Hello.")


def test_blanks_that_the_template_trims_are_not_scored_with_a_caution():
    with pytest.warns(SuspectInput, match="without the blanks around them"):
        assert answers(TRIMS, user("Hi"), assistant(" Yes? \n")) == [("[INST] Hi [/INST] ", "Yes?")]


def test_a_template_that_trims_is_silent_where_there_are_no_blanks():
    assert answers(TRIMS, user("Hi "), assistant("Yes?")) == [("[INST] Hi [/INST] ", "Yes?")]


def test_a_conversation_that_the_template_refuses_is_refused_with_its_line(tmp_path):
    path = tmp_path / "rows.jsonl"
    path.write_text('{"messages": [{"role": "assistant", "content": "Hello."}]}\n')
    corpus = open_corpus(path, options=CorpusOptions(messages="messages"), tokenizer=tokenizer(STRICT))
    with pytest.raises(BadRecord, match=r"rows\.jsonl:1, message 0: .* refuses .*: roles must alternate"):
        list(corpus)


def test_earlier_thoughts_are_context_only_where_the_template_writes_them():
    thought = "<think>\nso\n</think>\n\n"
    found = answers(THINKS, user("a"), assistant(f"{thought}b"), user("c"), assistant("d"))
    assert found == [
        ("<user>\na<end>\n<assistant>\n", f"{thought}b"),
        ("<user>\na<end>\n<assistant>\nb<end>\n<user>\nc<end>\n<assistant>\n<think>\n\n</think>\n\n", "d"),
    ]


def test_an_answer_that_the_template_writes_otherwise_is_scored_as_written_with_a_caution():
    with pytest.warns(SuspectInput, match="otherwise than the messages have them; they are scored as it writes them"):
        assert answers(THINKS, user("a"), assistant("<think>so</think>b")) == [
            ("<user>\na<end>\n<assistant>\n<think>\n", "so\n</think>\n\nb")
        ]


def test_an_answer_that_the_template_writes_nowhere_is_blank_with_a_caution():
    with pytest.warns(SuspectInput, match="answers are not found in what the chat template writes; they are left out"):
        assert answers("{% for m in messages %}{{ m.role }}{% endfor %}", user("a"), assistant("b")) == [("", "")]


def test_reasoning_in_a_field_of_its_own_reaches_the_template():
    ((context, text),) = answers(THINKS, user("a"), assistant("b", reasoning_content="so"))
    assert (context, text) == ("<user>\na<end>\n<assistant>\n<think>\nso\n</think>\n\n", "b")


def test_a_turn_that_only_calls_a_tool_is_context_and_no_answer():
    call = assistant(None, tool_calls=[{"type": "function", "function": {"name": "sum", "arguments": {}}}])
    result = {"role": "tool", "content": "4", "tool_call_id": "c1"}
    silent = {name: value for name, value in call.items() if name != "content"}
    for turn in (call, silent):
        assert answers(CALLS, user("2+2?"), turn, result, assistant("4.", tool_calls=None)) == [
            ("<user>2+2?<end><assistant>[sum]<end><tool>c14<end><assistant>", "4."),
        ]


def parts(*texts):
    return [{"type": "text", "text": text} for text in texts]


def test_parts_of_text_reach_a_template_that_takes_them():
    assert answers(PARTS, user(parts("a", "b")), assistant(parts("c", "d"))) == [("<user>ab<end><assistant>", "cd")]


def test_parts_that_the_template_would_write_as_python_does_are_refused():
    with pytest.raises(BadRecord, match=r"r, message 1: .* is a list of parts, .* takes only text; write each"):
        answers(CHATML, user(parts("a")), assistant("c"))


@pytest.mark.parametrize(
    ("template", "reason"),
    [
        ("{{ 'a' + 1 }}", "TypeError"),
        ("{{ messages[7]['content'] + 'a' }}", "has no element 7"),
        ("{{ 1 // 0 }}", "ZeroDivisionError"),
        ("{{ messages.nothing() }}", "nothing"),
        ("{% for %}", "Expected"),
    ],
)
def test_an_error_inside_the_template_is_a_refusal_with_the_place(template, reason):
    with pytest.raises(BadRecord, match=rf"r, message 1: the model's chat template refuses .*{reason}.*; change its"):
        answers(template, user("a"), assistant("b"))


def test_templates_by_name_need_a_default(tmp_path):
    plain = byte_tokenizer()
    plain.chat_template = {"rag": CHATML, "tool_use": CHATML}
    with pytest.raises(BadModel, match=r"by name \(rag, tool_use\), and none is the default; set tokenizer\.chat_temp"):
        list(responses([user("a"), assistant("b")], HFTokenizer(plain)))
    plain.chat_template["default"] = PARTS
    plain.save_pretrained(tmp_path)
    saved = HFTokenizer(AutoTokenizer.from_pretrained(tmp_path))
    assert [d.context for d in responses([user("a"), assistant("b")], saved)] == ["<user>a<end><assistant>"]

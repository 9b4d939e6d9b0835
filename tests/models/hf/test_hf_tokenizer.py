"""Tokenizers of transformers: bytes of tokens, special tokens, chats and identities."""

import threading

import numpy as np
import pytest
import tokenizers

pytest.importorskip("torch", reason="transformers needs it here")
pytest.importorskip("transformers", reason="these are its tokenizers")

from hf_tiny import byte_tokenizer, template
from hypothesis import given
from hypothesis import strategies as st
from transformers import (
    AutoTokenizer,
    BertTokenizer,
    ByT5Tokenizer,
    CanineTokenizer,
    GPT2Config,
    GPT2Tokenizer,
    PreTrainedTokenizerFast,
)

from nonplus.errors import BadInput, BadModel
from nonplus.measure.lost_text import losses
from nonplus.models.hf.tokenizer import HFTokenizer

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
CHAT = "{% for m in messages %}<{{ m.role }}>{{ m.content }}{% endfor %}"


@pytest.fixture(scope="module")
def gpt2(data):
    return GPT2Tokenizer.from_pretrained(data / "tokenizers/gpt2")


@pytest.fixture(scope="module")
def bert(data):
    return BertTokenizer.from_pretrained(data / "tokenizers/bert-base-uncased")


@pytest.fixture(scope="module")
def stories(data):
    return AutoTokenizer.from_pretrained(data / "models/stories260K")


# ---------------------------------------------------------------------------------- ids


def test_gpt2_splits_the_fox_into_its_nine_tokens(gpt2):
    # the ids that tiktoken 0.12 gives with r50k_base, and llama.cpp's vocabulary test
    (encoding,) = HFTokenizer(gpt2).encode(["The quick brown fox jumps over the lazy dog"], specials=True)
    assert encoding.ids.tolist() == [464, 2068, 7586, 21831, 18045, 625, 262, 16931, 3290]


@given(st.lists(TEXTS, max_size=5), st.booleans())
def test_ids_are_those_of_transformers_in_the_order_of_the_texts(stories, texts, specials):
    encodings = HFTokenizer(stories).encode(texts, specials=specials)
    assert [e.ids.tolist() for e in encodings] == [stories.encode(text, add_special_tokens=specials) for text in texts]


@given(st.lists(st.sampled_from(["a", " ", "<s>", "</s>", "<unk>", "ñ"]), max_size=6).map("".join))
def test_special_tokens_in_plain_text_are_split_as_transformers_splits_them(stories, text):
    (plain,) = HFTokenizer(stories).encode([text], specials=False, special_text="plain")
    assert plain.ids.tolist() == stories.encode(text, add_special_tokens=False, split_special_tokens=True)


def test_a_tokenizer_without_offsets_reads_special_tokens_as_text_where_asked():
    tokenizer, text = ByT5Tokenizer(), "a</s>b"
    parsed, plain = (
        HFTokenizer(tokenizer).encode([text], specials=False, special_text=way)[0] for way in ("parsed", "plain")
    )
    assert parsed.ids.tolist() == [97 + 3, tokenizer.eos_token_id, 98 + 3]
    assert plain.ids.tolist() == [byte + 3 for byte in text.encode()]
    assert plain.byte_ends.tolist() == list(range(1, len(text) + 1))


def test_a_tokenizer_that_splits_special_tokens_itself_is_left_to_do_so(data):
    splitting = AutoTokenizer.from_pretrained(data / "models/stories260K", split_special_tokens=True)
    (parsed,) = HFTokenizer(splitting).encode(["</s>"], specials=False)
    assert parsed.ids.tolist() == splitting.encode("</s>", add_special_tokens=False)


class Numbered(CanineTokenizer):
    """Its tokens do not spell the text, and still decode to it."""

    def _convert_id_to_token(self, index):
        return f"number {index}"

    def convert_tokens_to_string(self, tokens):
        return "".join(chr(int(token.split()[1])) for token in tokens)


@pytest.mark.parametrize(
    ("name", "unknown"),
    [
        ("gpt2", None),  # its unk_token is its EOS token, and it has a token for every byte
        ("bert", "[UNK]"),
        ("stories", None),  # falls back to bytes
    ],
)
def test_the_unknown_token_is_one_that_stands_for_text(request, name, unknown):
    tokenizer = request.getfixturevalue(name)
    assert HFTokenizer(tokenizer).unknown_id == (unknown and tokenizer.convert_tokens_to_ids(unknown))


def test_a_tokenizer_that_does_not_name_the_unknown_token_of_its_vocabulary_has_it():
    words = tokenizers.Tokenizer(tokenizers.models.WordLevel({"a": 0, "<unk>": 1}, unk_token="<unk>"))
    assert HFTokenizer(PreTrainedTokenizerFast(tokenizer_object=words)).unknown_id == 1


def test_a_token_of_text_that_a_tokenizer_of_bytes_names_its_unknown_one_is_known():
    assert HFTokenizer(byte_tokenizer(unk_token="?")).unknown_id is None


def test_special_tokens_are_all_those_that_are_marked_so(stories):
    named = {stories.bos_token_id, stories.eos_token_id, stories.unk_token_id}
    assert HFTokenizer(stories).special_ids == named
    more = AutoTokenizer.from_pretrained(stories.name_or_path)
    more.add_tokens([tokenizers.AddedToken("<tool>", special=True), tokenizers.AddedToken("word", special=False)])
    assert HFTokenizer(more).special_ids == named | {more.convert_tokens_to_ids("<tool>")}


def test_bert_uncased_loses_capitals_accents_and_blanks(bert):
    assert losses(["the fox"], HFTokenizer(bert)) == frozenset()
    assert losses(["The fôx\nran"], HFTokenizer(bert)) == {"capitals", "accents", "blanks and newlines"}


@pytest.fixture(scope="module", params=["gpt2", "stories"])
def of_every_byte(request):
    return HFTokenizer(request.getfixturevalue(request.param))


@given(TEXTS)
def test_tokenizers_with_a_token_for_every_byte_lose_nothing(of_every_byte, text):
    assert losses([f"a{text}"], of_every_byte) == frozenset()


OURS = [HFTokenizer(tokenizer) for tokenizer in (byte_tokenizer(), ByT5Tokenizer(), CanineTokenizer())]


@given(TEXTS)
@pytest.mark.parametrize("tokenizer", OURS, ids=["bytes", "ByT5", "Canine"])
def test_the_ends_of_the_tokens_reach_through_the_text(tokenizer, text):
    (encoding,) = tokenizer.encode([text], specials=False)
    assert np.all(np.diff(encoding.byte_ends, prepend=0) >= 0)
    assert encoding.byte_ends[-1:].sum() == len(text.encode())


@given(TEXTS)
@pytest.mark.parametrize("tokenizer", OURS[:2], ids=["bytes", "ByT5"])
def test_tokens_of_one_byte_end_at_each_byte(tokenizer, text):
    (encoding,) = tokenizer.encode([text], specials=False)
    assert encoding.byte_ends.tolist() == [*range(1, len(text.encode()) + 1)]


def test_a_token_is_a_character_of_a_tokenizer_of_characters():
    (encoding,) = HFTokenizer(CanineTokenizer()).encode(["añ🦊"], specials=True)
    assert encoding.byte_ends.tolist() == [0, 1, 3, 7, 7]


def test_without_offsets_tokens_that_do_not_spell_the_text_end_where_it_decodes_to_them():
    (encoding,) = HFTokenizer(Numbered()).encode(["añ🦊"], specials=True)
    assert encoding.byte_ends.tolist() == [0, 1, 3, 7, 7]


def test_a_slow_tokenizer_that_does_not_decode_to_the_text_is_refused():
    class Lower(Numbered):
        def decode(self, ids, **options):
            return super().decode(ids, **options).lower()

    with pytest.raises(BadModel, match=r"Lower gives no offsets.*'Text'.*tokenizer\.json"):
        HFTokenizer(Lower()).encode(["Text"], specials=False)


def test_decoding_keeps_special_tokens_and_spaces(stories):
    ids = stories.encode("one , two .")
    assert HFTokenizer(stories).decode(ids) == "<s> one , two ."


def test_settings_made_for_training_are_ignored_and_kept(gpt2):
    gpt2.backend_tokenizer.enable_truncation(4)
    gpt2.backend_tokenizer.enable_padding(length=9)
    (encoding,) = HFTokenizer(gpt2).encode(["one two three four five six"], specials=True)
    assert len(encoding.ids) == 6
    assert gpt2.backend_tokenizer.truncation["max_length"] == 4
    assert gpt2.backend_tokenizer.padding["length"] == 9
    gpt2.backend_tokenizer.no_truncation()
    gpt2.backend_tokenizer.no_padding()


def test_a_text_longer_than_the_model_takes_is_encoded_whole_and_in_silence(stories, capfd):
    (encoding,) = HFTokenizer(stories).encode(["word " * 2000], specials=False)
    assert len(encoding.ids) > 2000
    assert capfd.readouterr() == ("", "")


def test_other_threads_go_on_while_a_long_text_is_encoded(stories):
    ours, done, ticks = HFTokenizer(stories), threading.Event(), []

    def tick():
        while not done.wait(0.001):
            ticks.append(1)

    thread = threading.Thread(target=tick)
    thread.start()
    ours.encode(["word and word " * 20_000], specials=False)
    done.set()
    thread.join()
    assert len(ticks) > 10  # about 3 if they have to wait


# ----------------------------------------------------------------------- special tokens


def special(tokenizer, *, vocabulary=300, **config):
    found = HFTokenizer(tokenizer).special(
        GPT2Config(**{"bos_token_id": 1, "eos_token_id": None} | config), vocabulary=vocabulary
    )
    return found.bos, found.eos


def test_bos_may_be_named_but_not_added_as_in_gpt2(gpt2):
    assert special(gpt2, vocabulary=50257) == (50256, 50256)


def test_bos_may_be_added_as_in_mistral(stories):
    assert special(stories) == (1, 2)


def test_an_added_token_goes_before_a_named_one():
    tokenizer = template(byte_tokenizer(bos_token="<s>", cls_token="<cls>"), before=["<cls>"])
    assert special(tokenizer)[0] == tokenizer.cls_token_id


def test_bos_is_never_taken_from_the_configuration_alone_as_in_qwen():
    tokenizer = byte_tokenizer(eos_token="<|endoftext|>")
    assert special(tokenizer, bos_token_id=256) == (None, 256)


def test_an_added_eos_is_not_a_bos_as_in_t5():
    tokenizer = template(byte_tokenizer(eos_token="</s>"), after=["</s>"])
    assert special(tokenizer) == (None, 256)
    assert special(ByT5Tokenizer(), vocabulary=384) == (None, 1)


def test_a_bos_that_the_model_does_not_know_is_ignored():
    assert special(byte_tokenizer(bos_token="<s>", eos_token="</s>"), vocabulary=256) == (None, None)


@pytest.mark.parametrize(("named", "eos"), [(7, 7), ([8, 9], 8), (None, None)])
def test_eos_may_be_named_by_the_configuration_alone(named, eos):
    assert special(byte_tokenizer(), eos_token_id=named) == (None, eos)


@pytest.mark.parametrize(
    ("chat", "added", "begins"),
    [
        ("<s>user {{ m }}</s>", [], True),
        ("{{ bos_token }}{{ m }}", [], False),
        ("<s>{{ m }}", ["<s>"], False),
        (None, [], False),
    ],
)
def test_a_named_bos_that_the_chat_template_spells_out_begins_turns(chat, added, begins):
    tokenizer = template(byte_tokenizer(bos_token="<s>"), before=added)
    tokenizer.chat_template = chat
    found = HFTokenizer(tokenizer).special(GPT2Config(), vocabulary=300)
    assert (found.bos, found.begins_turns) == (256, begins)


# -------------------------------------------------------------------------------- chats


def test_a_conversation_becomes_text_by_the_chat_template():
    tokenizer = byte_tokenizer()
    tokenizer.chat_template = CHAT
    assert HFTokenizer(tokenizer).chat([{"role": "user", "content": "Hi"}]) == "<user>Hi"


def test_without_a_template_a_conversation_is_refused():
    with pytest.raises(BadModel, match=r"no chat template.*tokenizer\.chat_template"):
        HFTokenizer(byte_tokenizer()).chat([{"role": "user", "content": "Hi"}])


def test_a_conversation_that_the_template_refuses_is_bad_input():
    tokenizer = byte_tokenizer()
    tokenizer.chat_template = "{{ raise_exception('roles must alternate') }}"
    with pytest.raises(BadInput, match="refuses this conversation: roles must alternate"):
        HFTokenizer(tokenizer).chat([{"role": "user", "content": "Hi"}])


# ----------------------------------------------------------------------------- identity


def test_tokenizers_have_equal_identities_if_and_only_if_their_rules_are_equal(stories, data):
    again = AutoTokenizer.from_pretrained(data / "models/stories260K")
    kinds = [stories, byte_tokenizer(), byte_tokenizer(bos_token="<s>"), ByT5Tokenizer(), ByT5Tokenizer(extra_ids=0)]
    assert HFTokenizer(again).identity == HFTokenizer(stories).identity
    assert len({HFTokenizer(tokenizer).identity for tokenizer in kinds}) == len(kinds)


def test_a_model_without_a_tokenizer_is_refused():
    with pytest.raises(BadModel, match=r"must be one of transformers, got NoneType; use AutoTokenizer"):
        HFTokenizer(None)

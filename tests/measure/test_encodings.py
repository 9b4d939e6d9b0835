"""Many encoded texts as columns: the same as one by one."""

import numpy as np
import tokenizers
from hypothesis import given
from hypothesis import strategies as st

from nonplus.measure.records import Encoding, Encodings
from nonplus.models.bundled_cards import bundled_folder
from nonplus.models.llama.tokenizer import FileTokenizer
from nonplus.models.synthetic import Bytes
from nonplus.models.token_bytes import TokenBytes

Plain = list[tuple[list[int], list[int]]]

tokens = st.lists(st.tuples(st.integers(0, 300), st.integers(0, 9)), max_size=4)
added = st.lists(st.integers(0, 300), max_size=2)


def plain(encodings: Encodings | list[Encoding]) -> Plain:
    return [(each.ids.tolist(), each.byte_ends.tolist()) for each in encodings]


def of(texts: list[list[tuple[int, int]]]) -> list[Encoding]:
    return [
        Encoding(np.array([i for i, _ in text], np.int32), np.cumsum([n for _, n in text], dtype=np.int64))
        for text in texts
    ]


@given(st.lists(tokens, max_size=5))
def test_columns_hold_each_text_as_it_was(texts: list[list[tuple[int, int]]]) -> None:
    each = of(texts)
    assert plain(Encodings.of(each)) == plain(each)
    assert [plain([Encodings.of(each)[place]]) for place in range(len(texts))] == [plain([one]) for one in each]


@given(st.lists(tokens, max_size=5), added, added)
def test_a_frame_goes_around_each_text_and_covers_nothing(
    texts: list[list[tuple[int, int]]], before: list[int], after: list[int]
) -> None:
    expected = [
        ([*before, *ids, *after], [0] * len(before) + ends + (ends[-1:] or [0]) * len(after))
        for ids, ends in plain(of(texts))
    ]
    assert plain(Encodings.of(of(texts)).framed(before, after)) == expected


@given(st.lists(st.text(max_size=6), max_size=5))
def test_a_byte_is_a_token_and_ends_one_byte_later(texts: list[str]) -> None:
    expected = [(list(text.encode()), [*range(1, len(text.encode()) + 1)]) for text in texts]
    assert plain(Bytes(before=(256,)).encode(texts, specials=False)) == expected
    framed = [([256, *ids], [0, *ends]) for ids, ends in expected]
    assert plain(Bytes(before=(256,)).encode(texts, specials=True)) == framed


@given(st.lists(st.text("the éa\n日🦜<|>s", max_size=9), max_size=6))
def test_texts_that_are_encoded_together_have_the_tokens_of_each_alone(texts: list[str]) -> None:
    together, own = TINY.encode(texts, specials=True), [TINY.encode([text], specials=True)[0] for text in texts]
    assert plain(together) == plain(own)


@given(st.lists(st.text("the é a", min_size=1, max_size=9), min_size=1, max_size=6))
def test_tokens_of_a_text_that_is_changed_end_where_they_do_alone(texts: list[str]) -> None:
    """A normalizer that drops accents, beside texts that it leaves as they are."""
    encoded = CHANGING.encode_batch(texts)
    alone = [BYTES.encodings([text], [each])[0] for text, each in zip(texts, encoded, strict=True)]
    assert plain(BYTES.encodings(texts, encoded)) == plain(alone)


TINY = FileTokenizer(bundled_folder("tiny"))
CHANGING = tokenizers.Tokenizer(tokenizers.models.WordLevel({"the": 0, "a": 1, "e": 2, "[UNK]": 3}, unk_token="[UNK]"))
CHANGING.normalizer = tokenizers.normalizers.Sequence(
    [tokenizers.normalizers.NFD(), tokenizers.normalizers.StripAccents()]
)
CHANGING.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
BYTES = TokenBytes(CHANGING)

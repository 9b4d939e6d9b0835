"""The packed form: the same model in a small file, and nothing else opens."""

import hashlib
import struct
from pathlib import Path
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from models import bits as bits_of
from models import models, shuffled
from tables import Dictionaries, holed_models

from nonplus.errors import BadModel, BadProtocol
from nonplus.models.ngram.ngrams import SPECIAL_WORDS, Block, Ngrams, NgramsInMemory
from nonplus.models.ngram.packed.file import packed, read_packed, unpacked, write_packed
from nonplus.models.ngram.trie import as_trie


def blocks(ngrams: Ngrams) -> NgramsInMemory:
    """A model as blocks in ascending order."""
    (*orders,) = (block for order in range(1, len(ngrams.counts) + 1) for block in as_trie(ngrams).blocks(order))
    return NgramsInMemory(ngrams.words, tuple(orders))


def without_useless(model: NgramsInMemory) -> NgramsInMemory:
    """Back-off weights of the longest n-grams mean nothing, and are not kept."""
    longest = model.orders[-1]
    kept = Block(longest.ids_Mk, longest.log10_probs_M, np.zeros_like(longest.log10_backoffs_M))
    return NgramsInMemory(model.words, (*model.orders[:-1], kept))


any_models = st.one_of(holed_models(), models()).map(without_useless)


def small() -> NgramsInMemory:
    """Some n-grams of three orders."""
    orders = [[[0], [1], [2], [3]], [[1, 3], [3, 2], [3, 3]], [[1, 3, 3], [3, 3, 2]]]
    blocks = []
    for ids in orders:
        values_M = -np.arange(1, len(ids) + 1, dtype=np.float32) / 8
        blocks.append(
            Block(np.array(ids, np.int32), values_M, np.zeros_like(values_M) if len(ids[0]) == 3 else values_M)
        )
    return NgramsInMemory([*SPECIAL_WORDS, "rain"], tuple(blocks))


def digested(content: bytes) -> bytes:
    return content + hashlib.sha256(content).digest()


@given(any_models)
def test_a_packed_model_of_float32_is_the_same_bit_for_bit(model: NgramsInMemory) -> None:
    opened = unpacked(packed(model), model.words)
    assert bits_of(blocks(opened.ngrams)) == bits_of(blocks(model))
    assert (opened.bits, opened.errors) == (0, ())


@given(holed_models().map(without_useless), st.integers(2, 16))
def test_quantised_values_are_as_near_as_the_errors_say(model: NgramsInMemory, bits: int) -> None:
    opened = unpacked(packed(model, bits=bits), model.words)
    before, after = Dictionaries(model).of, Dictionaries(opened.ngrams).of
    assert before.keys() == after.keys()
    assert len(opened.errors) == len(model.counts) - 1
    for ids, values in before.items():
        errors = opened.errors[len(ids) - 2] if len(ids) > 1 else (0.0, 0.0)
        for value, near, error in zip(values, after[ids], errors, strict=False):
            assert abs(value - near) <= error
        assert (after[ids][1] == 0) == (values[1] == 0) or bits == 2


@given(holed_models().map(without_useless), st.integers(2, 16))
def test_to_pack_a_quantised_model_again_changes_no_value(model: NgramsInMemory, bits: int) -> None:
    once = unpacked(packed(model, bits=bits), model.words).ngrams
    twice = unpacked(packed(once, bits=bits), model.words)
    assert bits_of(blocks(twice.ngrams)) == bits_of(blocks(once))
    assert all(error == 0 for errors in twice.errors for error in errors)


@given(holed_models().map(without_useless), st.sampled_from([0, 5, 11]), st.randoms(use_true_random=False))
def test_the_content_does_not_depend_on_the_order_of_the_n_grams(
    model: NgramsInMemory, bits: int, random: Random
) -> None:
    assert packed(shuffled(model, random), bits=bits) == packed(model, bits=bits)


def test_a_file_is_read_as_it_was_written(tmp_path: Path) -> None:
    model = small()
    write_packed(tmp_path / "m", model, bits=8)
    opened = read_packed(tmp_path / "m", model.words)
    assert opened.bits == 8
    assert opened.ngrams.counts == model.counts


def test_a_packed_model_takes_less_than_three_bytes_for_each_n_gram():
    random = np.random.default_rng(1)
    words = [*SPECIAL_WORDS, *map(str, range(997))]
    pairs = np.unique((random.zipf(1.3, (200_000, 2)) % 1000).astype(np.int32), axis=0)

    def block(ids_Mk: np.ndarray) -> Block:
        return Block(ids_Mk, -random.exponential(2, len(ids_Mk)).astype(np.float32), np.zeros(len(ids_Mk), np.float32))

    model = NgramsInMemory(words, (block(np.arange(1000, dtype=np.int32)[:, None]), block(pairs)))
    assert len(packed(model, bits=8)) < 3 * len(pairs) + 8 * 1000


@given(models(), st.data())
def test_a_damaged_file_is_refused(model: NgramsInMemory, data: st.DataObject) -> None:
    content = packed(model, bits=data.draw(st.sampled_from([0, 8])))
    at = data.draw(st.integers(0, len(content) - 1))
    damaged = content[:at] + bytes([content[at] ^ data.draw(st.integers(1, 255))]) + content[at + 1 :]
    with pytest.raises(BadModel):
        unpacked(damaged, model.words)
    with pytest.raises(BadModel):
        unpacked(content[:at], model.words)


@given(models(), st.data())
def test_a_hostile_file_is_refused_or_a_model(model: NgramsInMemory, data: st.DataObject) -> None:
    content = packed(model, bits=data.draw(st.sampled_from([0, 8])))[:-32]
    at = data.draw(st.integers(8, len(content) - 1))
    new = data.draw(
        st.one_of(st.binary(min_size=1, max_size=1), st.just(b"\xff" * 8), st.just(struct.pack("<Q", 1 << 40)))
    )
    hostile = digested((content[:at] + new + content[at + len(new) :])[: len(content)])
    try:
        opened = unpacked(hostile, model.words)
    except BadModel:
        return
    as_trie(opened.ngrams)


def test_a_small_file_does_not_unpack_to_a_large_model():
    model = as_trie(small())
    announced = packed(model)[:-32]
    order = len(model.levels)
    large = announced[:24] + announced[24:].replace(
        struct.pack("<Q", len(model.words)), struct.pack("<Q", 1 << 34), 2 + order
    )
    with pytest.raises(BadModel):
        unpacked(digested(large), model.words)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda content: b"\\data\\ " + content[7:], "it does not begin as a packed model does"),
        (
            lambda content: content[:8] + b"\x02" + content[9:],
            "it has version 2 of the format, and this is nonplus for",
        ),
        (lambda content: content[:-40], "its checksum is wrong: it is damaged or cut off"),
        (lambda content: b"", "it does not begin as a packed model does"),
    ],
)
def test_a_refusal_says_what_is_wrong_with_which_file(tmp_path: Path, change, problem: str) -> None:
    model = small()
    file = tmp_path / "model.packed"
    file.write_bytes(change(packed(model)))
    with pytest.raises(BadModel, match=rf"model\.packed: {problem}.*; copy or make the file again"):
        read_packed(file, model.words)


def test_a_model_with_other_words_is_refused():
    model = small()
    with pytest.raises(BadModel, match="words"):
        unpacked(packed(model), [*model.words, "another"])


def test_a_number_of_bits_that_no_code_has_is_refused():
    with pytest.raises(BadProtocol, match="bits=1 is no number of bits for a value"):
        packed(small(), bits=1)

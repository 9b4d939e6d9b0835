"""C and NumPy make the same tables and unpack the same models."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from models import bits as bits_of
from models import models
from tables import holed_models
from tests.native_switch import switched

from nonplus.errors import BadModel
from nonplus.kernels.native import ngrams
from nonplus.models.ngram.ngrams import NgramsInMemory
from nonplus.models.ngram.packed.file import packed, unpacked
from nonplus.models.ngram.table.keys import scattered
from nonplus.models.ngram.table.placing import placed
from nonplus.models.ngram.table.table import write_table
from nonplus.models.ngram.trie import as_trie


def in_c_and_numpy(work: Callable[[], object]) -> None:
    """Both give the same."""
    results = []
    for kernel in ("C", "Python"):
        with switched(kernel):
            results.append(work())
    assert results[0] == results[1]


@given(model=holed_models(), bits=st.sampled_from([0, 3, 8]), memory=st.sampled_from([256, 1 << 30]))
def test_a_table_has_the_same_bytes_in_c_and_numpy(
    tmp_path_factory: pytest.TempPathFactory, model: NgramsInMemory, bits: int, memory: int
) -> None:
    path: Path = tmp_path_factory.mktemp("tables") / "table"

    def written() -> bytes:
        write_table(path, model, bits=bits, memory=memory)
        return path.read_bytes()

    in_c_and_numpy(written)


@given(st.sets(st.integers(1, (1 << 40) - 1), min_size=1, max_size=400), st.data())
def test_n_grams_lie_where_their_keys_say_in_whichever_order_they_come(keys: set[int], data: st.DataObject) -> None:
    keys_N = np.array(data.draw(st.permutations(sorted(keys))), np.uint64)
    sizes = {"homes": data.draw(st.integers(1, 600)), "key_bytes": 5, "value_bytes": data.draw(st.integers(1, 8))}
    free = data.draw(st.integers(0, 700))

    def rows() -> list[list[int]]:
        rows_SB = placed(keys_N, keys_N * np.uint64(3), free=free, **sizes)
        assert rows_SB is not None
        return rows_SB.tolist()

    in_c_and_numpy(rows)
    shift, least, expected = 8, free, []
    for key in sorted(keys):  # as the layout is defined
        least = max(least, (key >> shift) * sizes["homes"] >> 32)
        expected.append((least, key.to_bytes(5, "little") + (3 * key).to_bytes(8, "little")[: sizes["value_bytes"]]))
        least += 1
    assert [(free + i, bytes(row)) for i, row in enumerate(rows()) if any(row[:5])] == expected


def test_keys_that_all_want_one_slot_are_sorted_instead_of_moved():
    keys_N = (np.arange(1, 3001, dtype=np.uint64) * np.uint64(7919)) % np.uint64(3001) + np.uint64(1)
    sizes = {"homes": 4500, "key_bytes": 8, "value_bytes": 4}
    if ngrams.available():
        assert ngrams.inserted(keys_N, keys_N, room=3001, first=0, **sizes) is None
    rows_SB = placed(keys_N, keys_N, free=0, **sizes)
    assert rows_SB is not None
    assert rows_SB[:, :8].copy().view("<u8").ravel().tolist() == sorted(keys_N.tolist())


@given(st.lists(st.tuples(st.integers(1, 1 << 20), st.integers(0, 3999)), min_size=1), st.sampled_from([5, 6, 8]))
def test_keys_are_the_same_in_c_and_numpy(pairs: list[tuple[int, int]], size: int) -> None:
    nodes, words = np.array(pairs).T
    in_c_and_numpy(
        lambda: scattered(nodes.astype(np.uint32), words.astype(np.int32), vocabulary=4000, size=size).tolist()
    )


@given(st.one_of(holed_models(), models()), st.sampled_from([0, 8]), st.data())
def test_a_packed_model_true_or_hostile_is_the_same_in_c_and_numpy(
    model: NgramsInMemory, bits: int, data: st.DataObject
) -> None:
    content = bytearray(packed(model, bits=bits)[:-32])
    if data.draw(st.booleans()):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    digested = bytes(content) + hashlib.sha256(content).digest()

    def opened() -> object:
        try:
            trie = unpacked(digested, model.words).ngrams
        except BadModel as problem:
            return str(problem)
        orders = tuple(block for k in range(1, len(trie.counts) + 1) for block in trie.blocks(k))
        return bits_of(NgramsInMemory(model.words, orders)), [
            as_trie(trie).ids(k + 1).tolist() for k in range(len(orders))
        ]

    in_c_and_numpy(opened)

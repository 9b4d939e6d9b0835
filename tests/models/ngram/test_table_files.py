"""A table file that is damaged or hostile gives a sentence or scores, never a crash."""

import zlib
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tables import MODEL, sentences

from nonplus.errors import BadInput, BadModel
from nonplus.models.ngram.table.file import HEADER, RECORD
from nonplus.models.ngram.table.table import Table, write_table

IDS = np.array([1, 3, 4, 2, 4, 3, 4, 0, 2, 1, 1], np.int32)
STARTS = np.array([0, 4, 4, 11])
HEADERS = HEADER.itemsize + len(MODEL.counts) * RECORD.itemsize


@pytest.fixture(scope="module", params=[0, 5], ids=["plain", "quantised"])
def whole(request, tmp_path_factory):
    path = tmp_path_factory.mktemp("tables") / "whole"
    write_table(path, MODEL, bits=request.param)
    return path


def with_checksum(content):
    """The same with a header that passes for an intact one."""
    header = bytearray(content[:HEADERS])
    header[20:24] = bytes(4)
    header[20:24] = zlib.crc32(header).to_bytes(4, "little")
    return bytes(header) + content[HEADERS:]


def use(path):
    """Read all that can be read of a table, refusals aside."""
    with suppress(BadModel, BadInput):
        table = Table.open(path)
        small = table.vocabulary <= len(MODEL.words)
        table.score(IDS, STARTS)
        for _ in table.distributions(IDS, STARTS, np.arange(len(IDS))) if small else ():
            pass
        back = table.ngrams(range(table.vocabulary))
        for k in range(1, table.order + 1):
            for _ in back.blocks(k):
                pass


@given(data=st.data())
def test_a_changed_byte_gives_a_sentence_or_scores(whole, tmp_path_factory, data):
    content = bytearray(whole.read_bytes())
    for place in data.draw(st.lists(st.integers(0, len(content) - 1), min_size=1, max_size=8)):
        content[place] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.mktemp("changed") / "table"
    path.write_bytes(with_checksum(bytes(content)) if data.draw(st.booleans()) else content)
    use(path)


@given(data=st.data())
def test_a_changed_number_of_the_header_gives_a_sentence_or_scores(whole, tmp_path_factory, data):
    content = bytearray(whole.read_bytes())
    numbers = st.sampled_from([0, 1, 2, 3, 5, 31, 64, 1 << 31, (1 << 32) - 1, 1 << 32, (1 << 63) - 1, (1 << 64) - 1])
    for place in data.draw(st.lists(st.integers(4, HEADERS // 8 - 1), min_size=1, max_size=3)):
        content[8 * place : 8 * place + 8] = data.draw(numbers).to_bytes(8, "little")
    path = tmp_path_factory.mktemp("changed") / "table"
    path.write_bytes(with_checksum(bytes(content)))
    use(path)


def test_a_changed_header_is_noticed(whole, tmp_path):
    for place in range(16, HEADERS):
        content = bytearray(whole.read_bytes())
        content[place] ^= 1
        (tmp_path / "table").write_bytes(content)
        with pytest.raises(BadModel, match="convert the model again"):
            Table.open(tmp_path / "table")


def test_a_file_cut_anywhere_is_noticed(whole, tmp_path):
    content = whole.read_bytes()
    for size in range(len(content)):
        (tmp_path / "table").write_bytes(content[:size])
        with pytest.raises(BadModel, match="convert the model again"):
            Table.open(tmp_path / "table")


def test_another_file_is_named_so(tmp_path):
    (tmp_path / "model.arpa").write_bytes(b"\\data\\\nngram 1=3\n" * 20)
    with pytest.raises(BadModel, match=r"model\.arpa cannot be used as a table of n-grams: it begins otherwise"):
        Table.open(tmp_path / "model.arpa")


def test_another_version_is_named(whole, tmp_path):
    content = bytearray(whole.read_bytes())
    content[16] = 9
    (tmp_path / "table").write_bytes(content)
    with pytest.raises(BadModel, match="its version is 9, and this nonplus reads version 1"):
        Table.open(tmp_path / "table")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(BadInput, match="nowhere cannot be read: No such file"):
        Table.open(tmp_path / "nowhere")


@given(st.data())
def test_a_table_full_of_anything_scores_within_bounds(whole, tmp_path_factory, data):
    """Only the header is left as it was."""
    content = whole.read_bytes()
    noise = np.random.default_rng(data.draw(st.integers(0, 1 << 30))).bytes(len(content) - HEADERS)
    path = tmp_path_factory.mktemp("noise") / "table"
    path.write_bytes(content[:HEADERS] + noise)
    use(path)
    ids, starts = data.draw(sentences(len(MODEL.words)))
    lengths = Table.open(path).score(ids, starts).length_T
    assert ((lengths >= 1) & (lengths <= 3)).all()

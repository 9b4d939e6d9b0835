import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nonplus.corpora.records.interfaces import Sizes
from nonplus.corpora.records.lines import Block, blocks

TEXTS = st.lists(st.sampled_from([b"\n", b"a", b"bc", b"\r\n", b"dddddddd"]), max_size=40).map(b"".join)


class Trickle(io.RawIOBase):
    """Bytes that come a few at a time."""

    def __init__(self, content: bytes, step: int) -> None:
        self._content = io.BytesIO(content)
        self._step = step

    def readable(self) -> bool:
        return True

    def readinto(self, buffer) -> int:
        part = self._content.read(min(self._step, len(buffer)))
        buffer[: len(part)] = part
        return len(part)


def slowly(content: bytes, unit: int) -> list[Block]:
    """The blocks, found line by line."""
    found, first, now = [], 1, b""
    for number, line in enumerate(io.BytesIO(content), 1):
        now += line
        if len(now) >= unit:
            found.append(Block(len(found), first, now))
            first, now = number + 1, b""
    return found + [Block(len(found), first, now)] * bool(now)


def every(_: int) -> bool:
    return True


@given(TEXTS, st.integers(1, 12), st.integers(1, 7))
def test_a_block_is_the_fewest_lines_of_that_many_bytes_whatever_comes_at_once(content, unit, step):
    stream = io.BufferedReader(Trickle(content, step), buffer_size=step)
    assert list(blocks(stream, every, Sizes(unit=unit))) == slowly(content, unit)


@given(TEXTS, st.integers(1, 12), st.sets(st.integers(0, 5)))
def test_a_block_that_is_not_taken_changes_no_other(content, unit, wanted):
    all_blocks = list(blocks(io.BytesIO(content), every, Sizes(unit=unit)))
    some = list(blocks(io.BytesIO(content), wanted.__contains__, Sizes(unit=unit)))
    assert some == [block for block in all_blocks if block.number in wanted]


@given(TEXTS, st.integers(1, 12), st.integers(1, 12))
def test_the_limit_of_a_line_moves_no_border(content, unit, longest):
    def borders(sizes: Sizes) -> list[tuple[int, int]]:
        return [(block.number, block.first) for block in blocks(io.BytesIO(content), every, sizes)]

    assert borders(Sizes(unit=unit, record=longest)) == borders(Sizes(unit=unit))


def test_of_an_endless_line_little_more_than_the_limit_is_kept():
    stream = io.BytesIO(b"a\n" + b"b" * 1000 + b"\nc\n")
    found = list(blocks(stream, every, Sizes(unit=4, record=10)))
    assert found == [Block(0, 1, b"a\n" + b"b" * 11 + b"\n"), Block(1, 3, b"c\n")]


@pytest.mark.parametrize("size", [9, 10])
def test_a_line_as_long_as_the_limit_is_whole(size):
    line = b"b" * size + b"\n"
    assert [block.data for block in blocks(io.BytesIO(line * 2), every, Sizes(unit=1, record=10))] == [line, line]


def test_a_byte_order_mark_is_left_out_at_the_beginning_only():
    stream = io.BytesIO(b"\xef\xbb\xbfa\n\xef\xbb\xbfb\n")
    assert [block.data for block in blocks(stream, every, Sizes(unit=1))] == [b"a\n", b"\xef\xbb\xbfb\n"]

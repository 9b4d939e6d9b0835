import io
import tracemalloc

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
    found, places, lines = [], [], []
    for place, line in enumerate(io.BytesIO(content), 1):
        places.append(place)
        lines.append(line)
        if len(b"".join(lines)) >= unit:
            found.append((places, lines))
            places, lines = [], []
    found += [(places, lines)] * bool(lines)
    return [
        (number, places, [line.removesuffix(b"\n") for line in lines]) for number, (places, lines) in enumerate(found)
    ]


def read(stream, unit: int, takes=lambda _: True, record: int = 1000):
    return [
        (block.number, list(block.places), block.lines)
        for block in blocks(stream, takes, Sizes(unit=unit, record=record))
    ]


@given(TEXTS, st.integers(1, 12), st.integers(1, 7))
def test_a_block_is_the_fewest_lines_of_that_many_bytes_whatever_comes_at_once(content, unit, step):
    stream = io.BufferedReader(Trickle(content, step), buffer_size=step)
    assert read(stream, unit) == slowly(content, unit)


@given(TEXTS, st.integers(1, 12), st.sets(st.integers(0, 5)))
def test_a_block_that_is_not_taken_changes_no_other(content, unit, wanted):
    everything = read(io.BytesIO(content), unit)
    some = read(io.BytesIO(content), unit, wanted.__contains__)
    assert some == [block for block in everything if block[0] in wanted]


@given(TEXTS, st.integers(1, 12), st.integers(1, 12), st.integers(1, 7))
def test_a_line_that_is_too_long_is_rejected_and_moves_no_other(content, unit, longest, step):
    stream = io.BufferedReader(Trickle(content, step), buffer_size=step)
    found = list(blocks(stream, lambda _: True, Sizes(unit=unit, record=longest)))
    fitting = [(place, line) for block in found for place, line in zip(block.places, block.lines, strict=True)]
    rejected = [(rejection.place, rejection.raw) for block in found for rejection in block.rejected]
    lines = [line.removesuffix(b"\n") for line in io.BytesIO(content)]
    assert fitting == [(place, line) for place, line in enumerate(lines, 1) if len(line) <= longest]
    assert [place for place, _ in rejected] == [place for place, line in enumerate(lines, 1) if len(line) > longest]
    assert all(lines[place - 1].startswith(raw) for place, raw in rejected)
    assert [block.number for block in found] == [number for number, *_ in slowly(content, unit)]


def test_of_an_endless_line_only_the_beginning_is_kept_in_memory():
    class Endless(io.RawIOBase):
        left = 100 << 20

        def readable(self) -> bool:
            return True

        def readinto(self, buffer) -> int:
            size = min(len(buffer), self.left)
            buffer[:size] = b"b" * size
            self.left -= size
            return size

    tracemalloc.start()
    try:
        (block,) = blocks(io.BufferedReader(Endless()), lambda _: True, Sizes(record=1 << 20))
        assert tracemalloc.get_traced_memory()[1] < 20 << 20
    finally:
        tracemalloc.stop()
    assert block.lines == []
    assert [(each.place, each.raw) for each in block.rejected] == [(1, b"b" * 200)]


@pytest.mark.parametrize(("size", "lines"), [(10, 2), (11, 0)])
def test_a_line_as_long_as_the_limit_is_no_longer_than_it(size, lines):
    stream = io.BytesIO((b"b" * size + b"\n") * 2)
    assert sum(len(found) for _, _, found in read(stream, 1, record=10)) == lines


def test_a_byte_order_mark_is_left_out_at_the_beginning_only():
    stream = io.BytesIO(b"\xef\xbb\xbfa\n\xef\xbb\xbfb\n")
    assert [lines for _, _, lines in read(stream, 1)] == [[b"a"], [b"\xef\xbb\xbfb"]]

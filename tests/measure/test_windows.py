"""Windows: every token that can be scored is scored once, with as much context as was
promised.
"""

from functools import partial

from hypothesis import given
from hypothesis import strategies as st

from nonplus.measure.records import Window
from nonplus.measure.windows import chunk_windows, grid_windows, headed_windows, windows

sizes = st.integers(0, 60)


@given(sizes, st.integers(1, 12), st.data())
def test_rolling_windows_score_each_token_once_in_order(n: int, room: int, data: st.DataObject) -> None:
    stride, first = data.draw(st.integers(1, room)), data.draw(st.integers(0, 8))
    cut = list(windows(partial(min, n), room=room, stride=stride, first=first))
    assert [i for w in cut for i in range(w.first, w.stop)] == list(range(first, n))


@given(sizes, st.integers(1, 12), st.data())
def test_a_rolling_window_holds_no_more_than_its_room_and_the_token_after_it(
    n: int, room: int, data: st.DataObject
) -> None:
    stride = data.draw(st.integers(1, room))
    for w in windows(partial(min, n), room=room, stride=stride):
        assert 0 <= w.start <= w.first < w.stop
        assert w.stop - 1 - w.start <= room


@given(sizes, st.integers(2, 12), st.data())
def test_after_the_first_window_every_token_sees_what_the_stride_leaves(n: int, room: int, data: st.DataObject) -> None:
    stride = data.draw(st.integers(1, room))
    for w in list(windows(partial(min, n), room=room, stride=stride))[1:]:
        assert all(token - w.start >= room + 1 - stride for token in range(w.first, w.stop))


@given(sizes, st.integers(2, 12), st.integers(0, 8))
def test_a_headed_text_is_scored_once_and_only_its_first_window_has_the_prefix(
    n: int, context: int, first: int
) -> None:
    cut = list(headed_windows(partial(min, n), context=context, stride=context, first=first))
    assert [i for w in cut for i in range(w.first, w.stop)] == list(range(first, n))
    assert all(w.prefixed == (w.start == 0 and w.stop <= context) for w in cut)
    assert all(w.prefixed + w.stop - w.start - 1 <= context for w in cut)


@given(sizes, st.integers(2, 12), st.data())
def test_a_grid_scores_no_token_twice_and_leaves_out_only_those_that_begin_a_window(
    n: int, context: int, data: st.DataObject
) -> None:
    stride = data.draw(st.integers(1, context))
    cut = list(grid_windows(partial(min, n), context=context, stride=stride))
    scored = [i for w in cut for i in range(w.first, w.stop)]
    left_out = set(range(n)) - set(scored)
    assert len(scored) == len(set(scored))
    assert left_out <= ({0} if stride < context else set(range(0, n, stride)))


@given(sizes, st.integers(2, 12), st.data())
def test_chunks_are_whole_and_skip_what_they_are_told_to(n: int, context: int, data: st.DataObject) -> None:
    skip = data.draw(st.integers(1, context - 1))
    cut = list(chunk_windows(partial(min, n), context=context, skip=skip))
    assert len(cut) == n // context
    assert all((w.stop - w.start, w.first - w.start) == (context, skip) for w in cut)


@given(st.integers(1, 12), st.data())
def test_a_context_that_fits_is_fed_whole_and_of_a_longer_one_half_a_window(room: int, data: st.DataObject) -> None:
    stride, first = data.draw(st.integers(1, room)), data.draw(st.integers(0, 40))
    begin = next(windows(partial(min, 60), room=room, stride=stride, first=first))
    assert begin.first - begin.start >= (first if first <= room else room - room // 2)


def test_the_last_window_is_filled_up_with_context() -> None:
    assert list(windows(partial(min, 10), room=4, stride=4)) == [Window(0, 0, 5), Window(4, 5, 9), Window(5, 9, 10)]

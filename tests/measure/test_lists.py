"""Items as lists for a call."""

from hypothesis import given
from hypothesis import strategies as st

from nonplus.measure.lists import in_lists


@given(st.lists(st.text(max_size=9)), st.integers(1, 20))
def test_lists_hold_all_items_in_order_and_end_where_they_are_large_enough(items, least):
    lists = list(in_lists(items, size=len, least=least))
    assert [item for own in lists for item in own] == items
    sizes = [[len(item) for item in own] for own in lists]
    assert all(sum(own) >= least for own in sizes[:-1])  # and none is empty
    assert all(sum(own[:-1]) < least for own in sizes)  # no item follows the one that made it so


def test_a_list_is_given_before_the_next_item_is_asked_for():
    asked = []
    lists = in_lists((asked.append(n) or n for n in range(9)), size=lambda _: 1, least=3)
    assert next(lists) == asked == [0, 1, 2]

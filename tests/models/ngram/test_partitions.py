"""Parts of a text's n-grams: as large as they may be, and no larger."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from nonplus.models.ngram.training.partitions import partitions

sizes = st.lists(st.integers(0, 9), min_size=4, max_size=8)


@given(counts=sizes, before=sizes, order=st.integers(3, 5), most=st.integers(1, 20))
def test_a_part_of_more_than_may_be_has_one_context_end_or_heads_others(counts, before, order, most):
    found = partitions(np.array(counts), lambda context: np.array(before), order=order, most=most)
    for each in found:
        assert each.heads or each.sizes.sum() <= most or each.part.high == each.part.low + 1
    whole = [each for each in found if each.sizes.sum() > most and each.part.low > 2]  # neither an edge nor <s>
    assert all(each.heads or len(each.part.suffix) == order - 2 for each in whole)

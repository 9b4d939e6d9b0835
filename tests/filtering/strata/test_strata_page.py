"""What a page shows of a corpus before and after a cut."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from nonplus.filtering.strata.page import axis_of, spread_chart
from nonplus.filtering.strata.strata import Strata


@given(st.lists(st.floats(0, 11.9), min_size=1, max_size=30))
def test_below_a_histogram_stands_how_many_documents_its_highest_bar_has(bits):
    strata = Strata()
    strata.add(np.array(bits), np.ones((len(bits), 3), np.int64), np.ones(len(bits), bool), {})
    html = spread_chart(strata.whole, axis_of(strata), label="x")
    highest = int(strata.whole.bins_before.max())
    assert f"the highest bar has {highest} document{'s' if highest > 1 else ''}<" in html

"""How much of a text repeats itself."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from nonplus.filtering.scoring.repetition import STRETCH, repetition

BOOK = (Path(__file__).parents[3] / "examples" / "lost_world.txt").read_text(encoding="utf-8")
SHORT = st.text(alphabet="ab\n é", max_size=200)


def counted(text):
    """The slow and obvious way: each stretch compared with all before it."""
    data = text.encode()
    stretches = [data[start : start + STRETCH] for start in range(len(data) - STRETCH + 1)]
    return (len(stretches) - len(set(stretches))) / max(1, len(stretches))


@given(st.lists(st.builds(str.__mul__, SHORT, st.integers(0, 5)), max_size=4))
@example(["x" * 31, "x" * 32, "x" * 33, "", "\0" * 100])
def test_the_share_is_that_of_stretches_seen_before(texts):
    assert repetition(texts).tolist() == [counted(text) for text in texts]


@given(st.lists(SHORT, max_size=5))
def test_a_text_has_the_same_share_in_any_batch(texts):
    together = repetition(texts)
    assert together.tolist() == [float(repetition([text])[0]) for text in texts]


def test_a_line_said_again_and_again_repeats_itself_almost_whole():
    line = BOOK.splitlines()[40] + "\n"
    assert repetition([BOOK])[0] < 0.02
    assert repetition([line * 50])[0] > 0.95


def test_repeats_are_found_wherever_their_second_copy_begins():
    passage = BOOK[1000:3000]
    assert repetition([passage + "§" + passage])[0] == pytest.approx(0.5, abs=0.02)


def test_of_a_long_text_the_first_mebibyte_counts():
    random = np.random.default_rng(0)
    noise = random.integers(97, 123, 1 << 20, np.uint8).tobytes().decode()
    assert repetition([noise + noise])[0] == repetition([noise])[0] < 1e-3

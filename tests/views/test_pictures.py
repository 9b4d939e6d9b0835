"""A histogram is a PNG that can be read, whatever its parts are called."""

import struct

import numpy as np
import pytest

pytest.importorskip("matplotlib")

from nonplus.views.pictures import histogram_png


def size_of(png):
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    return struct.unpack(">II", png[16:24])


def drawn(parts=()):
    before = np.bincount([15, 20, 20, 25, 80], minlength=121)
    after = np.bincount([15, 20, 20], minlength=121)
    return histogram_png(
        before, after, width=0.1, title="A $title$ \\frac", unit="bits per byte", cuts=(2.4,),
        parts=[(name, before, after) for name in parts],
    )  # fmt: skip


def test_the_picture_is_a_png_and_the_same_each_time():
    assert size_of(drawn())[0] == 1350
    assert drawn() == drawn()


def test_each_four_parts_take_a_row():
    one, two = (size_of(drawn(["x$y_{", "b" * 99, *"cdefgh"][:number]))[1] for number in (4, 5))
    assert two > one > size_of(drawn())[1]


def test_a_name_in_another_script_is_no_reason_to_complain():
    assert size_of(drawn(["网页", "\x1b[31m"]))


def test_nothing_can_be_drawn_too():
    nothing = np.zeros(121, np.int64)
    assert size_of(histogram_png(nothing, nothing, width=0.1, title="none", unit="bits per byte"))

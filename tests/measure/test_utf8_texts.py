"""Texts end to end are the texts that were given."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nonplus.errors import BadInput
from nonplus.measure.utf8_texts import Utf8Texts

TEXTS = st.lists(st.text(st.characters(exclude_categories=["Cs"])) | st.text("ab \n"), max_size=5)


@given(TEXTS)
def test_texts_come_back(texts: list[str]) -> None:
    found = Utf8Texts.of(texts)
    assert found.decoded() == texts
    assert len(found) == len(texts)
    assert found.data_N.tobytes() == "".join(texts).encode()
    assert found.is_ascii == "".join(texts).isascii()


@given(TEXTS, st.data())
def test_a_part_has_its_own_texts(texts: list[str], data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(texts)))
    stop = data.draw(st.integers(start, len(texts)))
    part = Utf8Texts.of(texts).part(start, stop)
    assert part.decoded() == texts[start:stop]
    assert part.starts_D1[0] == 0
    assert part.starts_D1[-1] == len(part.data_N)


def test_half_of_a_surrogate_pair_is_named_with_its_place() -> None:
    with pytest.raises(BadInput, match=r"text 2 holds '\\ud800' at character 1, half of a surrogate pair"):
        Utf8Texts.of(["caf\u00e9", "a\ud800"])


def test_what_is_no_text_is_named_with_its_place() -> None:
    with pytest.raises(BadInput, match=r"text 2 is of type NoneType, where text is needed"):
        Utf8Texts.of(["a", None])  # type: ignore[list-item]

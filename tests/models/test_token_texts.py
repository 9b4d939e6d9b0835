"""Where a token stands in a text, by what a tool says of the token."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nonplus.models.token_texts import stands


@pytest.mark.parametrize(
    ("token", "span", "is_there"),
    [
        (" end", " end", True),
        (" end", "end", False),
        (" end", "", False),
        ("", "", True),
        ("The\N{REPLACEMENT CHARACTER}", "Theé", True),
        ("The\N{REPLACEMENT CHARACTER}", "The", True),
        ("\N{REPLACEMENT CHARACTER}", "", True),
        ("\N{REPLACEMENT CHARACTER} end", "é end", True),
        ("\N{REPLACEMENT CHARACTER} end", "é dog", False),
        ("The\N{REPLACEMENT CHARACTER}", "A dog", False),
        (r"bytes:\xe2\x82", "€", True),
    ],
)
def test_a_token_stands_where_its_own_text_is_or_where_a_part_of_a_character_may_be(token, span, is_there):
    assert stands(token, span) is is_there


@given(st.text())
def test_any_text_stands_where_it_is(text):
    assert stands(text, text)

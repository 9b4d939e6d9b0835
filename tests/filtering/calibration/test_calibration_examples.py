"""An excerpt is a piece of the text around its worst window."""

from hypothesis import given
from hypothesis import strategies as st

from nonplus.filtering.calibration.examples import excerpt


@given(st.text(max_size=300), st.data())
def test_an_excerpt_is_a_piece_of_the_text_that_holds_the_whole_window(text, data):
    begin = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(begin, len(text)))
    sizes = [len(text[:at].encode(errors="surrogatepass")) for at in (begin, end)]
    piece = excerpt(text, *sizes, room=data.draw(st.integers(1, 400)))
    assert piece.worst == text[begin:end]
    assert text[:begin].endswith(piece.before)
    assert text[end:].startswith(piece.after)
    assert piece.begun == (piece.before == text[:begin])
    assert piece.ended == (piece.after == text[end:])


def test_an_excerpt_has_about_as_many_characters_as_there_is_room_for_and_is_cut_at_blanks():
    text = "word " * 1000
    piece = excerpt(text, 2500, 2540, room=600)
    assert 500 < len(piece.before + piece.worst + piece.after) <= 600
    assert piece.before.startswith("word ")
    assert (piece.begun, piece.ended) == (False, False)

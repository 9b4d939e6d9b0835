"""The garbage at the ends of a document is cut off, and nothing else."""

import math
import random
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from nonplus.errors import BadInput
from nonplus.filtering.scoring.figures import OneModel, figures
from nonplus.filtering.scoring.scorer import Scorer
from nonplus.filtering.scoring.trimming import Span, Trimming, good_span, trimmed

BOOK = (Path(__file__).parents[3] / "examples" / "lost_world.txt").read_text(encoding="utf-8")
WHERE = st.sampled_from(["end", "begin", "both"])
# Lines, each as many tokens as words, and what a token of it costs in bits.
LINES = st.lists(
    st.tuples(st.sampled_from(["ab cd ef\n", "é ü. Ab cd\n", "\n", "x。y", "no end "]), st.floats(0, 40)), max_size=7
)
TRIMMINGS = st.builds(Trimming, trim=st.floats(1, 8), trim_at=WHERE, trim_bits=st.floats(1, 60))


def tokens_of(text, bits):
    """Every character a token, that costs so many bits."""
    ends = np.cumsum([len(character.encode()) for character in text])
    return np.array(bits) * math.log(2), ends


def cuts(text):
    """Where a text may be cut, character by character."""
    ends = [at + 1 for at, each in enumerate(text) if each in "\n。" and text[at + 1 : at + 2] != "\n"]
    ends += [at + 2 for at in range(len(text)) if text[at : at + 2] == ". "]
    return sorted({0, len(text), *ends})


def best(text, bits, trimming):
    """The slow and obvious way: all pairs of places, and the sum over all between.

    With it, by how many bits it is better than all others.
    """

    def saved(pair):
        begin, end = pair
        cut = (begin > 0) + (end < len(text))
        return trimming.trim * len(text[begin:end].encode()) - sum(bits[begin:end]) - trimming.trim_bits * cut

    begins = cuts(text) if trimming.trim_at != "end" else [0]
    ends = cuts(text) if trimming.trim_at != "begin" else [len(text)]
    pairs = sorted({(begin, end) for begin in begins for end in ends if begin <= end}, key=saved)
    ahead = saved(pairs[-1]) - saved(pairs[-2]) if pairs[1:] else math.inf
    begin, end = pairs[-1]
    mostly = 2 * len(text[begin:end].encode()) >= len(text.encode())
    return (pairs[-1] if mostly and text[begin:end].strip() else (0, len(text))), ahead


@given(LINES, TRIMMINGS)
def test_the_span_is_the_best_of_all(lines, trimming):
    text = "".join(line for line, _ in lines)
    bits = [cost for line, cost in lines for _ in line]
    (begin, end), ahead = best(text, bits, trimming)
    assume(ahead > 1e-6)
    found = good_span(text, *tokens_of(text, bits), trimming)
    assert found == (len(text[:begin].encode()), len(text[:end].encode()))


@given(LINES, TRIMMINGS)
def test_what_is_left_is_a_part_between_ends_of_lines_and_stays_as_it_is(lines, trimming):
    text = "".join(line for line, _ in lines)
    bits = [cost for line, cost in lines for _ in line]
    span = good_span(text, *tokens_of(text, bits), trimming)
    begin, end = (len(text.encode()[:at].decode()) for at in span)  # never inside of a character
    assert {begin, end} <= set(cuts(text))
    assert text[begin:end].strip() or (begin, end) == (0, len(text))
    left = text[begin:end]
    again = good_span(left, *tokens_of(left, bits[begin:end]), trimming)
    assert again == (0, len(left.encode()))


@given(LINES, WHERE)
def test_a_text_below_the_limit_stays_whole(lines, where):
    text = "".join(line for line, _ in lines)
    bits = [min(cost, 2.0) * len(character.encode()) for line, cost in lines for character in line]
    trimming = Trimming(trim=2.0, trim_at=where, trim_bits=0.001)
    assert good_span(text, *tokens_of(text, bits), trimming) == (0, len(text.encode()))


def test_a_token_of_probability_0_is_cut_off_like_any_garbage():
    text = "good line\n" * 5 + "x\n"
    bits = [1.0] * 50 + [math.inf, 1.0]
    assert good_span(text, *tokens_of(text, bits), Trimming(trim=3)) == Span(0, 50)


@pytest.fixture(scope="module")
def judge():
    return OneModel(Scorer())


def garbage(kind, size=1200):
    draw = random.Random(kind)
    if kind == "letters":
        return "".join(draw.choice("abcdefghijklmnopqrstuvwxyz  ") for _ in range(size))
    if kind == "base64":
        return "".join(draw.choice("ABCDEFGHabcdefgh0123456789+/") + "\n" * (at % 76 == 75) for at in range(size))
    return " ".join(f"{draw.random():.4f}" for _ in range(size // 7))


GOOD = BOOK[:3000].rpartition("\n")[0] + "\n"


@pytest.mark.parametrize("kind", ["letters", "base64", "numbers"])
def test_a_tail_of_garbage_is_cut_off_a_real_text(judge, kind):
    texts = [GOOD, GOOD + garbage(kind), garbage(kind) + "\n" + GOOD, GOOD + garbage(kind) + GOOD]
    found = trimmed(judge, texts, [None] * 4, Trimming(trim=3.5))
    assert found.texts == [GOOD, GOOD, texts[2], texts[3]]
    assert found.end.tolist() == [len(GOOD.encode())] * 2 + [len(text.encode()) for text in texts[2:]]
    assert not found.begin.any()


def test_both_ends_are_cut_where_that_is_asked_for(judge):
    text = garbage("letters") + "\n" + GOOD + garbage("base64")
    assert trimmed(judge, [text], [None], Trimming(trim=3.5, trim_at="both")).texts == [GOOD]
    begun = garbage("letters") + "\n" + GOOD
    assert trimmed(judge, [begun], [None], Trimming(trim=3.5, trim_at="begin")).texts == [GOOD]


def test_what_is_left_has_the_figures_of_what_is_left(judge):
    texts = [GOOD + garbage("letters"), "", GOOD[:700]]
    found = trimmed(judge, texts, [None] * 3, Trimming(trim=3.5))
    alone = figures(judge, [GOOD, "", GOOD[:700]], [None] * 3)
    for name, column in alone.columns.as_dict().items():
        assert np.array_equal(found.figures.columns.as_dict()[name], column, equal_nan=True), name
    assert found.figures.models == alone.models


def test_trimming_again_changes_nothing(judge):
    trimming = Trimming(trim=1.9, trim_at="both", trim_bits=20)
    texts = [BOOK[at : at + 2500] for at in range(0, 25_000, 2500)]
    once = trimmed(judge, texts, [None] * len(texts), trimming)
    assert once.texts != texts
    assert trimmed(judge, once.texts, [None] * len(texts), trimming).texts == once.texts


def test_a_document_that_is_garbage_for_the_most_part_is_left_to_the_rule(judge):
    text = GOOD[:300].rpartition("\n")[0] + "\n" + garbage("letters")
    assert trimmed(judge, [text], [None], Trimming(trim=3.5)).texts == [text]


@pytest.mark.parametrize("wrong", [{"trim": 0}, {"trim": -1}, {"trim": math.nan}, {"trim": 3, "trim_bits": math.inf}])
def test_a_limit_that_is_no_number_of_bits_is_refused(wrong):
    with pytest.raises(BadInput, match=r"is no number of bits above 0; use e.g. trim=3.5, trim_bits=256"):
        Trimming(**wrong)

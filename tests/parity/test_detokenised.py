"""WikiText's detokeniser: the same strings as lm-eval 0.4.13's, on the whole test set
and on random markup.
"""

import re
from pathlib import Path

import pytest
from example_counts import examples
from hypothesis import given
from hypothesis import strategies as st

from nonplus.measure.protocol.lm_eval_text import detokenize, lm_eval_counts

pytest.importorskip("lm_eval")

pytestmark = pytest.mark.peers

# What the rules look for, whole and in halves, and what may stand around it.
MARKUP = (
    *(" @-@ ", " @,@ ", " @.@ ", "@", " : ", " ; ", " . ", " ! ", " ? ", " , ", ".", ","),
    *("( ", " )", "(", ")", "[ ", " ]", "{ ", " }", "}", '" ', ' "', '"', "' ", " '", "'", "s '", " 's", "/' 5/"),
    *("= ", " =", "= = = =", "= = =", "= =", " ° ", "°", "\n", " \n", "\n ", "\t", " ", "  ", " N ", "N"),
    *("a", "s", "is", "7", "é", "–", "\\1", "$"),
)


def theirs(text: str) -> str:
    from lm_eval.tasks.wikitext.preprocess_wikitext import wikitext_detokenizer

    return wikitext_detokenizer({"page": text})


def test_the_whole_of_wikitext_2_by_article(data: Path) -> None:
    whole = (data / "eval" / "wikitext2" / "wiki.test.raw").read_text(encoding="utf-8")
    articles = re.split(r"(?m)^(?= = [^=].* = $)", whole)
    assert len(articles) > 60
    assert "".join(articles) == whole
    for article in articles:
        assert detokenize(article) == theirs(article)


@given(st.lists(st.sampled_from(MARKUP), max_size=30).map("".join))
@examples(500)
def test_random_markup(text: str) -> None:
    assert detokenize(text) == theirs(text)


@given(st.text(max_size=40) | st.lists(st.sampled_from(MARKUP), max_size=20).map("".join))
def test_words_and_bytes_are_counted_alike(text: str) -> None:
    from lm_eval.tasks.wikitext.preprocess_wikitext import process_results

    found = process_results({"page": text}, (0.0,))
    assert lm_eval_counts(text) == (found["word_perplexity"][1], found["byte_perplexity"][1])

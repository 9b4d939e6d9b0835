from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nonplus.corpora import open_corpus
from nonplus.errors import BadInput
from nonplus.measure.records import Document

TITLES = st.text("Aé0()@,", min_size=1, max_size=8)
BODIES = st.lists(
    st.sampled_from([" \n", " = = Section = = \n", " = = = Part = = = \n", " A fox = a dog . \n", " x =\n"])
)

FILES = ["wiki.test.raw", "wiki.test.tokens", "wiki.valid.tokens"]


@pytest.fixture
def wiki(tmp_path):
    def write(text: str) -> str:
        (tmp_path / "wiki.raw").write_bytes(text.encode())
        return f"wikitext:{tmp_path}/wiki.raw"

    return write


def level(line: str) -> int:
    """The level of a heading: the single equals signs before its title; else 0."""
    words = line.split()
    before = next((place for place, word in enumerate(words) if word != "="), 0)
    after = next((place for place, word in enumerate(reversed(words)) if word != "="), 0)
    return before if before and after else 0


def slowly(text: str) -> list[str]:
    """The articles: from each first-level heading to the next."""
    lines = text.split("\n")
    starts = [number for number, line in enumerate(lines) if level(line) == 1]
    return ["\n".join(lines[start:stop]) for start, stop in pairwise([*starts, len(lines)])]


@pytest.mark.parametrize("name", FILES)
def test_articles_are_those_that_a_slow_parser_finds(data, read, name):
    path = data / "eval" / "wikitext2" / name
    assert [article.text for article in read(f"wikitext:{path}")] == slowly(path.read_bytes().decode())


def test_wikitext2_has_the_62_test_articles_with_which_word_perplexities_are_published(data, read):
    # The rows of EleutherAI/wikitext_document_level, wikitext-2-raw-v1, test, which
    # lm-eval 0.4.13 scores.
    articles = read(f"wikitext:{data}/eval/wikitext2/wiki.test.raw")
    assert len(articles) == 62
    assert [article.id for article in articles[:2]] == ["Robert Boulter", "Du Fu"]
    assert articles[0].text.startswith(" = Robert Boulter = \n \n Robert Boulter is an English film")


def test_two_of_them_are_lines_of_a_formula(data, read):
    # Merity et al. 2016, table 1, counts 60 articles.
    articles = read(f"wikitext:{data}/eval/wikitext2/wiki.test.raw")
    formula = {"1 rad / s and a nominal impedance k", "1 henry and capacitance C"}
    assert len([article for article in articles if article.id not in formula]) == 60


def test_articles_and_the_newlines_between_them_are_the_file(data, read):
    path = data / "eval" / "wikitext2" / "wiki.test.raw"
    articles = read(f"wikitext:{path}")
    assert " \n" + "\n".join(article.text for article in articles) == path.read_bytes().decode()


@given(st.lists(st.tuples(TITLES, BODIES), min_size=1))
def test_articles_that_are_written_come_back_with_their_titles(tmp_path_factory, written):
    path = tmp_path_factory.mktemp("law") / "wiki.raw"
    texts = [f" = {title} = \n{''.join(body)}" for title, body in written]
    path.write_text(" \n" + "\n".join(texts))
    assert list(open_corpus(f"wikitext:{path}")) == [
        Document(text=text, id=title) for text, (title, _) in zip(texts, written, strict=True)
    ]


def test_the_blank_line_before_the_first_heading_is_not_a_document_and_not_counted(wiki):
    corpus = open_corpus(wiki(" \n = One = \n words\n"))
    assert [article.text for article in corpus] == [" = One = \n words\n"]
    assert corpus.skipped == 0


def test_text_before_the_first_heading_is_an_article_named_after_the_file(wiki, read, tmp_path):
    articles = read(wiki(" the end of something\n = One = \n words\n"))
    assert articles[0] == Document(text=" the end of something", id=f"{tmp_path}/wiki.raw")


def test_a_file_without_headings_is_one_article(wiki, read):
    assert [article.text for article in read(wiki("just\nwords\n"))] == ["just\nwords\n"]


def test_an_empty_file_is_refused(wiki, read):
    with pytest.raises(BadInput, match="has no text"):
        read(wiki(""))

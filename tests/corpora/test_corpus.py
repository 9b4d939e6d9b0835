import pytest
from hypothesis import given
from hypothesis import strategies as st

from nonplus.corpora import Corpus, CorpusOptions, open_corpora, open_corpus
from nonplus.errors import BadInput
from nonplus.measure.records import Document

TEXTS = st.lists(st.sampled_from(["one", "two words", "", " ", "\n\t", "\u3000"]))


@given(st.lists(TEXTS), st.integers(0, 5))
def test_documents_with_text_come_in_order_up_to_the_limit_and_the_others_are_counted(parts, limit):
    corpus = Corpus("c", [[Document(text=text) for text in part] for part in parts], limit=limit)
    full = [text for part in parts for text in part if text.strip()]
    blank = sum(len(part) for part in parts) - len(full)
    if not full:
        with pytest.raises(BadInput, match="c has no text"):
            list(corpus)
        return
    assert [document.text for document in corpus] == (full[:limit] if limit else full)
    assert corpus.skipped <= blank
    if not limit or limit > len(full):
        assert corpus.skipped == blank


def test_every_pass_starts_and_counts_from_the_beginning(jsonl):
    corpus = open_corpus(str(jsonl([{"text": "one"}, {"text": " "}])))
    assert list(corpus) == list(corpus)
    assert corpus.skipped == 1


def test_at_the_limit_nothing_more_is_read(jsonl, read):
    path = jsonl(['{"text": "one"}', '{"text": "two"}', "broken"])
    assert len(read(str(path), limit=2)) == 2


def test_several_sources_are_one_corpus_in_order(jsonl):
    path = jsonl([{"text": "one"}, {"text": "two"}])
    corpus = open_corpora(["text:zero", str(path), path, "Three words here"])
    assert [document.text for document in corpus] == ["zero", "one", "two", "one", "two", "Three words here"]


def test_the_limit_counts_across_sources(jsonl):
    path = str(jsonl([{"text": "one"}, {"text": "two"}]))
    corpus = open_corpora([path, path], options=CorpusOptions(limit=3))
    assert [document.text for document in corpus] == ["one", "two", "one"]


def test_one_empty_file_among_several_is_skipped_and_counted(tmp_path):
    (tmp_path / "a.txt").write_text("words")
    (tmp_path / "b.txt").touch()
    for corpus in [open_corpora([tmp_path / "a.txt", tmp_path / "b.txt"]), open_corpus(tmp_path)]:
        assert len(list(corpus)) == 1
        assert corpus.skipped == 1


def test_a_corpus_of_blank_documents_is_refused_with_their_number(jsonl, read):
    with pytest.raises(BadInput, match=r"rows\.jsonl has no text: 2 documents, none with text; check"):
        read(str(jsonl([{"text": ""}, {"text": " "}])))


def test_no_sources_at_all_are_refused():
    with pytest.raises(BadInput, match="there are no sources to read; name a file"):
        open_corpora([])


@pytest.mark.parametrize(
    ("sources", "name"),
    [
        (["text:some long text"], "text"),
        (["Some long text"], "text"),
        (["-"], "stdin"),
        (["{folder}/a.txt"], "{folder}/a.txt"),
        (["{folder}"], "{folder}"),
        (["lines:{folder}/a.txt", "-", "text:x"], "lines:{folder}/a.txt and 2 more"),
    ],
)
def test_a_corpus_is_named_after_its_sources(tmp_path, sources, name):
    (tmp_path / "a.txt").write_text("words")
    corpus = open_corpora([source.format(folder=tmp_path) for source in sources])
    assert corpus.name == name.format(folder=tmp_path)


@pytest.mark.parametrize("source", ["text:words", "lines:{}", "file:{}", "{}", "wikitext:{}", "-"])
@pytest.mark.parametrize("option", ["field", "id_field", "context_field", "domain_field"])
def test_a_field_is_refused_where_there_are_no_rows(tmp_path, source, option):
    path = tmp_path / "a.txt"
    path.write_text("words")
    with pytest.raises(BadInput, match=rf"{option}='body' names a field, and there are no rows .*; omit"):
        open_corpus(source.format(path), options=CorpusOptions(**{option: "body"}))


def test_a_field_is_accepted_if_some_of_the_sources_have_rows(jsonl, tmp_path):
    (tmp_path / "a.txt").write_text("words")
    jsonl([{"body": "row"}])
    texts = [document.text for document in open_corpus(tmp_path, options=CorpusOptions(field="body"))]
    assert texts == ["words", "row"]


@pytest.mark.parametrize(
    ("name", "value"), [("field", 5), ("field", None), ("limit", "3"), ("limit", -1), ("max_bytes", 0)]
)
def test_an_option_of_the_wrong_type_or_size_is_refused(name, value):
    with pytest.raises(BadInput, match=rf"{name}(=.*)? is "):
        CorpusOptions(**{name: value})


def test_what_is_done_about_a_bad_row_is_one_of_two_words():
    with pytest.raises(BadInput, match="on_bad_row is stop or skip, got 'ignore'"):
        CorpusOptions(on_bad_row="ignore")

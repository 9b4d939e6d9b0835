import json
from contextlib import nullcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nonplus.corpora import CorpusOptions, Rejected, open_corpus
from nonplus.errors import BadInput, BadProtocol, BadRecord
from nonplus.measure.records import Document


def test_a_row_is_a_document_with_its_line_number_as_id(jsonl, read):
    path = jsonl([{"text": "one", "n": 1}, {"text": "two"}])
    assert read(str(path)) == [Document(text="one", id=f"{path}:1"), Document(text="two", id=f"{path}:2")]


def test_fields_give_the_text_its_context_its_domain_and_its_id(jsonl, read):
    path = jsonl([{"body": "four", "q": "2+2?", "source": "sums", "key": 17}])
    options = {"field": "body", "context_field": "q", "domain_field": "source", "id_field": "key"}
    assert read(str(path), **options) == [Document(text="four", context="2+2?", domain="sums", id="17")]


def test_the_last_line_needs_no_newline_and_lines_may_end_as_on_windows(tmp_path, read):
    path = tmp_path / "rows.jsonl"
    path.write_bytes(b'\xef\xbb\xbf{"text": "one"}\r\n{"text": "two"}')
    assert [document.text for document in read(str(path))] == ["one", "two"]


def test_a_line_separator_of_unicode_does_not_end_a_row(tmp_path, read):
    path = tmp_path / "rows.jsonl"
    path.write_text('{"text": "one\u2028two\x85three"}\n')
    assert [document.text for document in read(str(path))] == ["one\u2028two\x85three"]


def test_blank_lines_are_skipped_counted_and_keep_their_numbers(jsonl):
    path = jsonl(['{"text": "one"}', "", '{"text": "three"}'])
    corpus = open_corpus(str(path))
    assert [document.id for document in corpus] == [f"{path}:1", f"{path}:3"]
    assert corpus.skipped == 1


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ('{"text": "cut', "not JSON, Unterminated string starting at character 9"),
        ("{'text': 'x'}", "not JSON"),
        ('{"text": "a"} {"text": "b"}', "not JSON, Extra data at character 14"),
        ("[" * 100_000, "JSON that cannot be read"),
        (f'{{"text": {"9" * 5000}}}', "JSON that cannot be read"),
        ('["one", "two"]', "the row is of type list, where an object with named fields is needed"),
        ("null", "the row is null, where an object"),
        ('{"body": "x", "id": 1}', "no field 'text'; its fields are 'body', 'id'; name the right one with field=…"),
        ("{}", "no field 'text'; it has no fields"),
        ('{"text": 7}', "the field 'text' is of type int, where text is needed"),
        ('{"text": null}', "the field 'text' is null, where text is needed"),
        ('{"text": ["a"]}', "the field 'text' is of type list, where text is needed"),
        (r'{"text": "half \ud83d"}', r"the field 'text' has a lone surrogate, U\+D83D, at character 5"),
    ],
)
def test_a_broken_row_is_refused_with_its_line_and_what_is_wrong(jsonl, read, line, reason):
    path = jsonl(['{"text": "fine"}', line])
    with pytest.raises(BadRecord, match=rf"rows\.jsonl, at line 2: {reason}"):
        read(str(path))


@pytest.mark.parametrize("option", ["context_field", "domain_field", "id_field"])
def test_every_named_field_must_exist_and_hold_text(jsonl, read, option):
    with pytest.raises(BadRecord, match=f"no field 'other'; its fields are 'text'; name the right one with {option}="):
        read(str(jsonl([{"text": "x"}])), **{option: "other"})
    with pytest.raises(BadRecord, match="the field 'other' is of type float"):
        read(str(jsonl([{"text": "x", "other": 0.5}])), **{option: "other"})


def test_a_whole_surrogate_pair_is_a_character(jsonl, read):
    assert read(str(jsonl([r'{"text": "\ud83d\ude00"}'])))[0].text == "😀"


def test_the_rows_before_a_broken_one_are_read(jsonl):
    documents = iter(open_corpus(str(jsonl(['{"text": "one"}', "broken"]))))
    assert next(documents).text == "one"
    with pytest.raises(BadRecord):
        next(documents)


def test_an_empty_file_is_refused(jsonl, read):
    with pytest.raises(BadInput, match="has no text: it has no documents"):
        read(str(jsonl([])))


def test_a_negative_limit_is_refused():
    with pytest.raises(BadInput, match=r"limit=-1 is less than 0.*limit=0 for all"):
        CorpusOptions(limit=-1)


def test_options_without_a_field_for_the_text_are_refused():
    with pytest.raises(BadInput, match="no field is named that holds the text"):
        CorpusOptions(field="")


def test_messages_exclude_a_context_field():
    with pytest.raises(BadProtocol, match="both set the context"):
        CorpusOptions(messages="messages", context_field="prompt")


BAD = [
    '{"body": "no text"}',
    '{"text": null}',
    "not JSON",
    '{"text": 5}',
    '"a string"',
    r'{"text": "\ud83d"}',
    "x" * 99,
]


@pytest.mark.parametrize("row", BAD)
def test_a_bad_row_stops_the_reading_or_is_skipped_and_handed_over_with_its_place_and_reason(jsonl, row):
    path = jsonl(['{"text": "one"}', row, '{"text": "two"}'])
    documents = iter(open_corpus(str(path), options=CorpusOptions(max_bytes=80)))
    assert next(documents).text == "one"
    with pytest.raises(BadRecord, match="at line 2") as stopped:
        next(documents)
    reason, _, remedy = str(stopped.value).rpartition("; ")
    assert remedy == "on_bad_row=skip leaves such rows out"
    found: list[Rejected] = []
    corpus = open_corpus(str(path), options=CorpusOptions(on_bad_row="skip", max_bytes=80), rejects=found.append)
    for _ in range(2):
        assert [(document.id, document.text) for document in corpus] == [(f"{path}:1", "one"), (f"{path}:3", "two")]
        assert corpus.rejected == 1
    assert found == 2 * [Rejected(place=f"{path}, at line 2", reason=reason, row=row[:80])]


def test_bytes_that_are_not_utf8_spoil_their_row_only(jsonl, read):
    path = jsonl(['{"text": "one"}'])
    path.write_bytes(b'{"text": "caf\xe9"}\n' + path.read_bytes())
    assert [document.text for document in read(str(path), on_bad_row="skip")] == ["one"]


def test_if_every_row_is_bad_the_first_reason_is_said(jsonl, read):
    with pytest.raises(BadInput, match=r"no text: .* 2 rows could not be read; the first: .*no field 'text'"):
        read(str(jsonl(['{"body": 1}', "broken"])), on_bad_row="skip")


@given(rows=st.lists(st.one_of(st.integers(), st.sampled_from(BAD))))
def test_skipping_gives_the_good_rows_in_order_and_counts_the_others(tmp_path_factory, rows):
    path = tmp_path_factory.mktemp("law") / "rows.jsonl"
    path.write_text("".join(f"{json.dumps({'text': str(row)}) if isinstance(row, int) else row}\n" for row in rows))
    good = [str(row) for row in rows if isinstance(row, int)]
    corpus = open_corpus(path, options=CorpusOptions(on_bad_row="skip", max_bytes=80))
    with nullcontext() if good else pytest.raises(BadInput, match="no text"):
        assert [document.text for document in corpus] == good
    assert corpus.rejected == len(rows) - len(good)

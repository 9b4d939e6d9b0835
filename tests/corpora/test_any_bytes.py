"""Whatever the bytes, a source ends in documents or in an error that says why."""

import bz2
import gzip
import lzma
import warnings
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nonplus.corpora import CorpusOptions, open_corpus
from nonplus.errors import NonplusError, SuspectInput

# Beginnings of formats, so that the search gets past the first look.
BEGINNINGS = [
    b"", b'{"text": "a"}\n', b"id,text\n1,", b'text\n"', b"\x1f\x8b\x08\0\0\0\0\0\0\3", b"BZh91AY&SY",
    b"\xfd7zXZ\0\0\4", b"\x28\xb5\x2f\xfd\0", b"PK\3\4", b"PK\5\6" + bytes(18), b"PAR1", b"\xff\xfe", b"\xef\xbb\xbf",
    b" = T = \n", gzip.compress(b"words"), bz2.compress(b"words"), lzma.compress(b"words"),
]  # fmt: skip


@pytest.mark.parametrize("suffix", [".txt", ".jsonl", ".csv", ".tsv", ".tar", ".zip", ".tgz", ".jsonl.zst", ".txt.xz"])
@given(begin=st.sampled_from(BEGINNINGS), rest=st.binary(), skip=st.booleans())
def test_any_bytes_end_in_documents_or_an_error_of_ours(tmp_path_factory, suffix, begin, rest, skip):
    path = tmp_path_factory.mktemp("any") / f"a{suffix}"
    path.write_bytes(begin + rest)
    options = CorpusOptions(on_bad_row="skip" if skip else "stop", max_bytes=60)
    with warnings.catch_warnings(category=SuspectInput, action="ignore"), suppress(NonplusError):
        for document in open_corpus(path, options=options):
            assert document.text.encode()


@pytest.mark.parametrize("scheme", ["file", "lines", "jsonl", "csv", "wikitext", "archive"])
@given(content=st.one_of(st.binary(), st.text().map(str.encode)))
def test_every_scheme_of_text_takes_any_bytes(tmp_path_factory, scheme, content):
    path = tmp_path_factory.mktemp("any") / "a"
    path.write_bytes(content)
    with suppress(NonplusError):
        for document in open_corpus(f"{scheme}:{path}"):
            assert isinstance(document.text, str)

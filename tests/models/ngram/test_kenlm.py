"""KenLM's files and its Python package as peers: the same scores."""

import gzip
import math
import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.models.ngram.models import FIXTURES
from tests.native_switch import switched

from nonplus.errors import BadModel, NonplusError
from nonplus.models.ngram.arpa.reading import read_arpa
from nonplus.models.ngram.arpa.writing import write_arpa
from nonplus.models.ngram.model_file import open_lookup, read_ngrams
from nonplus.models.ngram.ngrams import BEGIN, END, NgramsInMemory
from nonplus.models.ngram.normalizers.named import named
from nonplus.models.ngram.text.rules import Rules
from nonplus.models.ngram.text.words import Words

FILES = ["weather.arpa", "gaps.arpa", "weather.probing", "gaps.probing", "weather.trie", "gaps.trie"]
COMPRESSED = ["weather.qtrie", "weather.atrie", "weather.qatrie"]
each_file = pytest.mark.parametrize("name", [*FILES, *COMPRESSED])

LINES = [
    "",
    "rain falls in may",
    "snow falls in may rain",
    "it rains in may",
    "rain rain rain falls in in may snow",
    "a b c d",
    "a b d a b c d d c b a",
    "sleet rain",
    "d c b",
]
# What is special in a model but text in a text: KenLM's own reading of it is not ours.
SPECIAL = {
    "<s> rain falls": "OOV rain falls",
    "rain </s> in may": "rain OOV in may",
    "a <unk> b": "a OOV b",
    "<UNK> rain": "OOV rain",
    "a\0b rain": "OOV rain",
    "\0": "OOV",
    "rain\u00a0falls in": "OOV in",
    "rain\u0085 b": "OOV b",
}


@pytest.fixture(autouse=True, scope="module", params=["C", "Python"])
def kernel(request):
    """Every test runs with the C kernel and without it."""
    with switched(request.param):
        yield


Listed = dict[tuple[str, ...], tuple[float, float]]


def listed(arpa: Path) -> Listed:
    """Each n-gram of an ARPA file with its two numbers, read line by line."""
    ngrams: Listed = {}
    order = 0
    for line in arpa.read_text().splitlines():
        if line.endswith("-grams:"):
            order = int(line[1])
        elif order and line and not line.startswith("\\"):
            prob, *words = line.split()
            ngrams[tuple(words[:order])] = (
                float(np.float32(prob)),
                float(np.float32(words[order:][0] if words[order:] else 0)),
            )
    return ngrams


def backed_off(ngrams: Listed, history: tuple[str, ...], word: str) -> tuple[float, int]:
    """The definition: the longest n-gram, times the weights of longer histories."""
    if (*history, word) in ngrams:
        return ngrams[*history, word][0], len(history) + 1
    log10_prob, length = backed_off(ngrams, history[1:], word)
    return log10_prob + ngrams.get(history, (0, 0))[1], length


def each_word(arpa: Path, line: str) -> list[tuple[tuple[str, ...], str]]:
    """Each word of a sentence, and its end, after as many words as the model takes."""
    ngrams = listed(arpa)
    room = max(map(len, ngrams)) - 1
    words = ["<s>", *(word if (word,) in ngrams else "<unk>" for word in line.split()), "</s>"]
    return [(tuple(words[max(0, i - room) : i]), words[i]) for i in range(1, len(words))]


def as_rows(model: NgramsInMemory) -> list[dict[tuple[str, ...], tuple[float, float]]]:
    return [
        {
            tuple(model.words[i] for i in ids): (float(prob), float(backoff))
            for ids, prob, backoff in zip(
                block.ids_Mk.tolist(), block.log10_probs_M, block.log10_backoffs_M, strict=True
            )
        }
        for block in model.orders
    ]


def scores(name: str, line: str) -> tuple[list[float], list[int], list[bool]]:
    """Base-10 log-probability, length of the match and whether it is unknown, for each
    token of a line and its end.
    """
    words, lookup = open_lookup(FIXTURES / name)
    sentences = Rules(named("raw-1"), Words(words), unit="line").sentences([line])
    ids_T = sentences.ids_T if line else np.array([BEGIN, END], np.int32)  # no sentence to our rules
    found = lookup.score(ids_T, np.array([0, len(ids_T)]))
    unknown = ids_T[1:] == 0
    return (-found.nats_T[1:] / math.log(10)).tolist(), found.length_T[1:].tolist(), unknown.tolist()


@pytest.mark.peers
@each_file
@pytest.mark.parametrize("line", [*LINES, *SPECIAL])
def test_a_line_has_the_scores_that_kenlm_gives_it(name, line):
    peer = pytest.importorskip("kenlm").Model(str(FIXTURES / name))
    as_kenlm_reads_it = SPECIAL.get(line, line)
    expected = list(peer.full_scores(as_kenlm_reads_it))
    log10_probs, lengths, unknown = scores(name, line)
    assert log10_probs == pytest.approx([log10_prob for log10_prob, _, _ in expected], abs=1e-6)
    if name != "gaps.arpa":  # KenLM fills gaps with n-grams of its own
        assert lengths == [length for _, length, _ in expected]
    assert unknown == [oov for _, _, oov in expected]
    assert sum(log10_probs) == pytest.approx(peer.score(as_kenlm_reads_it), abs=1e-5)
    assert 10 ** -(sum(log10_probs) / len(log10_probs)) == pytest.approx(peer.perplexity(as_kenlm_reads_it), rel=1e-6)


@pytest.mark.parametrize("name", [*FILES, "weather.atrie"])
@pytest.mark.parametrize("line", LINES)
def test_a_line_has_the_scores_of_the_definition(name, line):
    log10_probs, lengths, _ = scores(name, line)
    arpa = FIXTURES / f"{name.partition('.')[0]}.arpa"
    expected = [backed_off(listed(arpa), history, word) for history, word in each_word(arpa, line)]
    assert log10_probs == pytest.approx([log10_prob for log10_prob, _ in expected], abs=1e-9)
    if name.startswith("weather") or name == "gaps.arpa":  # KenLM's files have n-grams that fill gaps
        assert lengths == [length for _, length in expected]


def test_a_trie_is_read_as_the_n_grams_of_its_arpa_file():
    trie, arpa = (read_ngrams(FIXTURES / f"weather.{kind}") for kind in ("trie", "arpa"))
    assert as_rows(trie) == as_rows(arpa)


def test_a_trie_with_compressed_pointers_is_the_same_model():
    assert as_rows(read_ngrams(FIXTURES / "weather.atrie")) == as_rows(read_ngrams(FIXTURES / "weather.trie"))


def test_a_quantised_trie_has_the_n_grams_and_values_of_its_bins():
    quantised, whole = (as_rows(read_ngrams(FIXTURES / f"weather.{kind}")) for kind in ("qtrie", "trie"))
    assert [set(order) for order in quantised] == [set(order) for order in whole]
    assert quantised[0] == whole[0]  # KenLM leaves words as they are
    assert as_rows(read_ngrams(FIXTURES / "weather.qatrie")) == quantised


@pytest.mark.peers
def test_an_arpa_file_that_we_write_is_read_by_kenlm(tmp_path):
    kenlm = pytest.importorskip("kenlm")
    for name in ("weather", "gaps"):
        path = tmp_path / f"{name}.arpa"
        with path.open("wb") as file:
            write_arpa(file, read_arpa(FIXTURES / f"{name}.arpa"))
        ours, theirs = (kenlm.Model(str(folder / f"{name}.arpa")) for folder in (tmp_path, FIXTURES))
        for line in LINES:
            assert list(ours.full_scores(line)) == list(theirs.full_scores(line))


@pytest.mark.parametrize("name", ["weather.probing", "weather.trie", "weather.arpa"])
def test_probabilities_of_all_words_are_those_of_each(name):
    words, lookup = open_lookup(FIXTURES / name)
    ids_T = np.array([1, 3, 4, 5, 2, 1, 7, 2], np.int32)
    starts = np.array([0, 5, 8])
    (whole_N, each_N) = np.array([1, 3, 7]), []
    for at in whole_N:
        first = starts[np.searchsorted(starts, at, side="right") - 1]
        row = []
        for word in range(len(words)):
            ids = np.append(ids_T[first:at], np.int32(word))
            row.append(-lookup.score(ids, np.array([0, len(ids)])).nats_T[-1])
        each_N.append(row)
    expected = np.array(each_N)
    expected[:, BEGIN] = -np.inf
    np.testing.assert_allclose(np.concatenate(list(lookup.distributions(ids_T, starts, whole_N))), expected, atol=1e-12)


def head(**changes) -> bytes:
    """The bytes of weather.probing with other numbers in its head."""
    content = bytearray((FIXTURES / "weather.probing").read_bytes())
    fields = {"order": ("<B", 88), "multiplier": ("<f", 92), "kind": ("<i", 96), "words": ("<B", 100)}
    fields |= {"version": ("<I", 104), "unigrams": ("<Q", 108), "trigrams": ("<Q", 124), "bound": ("<I", 140)}
    for field, value in changes.items():
        struct.pack_into(fields[field][0], content, fields[field][1], value)
    return bytes(content)


PROBING = (FIXTURES / "weather.probing").read_bytes()
TRIE = (FIXTURES / "weather.trie").read_bytes()
DAMAGED = {
    "a file that did not finish": (b"mmap lm http://kheafield.com/code incomplete\n" + PROBING[50:], "unfinished"),
    "an older format": (PROBING.replace(b"version 5", b"version 4"), "another format than 5"),
    "only the mark": (PROBING[:60], "is not a KenLM binary"),
    "a truncated head": (PROBING[:120], "promises at least 132 bytes, and it has 120"),
    "truncated tables": (PROBING[:500], "cut or is damaged"),
    "truncated words": (PROBING[:-3], "8 words from <unk> on belong at its end"),
    "a truncated trie": (TRIE[:300], "cut or is damaged"),
    "truncated words of a trie": (TRIE[:-3], "8 words from <unk> on belong at its end"),
    "more words": (PROBING + b"more\0", "8 words from <unk> on"),
    "a word that is not UTF-8": (PROBING.replace(b"rain\0", b"r\xe4in\0"), "not UTF-8"),
    "a word twice": (PROBING.replace(b"snow\0", b"rain\0"), "twice"),
    "no <s>": (PROBING.replace(b"<s>\0", b"<S>\0"), "<s> or </s> is not"),
    "order 0": (head(order=0), "order 0"),
    "order 200": (head(order=200), "order 200"),
    "less than one slot": (head(multiplier=0.5), "0.5 slots"),
    "no number of slots": (head(multiplier=math.nan), "nan slots"),
    "an unknown kind": (head(kind=77), "kind 77, which is not read"),
    "rest costs": (head(kind=1), "kind 1, .* without rest costs"),
    "an unknown version": (head(version=9), "version 9"),
    "more n-grams than bytes": (head(trigrams=10**12), "promises at least"),
    "more n-grams than there are": (head(trigrams=2**64 - 1), "promises at least"),
    "more words than unigrams": (head(bound=100), "100 words and 8 unigrams"),
    "compressed": (gzip.compress(PROBING), "KenLM binary.*unpack it first"),
}


@pytest.mark.parametrize("case", DAMAGED)
def test_a_damaged_binary_is_refused(case, tmp_path):
    content, sentence = DAMAGED[case]
    path = tmp_path / "model.bin"
    path.write_bytes(content)
    with pytest.raises(BadModel, match=rf"(?s)model\.bin.*{sentence}"):
        open_lookup(path)


def test_a_binary_without_its_words_is_refused():
    with pytest.raises(BadModel, match=r"without its words.*build it again with them"):
        open_lookup(FIXTURES / "weather-without-words.probing")


def test_hash_tables_cannot_be_listed():
    with pytest.raises(BadModel, match="can be scored but not listed; give its ARPA file"):
        read_ngrams(FIXTURES / "weather.probing")


def test_a_value_that_is_no_number_is_refused_when_it_is_used(tmp_path):
    for value in (math.nan, math.inf, -math.inf, struct.unpack("<f", b"\x01\0\x81\x7f")[0]):
        path = tmp_path / "model.bin"
        path.write_bytes(PROBING.replace(struct.pack("<f", -0.1760913), struct.pack("<f", value)))
        words, lookup = open_lookup(path)
        ids_T = np.arange(len(words), dtype=np.int32)
        with pytest.raises(BadModel, match="value that is no number"):
            lookup.score(ids_T, np.array([0, len(ids_T)]))
        path.write_bytes(TRIE.replace(struct.pack("<f", -0.1760913), struct.pack("<f", value)))
        with pytest.raises(BadModel, match="value that is no number"):
            open_lookup(path)


@pytest.mark.filterwarnings("ignore:.*has no <unk>")
@pytest.mark.parametrize("name", ["weather.probing", "weather.trie", "weather.qatrie", "weather.arpa"])
@given(data=st.data())
def test_any_damage_gives_a_model_or_a_sentence(tmp_path_factory, name, data):
    content = bytearray((FIXTURES / name).read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(content)))
        piece = data.draw(st.one_of(st.binary(max_size=9), st.sampled_from([b"\xff" * 8, b"\0" * 8, b"\n", b"\\"])))
        content[at : at + data.draw(st.integers(0, 9))] = piece
    path = tmp_path_factory.mktemp("damaged") / "model"
    path.write_bytes(content)
    try:
        words, lookup = open_lookup(path)
    except NonplusError as error:
        sentence = str(error)
    else:
        sentence = "a model; scored"
        ids_T = np.arange(len(words), dtype=np.int32)
        assert len(lookup.score(ids_T, np.array([0, len(ids_T)])).nats_T) == len(words)
    assert "; " in sentence

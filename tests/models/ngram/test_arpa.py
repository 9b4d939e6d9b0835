import bz2
import gzip
import io
import lzma
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from tests.models.ngram.models import FIXTURES, bits, models
from tests.native_switch import switched

from nonplus.errors import BadInput, BadModel, SuspectInput
from nonplus.models.ngram.arpa.reading import read_arpa
from nonplus.models.ngram.arpa.writing import write_arpa
from nonplus.models.ngram.ngrams import Block, NgramsInMemory

WEATHER = (FIXTURES / "weather.arpa").read_bytes()


def zstd(data: bytes) -> bytes:
    return pytest.importorskip("zstandard").compress(data)


PACKED = {"plain": bytes, "gzip": gzip.compress, "bzip2": bz2.compress, "xz": lzma.compress, "zstd": zstd}


@pytest.fixture(autouse=True, scope="module", params=["C", "Python"])
def kernel(request):
    """Every test runs with the C kernel and without it."""
    with switched(request.param):
        yield


@pytest.fixture
def reads(tmp_path):
    """Reads the bytes of an ARPA file."""

    def read(content: bytes) -> NgramsInMemory:
        path = tmp_path / "model.arpa"
        path.write_bytes(content)
        return read_arpa(path)

    return read


def written(model: NgramsInMemory) -> bytes:
    file = io.BytesIO()
    write_arpa(file, model)
    return file.getvalue()


def changed(old: bytes, new: bytes) -> bytes:
    assert WEATHER.count(old) == 1
    return WEATHER.replace(old, new)


def numbers(block: Block) -> dict[tuple[int, ...], tuple[float, float]]:
    rows = zip(block.ids_Mk.tolist(), block.log10_probs_M, block.log10_backoffs_M, strict=True)
    return {tuple(ids): (float(prob), float(backoff)) for ids, prob, backoff in rows}


def test_a_model_is_what_its_lines_say(reads):
    model = reads(WEATHER)
    assert model.words == ["<unk>", "<s>", "</s>", "rain", "falls", "in", "may", "snow"]
    assert model.counts == (8, 8, 4)
    assert numbers(model.orders[0])[(4,)] == (np.float32(-1.1), np.float32(0.39794))
    assert numbers(model.orders[0])[(7,)] == (-1.0, 0.0)
    assert numbers(model.orders[1])[(0, 3)] == (np.float32(-1.2), np.float32(-0.7))
    assert numbers(model.orders[2])[(5, 6, 2)] == (np.float32(-0.0177288), 0.0)


@given(model=models())
def test_a_model_comes_back_from_its_file_bit_for_bit(tmp_path_factory, model):
    path = tmp_path_factory.mktemp("law") / "model.arpa"
    path.write_bytes(written(model))
    assert bits(read_arpa(path)) == bits(model)


@given(model=models())
def test_a_file_that_was_written_is_written_again_byte_for_byte(tmp_path_factory, model):
    path = tmp_path_factory.mktemp("law") / "model.arpa"
    path.write_bytes(written(model))
    assert written(read_arpa(path)) == path.read_bytes()


@pytest.mark.parametrize("packing", PACKED)
def test_a_compressed_file_is_known_by_its_bytes_whatever_its_name(tmp_path, packing, reads):
    assert bits(reads(PACKED[packing](WEATHER))) == bits(reads(WEATHER))


AS_OTHERS_WRITE_IT = {
    "text before the data": b"Made by a tool.\n\\1-grams:\np_1 wd_1\n\n" + WEATHER,
    "line ends of Windows": WEATHER.replace(b"\n", b"\r\n"),
    "blanks for tabs": WEATHER.replace(b"\t", b"  "),
    "tabs for blanks": WEATHER.replace(b" ", b"\t").replace(b"ngram\t", b"ngram "),
    "blanks at the end of a line": WEATHER.replace(b"\n", b" \t\n"),
    "blanks in the header": WEATHER.replace(b"ngram 1=", b"ngram  1 =\t"),
    "more empty lines": WEATHER.replace(b"grams:\n", b"grams:\n\n \n"),
    "no empty line": WEATHER.replace(b"\n\n", b"\n"),
    "no end mark": WEATHER.removesuffix(b"\n\\end\\\n"),
    "no end of the last line": WEATHER.removesuffix(b"\n"),
    "<unk> in capitals": WEATHER.replace(b"<unk>", b"<UNK>"),
    "zeros as the highest order's weights": WEATHER.replace(b" may </s>\n\n\\e", b" may </s>\t0\n\n\\e"),
    "signs and exponents": WEATHER.replace(b"-0.8\t", b"-8E-1\t").replace(b"\t0.3979400", b"\t+.3979400e+00"),
}


@pytest.mark.parametrize("habit", AS_OTHERS_WRITE_IT)
def test_what_tools_are_known_to_write_is_read(habit, reads):
    content = AS_OTHERS_WRITE_IT[habit]
    assert content != WEATHER
    assert bits(reads(content)) == bits(reads(WEATHER))


def test_a_weight_of_the_end_of_a_sentence_is_kept(reads):
    model = reads(changed(b"-0.9\t</s>\t0", b"-0.9\t</s>\t-1.5"))
    assert numbers(model.orders[0])[(2,)] == (np.float32(-0.9), -1.5)


def test_a_probability_of_zero_is_read(reads):
    assert numbers(reads(changed(b"-99", b"-inf")).orders[0])[(1,)][0] == -np.inf


def test_without_unk_unknown_words_have_the_probability_that_kenlm_gives_them(tmp_path, reads):
    lines = [line for line in WEATHER.split(b"\n") if b"<unk>" not in line]
    content = b"\n".join(lines).replace(b"1=8", b"1=7").replace(b"2=8", b"2=7")
    with pytest.warns(SuspectInput, match=r"model\.arpa has no <unk>.* -100, as in KenLM"):
        model = reads(content)
    assert model.words[0] == "<unk>"
    assert numbers(model.orders[0])[(0,)] == (-100.0, 0.0)


@pytest.mark.parametrize("word", ["a\0b", "a\u00a0b", "\u0085", "\u2028", "a\vb", "\\end\\", "-1.5", "<S>", "\ufeff"])
def test_a_word_that_looks_odd_is_a_word(word, reads):
    model = reads(WEATHER.replace(b"rain", word.encode()))
    assert model.words[3] == word
    assert bits(reads(written(model))) == bits(model)


@pytest.mark.parametrize("lines", [1, 15, 16, 17, 300])
def test_lines_that_are_not_plain_stand_among_others(lines, reads):
    words = [f"w{i}" for i in range(2 * lines)]
    rows = [f"{'-1.00000000000000000000' if i % lines else '-1'}\t{word}\t0" for i, word in enumerate(words)]
    content = f"\\data\\\nngram 1={len(words) + 3}\n\\1-grams:\n-1 <unk>\n-1 <s>\n-1 </s>\n" + "\n\n".join(rows)
    model = reads(content.encode())
    assert model.words[3:] == words
    assert set(model.orders[0].log10_probs_M.tolist()) == {-1.0}


def test_a_file_larger_than_what_is_read_at_once_is_read(reads):
    words = [f"word{i}" for i in range(60_000)]
    rows = [f"-{i % 999 / 100}\t{word}\t-0.5" for i, word in enumerate(words)]
    pairs = [f"-0.25\t{left} {right}" for left, right in pairwise(words)]
    head = f"\\data\\\nngram 1={len(words) + 3}\nngram 2={len(pairs)}\n"
    unigrams = "\n".join(["\\1-grams:\n-1 <unk>\n-1 <s>\n-1 </s>", *rows])
    model = reads("\n".join([head, unigrams, "\\2-grams:", *pairs, "\\end\\"]).encode())
    assert model.words[3:] == words
    assert model.orders[0].log10_probs_M[3:].tolist() == [np.float32(-(i % 999) / 100) for i in range(len(words))]
    assert model.orders[1].ids_Mk.tolist() == [[i, i + 1] for i in range(3, 60_002)]


MALFORMED = {
    "an empty file": (b"", 0, "ends without a line"),
    "text": (b"It rains.\n", 1, "ends without a line"),
    "only a header": (WEATHER[: WEATHER.index(b"\\1-grams")], 5, "ends in its header"),
    "a header without orders": (b"\\data\\\n\n\\1-grams:\n", 3, "ngram 1=100"),
    "a header that leaves out an order": (changed(b"ngram 2=8\n", b""), 3, r"ngram 2=100, got 'ngram 3=4'"),
    "a count that is not a number": (changed(b"1=8", b"1=many"), 2, r"ngram 1=100, got 'ngram 1=many'"),
    "a negative count": (changed(b"1=8", b"1=-8"), 2, "ngram 1=100"),
    "too few n-grams": (changed(b"2=8", b"2=9"), 26, "only 8 2-grams .* promises 9"),
    "too many n-grams": (changed(b"2=8", b"2=7"), 24, "2-gram number 8, .* promises 7"),
    "a truncated file": (WEATHER[: WEATHER.index(b"-1.2\t<unk> rain")], 23, "only 7 2-grams"),
    "a truncated line": (WEATHER[: WEATHER.index(b" rain\t-0.7")], 24, "a 2-gram is .* got 2 fields: '-1.2.*<unk>'"),
    "a section of another order": (changed(b"\\2-grams:", b"\\3-grams:"), 16, r"line \\2-grams: belongs here"),
    "a missing section": (WEATHER[: WEATHER.index(b"\\3-grams")] + b"\\end\\\n", 26, r"\\3-grams: .* got '.*end"),
    "too few fields": (changed(b"-0.8\train\t-0.1760913", b"rain"), 10, "got 1 field"),
    "too many fields": (changed(b"rain in\t", b"rain in now\t"), 20, "got 5 fields"),
    "a word twice": (changed(b"-1.0\tsnow", b"-1.0\tmay"), 14, "'may' is here a second time"),
    "<unk> in both spellings": (changed(b"-1.0\tsnow", b"-1.0\t<UNK>"), 14, "'<UNK>' is here a second time"),
    "a 2-gram twice": (changed(b"falls in\t0.1", b"rain falls\t0.1"), 21, "2-gram is on line 19, too"),
    "a 3-gram twice, among empty lines": (
        changed(b"-0.2218487\tfalls in may", b"\n \n\n-1\t<s> rain falls"),
        32,
        "3-gram is on line 27, too",
    ),
    "a word without a unigram": (changed(b"-1.0\tsnow", b"-1.0\tsleet"), 18, "'snow' has no unigram"),
    "no <s>": (changed(b"-99\t<s>", b"-99\t<S>"), 15, "lack <s>.*-99 <s>"),
    "no </s>": (changed(b"-0.9\t</s>", b"-0.9\t</S>"), 15, "lack </s>"),
    "a word that is not UTF-8": (WEATHER.replace(b"rain", b"r\xe4in"), 10, "not UTF-8.*iconv"),
    "a positive log-probability": (changed(b"-0.8\t", b"0.8\t"), 10, "at most 0, got '0.8'"),
    "a NaN": (changed(b"-0.8\t", b"nan\t"), 10, "at most 0, got 'nan'"),
    "an infinite probability": (changed(b"-0.8\t", b"inf\t"), 10, "at most 0, got 'inf'"),
    "an infinite weight": (changed(b"-0.1760913\n-1.1", b"-inf\n-1.1"), 10, "finite float32 number, got '-inf'"),
    "a NaN as a weight": (changed(b"-0.1760913\n-1.1", b"NaN\n-1.1"), 10, "finite float32 number, got 'NaN'"),
    "a weight beyond float32": (changed(b"-0.1760913\n-1.1", b"1e39\n-1.1"), 10, "finite float32 number"),
    "a number with underscores": (changed(b"-0.8\t", b"-1_0\t"), 10, "'-1_0' is not a number"),
    "a word where a number belongs": (changed(b"-0.8\t", b"half\t"), 10, "'half' is not a number"),
    "a weight of the highest order": (changed(b"may </s>\n\n", b"may </s>\t-0.5\n\n"), 30, "order, 3, has no back-off"),
    "text after the end": (WEATHER + b"one\n", 33, "nothing but a line .* got 'one'"),
    "two files in one": (WEATHER + WEATHER, 33, "nothing but a line .* got '.*data"),
}


@pytest.mark.parametrize("case", MALFORMED)
def test_a_malformed_file_is_refused_with_the_line(case, reads):
    content, line, sentence = MALFORMED[case]
    with pytest.raises(BadModel, match=rf"model\.arpa{f', line {line}' if line else ''}: .*{sentence}"):
        reads(content)


def test_a_header_that_promises_more_than_memory_holds_is_refused(reads):
    with pytest.raises(BadModel, match="promises 1,000,000,000,000"):
        reads(changed(b"3=4", b"3=1000000000000"))


def test_a_line_without_an_end_is_refused_before_it_fills_the_memory(reads):
    with pytest.raises(BadModel, match="line 10: the line is longer than"):
        reads(gzip.compress(changed(b"-0.8\train", b"-0.8\t" + b"rain" * (1 << 22))))


@pytest.mark.parametrize("packing", [packing for packing in PACKED if packing != "plain"])
@pytest.mark.parametrize("kept", [0.3, 0.7, 0.99])
def test_a_truncated_compressed_file_is_refused(packing, kept, reads):
    packed = PACKED[packing](WEATHER)
    with pytest.raises(BadModel, match=r"model\.arpa is damaged: .*again"):
        reads(packed[: int(kept * len(packed))])


def test_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(BadModel, match=r"none\.arpa cannot be read: No such file"):
        read_arpa(tmp_path / "none.arpa")


@pytest.mark.parametrize("word", ["", "a b", "a\tb", "a\n", "a\r"])
def test_a_word_that_an_arpa_file_cannot_hold_is_not_written(word):
    block = Block(np.arange(4, dtype=np.int32)[:, None], np.zeros(4, np.float32), np.zeros(4, np.float32))
    with pytest.raises(BadInput, match="cannot stand in an ARPA file"):
        written(NgramsInMemory(["<unk>", "<s>", "</s>", word], (block,)))


def test_a_real_file_of_another_tool_is_read(data):
    with pytest.warns(SuspectInput, match="no <unk>"):
        model = read_arpa(data / "models" / "arpa" / "cmu-weather-3gram.lm")
    assert model.counts == (780, 14416, 46976)  # its header, and <unk>
    assert numbers(model.orders[0])[(1,)] == (np.float32(-1.1289), np.float32(-4.2331))


def test_the_mark_of_utf8_may_stand_before_the_model(reads):
    assert reads(b"\xef\xbb\xbf" + WEATHER).words == reads(WEATHER).words

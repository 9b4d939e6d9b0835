"""Text that a model does not see as it is written is counted, and said."""

import warnings

import pytest
import tokenizers
from doubles import History, Spelled
from hypothesis import given
from hypothesis import strategies as st

from nonplus.errors import SuspectInput
from nonplus.measure.lost_text import losses
from nonplus.measure.protocol.choices import Protocol
from nonplus.measure.records import Document
from nonplus.measure.report import Report
from nonplus.measure.scoring import score
from nonplus.measure.session import evaluate
from nonplus.measure.statistics.document_sums import document_sums
from nonplus.models import open_model
from nonplus.models.llama.tokenizer import FileTokenizer
from nonplus.models.synthetic import Bytes, Uniform
from nonplus.views.explanation import explanation
from nonplus.views.tables import document_row

PIECES = ["a", "é", " ", "<s>", "</s>", "<unk>"]
UNIFORM = Uniform(259, tokenizer=Spelled())


def measured(texts: list[str | Document] | list[str], protocol: Protocol | None = None) -> Report:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SuspectInput)
        return evaluate(texts, model=UNIFORM, protocol=protocol)


# ------------------------------------------------------- unknown, and spelled out


@given(st.lists(st.lists(st.sampled_from(PIECES), min_size=2), min_size=1, max_size=4))
def test_unknown_tokens_and_special_tokens_spelled_out_are_counted_wherever_they_stand(texts: list[list[str]]) -> None:
    tally = measured(["".join(pieces) for pieces in texts]).tally
    assert tally.unknown == sum(pieces.count("<unk>") for pieces in texts)
    assert tally.spelled == sum(pieces.count("<s>") + pieces.count("</s>") for pieces in texts)


def test_the_first_places_are_kept_counted_from_the_texts_own_first_token() -> None:
    texts = [Document(text="a</s><unk>", context="b<unk></s>", id="one"), Document(text="ab<unk>", id="two")]
    report = measured(texts)
    assert report.tally.unknown_places == (("one", 2), ("two", 2))
    assert report.tally.spelled_places == (("one", 1),)
    assert (report.tally.unknown, report.tally.spelled) == (2, 1)


def test_the_tokens_of_a_context_are_not_counted() -> None:
    tally = measured([Document(text="ab", context="<unk></s>")]).tally
    assert (tally.unknown, tally.spelled) == (0, 0)


def test_special_tokens_that_the_tokenizer_adds_are_not_spelled_out() -> None:
    model = History(vocabulary=259, bos=None, tokenizer=Spelled(before=(256,)))
    assert evaluate(["ab "], model=model, protocol=Protocol(specials="added")).tally.spelled == 0


def test_text_read_as_text_spells_out_nothing() -> None:
    assert measured(["a</s><unk>"], Protocol(special_text="plain")).cautions == ()


def test_each_domain_and_each_document_has_its_own_count() -> None:
    texts = [Document(text="a<unk>", domain="x"), Document(text="<unk><unk>a", domain="y"), Document(text="aa")]
    report = measured(texts)
    assert {name: own.tally.unknown for name, own in report.by_domain()} == {"x": 1, "y": 2}
    rows = [
        document_row(sums, "perplexity") for each in score(texts, model=UNIFORM) for sums in document_sums(each.texts)
    ]
    assert [row["unknown_tokens"] for row in rows] == [1, 2, 0]


def test_a_row_of_a_token_tells_whether_it_is_unknown() -> None:
    (scored,) = score(["a<unk>b"], model=UNIFORM)
    assert [row.unknown for row in scored.rows(str)] == [False, True, False]


def test_a_report_says_it_in_every_form() -> None:
    report = measured([Document(text="<unk><unk><unk><unk></s>", id="four")])
    assert "4 unknown tokens, the first token 0 of four" in repr(report)
    assert "1 special token spelled out, the first token 4 of four" in repr(report)
    lines = dict(report.lines())
    assert lines["unknown"] == "4 tokens: " + ", ".join(f"token {i} of four" for i in range(4))
    assert lines["special"] == "1 special token spelled out in the text: token 4 of four"
    said = report.to_dict()
    assert (said["unknown_tokens"], said["spelled_special_tokens"]) == (4, 1)
    assert said["unknown_places"][0] == ["four", 0]
    assert len(said["cautions"]) == 2


def test_what_is_unknown_or_spelled_out_is_warned_of_with_the_switch() -> None:
    with pytest.warns(SuspectInput) as caught:
        evaluate(["a<unk></s>"], model=UNIFORM)
    unknown, spelled = (str(each.message) for each in caught)
    assert unknown.startswith("1 token of the text is unknown to the model, the first token 1 of text 1")
    assert spelled.startswith("the text spells out 1 special token, the first token 2 of text 1")
    assert "use special_text=plain" in spelled


def test_a_low_figure_of_unknown_tokens_is_not_explained_by_training() -> None:
    plain = evaluate(["a" * 100], model=Uniform(1, tokenizer=Zeros()))
    assert "perhaps the model was trained on this text" in explanation(plain, vocabulary=1)
    said = explanation(measured(["<unk>" * 100]), vocabulary=259)
    assert "perhaps the model was trained" not in said
    assert "it has no token for a part" in said


class Zeros:
    """Every byte is the same token."""

    identity = "zeros"
    special_ids: frozenset[int] = frozenset()
    unknown_id = None

    def encode(self, texts: list[str], *, specials: bool, special_text: str = "parsed") -> list:
        found = Bytes().encode(texts, specials=specials)
        for each in found:
            each.ids[:] = 0
        return found

    def decode(self, ids: list[int]) -> str:
        return "a" * len(ids)


# --------------------------------------------------------------------------- lost


def rust(model: object, *, normalizer: object = None, splits: bool = True) -> tokenizers.Tokenizer:
    made = tokenizers.Tokenizer(model)
    if normalizer is not None:
        made.normalizer = normalizer
    if splits:
        made.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    return made


def saved(made: tokenizers.Tokenizer, folder: object) -> FileTokenizer:
    made.save(f"{folder}/tokenizer.json")
    return FileTokenizer(folder)  # type: ignore[arg-type]


BYTES = ["?", *(f"<0x{byte:02X}>" for byte in range(256))]
LETTERS = {letter: i for i, letter in enumerate("abcdefghijklmnopqrstuvwxyzéABCDEF ")}


@pytest.mark.parametrize(
    ("text", "lost"),
    [
        ("abc", set()),
        ("Abc", {"capitals"}),
        ("café", {"accents"}),
        ("Café  bar", {"capitals", "accents", "blanks and newlines"}),
        ("a\nb", {"blanks and newlines"}),
        ("ﬁb", {"forms of characters"}),
        ("ab☃", {"characters without a token"}),
    ],
)
def test_what_a_tokenizer_loses_of_a_text_is_named(text: str, lost: set[str], tmp_path: object) -> None:
    steps = [getattr(tokenizers.normalizers, name)() for name in ("NFKC", "Lowercase", "NFD", "StripAccents")]
    normalizer = tokenizers.normalizers.Sequence(steps)
    tokenizer = saved(rust(tokenizers.models.BPE(LETTERS, []), normalizer=normalizer), tmp_path)
    assert losses([text], tokenizer) == lost


def test_a_blank_at_the_beginning_that_the_tokenizer_would_add_is_no_loss(tmp_path: object) -> None:
    made = rust(tokenizers.models.BPE({**LETTERS, "▁": 99}, []), splits=False)
    made.pre_tokenizer = tokenizers.pre_tokenizers.Metaspace(prepend_scheme="first")
    tokenizer = saved(made, tmp_path)
    assert [each.ids.tolist() for each in tokenizer.encode([" a b", "a b"], specials=False)] == [[99, 0, 99, 1]] * 2
    assert losses([" a b"], tokenizer) == frozenset()


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
def test_a_tokenizer_of_bytes_loses_nothing(text: str) -> None:
    assert losses([text], Bytes()) == frozenset()


def test_of_a_text_in_canonical_characters_nothing_that_can_be_seen_is_lost(tmp_path: object) -> None:
    letters = tokenizers.models.BPE({**LETTERS, "K": 90, "\N{COMBINING ACUTE ACCENT}": 91}, [])
    tokenizer = saved(rust(letters, normalizer=tokenizers.normalizers.NFC(), splits=False), tmp_path)
    assert losses(["bé"], tokenizer) == frozenset()
    assert losses(["be\N{COMBINING ACUTE ACCENT}"], tokenizer) == {"ways to write the same character"}
    assert losses(["\N{KELVIN SIGN}"], tokenizer) == {"ways to write the same character"}


def test_what_is_unknown_with_and_without_its_capitals_and_accents_is_not_lost(tmp_path: object) -> None:
    words = rust(tokenizers.models.WordLevel({"ab": 0, "<unk>": 1}, unk_token="<unk>"))
    assert losses(["ab Cdé ab"], saved(words, tmp_path)) == frozenset()


@pytest.mark.filterwarnings("ignore::nonplus.errors.SuspectInput")
def test_the_normaliser_of_a_model_is_named_where_a_text_loses_something() -> None:
    (caution,) = evaluate(["the  rain"], model=open_model("bundled:ngram")).cautions
    assert caution.startswith("the normaliser standard-1, or the tokenizer, loses blanks and newlines of this text")


def test_a_loss_is_a_line_of_the_report_and_a_caution(tmp_path: object) -> None:
    lower = rust(tokenizers.models.BPE(LETTERS, []), normalizer=tokenizers.normalizers.Lowercase(), splits=False)
    model = History(tokenizer=saved(lower, tmp_path), bos=None)
    with pytest.warns(SuspectInput, match="the tokenizer loses capitals of this text, so bits per byte divides by"):
        report = evaluate(["Abc dE"], model=model)
    assert dict(report.lines())["lost"] == "capitals: bits per byte is too low"
    assert report.to_dict()["lost_by_tokenizer"] == ["capitals"]
    assert "the tokenizer loses capitals" in repr(report)
    assert "loses it" in explanation(report, vocabulary=258)


# ------------------------------------------------------------ unknown ids of files


@pytest.mark.parametrize(
    ("model", "unknown"),
    [
        (tokenizers.models.WordLevel({"a": 0, "<unk>": 1}, unk_token="<unk>"), 1),
        (tokenizers.models.WordPiece({"a": 0, "[UNK]": 1}, unk_token="[UNK]"), 1),
        (tokenizers.models.Unigram([("a", -1.0), ("<unk>", -2.0)], 1), 1),
        (tokenizers.models.Unigram([("a", -1.0)]), None),
        (tokenizers.models.BPE({"a": 0, "<unk>": 1}, [], unk_token="<unk>"), 1),
        (tokenizers.models.BPE({"a": 0}, []), None),
        (tokenizers.models.BPE({t: i for i, t in enumerate(BYTES)}, [], unk_token="?", byte_fallback=True), None),
    ],
)
def test_the_unknown_token_is_that_of_the_vocabulary(model: object, unknown: int | None, tmp_path: object) -> None:
    tokenizer = saved(rust(model), tmp_path)
    assert tokenizer.unknown_id == unknown
    if unknown is not None:
        assert tokenizer.encode(["☃"], specials=False)[0].ids.tolist() == [unknown]

"""A fast model decides what it can, and a better one the rest."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import nonplus
from nonplus.errors import BadInput, BadModel, BadProtocol
from nonplus.filtering.cascade.cascade import Cascade, SecondStage, measured
from nonplus.filtering.cascade.check import WIDTHS, checks
from nonplus.filtering.cascade.file import read_cascade, to_toml
from nonplus.filtering.cascade.making import CascadeOptions, made_cascade
from nonplus.filtering.cascade.translation import Translation
from nonplus.filtering.fields.options import ReadOptions
from nonplus.filtering.rules.parsing import parsed
from nonplus.filtering.rules.rule_file import Model
from nonplus.filtering.rules.scored import Scored
from nonplus.filtering.runs.options import ScoreOptions
from nonplus.filtering.runs.running import filter_corpus
from nonplus.filtering.scoring.columns import ScoreColumns
from nonplus.filtering.scoring.figures import OneModel, figures
from nonplus.filtering.scoring.scorer import Scorer
from nonplus.jobs.options import WorkOptions
from nonplus.models.bundled_cards import bundled_folder

BOOK = (Path(__file__).parents[3] / "examples" / "lost_world.txt").read_text(encoding="utf-8")
ONE = WorkOptions(workers=1)
FIRST, SECOND = Model("bundled:ngram", "1"), Model("bundled:tiny", "2")


def columns(bits, *, errors=0.1):
    """Documents of 1,000 bytes with these bits per byte, and their standard errors."""
    bits = np.asarray(bits, np.float64)
    made = ScoreColumns.of_nothing(len(bits))
    made.tokens[:], made.bytes[:] = 250, 1000
    made.nats[:] = bits * 1000 * math.log(2)
    made.error[:] = np.broadcast_to(errors, bits.shape) * 4 * math.log(2)
    return made


def deciding(rule):
    return lambda each: parsed(rule).decide(Scored(columns=each.as_dict()))


def cascade(*, width=2.0, intercept=0.0, slope=1.0, floor=0.0, times=1.0):
    translation = Translation(intercept=intercept, slope=slope, floor=floor, times=times, documents=100)
    return Cascade(first=FIRST, second=SECOND, translation=translation, width=width)


@given(
    st.lists(st.floats(0.1, 8), min_size=1, max_size=9), st.floats(0.5, 4), st.floats(0, 3), st.floats(-0.5, 0.5),
    st.floats(0.2, 1.5), st.floats(0, 0.5), st.floats(0.01, 2),
)  # fmt: skip
def test_what_is_closer_to_a_threshold_than_its_error_is_undecided(bits, limit, width, intercept, slope, floor, times):
    made = cascade(width=width, intercept=intercept, slope=slope, floor=floor, times=times)
    found = made.undecided(columns(bits), deciding(f"bits_per_byte <= {limit}"))
    for each, undecided in zip(bits, found.tolist(), strict=True):
        expected, error = max(0.0, intercept + slope * each), width * math.hypot(floor, times * 0.1)
        near = abs(expected - limit) - error
        if abs(near) > 1e-9:  # but for rounding
            assert undecided == (near < 0)


@pytest.mark.parametrize(
    ("rule", "undecided"),
    [
        ("1.95 <= bits_per_byte <= 2.05", [False, True, False]),  # both ends of its interval are dropped
        ("bits_per_byte <= 2 and tokens >= 999", [False, False, False]),  # dropped whatever its figure is
        ("bits_per_byte <= 1 or bits_per_byte >= 3.05", [True, False, True]),
        ("perplexity <= 999999", [False, False, False]),
    ],
)
def test_any_rule_has_its_undecided_documents(rule, undecided):
    assert cascade(width=1).undecided(columns([1.0, 2.0, 3.0]), deciding(rule)).tolist() == undecided


def test_a_document_whose_error_is_not_known_is_undecided_and_one_without_text_is_not():
    first = columns([1.0, 1.0], errors=[math.nan, 0.1])
    first.nats[1], first.tokens[1], first.bytes[1], first.error[1] = 0, 0, 0, math.nan
    assert cascade().undecided(first, deciding("bits_per_byte <= 2")).tolist() == [True, False]


def test_the_second_models_figures_stand_only_where_it_has_some():
    first, second = columns([1.0, 2.0, 3.0]), columns([9.0, 9.0])
    second.tokens[1], second.nats[1] = 0, 0
    found = measured(first, second, np.array([True, False, True]))
    assert found.bits_per_byte.tolist() == pytest.approx([9.0, 2.0, 3.0])
    assert first.bits_per_byte.tolist() == pytest.approx([1.0, 2.0, 3.0])


def test_wider_cascades_agree_more_and_send_more():
    random = np.random.default_rng(0)
    bits = random.uniform(1, 4, 1000)
    second = columns(0.3 + 0.8 * bits + 0.15 * random.standard_normal(1000))
    decide = deciding("bits_per_byte <= 2")
    found = checks(columns(bits), second, [decide, decide], (FIRST, SECOND))
    assert [each.width for each in found] == list(WIDTHS)
    assert [each.documents for each in found] == sorted(each.documents for each in found)
    assert [each.agreement for each in found] == sorted(each.agreement for each in found)
    assert found[0].documents == 0.0
    assert found[-1].agreement > 0.99 > 0.97 > found[0].agreement
    # normal errors: the share within one of them of a cut, where documents are even
    assert found[2].documents == pytest.approx(2 * 0.15 / (0.8 * 3), abs=0.03)


@pytest.mark.parametrize("width", [0.0, 2.5])
def test_a_cascade_is_read_as_it_was_written(tmp_path, width):
    made = cascade(width=width, intercept=-0.25, slope=0.8, floor=1e-9, times=1.25)
    path = tmp_path / "c.toml"
    path.write_text(to_toml(made, ("made for this", "and that")))
    assert read_cascade(path) == made


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("format = 1", "format = 2", r"has format = 2, and a cascade has 1; make it with nonplus filter cascade$"),
        ("width = 2.0", "width = -1", r"has width = -1, where it is a number from 0 on"),
        ("[second]", "[third]", r"has no table \[second\], and a cascade has one"),
        ("slope = 1.0", 'slope = "x"', r"has slope = 'x' in \[translation\], which is no float"),
        ("slope = 1.0\n", "", r"has no slope in \[translation\], which has intercept, slope, floor, times, documents"),
        ("slope = 1.0", "slop = 1.0", r"has (no slope|a slop) in \[translation\]"),
        ("format", "= format", r"cannot be read: "),
    ],
)
def test_a_file_that_holds_no_cascade_is_refused(tmp_path, old, new, message):
    path = tmp_path / "c.toml"
    path.write_text(to_toml(cascade()).replace(old, new))
    with pytest.raises(BadInput, match=message):
        read_cascade(path)


@pytest.mark.parametrize(
    ("rule", "first", "error", "message"),
    [
        ("bits_per_byte <= p60", "1", BadInput, "^a cascade needs a cut that is known before all is scored"),
        ("sample(0.5)", "1", BadInput, "^a cascade needs a rule that decides by figures, and this one draws"),
        ("tokens >= 1", "7", BadProtocol, r"^the cascade is about figures of bundled:ngram \(1\), got those of 7"),
    ],
)
def test_a_rule_or_model_that_a_cascade_cannot_serve_is_refused(rule, first, error, message):
    with pytest.raises(error, match=message):
        cascade().check(parsed(rule), first)


def texts(n):
    """Pieces of a book, every fourth with its letters in disorder more and more."""
    draw, pieces = np.random.default_rng(3), []
    for number in range(n):
        text = BOOK[number * 190 : number * 190 + 220]
        swapped = draw.random(len(text)) < (number % 4 == 0) * (number % 20) / 40
        pieces.append(
            "".join(chr(draw.integers(97, 123)) if odd else each for each, odd in zip(text, swapped, strict=True))
        )
    return pieces


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    path = tmp_path_factory.mktemp("corpus") / "c.jsonl"
    path.write_text("".join(json.dumps({"id": str(n), "text": text}) + "\n" for n, text in enumerate(texts(120))))
    return path


RULE = "bits_per_byte <= 2.6"


@pytest.fixture(scope="module")
def made(corpus):
    return made_cascade([str(corpus)], keep=RULE, options=CascadeOptions(second="bundled:tiny", sample=120))


@pytest.fixture(scope="module")
def file(made, tmp_path_factory):
    path = tmp_path_factory.mktemp("cascade") / "cascade.toml"
    path.write_text(to_toml(made.cascade, made.said))
    return path


@pytest.mark.slow
def test_a_run_decides_as_the_second_model_where_it_was_asked(corpus, file, tmp_path):
    pytest.importorskip("pyarrow")
    reading, scoring = ReadOptions(id_field="id", unit_size="8K"), ScoreOptions(cascade=file)
    report = filter_corpus([str(corpus)], str(tmp_path / "out"), keep=RULE, reading=reading, scoring=scoring, work=ONE)
    rows = {
        row["id"]: row
        for part in (tmp_path / "out").glob("*/*.jsonl")
        for row in map(json.loads, part.read_text().splitlines())
    }
    asked = {each for each, row in rows.items() if row["nonplus_model"] == "bundled:tiny"}
    assert 0 < len(asked) < len(rows) == 120
    assert report.accounts.by_model == {"bundled:ngram": 120 - len(asked), "bundled:tiny": len(asked)}
    second = Scorer("bundled:tiny").columns(texts(120)).bits_per_byte
    first, translation = Scorer().columns(texts(120)), read_cascade(file).translation
    for each, row in rows.items():
        wanted = second[int(each)] if each in asked else translation.expected(first)[int(each)]
        assert row["nonplus_bits_per_byte"] == pytest.approx(wanted, rel=1e-6)
        assert (row["nonplus_decision"] == "kept") == (row["nonplus_bits_per_byte"] <= 2.6)
    agree = [(row["nonplus_decision"] == "kept") == (second[int(each)] <= 2.6) for each, row in rows.items()]
    assert np.mean(agree) > 0.95


@pytest.mark.slow
def test_the_bytes_of_a_cascade_do_not_depend_on_its_units(corpus, file, tmp_path):
    pytest.importorskip("pyarrow")
    for name, size in (("small", "4K"), ("large", "4Mi")):
        reading = ReadOptions(id_field="id", unit_size=size)
        output = str(tmp_path / f"{name}.jsonl")
        filter_corpus([str(corpus)], output, keep=RULE, reading=reading, scoring=ScoreOptions(cascade=file), work=ONE)
    assert (tmp_path / "small.jsonl").read_bytes() == (tmp_path / "large.jsonl").read_bytes()


@pytest.mark.slow
def test_the_bytes_of_a_cascade_are_the_same_if_its_second_model_has_actors_of_its_own(corpus, tmp_path, monkeypatch):
    pytest.importorskip("pyarrow")
    pytest.importorskip("transformers")
    ray = pytest.importorskip("ray", reason="the ray extra")
    monkeypatch.chdir(tmp_path)
    options = CascadeOptions(second=f"hf:{bundled_folder('tiny')}", sample=120, width=20, device="cpu")
    made = made_cascade([str(corpus)], keep=RULE, options=options)
    (tmp_path / "cascade.toml").write_text(to_toml(made.cascade))
    scoring = ScoreOptions(cascade=Path("cascade.toml"), device="cpu")
    ray.init(address="local", num_cpus=2, num_gpus=1, include_dashboard=False, log_to_driver=False)  # it believes so
    for name, work in (("here", ONE), ("there", WorkOptions(workers=2, engine="ray", gpus=1))):
        reading = ReadOptions(unit_size="8K")
        report = filter_corpus([str(corpus)], name, keep=RULE, reading=reading, scoring=scoring, work=work)
        assert report.accounts.by_model[made.cascade.second.name] > 10
    ray.shutdown()
    here, there = (
        {path.relative_to(name): path.read_bytes() for path in Path(name).rglob("*") if path.is_file()}
        for name in ("here", "there")
    )
    assert here.pop(Path("report.json")) != there.pop(Path("report.json"))  # it names the folder
    assert here == there


@pytest.mark.slow
def test_another_cascade_does_not_mix_with_old_parts(corpus, file, made, tmp_path):
    pytest.importorskip("pyarrow")
    output, other = str(tmp_path / "out"), tmp_path / "other.toml"
    filter_corpus([str(corpus)], output, keep=RULE, scoring=ScoreOptions(cascade=file), work=ONE)
    other.write_text(file.read_text().replace("width = 2.0", "width = 1.0"))
    for options in (ScoreOptions(cascade=other), ScoreOptions(), ScoreOptions(cascade=file, budget=64)):
        with pytest.raises(BadInput, match="cascade"):
            filter_corpus([str(corpus)], output, keep=RULE, scoring=options, work=ONE)


@pytest.mark.slow
def test_a_second_model_that_has_changed_is_refused(made):
    changed = Cascade(
        first=made.cascade.first, second=Model("bundled:tiny", "old"), translation=made.cascade.translation, width=9.0
    )
    stage = SecondStage(cascade=changed, rule=parsed(RULE))
    found = figures(OneModel(Scorer()), texts(2), [None] * 2)
    scored = Scored(columns=found.columns.as_dict())
    with pytest.raises(BadModel, match=r"^bundled:tiny is another model now than when its cascade was made"):
        stage.refined(texts(2), found, scored)


@pytest.mark.slow
def test_a_made_cascade_says_what_it_would_do(made, file):
    assert made.cascade.first == Model("bundled:ngram", Scorer().identity)
    assert made.cascade.translation.documents == made.documents == 120
    assert made.checks[0].agreement <= made.checks[-1].agreement
    assert made.first_seconds < made.second_seconds
    assert file.read_text().startswith(
        "# made for bits_per_byte <= 2.6 on 120 documents\n# within 2 errors of the cut: "
    )
    assert nonplus.open_model(made.cascade.second.name).identity == made.cascade.second.identity.partition(":")[0]


@pytest.mark.parametrize("width", [-1.0, math.nan, math.inf])
def test_a_width_that_is_no_number_of_errors_is_refused(width):
    with pytest.raises(BadInput, match=r"^width=.* is no number from 0 on; use e.g. width=2$"):
        CascadeOptions(width=width)


@pytest.mark.parametrize("sample", [0, -4, 99])
def test_a_sample_that_is_too_small_is_refused(sample):
    with pytest.raises(BadInput, match=rf"^sample={sample} is less than 100, which it takes to see"):
        CascadeOptions(sample=sample)


def test_a_cascade_of_records_that_cannot_be_read_says_why_they_cannot(tmp_path):
    path = tmp_path / "torn.jsonl"
    path.write_text('{"text": "a\n')
    with pytest.raises(BadInput, match=r"^none of 1 record can be read: .*torn.jsonl:1: not JSON"):
        made_cascade([str(path)], keep=RULE)


def test_a_rule_about_what_no_record_says_is_refused(tmp_path):
    (tmp_path / "c.jsonl").write_text('{"text": "It was a fine day.", "lang": null}\n' * 3)
    for field, message in (
        ("", r"asks for the language of each record, and no field has it; name it with language_field=…"),
        ("lang", r"none of 3 records has a language in the field 'lang'; give the right one"),
    ):
        with pytest.raises(BadInput, match=message):
            made_cascade(
                [str(tmp_path / "c.jsonl")],
                keep="bits_per_byte <= 2 or language != 'en'",
                options=CascadeOptions(second="uniform:256"),
                reading=ReadOptions(language_field=field),
            )


def test_a_cascade_of_few_documents_says_how_many_it_takes(tmp_path):
    (tmp_path / "c.jsonl").write_text('{"text": "It was a fine day."}\n' * 99)
    with pytest.raises(BadInput, match=r"^there are 99 documents, and it takes 100 to see how two models differ"):
        made_cascade([str(tmp_path / "c.jsonl")], keep=RULE, options=CascadeOptions(second="bundled:tiny"))


def test_a_rule_of_a_cascade_may_ask_for_ids(corpus):
    rule, reading = f"{RULE} and id != '7'", ReadOptions(id_field="id")
    made = made_cascade([str(corpus)], keep=rule, options=CascadeOptions(second="bundled:ngram"), reading=reading)
    assert made.documents == 120

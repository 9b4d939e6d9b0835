"""``nonplus score`` prints the figures of the library."""

import math

import pytest

import nonplus
from nonplus.corpora import open_corpora
from nonplus.models import DEFAULT

UNIFORM = ("--model", "uniform:256")
PROMISED = [
    *("perplexity", "log_perplexity", "nats", "tokens", "unscored_tokens", "bytes", "words", "chars"),
    *("bits_per_byte", "bits_per_token", "word_perplexity", "byte_perplexity", "interval", "documents"),
    *("protocol", "fingerprint", "model", "seconds", "tokens_per_second"),
]


def test_a_text_is_scored_with_the_bundled_model_by_default(run):
    printed = run("score", "The quick brown fox jumps over the lazy dog.", "--json").object
    assert f"bundled:{printed['model']}" == DEFAULT
    assert 1 < printed["perplexity"] < 8192


def test_the_table_has_a_line_for_the_perplexity_and_each_condition(run, fox):
    ran = run("score", fox, *UNIFORM)
    printed = dict(line.split(maxsplit=1) for line in ran.out.splitlines())
    assert ran.code == 0
    assert printed["perplexity"].startswith("256.0")
    assert printed["protocol"].startswith("full|window:")
    assert {"bits", "interval", "scored", "model", "fingerprint", "time"} <= printed.keys()


def test_crlf_is_noted_once_and_can_be_normalised(run, tmp_path):
    for name in ("one.txt", "two.txt"):
        (tmp_path / name).write_bytes(b"a line\r\nand another\r\n")
    ran = run("score", tmp_path, *UNIFORM)
    assert ran.err.count("CRLF newlines") == 1
    assert "38 bytes" not in run("score", tmp_path, *UNIFORM, "--newlines", "normalise").out
    assert "CRLF" not in run("score", tmp_path, *UNIFORM, "--newlines", "normalise").err


def test_in_a_file_no_line_is_wrapped(run, fox):
    assert all(not line.startswith(" ") for line in run("score", fox, *UNIFORM).out.splitlines())


@pytest.mark.parametrize("key", PROMISED)
def test_json_has_every_documented_key(run, fox, key):
    assert key in run("score", fox, *UNIFORM, "--json").object


def test_stdout_has_only_the_json(run, fox):
    ran = run("score", fox, *UNIFORM, "--json", "--explain", "--by-position")
    assert ran.out.count("\n") == 1
    assert ran.err == ""
    assert ran.object["perplexity"] == pytest.approx(256)


def test_figures_are_those_of_the_library(run, verses):
    model = f"unigram:{verses}"
    ran = run("score", f"lines:{verses}", "--model", model, "--json", "-p", "stride:8", "--window", "16")
    protocol = nonplus.Protocol.named("stride:8").but(window=16)
    report = nonplus.evaluate(open_corpora([f"lines:{verses}"]), model=model, protocol=protocol).to_dict()
    timing = {"seconds", "tokens_per_second"}
    assert {key: ran.object[key] for key in report.keys() - timing} == {
        key: report[key] for key in report.keys() - timing
    }


def test_blank_documents_are_omitted_and_counted(run, verses):
    assert "skipped          2 documents without text" in run("score", f"lines:{verses}", *UNIFORM).out
    assert run("score", f"lines:{verses}", *UNIFORM, "--json").object["skipped_documents"] == 2


def test_a_protocol_over_a_stream_keeps_blank_documents_as_its_peer_does(run, tmp_path):
    path = tmp_path / "rows.txt"
    path.write_text("one\n\ntwo\n")
    printed = run("score", f"lines:{path}", *UNIFORM, "-p", "hf-doc", "--json").object
    assert printed["tokens"] + printed["unscored_tokens"] == len("one\n\n\n\ntwo")
    assert printed["skipped_documents"] == 0


def test_the_joiner_may_be_written_with_an_escaped_newline(run, tmp_path):
    path = tmp_path / "rows.txt"
    path.write_text("one\ntwo\n")
    printed = run("score", f"lines:{path}", *UNIFORM, "-p", "hf-doc", "--joiner", r"\n", "--json").object
    assert printed["protocol"]["joiner"] == "\n"


def test_a_misleading_protocol_is_noted_on_stderr(run, fox):
    ran = run("score", fox, "--model", f"unigram:{fox}", "-p", "hf-doc", "--window", "16", "--stride", "4", "--json")
    assert ran.err.startswith("note: protocol hf-doc+: this loop counts only 3 of every 4 tokens")
    assert ran.object["cautions"]


def test_by_position_breaks_the_figure_down(run, fox):
    ran = run("score", fox, *UNIFORM, "--by-position", "--json")
    rows = ran.object["by_position"]
    assert [row["seen_from"] for row in rows] == [1, 2, 4, 8, 16, 32]
    assert sum(row["tokens"] for row in rows) == ran.object["tokens"]
    assert all(row["bits_per_token"] == pytest.approx(8) for row in rows)
    assert "tokens before" in run("score", fox, *UNIFORM, "--by-position").out


def test_the_bootstrap_agrees_with_the_interval(run, verses):
    printed = run("score", f"lines:{verses}", "--model", f"unigram:{verses}", "--bootstrap", 400, "--json").object
    bootstrap, interval = printed["bootstrap"], printed["interval"]
    width = interval["high"] - interval["low"]
    assert bootstrap["low"] == pytest.approx(interval["low"], abs=width / 3)
    assert bootstrap["high"] == pytest.approx(interval["high"], abs=width / 3)


def test_one_document_has_no_bootstrap_and_the_note_says_why(run, fox):
    ran = run("score", fox, *UNIFORM, "--bootstrap", 100, "--json")
    assert ran.object["bootstrap"] is None
    assert "takes at least 3 documents" in ran.err


def test_a_higher_level_gives_a_wider_interval(run, verses):
    def width(level):
        interval = run("score", f"lines:{verses}", "--model", f"unigram:{verses}", "--level", level, "--json").object[
            "interval"
        ]
        return interval["high"] - interval["low"]

    assert width("99%") > width("0.9")


def test_a_run_stops_as_soon_as_the_interval_is_narrow_enough(run, tmp_path):
    path = tmp_path / "same.txt"
    path.write_text("all lines are alike\n" * 500)
    printed = run("score", f"lines:{path}", "--model", f"unigram:{path}", "--until", "1%", "--json").object
    assert printed["stopped_early"] is True
    assert printed["documents"] == 20
    assert "stopped" in run("score", f"lines:{path}", "--model", f"unigram:{path}", "--until", "1%").out


def test_the_explanation_names_the_vocabulary_and_the_limits(run, fox):
    printed = " ".join(run("score", fox, *UNIFORM, "--explain").out.split())
    for words in (
        "vocabulary would give 256",
        "100% of its size",
        "tokenizer",
        "protocol other than full|",
        "random bytes",
    ):
        assert words in printed


def test_an_option_overrides_one_choice_of_a_protocol(run, fox):
    printed = run("score", fox, *UNIFORM, "-p", "stride:8", "--window", "16", "--json").object["protocol"]
    assert (printed["window"], printed["stride"], printed["name"]) == (16, 8, "stride:8+")


def test_a_page_shows_the_text_with_its_alternatives(run, fox, tmp_path):
    path = tmp_path / "page.html"
    assert run("score", fox, "--model", f"unigram:{fox}", "--html", path).code == 0
    page = path.read_text(encoding="utf-8")
    assert str(fox) in page
    assert '"top":[[],[' in page
    assert page.count("</section>") == 1


def test_standard_input_is_a_source(start):
    process = start("score", "-", *UNIFORM, "--json", stdin=-1)
    out, _ = process.communicate("some text")
    assert '"tokens": 8' in out


def test_rows_of_a_table_are_read_by_field(run, tmp_path):
    path = tmp_path / "rows.jsonl"
    path.write_text(
        '{"body": "abc", "n": 1, "kind": "x"}\n{"body": "defgh", "n": 2, "kind": "y"}\n{"body": "i", "n": 3}\n'
    )
    options = ("--field", "body", "--id-field", "n", "--domain-field", "kind", "--limit", 2)
    assert run("score", path, *UNIFORM, *options, "--json").object["chars"] == 6


def test_a_context_is_fed_and_not_scored(run, tmp_path):
    path = tmp_path / "rows.jsonl"
    path.write_text('{"question": "What?", "text": "This."}\n')
    printed = run("score", path, *UNIFORM, "--context-field", "question", "--json").object
    assert (printed["tokens"], printed["unscored_tokens"]) == (5, 0)


def test_where_nothing_can_be_scored_there_is_no_figure(run):
    ran = run("score", "a", *UNIFORM)
    assert (ran.code, ran.out) == (2, "")
    assert "no token could be scored" in ran.err


def test_an_infinite_perplexity_is_explained():
    from nonplus.measure.session import evaluate
    from nonplus.models.synthetic import Unigram
    from nonplus.views.explanation import explanation

    chances = [0.0] + [1 / 255] * 255
    report = evaluate(["ab\0cd"], model=Unigram(chances))
    assert math.isinf(report.perplexity)
    assert "gives probability 0 to a token of this text" in explanation(report, vocabulary=256)


@pytest.mark.parametrize("domain", ["wikipedia-english-2024", "x" * 500])
def test_a_domain_with_a_long_name_stands_apart_from_its_figure(run, tmp_path, domain):
    rows = tmp_path / "rows.jsonl"
    rows.write_text(f'{{"text": "ab", "domain": "{domain}"}}\n{{"text": "cd", "domain": "b"}}\n')
    lines = run("score", rows, *UNIFORM, "--domain-field", "domain").out.splitlines()
    (own,) = [line for line in lines if domain in line]
    assert own.startswith(f"  {domain}  2")
    assert max(len(line) for line in lines if line.startswith("perplexity")) < 120


def test_a_closed_stdout_is_not_an_error(start, fox):
    process = start("score", fox, *UNIFORM, "--show")
    assert process.stdout is not None
    process.stdout.close()
    process.wait()
    assert process.stderr is not None
    assert "Traceback" not in process.stderr.read()
    process.stderr.close()

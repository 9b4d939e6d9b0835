"""Text that did not come from us cannot control the terminal, and JSON and files hold
it unchanged.
"""

import ast
import contextlib
import io
import json
import re
import unicodedata
import warnings
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nonplus.cli import main
from nonplus.cli.terminal.notices import notes
from nonplus.cli.terminal.printing import say, say_json, say_lines, styled

BIDI = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
SEQUENCES = ["\x1b]0;title\x07", "\x1b[2J", "\x9b31m", "\x1b[8m", "\r\x1b[K", "\nerror: forged", "\x85forged", *BIDI]

hostile = st.lists(
    st.sampled_from(SEQUENCES) | st.characters(categories=["Cc", "Zl", "Zp"], exclude_characters="\0") | st.just("né"),
    min_size=1,
    max_size=4,
).map("".join)
named = hostile.map(lambda name: name.replace("/", "")).filter(lambda name: name.strip() not in ("", ".", ".."))


def called(*arguments: object) -> tuple[int, str, str]:
    """A command line in this process: its exit code, stdout and stderr."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), pytest.raises(SystemExit) as ended:
        main([str(argument) for argument in arguments])
    return int(str(ended.value.code)), out.getvalue(), err.getvalue()


def controls(text: str) -> set[str]:
    """What could control a terminal, besides our own styles and ends of lines."""
    plain = re.sub(r"\x1b\[[\d;]*m", "", text)
    return {each for each in plain if each in BIDI or unicodedata.category(each) in ("Cc", "Zl", "Zp", "Cs")} - {"\n"}


def assert_harmless(out: str, err: str) -> None:
    assert controls(out) == controls(err) == set()
    assert "\x1b[8m" not in out + err
    assert "\nerror: forged" not in out + err


@pytest.fixture(scope="module", autouse=True)
def _coloured():
    """In colours, for without them click removes what looks like a style."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FORCE_COLOR", "1")
        yield


@settings(max_examples=40)
@given(id_=hostile, domain=hostile, text=hostile, name=named)
def test_what_a_corpus_holds_leaves_harmlessly_and_files_hold_it_exactly(tmp_path_factory, id_, domain, text, name):
    folder = tmp_path_factory.mktemp("hostile")
    corpus, rows, page = folder / f"{name}.jsonl", folder / "rows.jsonl", folder / "page.html"
    corpus.write_text(json.dumps({"text": f"ab{text}", "id": id_, "domain": domain}) + "\n")
    options = ("--model", "uniform:300", "--id-field", "id", "--domain-field", "domain")
    for extra in ((), ("--show",), ("--explain", "--by-position"), ("--per-document", rows, "--html", page)):
        code, out, err = called("score", f"jsonl:{corpus}", *options, *extra)
        assert code == 0
        assert_harmless(out, err)
    (row,) = map(json.loads, rows.read_text(encoding="utf-8").split("\n")[:-1])
    assert (row["id"], row["domain"]) == (id_, domain)
    _, out, err = called("score", f"jsonl:{corpus}", *options, "--json")
    assert list(json.loads(out)["by_domain"]) == [domain]
    assert_harmless(out, err)


@settings(max_examples=40)
@given(word=named)
def test_messages_about_names_leave_harmlessly(tmp_path_factory, word):
    folder = tmp_path_factory.mktemp("hostile")
    rows = folder / "rows.jsonl"
    rows.write_text(json.dumps({word: "text"}) + "\n")
    uniform = ("--model", "uniform:300")
    broken = folder / f"{word}.jsonl"
    broken.write_text("{")
    for command in (
        ("score", rows, *uniform),
        ("score", rows, *uniform, "--field", word),
        ("score", rows, *uniform, "--field", f"{word}!"),
        ("score", rows, *uniform, "--id-field", f"{word}!", "--field", word),
        ("score", f"jsonl:{broken}", *uniform),
        ("score", f"file:{folder}/{word}/no.txt", *uniform),
        ("score", "text:ab", *uniform, "--html", folder / word / "page.html"),
        ("score", "text:ab", *uniform, "--per-token", folder / word),
        ("score", "text:ab", "--model", f"{word}:x"),
        ("score", "text:ab", "--model", f"llama:{folder}/{word}"),
        ("score", "text:ab", *uniform, "-p", word),
        ("score", "text:ab", *uniform, "--window", f" {word}"),
        ("protocols", f" {word}"),
        (f" {word}",),
    ):
        code, out, err = called(*command)
        assert code in (0, 2), (command, err)
        assert err.count("\n") == (code == 2), err
        assert_harmless(out, err)


def test_a_bad_token_of_a_hostile_document_is_located_harmlessly(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text(json.dumps({"text": "ab", "id": "\x1b]0;x\x07\u202e"}) + "\n")
    code, out, err = called("score", path, "--model", "unigram:cd", "--id-field", "id")
    assert code in (0, 2)
    assert_harmless(out, err)


def test_a_warning_of_another_package_leaves_harmlessly(capsys: pytest.CaptureFixture[str]) -> None:
    with notes():
        warnings.simplefilter("always", UserWarning)
        warnings.warn("model \x1b]0;x\x07 is old", UserWarning, stacklevel=1)
    err = capsys.readouterr().err
    assert "model ␛]0;x␇ is old" in err
    assert controls(err) == set()


@given(hostile)
def test_a_line_stays_a_line_and_json_stays_exact(text: str) -> None:
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        say(text, styled(text, bold=True))
        say_json({"text": text})
        say_lines("two\nlines")
    line, data, *rest = out.getvalue().split("\n")
    assert rest == ["two", "lines", ""]
    assert json.loads(data) == {"text": text}
    assert controls(line) == controls(data) == set()


def test_stdout_that_has_no_unicode_takes_escapes_and_json_stays_json() -> None:
    for encoding in ("latin-1", "ascii"):
        raw = io.BytesIO()
        stream = io.TextIOWrapper(raw, encoding=encoding)
        with contextlib.redirect_stdout(stream):
            with pytest.raises(SystemExit):
                main(["score", "text:→ é", "--model", "uniform:300", "--json"])
            with pytest.raises(SystemExit):
                main(["score", "text:→ é", "--model", "uniform:300", "--show"])
        stream.flush()
        data, _, shown = raw.getvalue().decode(encoding).partition("\n")
        assert json.loads(data)["documents"] == 1
        assert r"\u2192" in shown


def test_only_one_module_prints() -> None:
    source = Path(__file__).parents[2] / "src" / "nonplus"
    printing = {"print", "click.echo", "click.secho", "click.style", "sys.stdout.write", "sys.stderr.write"}
    found = set()
    for path in source.rglob("*.py"):
        calls = [node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Call)]
        found |= {path.name for call in calls if ast.unparse(call.func) in printing}
    assert found == {"printing.py"}

"""The pages are complete, their tables are those of the code, and their links lead
somewhere.

Their examples are tests of their own: see conftest.py beside pyproject.toml.
"""

import re
import shlex
import subprocess
import sys
from itertools import takewhile

import click
import pytest
from docs import refresh

import nonplus
from nonplus.cli import VERBS
from nonplus.cli import nonplus as command_line
from nonplus.cli.filter import VERBS as OF_FILTER
from nonplus.cli.ngram import VERBS as OF_NGRAM
from nonplus.optional import MODELS, SCHEMES

PAGES = refresh.pages()
TEXTS = {page: page.read_text(encoding="utf-8") for page in PAGES}
DOCS = refresh.ROOT / "docs"
ALL = [page for page in (refresh.ROOT / "docs").rglob("*.md")] + [refresh.ROOT / "README.md"]
ALL_VERBS = [*VERBS, *(f"ngram {verb}" for verb in OF_NGRAM), *(f"filter {verb}" for verb in OF_FILTER)]
LINK = re.compile(r"\]\((?!https?:)([^)#\s]*)(?:#([^)\s]*))?\)")


def text_of(folder: str) -> str:
    return "\n".join(text for page, text in TEXTS.items() if page.is_relative_to(DOCS / folder))


def name(page) -> str:
    return page.relative_to(refresh.ROOT).as_posix()


def options(verb: str) -> list[str]:
    *_, (_, command) = command_line.path(verb.split())
    found = [option for option in command.params if isinstance(option, click.Option)]
    return [flag for option in found for flag in (*option.opts, *option.secondary_opts) if flag.startswith("--")]


def anchors(page) -> set[str]:
    titles = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_the_tables_of_a_page_are_those_of_the_code(page):
    assert refresh.same(refresh.tabled(TEXTS[page]), TEXTS[page]), "python docs/refresh.py makes them anew"


@pytest.mark.parametrize("page", ALL, ids=name)
def test_every_link_of_a_page_leads_somewhere(page):
    for path, anchor in LINK.findall(page.read_text(encoding="utf-8")):
        target = page.parent / path if path else page
        assert target.exists(), f"{path} does not exist"
        assert not anchor or anchor in anchors(target), f"{path} has no heading #{anchor}"


def test_every_page_can_be_reached_from_the_readme():
    reached, ahead = set(), [refresh.ROOT / "README.md"]
    while ahead:
        page = ahead.pop().resolve()
        if page in reached or page.suffix != ".md":
            continue
        reached.add(page)
        ahead += [page.parent / path for path, _ in LINK.findall(page.read_text(encoding="utf-8")) if path]
    assert set(PAGES) <= reached


@pytest.mark.parametrize("verb", ALL_VERBS)
def test_every_option_of_a_verb_is_explained_in_prose_and_not_only_in_its_help(verb):
    prose = "\n".join(text for page, text in TEXTS.items() if page.name != "command-line.md")
    missing = [flag for flag in options(verb) if not re.search(rf"{flag}(?![\w-])", prose)]
    assert not missing


@pytest.mark.parametrize("verb", ALL_VERBS)
def test_the_help_of_every_verb_is_in_the_reference(verb):
    assert f"$ nonplus help {verb}\n" in text_of("reference")


def test_every_public_name_is_in_the_reference():
    assert not [each for each in nonplus.__all__ if f"`{each}" not in text_of("reference")]


def test_every_kind_of_model_has_a_full_line_in_its_table():
    table = re.findall(r"^\| `(\w+):` (.*)\|$", TEXTS[DOCS / "reference/models.md"], re.MULTILINE)
    assert sorted(scheme for scheme, _ in table) == sorted(SCHEMES[MODELS])
    assert all(all(cell.strip() for cell in rest.split("|")[1:-1]) and rest.count("|") == 4 for _, rest in table)


def test_every_preset_is_in_the_reference_and_in_the_explanation():
    for folder in ("reference", "explanation"):
        assert not [each for each in nonplus.PRESETS if f"`{each}" not in text_of(folder)]


def test_every_choice_of_a_protocol_and_every_key_of_a_report_is_in_the_reference():
    report = nonplus.evaluate(["As many texts", "as are enough", "for an interval"], model="uniform:256").to_dict()
    keys = [*report, *report["protocol"], *report["interval"]]
    assert not [key for key in keys if f"`{key}`" not in text_of("reference")]


def test_every_block_of_a_page_is_played_or_is_plainly_no_example():
    for page, text in TEXTS.items():
        opened = re.findall(r"^```(.*)$", text, re.MULTILINE)[::2]
        assert set(opened) <= {"console", "python", "", "text", "toml", "json"}, page
        assert len(list(refresh.blocks(text))) == sum(kind in ("console", "python") for kind in opened), page


def test_commands_that_are_shown_but_not_run_can_at_least_be_read():
    for text in TEXTS.values():
        shown = re.findall(r"`(nonplus [^`]+)`", text)
        shown += [
            line for b in refresh.blocks(text) if b.hindrance for line in re.findall(r"^\$ (nonplus .*)", b.body, re.M)
        ]
        for _, verb, *arguments in map(shlex.split, shown):
            parent = click.Context(command_line, **command_line.context_settings)  # click keeps its -h
            command = command_line.get_command(parent, verb)
            command.make_context(verb, list(takewhile(lambda word: word != "|", arguments)), parent=parent)


def test_two_outputs_are_the_same_where_only_the_last_digit_differs():
    assert refresh.same("perplexity  239.3  [48.14, 1,190]", "perplexity  239.4  [48.15, 1,191]")
    assert not refresh.same("perplexity  239.3", "perplexity  239.9")
    assert not refresh.same("16 tokens", "17 tokens")
    assert not refresh.same("16 tokens", "16 words")


def test_a_page_that_says_something_wrong_is_found(tmp_path):
    page = "```python\n>>> 1 + 1\n3\n```\n"
    assert refresh.played(page) == "```python\n>>> 1 + 1\n2\n```\n"
    assert not refresh.same(page, refresh.played(page))


def test_refreshing_is_a_command():
    command = [sys.executable, str(DOCS / "refresh.py"), "--check", "docs/README.md"]
    subprocess.run(command, check=True, capture_output=True, timeout=60)

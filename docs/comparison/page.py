"""The page, from the figures in results.json and the texts of the cases."""

import inspect
import math
import re
import textwrap
from typing import Any

from docs.comparison.chapters import AGREE, ANSWER, CHAPTERS
from docs.comparison.record import Case

_ROUNDING = 5e-5  # smaller deviations are float32 rounding

# The package behind each name on the page, for its version.
_PACKAGES = {
    "torchmetrics": "torchmetrics",
    "torcheval": "torcheval",
    "ignite": "pytorch-ignite",
    "F.cross_entropy": "torch",
    "metrax": "google-metrax",
    "keras_hub": "keras-hub",
    "transformers": "transformers",
    "evaluate": "evaluate",
}

_ABILITIES = (
    ("torchmetrics", "torcheval", "ignite", "metrax", "keras_hub", "evaluate", "**nonplus**"),
    ("takes", "logits", "logits", "logits, vocabulary as axis 1", "probabilities or logits", "probabilities or logits",
     "texts and a model's id", "logits, log-probabilities, probabilities, surprisals, hidden states"),
    ("shifts", "no", "no", "no", "no", "no", "yes", "with `shift=True`"),
    ("excludes tokens", "by id", "by id", "by id", "by weights", "by id, by weights", "padding",
     "by ids, by mask, by weights"),
    ("counts in", "float32", "float64", "integers, the sum in float32", "float32", "its `dtype`", "each text alone",
     "integers"),
    ("merges", "`merge_state`", "`merge_state`", "no", "`merge`", "no", "no", "`merge`; `merge_state`"),
    ("several processes", "yes", "yes", "yes", "yes", "by Keras", "no", "as the loop around it"),
    ("log-perplexity", "no", "no", "no", "no", "no", "no", "yes"),
    ("bits per byte", "no", "no", "no", "no", "no", "no", "if bytes are given"),
    ("interval", "no", "no", "no", "no", "no", "no", "clustered by document"),
)  # fmt: skip


def rendered(results: dict[str, Any]) -> str:
    """The whole page."""
    cases = results["cases"]
    parts = [_OPENING.format(versions=_versions(results), agreement=_deviations(cases.get(AGREE.name)))]
    for title, chapter in CHAPTERS.items():
        parts.append(f"## {title}\n")
        parts += [_section(case, cases.get(case.name)) for case in chapter.values()]
    parts.append(_CLOSING.format(answers=_answers(cases.get(ANSWER.name)), text=_text(ANSWER), abilities=_abilities()))
    prose_and_code = re.split("(^```.*?^```$)", "\n".join(parts), flags=re.MULTILINE | re.DOTALL)
    return "".join(each if each.startswith("```") else re.sub("\n{3,}", "\n\n", each) for each in prose_and_code)


def _section(case: Case, found: dict[str, Any] | None) -> str:
    parts = [f"### {case.title}\n", _text(case) + "\n"]
    if case.elsewhere:
        parts.append(f"Run with {case.elsewhere}.\n")
    parts.append(_figures(case, found))
    if case.fixed:
        parts.append(f"*Fixed.* {case.fixed}\n")
    if case.threads:
        parts.append(f"*Threads and code.* {'; '.join(case.threads)}.\n")
    parts.append(f"<details><summary>The input</summary>\n\n```python\n{_source(case)}\n```\n\n</details>\n")
    return "\n".join(parts)


def _figures(case: Case, found: dict[str, Any] | None) -> str:
    """The figures of all classes, one per row, with a column for each input."""
    if found is None:
        return "*Not run yet.*\n"
    lines = found["lines"]
    head = [case.unit, *(line["input"] for line in lines)]
    rows = []
    if any(line["truth"] is not None for line in lines):
        rows.append(["truth", *(_number(line["truth"]) for line in lines)])
    for who in _everyone(lines):
        cells = [compared(line["figures"].get(who), line["truth"]) for line in lines]
        rows.append([_named(who, found["versions"]), *cells])
    return f"{_table(head, rows)}\n{_not_run(found)}"


def _deviations(found: dict[str, Any] | None) -> str:
    if found is None:
        return "*Not run yet.*"
    lines = found["lines"]
    rows = []
    for who in _everyone(lines):
        rows.append([_named(who, found["versions"]), *(_deviation(line, who) for line in lines)])
    return f"{_table(['', *(line['input'] for line in lines)], rows)}\n{_not_run(found)}"


def _deviation(line: dict[str, Any], who: str) -> str:
    if who not in line["figures"]:
        return "–"
    return f"{abs(float(line['figures'][who]) / line['truth'] - 1):.0e}"


def _answers(found: dict[str, Any] | None) -> str:
    """The results for wrong input; inputs are rows, because there are many."""
    if found is None:
        return "*Not run yet.*"
    everyone = _everyone(found["lines"])
    rows = [[line["input"], *(_answer(line["figures"].get(who)) for who in everyone)] for line in found["lines"]]
    head = ["", *(_named(who, found["versions"]) for who in everyone)]
    return f"{_table(head, rows)}\n{_not_run(found)}"


def _not_run(found: dict[str, Any]) -> str:
    """Which classes did not run, and why; empty if all did."""
    missing = found["not_run"]
    return f"\nNot run: {', '.join(f'{who} ({why})' for who, why in missing.items())}.\n" if missing else ""


def _answer(figure: Any) -> str:
    return "–" if figure is None else f"`{figure}`" if re.fullmatch(r"\w*[A-Z]\w*", str(figure)) else str(figure)


def _everyone(lines: list[dict[str, Any]]) -> list[str]:
    """All classes that ran, peers first."""
    names = dict.fromkeys(who for line in lines for who in line["figures"])
    return sorted(names, key=lambda who: who.startswith("nonplus"))


def _named(who: str, versions: dict[str, str]) -> str:
    if who.startswith("nonplus"):
        return f"**{who}**"
    name = re.split("[ ,]", who)[0]
    said = versions.get(_PACKAGES.get(name, ""))
    return who.replace(name, f"{name} {said}", 1) if said else who


def compared(figure: Any, truth: float | None) -> str:
    """A figure, with its deviation if that is more than rounding."""
    if figure is None:
        return "–"
    shown, value = _number(figure), float(figure)
    if truth is None or not math.isfinite(value) or abs(value / truth - 1) < _ROUNDING:
        return shown
    off = value / truth - 1
    if off > 9:
        return f"{shown} (× {value / truth:,.0f})"
    return f"{shown} (÷ {truth / value:,.0f})" if off < -0.9 else f"{shown} ({_percent(off)})"


def _percent(off: float) -> str:
    """Two significant digits, with the sign."""
    decimals = max(0, 1 - math.floor(math.log10(abs(100 * off))))
    return f"{100 * off:+.{decimals}f} %".replace("-", "−")


def _number(figure: Any) -> str:
    value = float(figure)
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "infinite"
    if value == round(value) and abs(value) < 1e9:
        return f"{value:,.0f}"
    if not 1e-3 < abs(value) < 1e7:
        return f"{value:.5g}"
    return f"{value:,.0f}" if abs(value) >= 1e5 else f"{value:,.6g}"


def _abilities() -> str:
    head, *rows = _ABILITIES
    return _table(["", *head], [list(row) for row in rows])


def _text(case: Case) -> str:
    return inspect.cleandoc(case.text)


def _source(case: Case) -> str:
    """The function of a case without its docstring, which the page shows as text."""
    lines = inspect.getsource(case.measure)
    body = lines[lines.index('"""', lines.index('"""') + 3) + 3 :]
    own = textwrap.dedent(body).strip("\n")
    return "\n\n\n".join([*(inspect.getsource(each).strip("\n") for each in case.shows), own])


def _versions(results: dict[str, Any]) -> str:
    found: dict[str, set[str]] = {}
    for case in results["cases"].values():
        for package, version in case["versions"].items():
            found.setdefault(package, set()).add(version)
    packages = ", ".join(f"{package} {' and '.join(sorted(found[package]))}" for package in sorted(found))
    said = f"Versions: {packages}; Python {results['python']} on {results['platform']}."
    return textwrap.fill(said, 88, break_on_hyphens=False)


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


_OPENING = """<!-- Made by docs/comparison/run.py from results.json and the cases: edit those, not this page. -->
# Perplexity classes compared

What metric classes in use today give for the same input, beside those of nonplus. Each
case was run with the code shown. The truth is computed in float64 from the definition,
without nonplus and without the peers ([oracle.py](oracle.py)). If a figure is off by
more than float32 rounding, its deviation stands beside it.

The page shows only cases in which figures differ. It does not show how often they
occur; where that matters, the text says so. These are good tools, and many
were made mainly for training. On ordinary input all of them are right. These are their
deviations from the truth for float32 logits of 128 tokens with a vocabulary of 1,000 (a
dash: does not take that input):

{agreement}

{versions}

`make comparison` runs everything again, in two environments made from
[requirements.txt](requirements.txt) and
[requirements-evaluate.txt](requirements-evaluate.txt). [peers.py](peers.py) shows how
each class is called, and [results.json](results.json) holds every figure. If a case is
wrong, unfair, or fixed in a later version, please open an issue, and the page will be
changed.
"""

_CLOSING = """## Invalid input

{text}

{answers}

None of these results breaks a promise. They show what you see if the loop around a
metric has a mistake.

## What each class can do

{abilities}

This table comes from reading the versions above, and from the cases on this page. The
peers have strengths that ours lack: dozens of other metrics behind the same interface,
and years of use.

Calling a torchmetrics metric as a function returns the figure of that batch. It also
adds the batch to the result of `compute()`. So `metric(a)` and `metric(b)` count both
batches. Ours follows this interface.

## Not run

- mmeval (dormant): by reading, it has the softmax of the first case, and a mask that
  keeps exactly the tokens that should be ignored.
- The classes of fastai and Composer: by reading, fastai weights batches by rows as
  metrax does.
- Any case of this page on a GPU, on Apple's MPS, or on Keras' TensorFlow backend. Our
  own tests of tensors on a GPU were run on an H100 ([log](../log.md#2026-11-26-an-h100)).
"""

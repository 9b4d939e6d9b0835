"""Common faults in measuring perplexity, each put into a copy of nonplus on which a
test must then fail.

``python tests/mutants.py`` tries all of them and names those that no test notices;
``tests/parity/test_mutants.py`` checks that there are none.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TESTS = "tests/parity/test_oracle.py"

_RUN = """\
import sys, pathlib, nonplus, pytest
assert pathlib.Path(nonplus.__file__).is_relative_to(sys.argv[1]), "the tests do not see the mutant"
options = ["-x", "-q", "--tb=line", "-p", "no:cacheprovider", "--hypothesis-profile=mutants"]
sys.exit(pytest.main([*options, sys.argv[2]]))
"""


@dataclass(frozen=True)
class Mutant:
    """``old``, which occurs once in ``file``, becomes ``new``."""

    fault: str
    file: str
    old: str
    new: str


MUTANTS = [
    Mutant(
        "targets are not shifted",
        "measure/batches.py",
        "first=begin_W + first_W,",
        "first=begin_W + first_W - 1,",
    ),
    Mutant(
        "the first targets are scored, not the last",
        "measure/batches.py",
        "first=begin_W + first_W,",
        "first=begin_W + start_W + 1,",
    ),
    Mutant(
        "the prefix is forgotten",
        "measure/batches.py",
        "input_BT.ravel()[place_R[rows.prefixed[lines.rows]] + place] = token",
        "input_BT.ravel()[place_R[rows.prefixed[lines.rows]] + place] = 0",
    ),
    Mutant(
        "padding is scored",
        "measure/batches.py",
        "ranges(end_R - scored_R, scored_R), target_N",
        "ranges(line_R * width + width - scored_R, scored_R), target_N",
    ),
    Mutant(
        "packed texts are not independent",
        "measure/batches.py",
        "count_up(position_BT.ravel(), place_R, 0 * length_R, length_R)",
        "count_up(position_BT.ravel(), place_R, place_R - line_R * width, length_R)",
    ),
    Mutant(
        "the overlap is scored twice, rolling",
        "measure/windows.py",
        "yield Window(max(0, stop - 1 - room), done, stop, prefixed)",
        "yield Window(max(0, stop - 1 - room), max(first, done - 1), stop, prefixed)",
    ),
    Mutant(
        "the overlap is scored twice, on a grid",
        "measure/windows.py",
        "yield Window(start, max(done, start + 1), stop)",
        "yield Window(start, start + 1, stop)",
    ),
    Mutant(
        "the tail is dropped",
        "measure/windows.py",
        "while (stop := reach(done + stride)) > done:",
        "while (stop := reach(done + stride)) > done + 1:",
    ),
    Mutant(
        "a chunk's tail is kept",
        "measure/windows.py",
        "lambda start: reach(start + context) == start + context, count",
        "lambda start: reach(start + context) > start + context // 2, count",
    ),
    Mutant(
        "windows are one token shorter than they may be",
        "measure/protocol/resolved.py",
        "room = choices.window - 1\n",
        "room = max(choices.window - 2, 1)\n",
    ),
    Mutant(
        "windows are one token longer than the model takes",
        "measure/protocol/resolved.py",
        "room = choices.window - 1\n",
        "room = choices.window\n",
    ),
    Mutant("the stride is ignored", "measure/protocol/resolved.py", "stride=protocol.stride or room)", "stride=room)"),
    Mutant(
        "half a chunk is one token too many",
        "measure/protocol/resolved.py",
        "skip = size // 2 + 1 if",
        "skip = size // 2 if",
    ),
    Mutant(
        "no token is replaced at the head of a chunk",
        "measure/protocol/resolved.py",
        "yield replace(window, start=window.start + 1, prefixed=True) if replaced else window",
        "yield window",
    ),
    Mutant(
        "a BOS token that occurs twice is dropped silently",
        "measure/protocol/resolved.py",
        'return self.choices.specials == "none" and self._begins_with_prefix(tokens)',
        "return self._begins_with_prefix(tokens)",
    ),
    Mutant(
        "the context is scored",
        "measure/tokenizing.py",
        "firsts_D = np.where(contexts > 0, np.add.reduceat(ends_T == 0, offsets[:-1], dtype=np.int64), 0)",
        "firsts_D = np.zeros(len(contexts), np.int64)",
    ),
    Mutant(
        "texts of a stream are joined without a separator",
        "measure/tokenizing.py",
        "text, newline = newline + joiner + document.text",
        "text, newline = newline + document.text",
    ),
    Mutant(
        "the weights are ignored",
        "measure/assembly.py",
        "self._weight = once(n) if (weights == 1).all() else np.repeat(weights, count_W)",
        "self._weight = once(n)",
    ),
    Mutant(
        "documents are returned before they are finished",
        "measure/assembly.py",
        "stop = self.done + int(open_[0]) if len(open_) else len(self.texts)",
        "stop = len(self.texts)",
    ),
    Mutant(
        "scores are assigned in the order of the text, not of the batch",
        "measure/halving.py",
        "yield lines.rows, answer",
        "yield np.sort(lines.rows), answer",
    ),
    Mutant(
        "nats are bits",
        "measure/forward.py",
        "return Scores(checked_logprobs(self._model.logprobs(asked), len(asked.target_N), self._model))",
        "return Scores(checked_logprobs(self._model.logprobs(asked), len(asked.target_N), self._model) / 0.693)",
    ),
    Mutant(
        "one token more than was scored is counted",
        "measure/statistics/fixed_point.py",
        "return np.diff(offsets) << BITS",
        "return (np.diff(offsets) + 1) << BITS",
    ),
    Mutant(
        "bytes before the first scored token are counted",
        "measure/statistics/covered_text.py",
        "start_R = np.where(first_R == tokens.offsets[document_R], 0, tokens.byte_ends[first_R - 1]) + begins_R",
        "start_R = begins_R",
    ),
    Mutant(
        "the C kernel's squares are taken for weights",
        "measure/statistics/native_sums.py",
        '_SUMS = ("nats", "tokens", "squares", "weighted", "zeros")',
        '_SUMS = ("nats", "squares", "tokens", "weighted", "zeros")',
    ),
    Mutant(
        "the words of the detokenised text are counted",
        "measure/session.py",
        "lm_eval_counts(document.original or document.text)",
        "lm_eval_counts(document.text)",
    ),
    Mutant(
        "a mean over texts divides by texts without a figure too",
        "measure/statistics/tally.py",
        "texts = sum(map(bool, tokens))",
        "texts = len(sums)",
    ),
]


def caught(mutant: Mutant) -> bool:
    """Whether a test fails on a copy of nonplus with that fault.

    Raises:
        AssertionError: the code to change no longer occurs once, or the tests could
            not run.
    """
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder).resolve() / "nonplus"
        shutil.copytree(ROOT / "src" / "nonplus", copy, ignore=shutil.ignore_patterns("__pycache__", "bundled"))
        path = copy / mutant.file
        source = path.read_text(encoding="utf-8")
        count = source.count(mutant.old)
        assert count == 1, f"{mutant.file} has {count} of {mutant.old!r}: adapt the mutant"
        path.write_text(source.replace(mutant.old, mutant.new), encoding="utf-8")
        return _status(copy.parent) == 1


def _status(source: Path) -> int:
    """That of the tests with the C kernels, and if they pass, of those without."""
    return _status_by(source, native="1") or _status_by(source, native="0")


def _status_by(source: Path, *, native: str) -> int:
    environment = os.environ | {"PYTHONPATH": str(source), "PYTHONDONTWRITEBYTECODE": "1", "OMP_NUM_THREADS": "1"}
    environment["NONPLUS_NATIVE"] = native
    command = [sys.executable, "-c", _RUN, str(source), TESTS]
    run = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120)
    assert run.returncode in (0, 1), f"neither passed nor failed:\n{run.stdout[-2000:]}{run.stderr[-2000:]}"
    return run.returncode


def unharmed() -> bool:
    """Whether the tests pass on nonplus unchanged; else they fail on any mutant."""
    return _status(ROOT / "src") == 0


if __name__ == "__main__":
    assert unharmed(), f"{TESTS} fails without any mutant"
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        results = zip(MUTANTS, pool.map(caught, MUTANTS), strict=True)
        survivors = [mutant.fault for mutant, noticed in results if not noticed]
    sys.exit("not noticed: " + "; ".join(survivors) if survivors else 0)

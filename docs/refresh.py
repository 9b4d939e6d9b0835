"""Run the examples of README.md and docs/, and write their outputs into the pages.

::

    python docs/refresh.py            run every page and write its outputs
    python docs/refresh.py README.md  only this page
    python docs/refresh.py --check    write nothing; exit code 1 if a page would change

A page runs from top to bottom in an empty folder, where ``examples`` links
to the repository's and ``stories260K`` to that model, if available. ``console`` blocks
hold commands after ``$`` (``>`` continues one) and their output. ``python`` blocks hold
a session with ``>>>``, or a script that only has to run. An HTML comment before a
block may say ``needs: torch, stories260K``, ``not run: <reason>`` or ``output varies``.
cog makes the tables, from :mod:`docs.tables`.

Times are masked. Figures may differ in the last digit between machines, as float32 sums
do.
"""

import io
import os
import re
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Iterator
from contextlib import chdir, redirect_stderr, redirect_stdout, suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from shlex import split
from typing import Any

from cogapp import Cog

ROOT = Path(__file__).resolve().parent.parent
DATA = Path(os.environ.get("NONPLUS_DATA", ROOT.parent / "shared" / "data"))
STORIES = DATA / "models" / "stories260K"
# Pages whose blocks are quotations rather than examples, or that other scripts write.
ELSEWHERE = ("docs/comparison/", "docs/decisions/", "docs/images/", "docs/log.md")

_FENCE = re.compile(r"(?:<!-- *(?P<note>[^\n]*?) *-->\n)?^```(?P<kind>console|python)\n(?P<body>.*?)^```$", re.M | re.S)
_TIMES = (
    (re.compile(r"^(time +)[\d.,]+ s, [\d.,]+ tokens/s", re.M), r"\1… s, … tokens/s"),
    (re.compile(r'("(?:seconds|tokens_per_second)": )[\d.e+-]+'), r'\1"…"'),
)
_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"")
_SHELL = re.compile(r"[<>;&*$\n]")  # needs a real shell
_NUMBER = re.compile(r"(?<![\w.])-?\d[\d,]*(?:\.\d+)?(?:e[+-]?\d+)?(?![\w])")


def pages() -> list[Path]:
    """The pages whose examples run."""
    found = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    return [page for page in found if not page.relative_to(ROOT).as_posix().startswith(ELSEWHERE)]


@dataclass(frozen=True, slots=True)
class Block:
    """An example in a page: its position in the text, and when it can run."""

    start: int
    stop: int
    kind: str
    body: str
    note: str

    @property
    def varies(self) -> bool:
        """Whether the output differs between machines."""
        return self.note == "output varies"

    @property
    def hindrance(self) -> str:
        """Why the block cannot run here; empty if it can."""
        label, _, said = self.note.partition(": ")
        if label == "not run":
            return said
        missing = [need for need in said.split(", ") if not _there(need)] if label == "needs" else []
        return f"needs {', '.join(missing)}" if missing else ""


def blocks(text: str) -> Iterator[Block]:
    """The examples of a page in order."""
    for found in _FENCE.finditer(text):
        yield Block(*found.span("body"), found["kind"], found["body"], found["note"] or "")


class Stage:
    """Where a page runs: a folder, and the names that its Python has defined."""

    def __init__(self, folder: Path) -> None:
        """Prepare an empty folder."""
        self._folder = folder
        self._names: dict[str, Any] = {"__name__": "__main__"}
        (folder / "examples").symlink_to(ROOT / "examples")
        if STORIES.is_dir():
            (folder / "stories260K").symlink_to(STORIES)

    def play(self, block: Block) -> str:
        """The body of the block with the output it has now.

        Raises:
            Exception: a script, or a command of the shell, fails.
        """
        with chdir(self._folder):
            if block.kind == "console":
                return _replayed(block.body, ("$ ", "> "), self._command)
            if ">>> " in block.body:
                return _replayed(block.body, (">>> ", "... "), self._session)
            with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
                exec(compile(block.body, "a script", "exec"), self._names)
            return block.body

    def _command(self, command: str) -> str:
        """What the command prints, errors first.

        ``nonplus …`` and ``nonplus … | head`` run in this process.
        """
        own, pipe, rest = _parted(command.strip())
        if not own.startswith("nonplus ") or _SHELL.search(_QUOTED.sub("", own)) or re.search("nonplus|python", rest):
            return _masked(_shell(command))
        printed, errors = _nonplus(split(own)[1:])
        return _masked(errors + (_shell(rest, fed=printed) if pipe else printed))

    def _session(self, code: str) -> str:
        printed = io.StringIO()
        with redirect_stdout(printed), redirect_stderr(io.StringIO()):
            try:
                exec(compile(code, "a session", "single"), self._names)
            except Exception as error:  # noqa: BLE001  the page shows any error
                said = traceback.format_exception_only(error)[-1].strip()
                printed.write(f"Traceback (most recent call last):\n  ...\n{said}\n")
        return _masked(printed.getvalue())


def played(text: str) -> str:
    """A page with its current outputs and tables.

    Examples that cannot run here keep their output.
    """
    with tempfile.TemporaryDirectory() as folder:
        stage = Stage(Path(folder))
        parts, done = [], 0
        for block in blocks(text):
            skipped = block.hindrance
            body = block.body if skipped else stage.play(block)
            parts += [text[done : block.start], block.body if block.varies else body]
            done = block.stop
    return tabled("".join([*parts, text[done:]]))


def tabled(text: str) -> str:
    """A page with its tables refreshed."""
    if "[[[cog" not in text:
        return text
    if str(ROOT) not in sys.path:
        sys.path.insert(0, str(ROOT))
    made: str = Cog().process_string(text)
    return made


def same(one: str, other: str) -> bool:
    """Whether two outputs are equal; the last digit of a number may differ."""
    if _words(one) != _words(other):
        return False
    pairs = zip(_NUMBER.findall(one), _NUMBER.findall(other), strict=True)
    return all(_close(a.replace(",", ""), b.replace(",", "")) for a, b in pairs)


def _words(text: str) -> list[str]:
    return _NUMBER.sub("#", text).split()


def _close(one: str, other: str) -> bool:
    a, b = float(one), float(other)
    if abs(a - b) <= 1e-4 * max(abs(a), abs(b)):
        return True
    decimals = len(one.partition(".")[2]) if "e" not in one else 0
    return abs(a - b) < 2 * 10.0**-decimals and (decimals > 0 or abs(a) >= 100)


def _there(need: str) -> bool:
    return STORIES.is_dir() if need == "stories260K" else find_spec(need) is not None


def _replayed(body: str, prompts: tuple[str, str], run: Any) -> str:
    """The body with each command's output replaced by the result of ``run``."""
    first, more = prompts
    said: list[str] = []
    for entry in re.split(rf"^(?={re.escape(first)})", body, flags=re.M):
        lines = entry.splitlines()
        typed = [line for line in lines if line.startswith(prompts) or line in (first.strip(), more.strip())]
        if not typed:
            continue
        output = run("\n".join(line[len(first) if line.startswith(first) else len(more) :] for line in typed) + "\n")
        gap = "\n" if entry.endswith("\n\n") else ""
        said.append("\n".join(typed) + "\n" + "".join(f"{line.rstrip()}\n" for line in output.splitlines()) + gap)
    return "".join(said)


def _parted(command: str) -> tuple[str, str, str]:
    """The command before the first unquoted pipe, the pipe, and the rest."""
    bar = _QUOTED.sub(lambda quoted: "-" * len(quoted[0]), command).find("|")
    return (command[:bar], "|", command[bar + 1 :]) if bar >= 0 else (command, "", "")


def _nonplus(arguments: list[str]) -> tuple[str, str]:
    """What the command line prints on stdout and stderr, in this process."""
    from nonplus.cli import main

    printed, errors = io.StringIO(), io.StringIO()
    with redirect_stdout(printed), redirect_stderr(errors), _narrow(), suppress(SystemExit):
        main(arguments)
    return printed.getvalue(), errors.getvalue()


def _shell(command: str, *, fed: str = "") -> str:
    """What the shell prints, with this environment's ``nonplus`` and ``python``."""
    shims = "".join(f"{name}() {{ '{sys.executable}' {rest} \"$@\"; }}\n" for name, rest in _SHIMS.items())
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src"), "COLUMNS": "100", "NO_COLOR": "1"}
    ran = subprocess.run(
        ["bash", "-c", shims + command],
        env=environment, input=fed, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    if ran.returncode:
        raise RuntimeError(f"exit code {ran.returncode} of: {command}\n{ran.stdout}{ran.stderr}")
    return ran.stderr + ran.stdout


_SHIMS = {"nonplus": "-m nonplus.cli", "python": ""}


class _narrow:
    """A terminal of 100 columns without colours, whatever the real one has."""

    def __enter__(self) -> None:
        self._before = {name: os.environ.get(name) for name in ("COLUMNS", "NO_COLOR")}
        os.environ |= {"COLUMNS": "100", "NO_COLOR": "1"}

    def __exit__(self, *_: object) -> None:
        for name, value in self._before.items():
            os.environ.pop(name)
            if value is not None:
                os.environ[name] = value


def _masked(output: str) -> str:
    for pattern, masked in _TIMES:
        output = pattern.sub(masked, output)
    return output


def main(arguments: list[str]) -> int:
    """Refresh or check the pages named, or all of them."""
    check = "--check" in arguments
    named = [ROOT / name for name in arguments if name != "--check"]
    changed = 0
    for page in named or pages():
        before = page.read_text(encoding="utf-8")
        after = played(before)
        differs = not same(before, after) if check else before != after
        changed += differs
        if differs and not check:
            page.write_text(after, encoding="utf-8")
        sys.stdout.write(f"{'changed' if differs else 'as it was':10} {page.relative_to(ROOT)}\n")
    return 1 if check and changed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""Run the peers and nonplus on the same input, and record the figures.

::

    make comparison                       everything, in environments of its own
    python -m docs.comparison.run         everything that this environment can run
    python -m docs.comparison.run NAME…   only these cases; the others stay as they are
    python -m docs.comparison.run --page  only the page, from results.json
    … --into FOLDER                       into another folder than docs/comparison

The figures go to ``results.json``. The page is made from them and from the texts of the
cases. Each Keras backend runs in a process of its own, in parallel. The page lists a
peer that is not installed as not run.
"""

import json
import os
import platform
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from docs.comparison import page
from docs.comparison.chapters import CASES

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent


def gathered(names: list[str]) -> dict[str, Any]:
    """The figures of these cases on all their backends."""
    found: dict[str, Any] = {}
    backends = {backend: [name for name in names if backend in CASES[name].backends] for backend in ("jax", "torch")}
    with ThreadPoolExecutor() as together:
        for under in together.map(_measured, *zip(*backends.items(), strict=True)):
            for name, measured in under.items():
                found[name] = _joined(found[name], measured) if name in found else measured
    return found


def _measured(backend: str, names: list[str]) -> dict[str, Any]:
    if not names:
        return {}
    # one thread: the order of float32 sums should not depend on the machine
    environment = os.environ | {"KERAS_BACKEND": backend, "OMP_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false"}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "measured.json"
        command = [sys.executable, "-m", "docs.comparison.measure", str(file), *names]
        subprocess.run(command, cwd=ROOT, env=environment, check=True, stdout=subprocess.DEVNULL)
        found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return found


def _joined(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """The lines of a case on two backends, merged."""
    lines = [
        {**first, "figures": first["figures"] | second["figures"]}
        for first, second in zip(one["lines"], other["lines"], strict=True)
    ]
    return {"versions": one["versions"], "lines": lines, "not_run": one["not_run"] | other["not_run"]}


def main(arguments: list[str]) -> None:
    """Run the cases named and write the results and the page."""
    into = HERE
    if "--into" in arguments:
        place = arguments.index("--into")
        into = Path(arguments[place + 1])
        del arguments[place : place + 2]
    file = into / "results.json"
    results = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {"cases": {}}
    if arguments != ["--page"]:
        names = arguments or [name for name, case in CASES.items() if not case.elsewhere]
        found = results["cases"] | gathered(names)
        results = {
            "command": "make comparison",
            "python": platform.python_version(),
            "platform": f"{platform.system()} {platform.machine()}",
            "cases": {name: found[name] for name in CASES if name in found},
        }
        file.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    (into / "README.md").write_text(page.rendered(results), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])

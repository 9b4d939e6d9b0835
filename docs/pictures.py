"""The pictures of the documentation, taken again in Chromium.

    python docs/pictures.py [heatmap] [calibration] [--to FOLDER]

``heatmap`` is a page of ``nonplus score``; ``calibration`` is one of ``nonplus filter
calibrate`` about the texts of ``benchmarks/filter_study.py``, which needs
``NONPLUS_DATA`` and the manual pages of a Linux machine.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
_NONPLUS = (sys.executable, "-m", "nonplus.cli")
_POINTED_AT = "d0t83"  # the token under the pointer


def heatmap(folder: Path, count: int) -> tuple[str, int]:
    """The page in a folder, and how high the picture is."""
    _run(*_NONPLUS, "score", ROOT / "examples" / "lost_world.txt", "--html", folder / "lost_world.html")
    return f"{(folder / 'lost_world.html').as_uri()}#{_POINTED_AT}", 800


def calibration(folder: Path, count: int) -> tuple[str, int]:
    """The page about so many texts of each kind."""
    _run(sys.executable, ROOT / "benchmarks" / "filter_study_texts.py", folder, "--count", count)
    (folder / "known.jsonl").rename(folder / "mixed.jsonl")
    options = ["--source-field", "kind", "--trusted", "trusted.jsonl", "--html", "mixed.html"]
    _run(*_NONPLUS, "filter", "calibrate", "mixed.jsonl", *options, within=folder)
    return (folder / "mixed.html").as_uri(), 1060


PICTURES: dict[str, Callable[[Path, int], tuple[str, int]]] = {"heatmap": heatmap, "calibration": calibration}


def take(name: str, to: Path, count: int) -> None:
    """Write a picture of a page, 1200 pixels wide."""
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        raise SystemExit("there is no Chromium on the PATH")
    with tempfile.TemporaryDirectory() as folder:
        address, height = PICTURES[name](Path(folder), count)
        looks = ("--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", f"--window-size=1200,{height}")
        _run(browser, *looks, f"--screenshot={(to / f'{name}.png').resolve()}", address)


def _run(*command: object, within: Path | None = None) -> None:
    subprocess.run([*map(str, command)], check=True, cwd=within, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def main() -> None:
    """Take those that are named, or all."""
    parser = argparse.ArgumentParser(description="The pictures of the documentation.")
    parser.add_argument("names", nargs="*", default=[*PICTURES], help=f"some of {', '.join(PICTURES)}")
    parser.add_argument("--to", type=Path, default=ROOT / "docs" / "images", help="a folder  [docs/images]")
    parser.add_argument("--count", type=int, default=40, help="texts of each kind")
    options = parser.parse_args()
    for name in options.names:
        take(name, options.to, options.count)


if __name__ == "__main__":
    main()

"""KenLM's programs, built once from the source of its Python package.

It needs a C++ compiler, CMake and libraries of which ``filter.py`` says how they are
installed on Debian.
"""

import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

VERSION = "0.3.0"
PROGRAMS = ("lmplz", "build_binary")


def programs(folder: Path) -> Path:
    """The folder with the programs, which are built if they are not there; it takes a
    minute or two.
    """
    if not all((folder / name).exists() for name in PROGRAMS):
        with tempfile.TemporaryDirectory() as name:
            _build(Path(name), folder)
    return folder


def _build(scratch: Path, folder: Path) -> None:
    if shutil.which("cmake") is None:
        raise SystemExit(f"there is no cmake, which builds KenLM's programs. {__doc__}")
    wanted = ["--no-deps", "--no-binary", "kenlm", "--dest", scratch, f"kenlm=={VERSION}"]
    _run(sys.executable, "-m", "pip", "download", "--quiet", *wanted)
    (archive,) = scratch.glob("kenlm-*.tar.gz")
    with tarfile.open(archive) as packed:
        packed.extractall(scratch, filter="data")
    source, built = scratch / f"kenlm-{VERSION}", scratch / "built"
    _run("cmake", "-S", source, "-B", built, "-DCMAKE_BUILD_TYPE=Release")
    _run("cmake", "--build", built, "--target", *PROGRAMS)
    folder.mkdir(parents=True, exist_ok=True)
    for name in PROGRAMS:
        shutil.copy2(built / "bin" / name, folder / name)


def _run(*command: object) -> None:
    ran = subprocess.run([*map(str, command)], capture_output=True, text=True, check=False)
    if ran.returncode:
        raise SystemExit(f"{command[0]} ended with {ran.returncode}:\n{(ran.stdout + ran.stderr)[-3000:]}{__doc__}")

"""Build the C kernels if there is a C compiler; without one the package is pure Python.

On macOS, ARCHFLAGS names the architectures to build for, as in ``-arch arm64``. We
have no Mac: only the commands are tested, with a compiler that records them.
"""

import os
import platform
import shlex
import subprocess
import sysconfig
import tempfile
from itertools import pairwise
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

SOURCES = Path("src/nonplus/kernels/native")
LIBRARY = SOURCES / "libnonplus.so"
FLAGS = ["-O3", "-fPIC", "-std=gnu11", "-fopenmp-simd", "-fno-math-errno", "-fno-trapping-math"]
# Each of these, say x.c, is compiled once for each level of x86-64 processors, else
# once, and x_dispatch.c chooses at run time. By default GCC would use half of the width
# of a v4.
LEVELED = ("checksum", "layers", "lse", "sums")
ONCE = (
    "arpa",
    "bpe",
    "counting",
    "covered",
    "framing",
    "kenlm",
    "ngrams",
    "runs",
    "spacing",
    "substituting",
    "trees",
    "unigram",
    "windows",
    "words",
)  # whose speed does not depend on the level
BASELINE: dict[str, list[str]] = {"v1": []}
X86_64 = {**BASELINE, "v3": ["-march=x86-64-v3"], "v4": ["-march=x86-64-v4", "-mprefer-vector-width=512"]}


class CompilerError(Exception):
    """A compiler's error messages."""


class KernelBuildHook(BuildHookInterface):  # type: ignore[type-arg]
    """Compiles the kernel into a library without Python's or torch's ABI."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build, and tag the wheel with the platform; if that fails, leave it pure."""
        try:
            build(Path(self.root))
        except (OSError, CompilerError) as error:
            self.app.display_warning(f"the C kernel was not built; slower NumPy and torch code replaces it: {error}")
            (Path(self.root) / LIBRARY).unlink(missing_ok=True)
            return
        build_data["artifacts"].append(str(LIBRARY))
        build_data["pure_python"] = False
        build_data["tag"] = f"py3-none-{platform_tag()}"


def build(root: Path) -> None:
    """Compile and link under a temporary name, then rename.

    Raises:
        OSError: there is no compiler.
        CompilerError: the compiler fails.
    """
    compiler = shlex.split(os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc")
    compiler += [*FLAGS, *arch_flags()]
    # One command compiles for all architectures, so the levels of one are for it alone.
    leveled = set(architectures()) <= {"x86_64", "amd64"}
    with tempfile.TemporaryDirectory(dir=root / SOURCES) as folder:
        objects = []
        for level, flags in (X86_64 if leveled else BASELINE).items():
            for name in LEVELED:
                objects.append(f"{folder}/{name}_{level}.o")
                source = ["-c", str(root / SOURCES / f"{name}.c"), "-o", objects[-1]]
                run([*compiler, *flags, f"-DSUFFIX=_{level}", *source])
        library = Path(folder, "library")
        define = ["-DX86_64_LEVELS"] if leveled else []
        sources = [str(root / SOURCES / f"{name}.c") for name in (*(f"{name}_dispatch" for name in LEVELED), *ONCE)]
        run([*compiler, *define, "-shared", *sources, *objects, "-o", str(library), "-lm"])
        os.replace(library, root / LIBRARY)


def run(command: list[str]) -> None:
    """Run a compiler; its messages are shown only if it fails."""
    process = subprocess.run(command, capture_output=True, text=True)
    if process.returncode:
        raise CompilerError(process.stderr or f"{command[0]} exited with status {process.returncode}")


def arch_flags() -> list[str]:
    """The flags in ARCHFLAGS."""
    return shlex.split(os.environ.get("ARCHFLAGS", ""))


def architectures() -> list[str]:
    """What the compiler builds for: each ``-arch`` of ARCHFLAGS, else the platform.

    A universal Python has a compiler that builds for the machine it runs on.
    """
    named = [name for flag, name in pairwise(arch_flags()) if flag == "-arch"]
    machine = sysconfig.get_platform().rpartition("-")[2]
    return sorted(set(named)) or [platform.machine() if machine == "universal2" else machine]


def platform_tag() -> str:
    """The wheel's platform tag; auditwheel and delocate make it a portable one."""
    system, dash, _ = sysconfig.get_platform().rpartition("-")
    machines = architectures()
    if machines == ["arm64"] and system.startswith("macosx-10."):
        system = "macosx-11.0"  # the first for arm64
    machine = machines[0] if len(machines) == 1 else "universal2"
    return f"{system}{dash}{machine}".replace("-", "_").replace(".", "_")

"""Build the C kernel where a compiler is there; where none is, the package is pure Python and works all the same."""

import os
import shlex
import subprocess
import sysconfig
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

KERNELS = Path("src/nonplus/kernels/native")
LIBRARY = KERNELS / "liblse.so"
FLAGS = ["-O3", "-fPIC", "-std=gnu11", "-fopenmp-simd", "-fno-math-errno", "-fno-trapping-math"]
# One compilation for each level of processor. GCC would use half of a v4's width without being told.
X86_64 = {"v1": [], "v3": ["-march=x86-64-v3"], "v4": ["-march=x86-64-v4", "-mprefer-vector-width=512"]}


class KernelBuildHook(BuildHookInterface):  # type: ignore[type-arg]
    """Compiles ``lse.c`` into a library beside it, which knows neither Python's nor torch's binary interface."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build, and mark the wheel as made for this platform; leave it pure where that fails."""
        try:
            build(Path(self.root))
        except (OSError, subprocess.CalledProcessError) as fault:
            said = getattr(fault, "stderr", None) or fault
            self.app.display_warning(f"no C kernel is built, NumPy and torch do its work: {said}")
            (Path(self.root) / LIBRARY).unlink(missing_ok=True)
            return
        build_data["artifacts"].append(str(LIBRARY))
        build_data["pure_python"] = False
        build_data["tag"] = f"py3-none-{platform_tag()}"


def build(root: Path) -> None:
    """Compile and link under a temporary name, then rename."""
    compiler = shlex.split(os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc")
    flags_of_all = [*FLAGS, *shlex.split(os.environ.get("ARCHFLAGS", ""))]  # macOS may build for another machine
    x86_64 = platform_tag().endswith(("x86_64", "amd64"))
    with tempfile.TemporaryDirectory(dir=root / KERNELS) as name:
        objects = []
        for level, flags in (X86_64 if x86_64 else {"v1": []}).items():
            objects.append(f"{name}/{level}.o")
            run(
                [
                    *compiler,
                    *FLAGS,
                    *flags,
                    f"-DSUFFIX=_{level}",
                    "-c",
                    str(root / KERNELS / "lse.c"),
                    "-o",
                    objects[-1],
                ]
            )
        library = Path(name, "library")
        run(
            [
                *compiler,
                *flags_of_all,
                "-shared",
                str(root / KERNELS / "lse_dispatch.c"),
                *objects,
                "-o",
                str(library),
                "-lm",
            ]
        )
        os.replace(library, root / LIBRARY)


def run(command: list[str]) -> None:
    """Run a compiler and keep what it says."""
    subprocess.run(command, check=True, capture_output=True, text=True)


def platform_tag() -> str:
    """The wheel's platform, as ``cibuildwheel`` expects it; auditwheel and delocate make it a portable one."""
    return sysconfig.get_platform().replace("-", "_").replace(".", "_")

"""The commands that build the C kernel, also for macOS, recorded by a compiler."""

import ctypes
import importlib.util
import json
import platform
import shutil
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]

# It drops -arch, which only Apple's compiler knows, and runs the real compiler.
RECORDER = """\
import json, subprocess, sys
with open({log!r}, "a") as log:
    log.write(json.dumps(sys.argv[1:]) + "\\n")
arguments = [a for i, a in enumerate(sys.argv) if i and "-arch" not in sys.argv[i - 1 : i + 1]]
sys.exit(subprocess.run(["cc", *arguments]).returncode)
"""

needs_compiler = pytest.mark.skipif(shutil.which("cc") is None, reason="there is no C compiler")
needs_x86_64 = pytest.mark.skipif(platform.machine() != "x86_64", reason="not an x86-64 machine")


@pytest.fixture
def hatch_build(monkeypatch):
    """The build script, which imports hatchling; that is not installed for tests."""
    interface = ModuleType("hatchling.builders.hooks.plugin.interface")
    interface.BuildHookInterface = object
    monkeypatch.setitem(sys.modules, interface.__name__, interface)
    for variable in ("ARCHFLAGS", "CC", "_PYTHON_HOST_PLATFORM"):
        monkeypatch.delenv(variable, raising=False)
    spec = importlib.util.spec_from_file_location("hatch_build", ROOT / "hatch_build.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def built(hatch_build, monkeypatch, tmp_path):
    """A function that builds and returns the recorded commands and the library."""
    shutil.copytree(ROOT / hatch_build.SOURCES, tmp_path / hatch_build.SOURCES, ignore=shutil.ignore_patterns("*.so"))
    log, recorder = tmp_path / "log", tmp_path / "recorder.py"
    recorder.write_text(RECORDER.format(log=str(log)))
    monkeypatch.setenv("CC", f"{sys.executable} {recorder}")

    def build():
        hatch_build.build(tmp_path)
        return [json.loads(line) for line in log.read_text().splitlines()], tmp_path / hatch_build.LIBRARY

    return build


def levels(commands):
    """The level that each command compiles for."""
    return [flag for command in commands for flag in command if flag.startswith("-march=")]


@needs_compiler
@needs_x86_64
def test_on_x86_64_each_level_is_compiled(built):
    commands, library = built()
    assert sorted(set(levels(commands))) == ["-march=x86-64-v3", "-march=x86-64-v4"]
    assert ctypes.CDLL(str(library)).nonplus_lse_f32


@needs_compiler
@pytest.mark.parametrize("names", [[platform.machine()], ["arm64"], ["arm64", "x86_64"]])
def test_each_command_has_the_architectures_of_archflags(built, monkeypatch, names):
    flags = [part for name in names for part in ("-arch", name)]
    monkeypatch.setenv("ARCHFLAGS", " ".join(flags))
    commands, library = built()
    assert len(commands) >= 2
    assert all([part for part in command if part == "-arch" or part in names] == flags for command in commands)
    assert ctypes.CDLL(str(library)).nonplus_lse_f32


@needs_compiler
@pytest.mark.parametrize("flags", ["-arch arm64", "-arch arm64 -arch x86_64"])
def test_levels_of_x86_64_are_not_compiled_for_another_architecture(built, monkeypatch, flags):
    monkeypatch.setenv("ARCHFLAGS", flags)
    monkeypatch.setenv("_PYTHON_HOST_PLATFORM", "macosx-11.0-x86_64")
    commands, _ = built()
    assert not levels(commands)


@pytest.mark.parametrize(
    ("host", "flags", "tag"),
    [
        ("linux-x86_64", "", "linux_x86_64"),
        ("linux-aarch64", "", "linux_aarch64"),
        ("macosx-11.0-arm64", "-arch arm64", "macosx_11_0_arm64"),
        ("macosx-10.13-x86_64", "-arch x86_64", "macosx_10_13_x86_64"),
        ("macosx-10.13-universal2", "-arch x86_64", "macosx_10_13_x86_64"),
        ("macosx-10.13-universal2", "-arch arm64", "macosx_11_0_arm64"),
        ("macosx-10.13-universal2", "-arch x86_64 -arch arm64", "macosx_10_13_universal2"),
    ],
)
def test_the_wheel_has_the_tag_of_what_was_compiled(hatch_build, monkeypatch, host, flags, tag):
    monkeypatch.setenv("_PYTHON_HOST_PLATFORM", host)
    monkeypatch.setenv("ARCHFLAGS", flags)
    assert hatch_build.platform_tag() == tag


@pytest.mark.parametrize(("machine", "tag"), [("arm64", "macosx_11_0_arm64"), ("x86_64", "macosx_10_13_x86_64")])
def test_a_universal_python_builds_for_its_machine(hatch_build, monkeypatch, machine, tag):
    monkeypatch.setenv("_PYTHON_HOST_PLATFORM", "macosx-10.13-universal2")
    monkeypatch.setattr("platform.machine", lambda: machine)
    assert hatch_build.architectures() == [machine]
    assert hatch_build.platform_tag() == tag


@needs_compiler
def test_a_compiler_that_fails_is_reported_with_its_messages(hatch_build, built, monkeypatch):
    monkeypatch.setattr(hatch_build, "FLAGS", ["--no-such-flag"])
    with pytest.raises(hatch_build.CompilerError, match="no-such-flag"):
        built()

"""The C kernel's tests hold with AddressSanitizer and UndefinedBehaviorSanitizer on."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
COMPILER = "gcc -g -fsanitize=address,undefined -fno-sanitize-recover=undefined"
TESTS = ["kernels/test_native.py", "kernels/test_native_layers.py", "measure/test_runs.py", "measure/test_tally.py"]
TESTS += [
    f"models/ngram/test_{name}.py" for name in ("arpa", "byte_joining", "surprisals", "table", "table_files", "words")
]
# Some precision comes from vectors, in which instrumented code does not compute; the
# bundled models are not in the copy.
LEFT_OUT = "not NumPy and not precision and not exact_to_5e_8 and not bundled"

pytestmark = pytest.mark.slow


def runtime():
    """The file of AddressSanitizer, which must be loaded before Python's own."""
    if shutil.which("gcc") is None:
        pytest.skip("there is no gcc")
    question = ["gcc", "-print-file-name=libasan.so"]
    path = Path(subprocess.run(question, capture_output=True, text=True, check=True).stdout.strip())
    if not path.is_absolute():
        pytest.skip("gcc comes without AddressSanitizer: install libasan")
    return path


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    """Variables with which Python imports a copy of the package, its kernel checked."""
    asan, copy = runtime(), tmp_path_factory.mktemp("sanitized")
    left_out = shutil.ignore_patterns("*.so", "bundled", "__pycache__")
    shutil.copytree(ROOT / "src" / "nonplus", copy / "src" / "nonplus", ignore=left_out)
    build = (
        "import importlib.util, sys, types\n"
        "interface = types.ModuleType('hatchling.builders.hooks.plugin.interface')\n"
        "interface.BuildHookInterface = object\n"
        "sys.modules[interface.__name__] = interface\n"
        "spec = importlib.util.spec_from_file_location('hatch_build', sys.argv[1])\n"
        "module = importlib.util.module_from_spec(spec)\n"
        "spec.loader.exec_module(module)\n"
        "module.build(module.Path(sys.argv[2]))\n"
    )
    command = [sys.executable, "-c", build, str(ROOT / "hatch_build.py"), str(copy)]
    subprocess.run(command, check=True, env=os.environ | {"CC": COMPILER})
    # Python itself never frees some of its memory.
    checks = {"LD_PRELOAD": str(asan), "ASAN_OPTIONS": "detect_leaks=0", "PYTHONDONTWRITEBYTECODE": "1"}
    return os.environ | checks | {"PYTHONPATH": str(copy / "src"), "NONPLUS_NATIVE": "1"}


def test_the_checked_kernel_is_the_one_that_is_loaded(environment):
    script = "from nonplus import native; print(native.__file__, native.library() is not None)"
    run = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True)
    assert run.stdout.startswith(environment["PYTHONPATH"])
    assert run.stdout.endswith("True\n")


@pytest.mark.parametrize("tests", TESTS)
def test_tests_of_the_kernel_hold_with_sanitizers_on(environment, tests):
    pytest_itself = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider"]
    command = [*pytest_itself, "-k", LEFT_OUT, str(ROOT / "tests" / tests)]
    run = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout + run.stderr

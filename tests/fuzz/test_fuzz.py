"""A coverage-guided fuzzer finds no input on which the C code breaks."""

import shutil
import subprocess
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent
SANITIZERS = ["-fsanitize=fuzzer,address,undefined", "-fno-sanitize-recover=all"]
RUNS = 20_000
EMPTY = "int LLVMFuzzerTestOneInput(const char *bytes, unsigned long size) { return bytes && size > 1e9; }"

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def clang(tmp_path_factory):
    """A clang that can link libFuzzer."""
    target = tmp_path_factory.mktemp("clang") / "empty"
    for name in ("clang", *(f"clang-{version}" for version in range(22, 12, -1))):
        command = [name, *SANITIZERS, "-x", "c", "-", "-o", str(target)]
        if shutil.which(name) and not subprocess.run(command, input=EMPTY, text=True, capture_output=True).returncode:
            return name
    pytest.skip("there is no clang with libFuzzer: apt install clang-14 libclang-rt-14-dev")


@pytest.mark.parametrize("source", sorted(FOLDER.glob("*_fuzz.c")), ids=lambda path: path.stem)
def test_no_input_breaks_the_c_code(clang, source, tmp_path):
    program = tmp_path / "fuzz"
    flags = ["-g", "-O1", "-std=gnu11", "-Wall", "-Wextra", "-Werror", *SANITIZERS]
    subprocess.run([clang, *flags, str(source), "-o", str(program)], check=True)
    options = [f"-runs={RUNS}", "-seed=1", "-max_len=8192", "-len_control=0"]
    run = subprocess.run([str(program), *options], cwd=tmp_path, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr[-5000:]

"""A script takes the pictures of the documentation again."""

import os
import shutil
import struct
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("name", ["heatmap", "calibration"])
def test_a_picture_is_taken_again_in_its_size(name, data, tmp_path):
    for program in ("chromium", "man"):
        if shutil.which(program) is None:
            pytest.skip(f"there is no {program} on the PATH")
    command = [sys.executable, ROOT / "docs" / "pictures.py", name, "--to", tmp_path, "--count", "2"]
    subprocess.run([*map(str, command)], check=True, env={**os.environ, "NONPLUS_DATA": str(data)}, timeout=300)
    taken, kept = ((folder / f"{name}.png").read_bytes() for folder in (tmp_path, ROOT / "docs" / "images"))
    assert struct.unpack(">II", taken[16:24]) == struct.unpack(">II", kept[16:24])
    assert len(taken) > 10_000  # an empty page has fewer bytes

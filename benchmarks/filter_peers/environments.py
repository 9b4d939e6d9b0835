"""The environments of the peers: made from their pinned requirements, in a folder."""

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
PEERS = ("datatrove", "datajuicer")


def python(folder: Path, peer: str) -> Path:
    """The Python of a peer's environment, which is made if there is none of these
    requirements; it takes minutes and about 600 MB.
    """
    needs, environment = HERE / f"requirements-{peer}.txt", folder / peer
    installed = environment / "installed.txt"
    if not installed.exists() or installed.read_text() != needs.read_text():
        subprocess.run([sys.executable, "-m", "venv", "--clear", environment], check=True)
        subprocess.run([environment / "bin/pip", "install", "--quiet", "-r", needs], check=True)
        installed.write_text(needs.read_text())
    return environment / "bin" / "python"

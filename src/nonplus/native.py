"""The library of C code that is built with the package if there is a C compiler.

It uses the binary interface of neither Python nor torch. ``NONPLUS_NATIVE=0`` switches
it off; NumPy, torch or Python code then computes the same.
"""

import ctypes
import functools
import os
from pathlib import Path

FILE = Path(__file__).parent / "kernels" / "native" / "libnonplus.so"


def built() -> bool:
    """Whether it was built with the package."""
    return FILE.exists()


@functools.cache
def library() -> ctypes.CDLL | None:
    """The library; ``None`` if it was not built, does not load or is switched off."""
    if os.environ.get("NONPLUS_NATIVE", "1") == "0" or not built():
        return None
    try:
        return ctypes.CDLL(str(FILE))
    except OSError:  # built for another machine: `nonplus doctor` shows it
        return None

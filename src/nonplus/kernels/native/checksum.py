"""The checksum of bytes in memory, in C (``checksum.c``)."""

import ctypes
import functools

from nonplus.native import library


@functools.cache
def functions() -> ctypes.CDLL | None:
    """The library with the types of its checksum; ``None`` without it."""
    loaded = library()
    if loaded is not None:
        loaded.nonplus_checksum.argtypes = [ctypes.c_void_p, ctypes.c_int64]
        loaded.nonplus_checksum.restype = ctypes.c_int64
    return loaded


def checksum(address: int, n_bytes: int) -> int:
    """Of the bytes from ``address`` on; the caller checks that there are functions."""
    loaded = functions()
    assert loaded is not None, "the C kernel is not available: check functions() first"
    return int(loaded.nonplus_checksum(address, n_bytes))

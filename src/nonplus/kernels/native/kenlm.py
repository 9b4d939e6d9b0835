"""Look-up in KenLM's hash tables, in C (``kenlm.c``)."""

import ctypes
import functools

from nonplus.native import library


@functools.cache
def functions() -> ctypes.CDLL | None:
    """The library with the types of its function for KenLM; ``None`` without it."""
    loaded = library()
    if loaded is None:
        return None
    pointer, count = ctypes.c_void_p, ctypes.c_int64
    loaded.nonplus_kenlm_extend.argtypes = [pointer, count, count, pointer, pointer, count, count, *[pointer] * 4]
    loaded.nonplus_kenlm_extend.restype = None
    return loaded

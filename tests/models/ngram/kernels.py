"""The C kernel switched on and off within a process."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from nonplus import native
from nonplus.kernels.native import arpa, kenlm, words

_CACHED = (native.library, arpa.functions, kenlm.functions, words.functions)


@contextmanager
def switched(kernel: str) -> Iterator[None]:
    """With the kernel (``C``) or without it (``Python``); skips what is not built."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NONPLUS_NATIVE", "1" if kernel == "C" else "0")
        for function in _CACHED:
            function.cache_clear()
        if kernel == "C" and not native.library():
            pytest.skip("the C kernel is not built")
        yield
    for function in _CACHED:
        function.cache_clear()

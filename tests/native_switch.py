"""The C kernel switched on and off within a process."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from nonplus import native
from nonplus.kernels.native import (
    arpa,
    bpe,
    checksum,
    counting,
    framing,
    kenlm,
    spacing,
    substituting,
    trees,
    unigram,
    windows,
    words,
)
from nonplus.measure import runs
from nonplus.measure.statistics import native_sums

_MODULES = (
    arpa,
    bpe,
    checksum,
    counting,
    framing,
    kenlm,
    native_sums,
    runs,
    spacing,
    substituting,
    trees,
    unigram,
    windows,
    words,
)


@contextmanager
def switched(kernel: str) -> Iterator[None]:
    """With the kernel (``C``) or without it (``Python``); skips what is not built."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NONPLUS_NATIVE", "1" if kernel == "C" else "0")
        _forget()
        if kernel == "C" and not native.library():
            pytest.skip("the C kernel is not built")
        yield
    _forget()


def _forget() -> None:
    native.library.cache_clear()
    for module in _MODULES:
        module.functions.cache_clear()

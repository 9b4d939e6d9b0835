"""Parallel threads: results in order, one BLAS thread each, exceptions passed on."""

import threading

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from nonplus import threads
from nonplus.threads import in_threads, processors


def test_results_have_the_order_of_the_parts() -> None:
    together = threading.Barrier(3, timeout=10)  # opens only if all three run at once

    def work(part: int) -> int:
        together.wait()
        return part * part

    assert in_threads(work, range(3)) == [0, 1, 4]


def blas_threads(part: int = 0) -> set[int]:
    np.ones((2, 2)) @ np.ones((2, 2))  # so that BLAS is loaded
    return {each["num_threads"] for each in threadpool_info() if each["user_api"] == "blas"}


def test_blas_uses_one_thread_meanwhile_and_all_afterwards() -> None:
    threads._blas.cache_clear()  # it holds only libraries that were loaded before it was made
    with threadpool_limits(2, user_api="blas"):
        assert blas_threads() == {2}
        assert in_threads(blas_threads, [0, 1]) == [{1}, {1}]
        assert blas_threads() == {2}


def test_blas_uses_all_threads_again_after_calls_that_overlapped() -> None:
    second_began, first_ended = threading.Event(), threading.Event()

    def second(part: int) -> None:
        second_began.set()
        assert first_ended.wait(10)

    def first(part: int) -> None:
        other.start()
        assert second_began.wait(10)

    other = threading.Thread(target=lambda: in_threads(second, [0]))
    with threadpool_limits(2, user_api="blas"):
        in_threads(first, [0])
        first_ended.set()
        other.join()
        assert blas_threads() == {2}


def test_an_exception_in_one_thread_is_raised() -> None:
    with pytest.raises(ZeroDivisionError):
        in_threads(lambda part: 1 // part, [1, 0])


def test_without_parts_there_are_no_results() -> None:
    assert in_threads(lambda part: part, []) == []


@pytest.mark.parametrize(("asked", "count"), [("3", 3), ("1", 1), ("4,2", 4), (" 2", 2), ("100000", 16)])
def test_omp_num_threads_sets_the_number_of_threads(monkeypatch: pytest.MonkeyPatch, asked: str, count: int) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", asked)
    assert processors() == count


@pytest.mark.parametrize("asked", ["0", "", "many", "²", "-1"])
def test_an_invalid_number_of_threads_is_ignored(monkeypatch: pytest.MonkeyPatch, asked: str) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", asked)
    assert processors() >= 1

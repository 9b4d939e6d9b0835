"""Work shared out: the answers in order, one thread of BLAS each, and a fault that comes through."""

import threading

import numpy as np
import pytest
from threadpoolctl import threadpool_info

from nonplus.kernels.threads import in_threads, processors


def test_answers_come_in_the_order_of_the_parts() -> None:
    together = threading.Barrier(3, timeout=10)  # opens only if all three run at once

    def work(part: int) -> int:
        together.wait()
        return part * part

    assert in_threads(work, range(3)) == [0, 1, 4]


def test_blas_keeps_to_one_thread_meanwhile_and_has_its_own_afterwards() -> None:
    def blas_threads(part: int = 0) -> list[int]:
        return [each["num_threads"] for each in threadpool_info() if each["user_api"] == "blas"]

    np.ones((2, 2)) @ np.ones((2, 2))
    before = blas_threads()
    assert in_threads(blas_threads, [0, 1]) == [[1] * len(before)] * 2
    assert blas_threads() == before


def test_a_fault_in_one_thread_comes_through() -> None:
    with pytest.raises(ZeroDivisionError):
        in_threads(lambda part: 1 // part, [1, 0])


def test_no_part_is_no_answer() -> None:
    assert in_threads(lambda part: part, []) == []


@pytest.mark.parametrize(("asked", "threads"), [("3", 3), ("1", 1)])
def test_omp_num_threads_says_how_many_threads_there_are(
    monkeypatch: pytest.MonkeyPatch, asked: str, threads: int
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", asked)
    assert processors() == threads


@pytest.mark.parametrize("asked", ["0", "", "many"])
def test_what_is_no_number_of_threads_leaves_all_processors(monkeypatch: pytest.MonkeyPatch, asked: str) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", asked)
    assert processors() >= 1

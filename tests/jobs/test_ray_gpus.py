"""Workers without GPUs ask actors that have them, whatever dies meanwhile."""

import os
import signal
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import pytest

from nonplus.errors import BadInput, SuspectInput
from nonplus.jobs.ray_actors import results
from nonplus.jobs.ray_gpus import Help, _places
from nonplus.jobs.tasks import Task

ray = pytest.importorskip("ray", reason="the ray extra")
pytestmark = pytest.mark.slow
TASKS = [Task(file, 0, 1) for file in range(8)]


@pytest.fixture(scope="module", autouse=True)
def ray_with_two_gpus() -> Iterator[None]:
    """Ray believes that there are two; actors find the tasks of this test."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(Path(__file__).parent), prepend=os.pathsep)
        options = {"include_dashboard": False, "log_to_driver": False, "object_store_memory": 1 << 27}
        ray.init(address="local", num_cpus=2, num_gpus=2, **options)
        yield
        ray.shutdown()


@dataclass(frozen=True)
class Asks:
    """A worker that tells its GPUs, and what it is answered about its task."""

    ask: Callable[[int], object] | None = None

    def __call__(self):
        return self.work

    def work(self, task: Task):
        yield os.environ["CUDA_VISIBLE_DEVICES"], self.ask(task.file)


def by_helpers(answers: Callable[[], Callable[[int], object]]) -> list[object]:
    help = Help(answers, lambda ask: replace(Asks(), ask=ask))
    return sorted(results(Asks(), TASKS, workers=2, gpus=1, help=help))


def seen(question: int) -> object:
    return question, os.environ["CUDA_VISIBLE_DEVICES"]


def test_helpers_have_the_gpus_and_workers_have_none():
    answers = by_helpers(partial(partial, seen))
    assert {gpus for gpus, _ in answers} == {""}
    assert [question for _, (question, _) in answers] == list(range(8))
    assert {gpus for _, (_, gpus) in answers} <= {"0", "1"}


@dataclass(frozen=True)
class DiesOnce:
    """A helper that something kills at one question; the next one lives."""

    flag: Path

    def __call__(self):
        return self.answer

    def answer(self, question: int) -> int:
        if question == 3 and not self.flag.exists():
            self.flag.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return question * question


def test_a_question_is_answered_by_another_helper_if_one_is_killed(tmp_path):
    answers = by_helpers(DiesOnce(tmp_path / "died"))
    assert (tmp_path / "died").exists()
    assert [answer for _, answer in answers] == [number * number for number in range(8)]


def die(question: int) -> int:
    os.kill(os.getpid(), signal.SIGKILL)
    return question


def test_a_question_that_kills_every_helper_is_given_up():
    with pytest.raises(BadInput, match=r"3 workers with GPUs died of the same unit: .*; what is finished is kept"):
        by_helpers(partial(partial, die))


def refuse(question: int) -> int:
    raise BadInput(f"question {question // 100} is empty; ask another")


def test_an_error_of_a_helper_is_raised_as_it_was():
    with pytest.raises(BadInput, match=r"^question 0 is empty; ask another$"):
        by_helpers(partial(partial, refuse))


def warn(question: int) -> int:
    warnings.warn("the newlines are those of Windows", SuspectInput, stacklevel=1)
    return question


def test_what_helpers_warn_of_is_said_once():
    with pytest.warns(SuspectInput) as warned:
        assert [answer for _, answer in by_helpers(partial(partial, warn))] == list(range(8))
    assert [str(each.message) for each in warned] == ["the newlines are those of Windows"]


@pytest.mark.parametrize(
    ("gpus", "machine", "places"), [(1, 2, 2), (2, 3, 1), (0.6, 2, 2), (0.5, 1, 2), (0.3, 2, 6), (2, 1, 0), (1, 0, 0)]
)
def test_a_helper_has_its_gpus_on_one_machine_and_a_part_of_one_on_one_gpu(gpus, machine, places):
    assert _places(gpus, machine) == places

"""Actors of Ray with GPUs, for what workers without one ask of them.

A question goes from a worker to a helper, and the answer comes back to it; whoever asks
for the job sees neither. Answers depend on the question alone, so a helper that dies is
replaced, and asked again.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, Generic, TypeVar, final

from nonplus import cautions
from nonplus.errors import BadInput, SuspectInput
from nonplus.jobs.ray_process import Sentences, Warned, go_to, raised_by
from nonplus.optional import require

Question = TypeVar("Question")
Answer = TypeVar("Answer")
Job = TypeVar("Job", covariant=True)

_TRIES = 3  # so many helpers may die of a question


@final
@dataclass(frozen=True)
class Help(Generic[Question, Answer, Job]):
    """A job, part of which others may do.

    ``make`` gives what answers questions, in the process of a helper, to which it
    travels by pickle. ``asking`` gives the job for workers that ask them.
    """

    make: Callable[[], Callable[[Question], Answer]]
    asking: Callable[[Callable[[Question], Answer]], Job]


@contextmanager
def helpers(ray: Any, make: Callable[[], Callable[[Any], Any]], *, gpus: float, most: int) -> Iterator["Asking"]:
    """As many as the cluster has GPUs for, ``gpus`` each, and at ``most`` so many: how
    they are asked, while they live.
    """
    there = [node["Resources"].get("GPU", 0) for node in ray.nodes() if node["Alive"]]
    places = sum(map(partial(_places, gpus), there))
    if not places:
        cautions.warn(
            f"no machine of the cluster has gpus={gpus:g} yet, which is waited for; they have {sum(there):g}",
            SuspectInput,
        )
    # They take no processor of the workers, which wait for their answers.
    hire = ray.remote(num_cpus=0, num_gpus=gpus, max_restarts=-1, max_task_retries=_TRIES - 1)(_Helper)
    found = [hire.remote(make, os.getcwd()) for _ in range(max(1, min(most, places)))]
    try:
        yield Asking(found)
    finally:
        for each in found:
            ray.kill(each)


def _places(gpus: float, there: float) -> int:
    """How many helpers a machine has GPUs for: none is on two machines, and none with
    less than a whole GPU on two of them.
    """
    return int(there) * int(1 / gpus) if gpus < 1 else int(there // gpus)


@final
class Asking:
    """Questions of one worker, which go to the helpers in turn."""

    def __init__(self, found: list[Any]) -> None:
        self._helpers = found
        self._asked = 0

    def __call__(self, question: Any) -> Any:
        """The answer.

        Raises:
            BadInput: helpers die of the question.
            NonplusError: whatever a helper raised.
        """
        ray = require("ray", purpose="engine=ray")
        # Workers begin with different ones.
        helper = self._helpers[(os.getpid() + self._asked) % len(self._helpers)]
        self._asked += 1
        try:
            answer, warned = ray.get(helper.answer.remote(question))
        except ray.exceptions.RayTaskError as fault:
            raise raised_by(fault) from None
        except ray.exceptions.RayError as death:
            reason = str(death).strip().rpartition("\n")[2]
            raise BadInput(
                f"{_TRIES} workers with GPUs died of the same unit: {reason}; what is finished is kept: run the same "
                "again to go on, with smaller units or a smaller budget if memory is short"
            ) from death
        for sentence, category in warned:
            cautions.warn(sentence, category)
        return answer


class _Helper(Generic[Question, Answer]):
    """What runs at the other end: it makes what it needs at the first question."""

    def __init__(self, make: Callable[[], Callable[[Question], Answer]], folder: str) -> None:
        go_to(folder)
        self._make, self._answers = make, list[Callable[[Question], Answer]]()
        self._warned = Warned()

    def answer(self, question: Question) -> tuple[Answer, Sentences]:
        if not self._answers:
            self._answers.append(self._make())
        return self._answers[0](question), self._warned.taken()

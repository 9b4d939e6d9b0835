"""What any actor of Ray does in its process, and what comes back from there."""

import os
import warnings
from contextlib import suppress
from typing import Any, final

from nonplus.errors import NonplusError

Sentences = list[tuple[str, type[Warning]]]


@final
class Warned:
    """What is warned of in this process from now on, for whoever asked for its work."""

    def __init__(self) -> None:
        self._sentences: Sentences = []
        warnings.showwarning = self._add  # type: ignore[assignment]

    def taken(self) -> Sentences:
        """What was warned of since this was asked last."""
        sentences, self._sentences = self._sentences, []
        return sentences

    def _add(self, message: Warning | str, category: type[Warning], *_: Any) -> None:
        self._sentences.append((str(message), category))


def go_to(folder: str) -> None:
    """Work in the folder of whoever asks, if it is here."""
    with suppress(OSError):
        os.chdir(folder)


def raised_by(fault: Any) -> BaseException:
    """What a task raised: an error of ours as it was, any other as Ray tells it."""
    return fault.cause if isinstance(fault.cause, NonplusError) else fault

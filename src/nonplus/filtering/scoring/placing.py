"""Where neural models run, and how many tokens they read at once."""

import socket
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import final

from nonplus.errors import BadInput, BadModel, BadProtocol
from nonplus.filtering.scoring.scorer import Scorer
from nonplus.measure.forward import RunOptions
from nonplus.models import has_device
from nonplus.models.devices import first_device
from nonplus.models.loading import Loading

_OPEN = 8  # models that are open at once; those of n-grams are mapped, and processes share them


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Placing:
    """How models are opened. Those that can be loaded to one device or another are on
    ``device``; all others run as they are, on the CPU.

    ``budget`` tokens make a batch of a neural model. With 1 each window is computed by
    itself, so that a document has the same bits whatever is scored with it.
    """

    device: str = "auto"
    budget: int = 1

    def __post_init__(self) -> None:
        """Refuse a budget of no token, and one that depends on the machine.

        Raises:
            BadInput: it is below 1.
        """
        if self.budget < 1:
            raise BadInput(
                f"budget={self.budget} is no number of tokens that is the same on every machine; use budget=1, which "
                "computes each window by itself, or a number such as budget=16384"
            )

    def scorer(self, model: object) -> Scorer:
        """A model, opened so.

        Raises:
            BadModel: there is no such model, or no such device.
        """
        loading = Loading(device=self.device) if has_device(model) else Loading()
        return Scorer(model, options=RunOptions(budget=self.budget), loading=loading)

    def check_of_use(self, models: Iterable[object], *, in_windows: bool) -> None:
        """Refuse what would change nothing about these models, of which some may read
        windows.

        Raises:
            BadProtocol: there is none that has a choice of a device, or that reads in
                batches.
        """
        named = [str(each) if isinstance(each, str | Path) else type(each).__name__ for each in models]
        if self.device not in ("auto", "cpu") and not any(map(has_device, models)):
            raise BadProtocol(
                f"device={self.device} is for models that can be loaded to a device, such as hf:FOLDER, and "
                f"{' and '.join(named)} cannot; omit device={self.device}, and they run on the CPU"
            )
        if self.budget != 1 and not in_windows:
            raise BadProtocol(
                f"budget={self.budget} is for models that can read in batches, as neural ones do, and "
                f"{' and '.join(named)} cannot; omit budget={self.budget}"
            )


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """How the models of a run are opened, and on which kind of ``device`` those are
    that have a choice. Another kind rounds otherwise, so it is part of the plan.

    With ``apart`` the only such model is the second one of a cascade, and it has
    workers of its own on that device.
    """

    placing: Placing = field(default_factory=Placing)
    device: str = "cpu"
    apart: bool = False

    @property
    def plan(self) -> dict[str, str | int]:
        """What decides figures, for a plan."""
        return {"device": self.device, "budget": self.placing.budget}

    def check_here(self) -> None:
        """Check, in a process that is to score, that it finds the device by itself; one
        that was named is checked by loading models to it.

        Raises:
            BadModel: it has none.
        """
        if self.device == "cpu" or self.placing.device != "auto":
            return
        if (here := first_device()) != self.device:
            raise BadModel(
                f"the run scores on device={self.device}, and the worker on {socket.gethostname()} finds {here} only; "
                "let all workers have one, or begin another run on another device"
            )


@lru_cache(_OPEN)
def opened(name: str, placing: Placing) -> Scorer:
    """The model of that name; it stays open for the next time."""
    return placing.scorer(name)

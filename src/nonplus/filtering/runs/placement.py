"""On which kind of device the models of a run score, whoever does the work."""

from collections.abc import Sequence
from dataclasses import replace

from nonplus.errors import BadInput
from nonplus.filtering.scoring.placing import Placed, Placing
from nonplus.jobs.options import WorkOptions
from nonplus.models import has_device
from nonplus.models.devices import first_device


def placed(asked: Placing, models: Sequence[object], second: Sequence[object], work: WorkOptions) -> Placed:
    """Where these models and the ``second`` one of a cascade are, if a device is
    ``asked`` for.

    Raises:
        BadInput: GPUs are asked for that no model can use, or a device that the actors
            of Ray do not have.
    """
    first_has, second_has = (any(map(has_device, each)) for each in (models, second))
    if not (first_has or second_has):
        if work.gpus:
            raise BadInput(
                f"gpus={work.gpus:g} is for models that are loaded to a device, such as hf:FOLDER, and those of this "
                f"run score on the CPU; omit gpus={work.gpus:g}"
            )
        return Placed(placing=asked)
    if not work.in_actors:
        return Placed(placing=asked, device=_kind(first_device() if asked.device == "auto" else asked.device))
    there = "cuda" if work.gpus else "cpu"
    if asked.device not in ("auto", "cpu", there):
        raise BadInput(
            f"device={asked.device} is none that actors of Ray have with gpus={work.gpus:g}; use device=cuda and "
            "gpus=1, and Ray says which GPU is whose, or device=cpu"
        )
    # Each actor finds what Ray gave it, and whoever asks for them may have none.
    here = replace(asked, device="cpu" if asked.device == "cpu" else "auto")
    apart = work.gpus > 0 and not first_has
    return Placed(placing=here, device="cpu" if asked.device == "cpu" else there, apart=apart)


def _kind(device: str) -> str:
    """``cuda`` of ``cuda:1``."""
    return device.partition(":")[0]

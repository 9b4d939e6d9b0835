"""Where models can run on this machine."""

import importlib.util
import os
from dataclasses import dataclass

from nonplus.optional import require


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """A device: its name in ``Loading.device``, its kind, its memory in bytes."""

    name: str
    is_a: str
    memory: int


def devices() -> list[Device]:
    """The CPU, then every accelerator that torch can use, if torch is installed."""
    threads = len(os.sched_getaffinity(0)) if os.name == "posix" and os.uname().sysname == "Linux" else os.cpu_count()
    processor = Device(name="cpu", is_a=f"{threads} threads", memory=0)
    return [processor] if importlib.util.find_spec("torch") is None else [processor, *_accelerators()]


def first_device() -> str:
    """The device of ``device=auto``: the first GPU, else the CPU."""
    return "cuda" if any(device.name.startswith("cuda") for device in devices()) else "cpu"


def _accelerators() -> list[Device]:
    torch = require("torch", purpose="looking for accelerators")
    found = [torch.cuda.get_device_properties(number) for number in range(torch.cuda.device_count())]
    cuda = [Device(name=f"cuda:{i}", is_a=each.name, memory=each.total_memory) for i, each in enumerate(found)]
    mps = [Device(name="mps", is_a="Apple GPU", memory=0)] if torch.backends.mps.is_available() else []
    return cuda + mps

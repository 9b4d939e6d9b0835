"""What a command line gave, and the types of the fixtures that run one."""

import json
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Ran:
    """How a command line ended."""

    code: int
    out: str
    err: str

    @property
    def object(self) -> dict[str, Any]:
        """The object that ``--json`` printed."""
        found: dict[str, Any] = json.loads(self.out)
        return found


Run = Callable[..., Ran]
Start = Callable[..., subprocess.Popen[str]]

"""Memory of this process: now, and at its peak."""

import resource
from pathlib import Path


def forget_peak() -> None:
    """Reset the peak (on Linux only), because loading may need more than scoring."""
    file = Path("/proc/self/clear_refs")
    if file.exists():
        file.write_text("5")


def resident() -> int:
    """Bytes in memory now."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def peak() -> int:
    """The most bytes in memory at once since the last reset (on Linux only: what
    `getrusage` says there begins with the peak of the process that started this one).
    """
    return int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]) * 1024

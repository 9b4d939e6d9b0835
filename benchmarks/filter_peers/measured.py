"""A command, and what all its processes took: CPU seconds, and the most MiB in one.

    python measured.py FILE COMMAND...

On Linux a process begins with the peak of the one that starts it. So this one, which is
small, starts the command, and writes the figures to FILE as JSON.
"""

import json
import resource
import subprocess
import sys
from pathlib import Path


def main(file: str, *command: str) -> int:
    """The exit code of the command."""
    code = subprocess.call(command)
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    Path(file).write_text(json.dumps([usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024]))
    return code


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

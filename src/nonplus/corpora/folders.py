"""The files of a folder that hold text: regular ones, inside of it."""

import os
import stat
from collections.abc import Iterator, Mapping

from nonplus.cautions import warn
from nonplus.corpora.streams import name_of
from nonplus.corpora.suffixes import ARCHIVES, SUFFIXES, is_readable, suffix_of
from nonplus.errors import BadInput, SuspectInput
from nonplus.measure.formatting import counted


def readable_files(folder: str, *, follow_links: bool = False, suffixes: Mapping[str, str] = SUFFIXES) -> list[str]:
    """The files of ``folder`` and those below it that can be read by name, by path.

    Those are the files with one of the ``suffixes``, and archives. Hidden files are
    left out. So are, with a warning, those that cannot be read by name, pipes and
    devices and, unless ``follow_links``, links that lead out of the folder. No folder
    is read twice.

    Raises:
        BadInput: a folder cannot be read.
    """
    visible = list(_visible(folder, follow_links=follow_links))
    files = [path for path in visible if is_readable(path, suffixes) or suffix_of(path) in ARCHIVES]
    if files and len(files) < len(visible):
        left_out = f"{counted(len(visible) - len(files), 'file')} of {name_of(folder)} left out"
        warn(f"{left_out}: read are {', '.join(suffixes)}, and archives of these", SuspectInput)
    files = [path for path in files if is_regular(path)]
    return sorted(path for path in files if follow_links or _leads_inside(path, folder))


def is_regular(path: str) -> bool:
    """Whether ``path`` is a file that has an end; a pipe or device warns."""
    if not os.path.exists(path) or stat.S_ISREG(os.stat(path).st_mode):
        return True
    _left_out(path, "it is a pipe, a socket or a device; name it itself to read it")
    return False


def _visible(folder: str, *, follow_links: bool) -> Iterator[str]:
    seen = {os.path.realpath(folder)}
    for inside, folders, files in os.walk(folder, onerror=_refused, followlinks=follow_links):
        below = sorted(os.path.join(inside, name) for name in folders if not name.startswith("."))
        links = [path for path in below if os.path.islink(path)]
        folders[:] = [os.path.basename(path) for path in below if path not in links]
        seen.update(map(os.path.realpath, (os.path.join(inside, name) for name in folders)))
        for link in links:
            if not follow_links:
                _leads_inside(link, folder)
            elif (real := os.path.realpath(link)) not in seen:
                seen.add(real)
                folders.append(os.path.basename(link))
        yield from (os.path.join(inside, file) for file in files if not file.startswith("."))


def _leads_inside(path: str, folder: str) -> bool:
    real, root = os.path.realpath(path), os.path.realpath(folder)
    if os.path.commonpath([real, root]) == root:
        return True
    _left_out(path, f"it is a link to {name_of(real)}, outside of the folder; follow_links=True reads such files")
    return False


def _left_out(path: str, why: str) -> None:
    warn(f"{name_of(path)} was left out: {why}", SuspectInput)


def _refused(problem: OSError) -> None:
    raise BadInput(
        f"the folder {name_of(str(problem.filename))} cannot be read: {problem.strerror}; ask for permission, or name "
        "the files that matter"
    ) from problem

"""Output is whole under its name or not there; it has the mode of what it replaces, and
an unwritable place is explained.
"""

import errno
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dis import opmap
from itertools import count
from pathlib import Path
from threading import Barrier
from types import FrameType
from typing import Any

import pytest

from nonplus import files
from nonplus.errors import BadInput
from nonplus.files import created, make_folder, replacing, replacing_folder, unnamed, writing

unix = pytest.mark.skipif(sys.platform == "win32", reason="modes, limits and locks of Unix")


def parts(folder: Path) -> list[Path]:
    return sorted(folder.glob(".*.part"))


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@contextmanager
def umask(bits: int) -> Iterator[None]:
    before = os.umask(bits)
    try:
        yield
    finally:
        os.umask(before)


@contextmanager
def room_for(size: int) -> Iterator[None]:
    """No file can grow beyond ``size`` bytes; the system refuses as if a disk were
    full.
    """
    import resource

    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_the_new_content_has_the_name_once_the_block_ends(tmp_path: Path) -> None:
    path = tmp_path / "figures.txt"
    path.write_text("old")
    with replacing(path) as file:
        file.write(b"new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


@unix
def test_a_file_without_a_name_is_read_and_changed_and_says_when_a_disk_is_full(tmp_path: Path) -> None:
    with unnamed(tmp_path) as file:
        file.write(b"some bytes")
        file.seek(5)
        assert file.read() == b"bytes"
        assert not list(tmp_path.iterdir())
    file = unnamed(tmp_path)
    with room_for(1000), pytest.raises(BadInput, match=f"{tmp_path} cannot be written: File too large; make room"):
        file.write(bytes(100_000))
    file.close()
    file = unnamed()
    said = (
        r"a temporary file in .* cannot be written: File too large; make room for larger files \(ulimit -f\), or name"
    )
    with room_for(1000), pytest.raises(BadInput, match=f"{said} another folder by TMPDIR"):
        file.write(bytes(100_000))
    file.close()
    with pytest.raises(BadInput, match="none cannot be written: No such file or directory"):
        unnamed(tmp_path / "none")


def test_an_error_leaves_the_old_content_and_no_other_file(tmp_path: Path) -> None:
    path = tmp_path / "figures.txt"
    path.write_text("old")
    with pytest.raises(ZeroDivisionError), replacing(path) as file:
        file.write(b"half" * (1 // 0))
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


@unix
@pytest.mark.parametrize("kind", ["folder", "pipe"])
def test_what_is_not_a_regular_file_is_not_replaced(tmp_path: Path, kind: str) -> None:
    path = tmp_path / kind
    path.mkdir() if kind == "folder" else os.mkfifo(path)
    with pytest.raises(BadInput, match=r"is not a regular file.*give the name of a file"), replacing(path):
        pass


@unix
def test_a_device_is_not_replaced() -> None:
    with pytest.raises(BadInput, match="is not a regular file"), replacing(Path("/dev/null")):
        pass


def test_a_place_that_cannot_be_written_is_explained_alike_by_both(tmp_path: Path) -> None:
    path = tmp_path / "absent" / "figures.txt"
    message = r"figures\.txt cannot be written: No such file or directory; give another place"
    with pytest.raises(BadInput, match=message), replacing(path):
        pass
    with pytest.raises(BadInput, match=message), writing(path):
        path.write_text("new")


@unix
@pytest.mark.parametrize("pieces", [1, 1000])
def test_a_full_disk_is_explained_and_the_old_content_stays(tmp_path: Path, pieces: int) -> None:
    path = tmp_path / "figures.txt"
    path.write_text("old")
    message = r"figures\.txt cannot be written: File too large; make room"
    with room_for(20_000), pytest.raises(BadInput, match=message), replacing(path) as file:
        file.writelines([b"x" * (100_000 // pieces)] * pieces)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.ENOENT])
def test_an_error_about_something_else_is_not_blamed_on_this_file(tmp_path: Path, number: int) -> None:
    with pytest.raises(OSError, match="elsewhere"), replacing(tmp_path / "figures.txt"):
        raise OSError(number, "elsewhere")


@unix
@pytest.mark.parametrize("before", [0o600, 0o640, 0o444, 0o666])
def test_the_mode_of_the_file_before_stays_and_nobody_else_could_read_the_unfinished_one(
    tmp_path: Path, before: int
) -> None:
    path = tmp_path / "figures.txt"
    path.write_text("old")
    path.chmod(before)
    with umask(0o022), replacing(path) as file:
        file.write(b"new")
        (part,) = parts(tmp_path)
        assert mode(part) & ~before == 0
    assert (mode(path), path.read_text()) == (before, "new")


@unix
@pytest.mark.parametrize(("bits", "expected"), [(0o022, 0o644), (0o077, 0o600), (0o002, 0o664)])
def test_a_new_file_has_the_mode_that_the_umask_leaves(tmp_path: Path, bits: int, expected: int) -> None:
    with umask(bits), replacing(tmp_path / "figures.txt"):
        pass
    assert mode(tmp_path / "figures.txt") == expected


@unix
@pytest.mark.skipif(not hasattr(os, "getuid") or os.getuid() != 0, reason="only root may give files away")
def test_the_owner_of_the_file_before_stays(tmp_path: Path) -> None:
    path = tmp_path / "figures.txt"
    path.write_text("old")
    os.chown(path, 12345, 12346)
    with replacing(path):
        pass
    assert (path.stat().st_uid, path.stat().st_gid) == (12345, 12346)


@unix
def test_a_link_stays_and_what_it_leads_to_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    path, link = tmp_path / "folder" / "figures.txt", tmp_path / "link"
    link.symlink_to(path)
    for text in ("first", "second"):  # at first it leads nowhere
        with replacing(link) as file:
            file.write(text.encode())
        assert link.is_symlink()
        assert path.read_text() == text


@unix
def test_links_that_lead_to_each_other_stay(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    one.symlink_to(other)
    other.symlink_to(one)
    with pytest.raises(BadInput, match="one cannot be written: Too many levels of symbolic links"), replacing(one):
        pass
    assert one.is_symlink()
    assert other.is_symlink()


def test_two_unfinished_files_of_one_name_do_not_meet(tmp_path: Path) -> None:
    path = tmp_path / "figures.txt"
    with replacing(path) as first, replacing(path) as second:
        assert len(parts(tmp_path)) == 2
        first.write(b"first")
        second.write(b"second")
    assert path.read_text() == "first"
    assert list(tmp_path.iterdir()) == [path]


def test_a_name_as_long_as_names_can_be(tmp_path: Path) -> None:
    path = tmp_path / ("x" * 250 + ".html")
    with replacing(path) as file:
        file.write(b"new")
    assert path.read_text() == "new"


HELD = """
import sys, time
from pathlib import Path
from nonplus.files import replacing
with replacing(Path(sys.argv[1])) as file:
    file.write(b"half")
    file.flush()
    print("open", flush=True)
    time.sleep(60)
"""


@unix
def test_what_a_killed_process_left_is_removed_and_what_a_living_one_writes_is_not(tmp_path: Path) -> None:
    held = [
        subprocess.Popen([sys.executable, "-c", HELD, str(tmp_path / name)], stdout=subprocess.PIPE, text=True)
        for name in ("killed.txt", "living.txt")
    ]
    try:
        assert [process.stdout and process.stdout.readline() for process in held] == ["open\n", "open\n"]
        held[0].kill()
        held[0].wait(30)
        assert len(parts(tmp_path)) == 2
        with replacing(tmp_path / "figures.txt"):
            pass
        (living,) = parts(tmp_path)
        assert living.read_text() == "half"
        held[1].send_signal(signal.SIGINT)
        held[1].wait(30)
        assert parts(tmp_path) == []
    finally:
        for process in held:
            process.kill()
            process.communicate()


@unix
def test_a_link_with_the_name_of_an_unfinished_file_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("keep me")
    link = tmp_path / ".nonplus-0123456789abcdef.part"
    link.symlink_to(tmp_path / "secret")
    with replacing(tmp_path / "figures.txt"):
        pass
    assert link.is_symlink()
    assert (tmp_path / "secret").read_text() == "keep me"


@unix
def test_a_pipe_with_the_name_of_an_unfinished_file_does_not_make_anybody_wait(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / ".nonplus-0123456789abcdef.part")
    with replacing(tmp_path / "figures.txt") as file:
        file.write(b"new")
    assert (tmp_path / "figures.txt").read_bytes() == b"new"


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # handles end with the process
def test_an_interruption_at_any_step_before_the_block_leaves_nothing(tmp_path):
    """As a signal that comes while the file is made: after each instruction once."""
    for step in count():
        entered = _interrupted(tmp_path / "table.jsonl", step)
        assert not parts(tmp_path), step
        if entered:
            assert step > 50
            return


def _interrupted(path: Path, step: int) -> bool:
    """Whether the block was entered before that many instructions of the module."""
    left = iter(range(step))

    def traced(frame: FrameType, event: str, argument: object) -> Any:
        frame.f_trace_opcodes = frame.f_code.co_filename == files.__file__
        # Python looks for signals after calls and jumps, never at a NOP, as `try` is.
        signalled = event == "opcode" and frame.f_code.co_code[frame.f_lasti] != opmap["NOP"]
        if signalled and next(left, None) is None:
            sys.settrace(None)
            raise KeyboardInterrupt
        return traced

    before = sys.gettrace()
    sys.settrace(traced)
    try:
        with replacing(path):
            sys.settrace(before)
            return True
    except KeyboardInterrupt:
        return False
    finally:
        sys.settrace(before)


# ---------------------------------------------------------------------- folders


def filled(folder: Path, **contents: str) -> None:
    for name, content in contents.items():
        (folder / name).write_text(content)


def contents(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in folder.iterdir()}


def test_a_folder_appears_whole_and_replaces_an_earlier_one_with_all_that_was_in_it(tmp_path: Path) -> None:
    for new in ({"a": "1", "b": "2"}, {"b": "3"}):
        with replacing_folder(tmp_path / "made") as part:
            filled(part, **new)
        assert contents(tmp_path / "made") == new
    assert [path.name for path in tmp_path.iterdir()] == ["made"]


def test_a_folder_stays_as_it_was_if_the_block_raises(tmp_path: Path) -> None:
    with replacing_folder(tmp_path / "made") as part:
        filled(part, a="1")
    with pytest.raises(FileNotFoundError), replacing_folder(tmp_path / "made") as part:
        filled(part / "nowhere", a="2")
    assert contents(tmp_path / "made") == {"a": "1"}
    assert not parts(tmp_path)


@unix
def test_a_folder_that_a_killed_process_left_is_removed_and_one_in_use_is_not(tmp_path: Path) -> None:
    left = tmp_path / ".nonplus-0123.part"
    left.mkdir()
    filled(left, a="1")
    with replacing_folder(tmp_path / "one") as part:
        assert parts(tmp_path) == [part]
        with replacing(tmp_path / "two"):
            assert part.is_dir()


def test_a_folder_that_cannot_be_made_is_explained(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    with (
        pytest.raises(BadInput, match=r"cannot be written: .*; give another place"),
        replacing_folder(tmp_path / "file" / "made"),
    ):
        pass


def test_a_file_is_created_only_where_there_is_none(tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    assert created(path, b"first")
    assert not created(path, b"second")
    assert path.read_bytes() == b"first"
    assert list(tmp_path.iterdir()) == [path]


@unix
def test_a_disk_that_is_too_full_to_create_a_file_is_explained_by_the_name_of_that_file(tmp_path: Path) -> None:
    with room_for(1000), pytest.raises(BadInput, match=r"plan\.json cannot be written: File too large; make room for"):
        created(tmp_path / "plan.json", bytes(100_000))
    assert not list(tmp_path.iterdir())


@unix
def test_a_name_is_on_the_disk_when_the_block_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced = []
    real = os.fsync
    monkeypatch.setattr(os, "fsync", lambda handle: synced.append(os.fstat(handle).st_ino) or real(handle))
    make_folder(tmp_path / "new" / "units")
    with replacing(tmp_path / "new" / "units" / "a", begun_in=tmp_path) as file:
        file.write(b"whole")
    created(tmp_path / "new" / "plan", b"whole")
    inodes = [(tmp_path / name).stat().st_ino for name in ("new", "new/units/a", "new/units", "new/plan", "new")]
    assert synced == inodes


def test_of_threads_that_create_a_file_at_once_one_succeeds(tmp_path: Path) -> None:
    together = Barrier(8)

    def create(number: int) -> bool:
        together.wait()
        return created(tmp_path / "plan.json", str(number).encode())

    with ThreadPoolExecutor(8) as pool:
        succeeded = list(pool.map(create, range(8)))
    assert (tmp_path / "plan.json").read_text() == str(succeeded.index(True))
    assert succeeded.count(True) == 1


def test_a_file_is_created_also_on_a_file_system_without_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object) -> None:
        raise OSError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(os, "link", refused)
    assert created(tmp_path / "plan.json", b"first")
    assert not created(tmp_path / "plan.json", b"second")
    assert (tmp_path / "plan.json").read_bytes() == b"first"
    assert len(list(tmp_path.iterdir())) == 1


def test_a_file_can_be_begun_in_another_folder(tmp_path: Path) -> None:
    (tmp_path / "many").mkdir()
    with replacing(tmp_path / "many" / "part", begun_in=tmp_path) as file:
        file.write(b"whole")
        file.flush()
        assert len(parts(tmp_path)) == 1
        assert not list((tmp_path / "many").iterdir())
    assert (tmp_path / "many" / "part").read_bytes() == b"whole"
    assert not parts(tmp_path)

"""What fails under a job is one clear error, and a rerun goes on to the same bytes."""

import os
import re
import shutil
import subprocess
from contextlib import contextmanager

import pytest
from counting_work import Squares, command, run
from test_jobs import SIZES, contents

from nonplus.errors import BadInput
from nonplus.jobs.ledger import Unit
from nonplus.jobs.plan import begin, check_begun_here
from nonplus.jobs.stores import open_store
from nonplus.jobs.tasks import Task

resource = pytest.importorskip("resource", reason="limits of Unix")


@contextmanager
def room_for(size: int):
    """No file of this process and of those that it starts can be larger."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("size", [4, 60, 250], ids=["no sum fits", "no square fits", "no marker fits"])
def test_a_full_disk_is_an_error_and_a_rerun_goes_on(tmp_path, workers, size):
    run(tmp_path / "whole", SIZES, workers=1)
    begin(open_store(str(tmp_path / "full")), {"sizes": list(SIZES)})
    with room_for(size), pytest.raises(BadInput, match="cannot be written: File too large; make room"):
        run(tmp_path / "full", SIZES, workers=workers)
    whole = contents(tmp_path / "whole")
    assert contents(tmp_path / "full").items() <= whole.items(), "no part is half-written under its name"
    assert not list((tmp_path / "full").glob("units/*/*"))
    run(tmp_path / "full", SIZES, workers=workers)
    assert contents(tmp_path / "full") == whole


@pytest.mark.slow
def test_a_disk_that_is_full_in_the_middle_is_an_error_and_a_rerun_goes_on(tmp_path):
    """Of a real one, if this user may mount it."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=128k", "tmpfs", str(disk)]
    if os.geteuid() or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("this user may not mount a disk")
    try:
        run(tmp_path / "whole", SIZES, workers=1)
        (disk / "ballast").write_bytes(bytes(80_000))
        with pytest.raises(BadInput, match="cannot be written: No space left on device; make room"):
            run(disk / "job", SIZES, workers=2)
        done = len(list((disk / "job" / "units").glob("*/*")))
        assert 0 < done < 24
        (disk / "ballast").unlink()
        with pytest.raises(BadInput, match="No space left"):
            run(disk / "job", SIZES, workers=2)
        assert len(list((disk / "job" / "units").glob("*/*"))) > done
        subprocess.run(["mount", "-o", "remount,size=1m", str(disk)], check=True)
        run(disk / "job", SIZES, workers=2)
        assert contents(disk / "job") == contents(tmp_path / "whole")
    finally:
        subprocess.run(["umount", "--lazy", str(disk)], check=True)


class Vanishing(Squares):
    """A worker whose folder is removed after the second unit."""

    def __call__(self):
        return self.work

    def work(self, task: Task):
        for unit in self.do(task):
            yield unit
            if unit == Unit(0, 1):
                shutil.rmtree(self.place)


def test_a_folder_that_is_removed_meanwhile_is_an_error_and_is_not_made_anew(tmp_path):
    with pytest.raises(BadInput, match=r"the folder .* is not there any more; run the same again to begin anew"):
        run(tmp_path / "job", [95], workers=1, kind=Vanishing)
    assert not (tmp_path / "job").exists()


def test_parts_without_a_plan_are_refused(tmp_path):
    run(tmp_path, SIZES, workers=1)
    (tmp_path / "plan.json").unlink()
    for _ in range(2):
        with pytest.raises(BadInput, match=r"has parts, and no plan\.json that tells of what job they are"):
            run(tmp_path, SIZES, workers=1)


def test_a_worker_that_does_not_see_the_folder_says_where_it_is(tmp_path):
    with pytest.raises(BadInput, match=rf"the worker on {os.uname().nodename} does not see .*plan\.json"):
        check_begun_here(open_store(str(tmp_path)))
    begin(open_store(str(tmp_path)), {})
    check_begun_here(open_store(str(tmp_path)))


@pytest.mark.slow
def test_runs_at_the_same_time_in_one_folder_do_not_harm_each_other(tmp_path):
    run(tmp_path / "whole", SIZES, workers=1)
    at_once = [
        subprocess.Popen(command("local", tmp_path / "shared", workers=workers, seconds=0.05, sizes=SIZES))
        for workers in (1, 2, 2)
    ]
    assert [job.wait(timeout=120) for job in at_once] == [0, 0, 0]
    assert contents(tmp_path / "shared") == contents(tmp_path / "whole")
    assert not list((tmp_path / "shared").glob(".*.part"))


@pytest.mark.slow
def test_of_two_jobs_that_begin_at_once_in_one_folder_one_is_refused(tmp_path):
    at_once = [
        subprocess.Popen(
            command("local", tmp_path, workers=1, seconds=0, sizes=sizes), stderr=subprocess.PIPE, text=True
        )
        for sizes in (SIZES, SIZES[::-1])
    ]
    said = [job.communicate(timeout=120)[1] for job in at_once]
    assert sorted(job.returncode for job in at_once) == [0, 1]
    # In either way, as the other has finished a unit by then or not.
    refused = re.compile(r"(has parts of another job|is where another job was begun): sizes\[0\] was")
    assert [bool(refused.search(each)) for each in said] == [bool(job.returncode) for job in at_once]

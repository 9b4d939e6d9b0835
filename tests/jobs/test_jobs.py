"""Work in units: nothing is lost, done twice or half-written, whatever is killed."""

import hashlib
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
from counting_work import run
from hypothesis import given
from hypothesis import strategies as st

from nonplus.cautions import warn
from nonplus.errors import BadInput, SuspectInput
from nonplus.jobs.differences import first
from nonplus.jobs.ledger import Ledger, Unit
from nonplus.jobs.local import results
from nonplus.jobs.plan import begin, kept
from nonplus.jobs.stores import Store, open_store
from nonplus.jobs.tasks import Shard, Task, tasks

SIZES = (95, 0, 7, 130)


def contents(folder: Path) -> dict[str, str]:
    """The digest of each file by its name, without what is hidden."""
    files = [path for path in folder.rglob("*") if path.is_file() and not path.name.startswith(".")]
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_the_files_do_not_depend_on_the_number_of_workers(tmp_path, workers):
    run(tmp_path / "one", SIZES, workers=1)
    done = run(tmp_path / "other", SIZES, workers=workers)
    assert sorted(done) == sorted(set(done)), "no unit was done twice"
    assert contents(tmp_path / "other") == contents(tmp_path / "one")


def test_a_finished_job_does_nothing_more(tmp_path):
    run(tmp_path, SIZES, workers=1)
    before = contents(tmp_path)
    assert run(tmp_path, SIZES, workers=2) == []
    assert contents(tmp_path) == before


@pytest.mark.slow
def test_a_job_that_is_killed_often_ends_as_an_unbroken_one(tmp_path):
    run(tmp_path / "whole", SIZES, workers=1)
    wait = random.Random(11)
    for round_ in range(8):
        workers = str(1 + round_ % 3)
        command = [sys.executable, str(Path(__file__).parent / "counting_work.py"), "local"]
        job = subprocess.Popen(
            [*command, str(tmp_path / "killed"), workers, "0.02", *map(str, SIZES)],
            start_new_session=True,
            stderr=subprocess.PIPE,
        )
        time.sleep(0.3 + wait.random())
        os.killpg(job.pid, signal.SIGKILL)
        job.communicate()
    run(tmp_path / "killed", SIZES, workers=2)
    assert contents(tmp_path / "killed") == contents(tmp_path / "whole")


def test_a_unit_without_its_marker_is_made_anew(tmp_path):
    run(tmp_path, [40], workers=1)
    before = contents(tmp_path)
    (tmp_path / "units/000000/000002.json").unlink()
    (tmp_path / "kept/000000-000002.txt").write_text("half")
    assert run(tmp_path, [40], workers=1) == [Unit(0, 2)]
    assert contents(tmp_path) == before


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda path: path.unlink(), "{}/kept/000000-000001.txt is gone, and it had 40 bytes when"),
        (
            lambda path: path.write_text("4\n"),
            "{}/kept/000000-000001.txt has changed since its unit",
        ),
    ],
)
def test_a_part_that_changed_is_named_with_what_to_remove(tmp_path, spoil, message):
    run(tmp_path, [40], workers=1)
    before = contents(tmp_path)
    spoil(tmp_path / "kept/000000-000001.txt")
    with pytest.raises(BadInput) as fault:
        Ledger(open_store(str(tmp_path))).content(Unit(0, 1), "kept/000000-000001.txt")
    assert str(fault.value).startswith(message.format(tmp_path))
    marker = tmp_path / "units/000000/000001.json"
    assert f"remove {marker} and run again" in str(fault.value)
    marker.unlink()
    run(tmp_path, [40], workers=1)
    assert contents(tmp_path) == before


def test_a_part_with_other_bytes_of_the_same_number_is_noticed_when_it_is_read(tmp_path):
    run(tmp_path, [40], workers=1)
    path = tmp_path / "kept/000000-000001.txt"
    path.write_bytes(bytes([path.read_bytes()[0] ^ 1]) + path.read_bytes()[1:])
    with pytest.raises(BadInput, match="has changed since its unit was finished"):
        Ledger(open_store(str(tmp_path))).content(Unit(0, 1), "kept/000000-000001.txt")


@pytest.mark.parametrize("content", ["", "{", "[]", '{"counts": {}}', '{"counts": 1, "files": {}}'])
def test_a_damaged_marker_is_named(tmp_path, content):
    run(tmp_path, [10], workers=1)
    (tmp_path / "units/000000/000000.json").write_text(content)
    with pytest.raises(BadInput, match=rf"^{tmp_path}/units/000000/000000\.json is damaged; remove it"):
        Ledger(open_store(str(tmp_path))).finished(Unit(0, 0))


def test_what_is_no_marker_is_named(tmp_path):
    run(tmp_path, [10], workers=1)
    (tmp_path / "units/000000/notes.txt").write_text("")
    with pytest.raises(BadInput, match=rf"^{tmp_path}/units/000000/notes\.txt is not the marker of a finished unit"):
        Ledger(open_store(str(tmp_path))).done(0)


class Counting:
    """A store that counts what it is asked."""

    def __init__(self, store: Store) -> None:
        self.store, self.calls = store, Counter[str]()

    def __getattr__(self, name: str):
        method = getattr(self.store, name)

        def counted(*arguments):
            self.calls[name] += 1
            return method(*arguments)

        return counted


def test_how_far_a_finished_job_is_takes_two_questions_for_each_file_however_many_units_it_has(tmp_path):
    for name, sizes in (("few", [10, 20, 0]), ("many", [900, 1200, 0])):
        run(tmp_path / name, sizes, workers=1)
        store = Counting(open_store(str(tmp_path / name)))
        standing = Ledger(store).standing(3)
        assert standing.complete
        assert standing.units == sum(sizes) / 10
        assert [each.get("numbers", 0) for each in standing.counts] == sizes
        assert store.calls == {"names": 3, "found": 3}


def test_what_a_task_has_finished_is_found_among_the_units_of_its_own_file(tmp_path):
    run(tmp_path, [300, 20], workers=1)
    store = Counting(open_store(str(tmp_path)))
    assert Ledger(store).done(1) == {0, 1}
    assert store.calls == {"names": 1}


def test_a_job_that_is_not_finished_is_added_up_from_its_units(tmp_path):
    run(tmp_path, [50, 30], workers=1)
    (tmp_path / "ends/000000.json").write_text('{"units": 5}\n')
    (tmp_path / "units/000001/000002.json").unlink()
    standing = Ledger(open_store(str(tmp_path))).standing(2)
    assert [dict(each) for each in standing.counts] == [{"numbers": 50}, {"numbers": 20}]
    assert (standing.units, standing.complete) == (7, False)


def test_counts_that_were_noted_are_not_those_of_a_unit_that_is_made_anew(tmp_path):
    run(tmp_path, [40], workers=1)
    ledger = Ledger(open_store(str(tmp_path)))
    (tmp_path / "units/000000/000001.json").unlink()
    assert not ledger.closed(Task(0, 0, 1), ledger.done(0))
    ledger.commit(Unit(0, 1), {}, counts={"numbers": 7})
    ledger.end(0, 4)
    assert ledger.standing(1).counts == ({"numbers": 37},)


def test_a_run_that_was_killed_before_it_noted_the_counts_of_a_file_notes_them_the_next_time(tmp_path):
    run(tmp_path, [40], workers=1)
    before = contents(tmp_path)
    for note in ('{"units": 4}\n', None):
        end = tmp_path / "ends/000000.json"
        end.write_text(note) if note else end.unlink()
        run(tmp_path, [40], workers=1)
        assert contents(tmp_path) == before


def test_another_plan_is_refused_by_its_first_difference(tmp_path):
    store = open_store(str(tmp_path / "job"))
    begin(store, {"model": {"name": "a"}, "inputs": [{"size": 1}, {"size": 2}]})
    begin(store, {"inputs": [{"size": 1}, {"size": 2}], "model": {"name": "a"}})
    for plan, difference in (
        ({"model": {"name": "b"}, "inputs": [{"size": 1}, {"size": 2}]}, 'model.name was "a" and is now "b"'),
        ({"model": {"name": "a"}, "inputs": [{"size": 1}, {"size": 3}]}, "inputs[1].size was 2 and is now 3"),
        ({"model": {"name": "a"}, "inputs": [{"size": 1}]}, "inputs was"),
        ({"inputs": [{"size": 1}, {"size": 2}]}, 'model was {"name": "a"} and is now not set'),
    ):
        with pytest.raises(BadInput) as fault:
            begin(store, plan)
        assert difference in str(fault.value)
    assert kept(store)["model"] == {"name": "a"}


def test_where_nothing_is_finished_another_plan_may_begin_anew(tmp_path):
    begin(open_store(str(tmp_path)), {"sizes": [10]})
    with pytest.raises(BadInput, match="nothing is finished there yet, so remove it unless somebody works there"):
        begin(open_store(str(tmp_path)), {"sizes": [20]})
    run(tmp_path, [10], workers=1)
    with pytest.raises(BadInput, match="go on with what it was begun with, or give another place for the output"):
        begin(open_store(str(tmp_path)), {"sizes": [20]})


@pytest.mark.parametrize("folder", ["units", "ends", "inputs"])
def test_what_is_left_of_a_job_without_its_plan_is_not_gone_on_with(tmp_path, folder):
    (tmp_path / folder).mkdir()
    (tmp_path / folder / "000000.json").write_text('{"units": 1}')
    with pytest.raises(BadInput, match=r"has parts, and no plan\.json"):
        begin(open_store(str(tmp_path)), {"sizes": [10]})
    assert not (tmp_path / "plan.json").exists()


def test_another_who_begins_the_same_job_may_finish_a_unit_meanwhile(tmp_path):
    store = open_store(str(tmp_path))

    class Slow:
        """Between the plan and what follows it, another finishes the job."""

        def create(self, name: str, content: bytes) -> bool:
            created = store.create(name, content)
            run(tmp_path, [10], workers=1)
            return created

        def __getattr__(self, name: str) -> object:
            return getattr(store, name)

    begin(Slow(), {"sizes": [10]})
    assert kept(store) == {"sizes": [10]}


def test_a_field_that_came_with_a_version_is_the_first_that_differs():
    assert first({"a": 1}, {"a": 1, "b": None}) == "b"


def test_a_part_that_is_gone_is_named_when_it_is_read(tmp_path):
    run(tmp_path, [10], workers=1)
    (tmp_path / "kept/000000-000000.txt").unlink()
    with pytest.raises(
        BadInput, match=rf"^{tmp_path}/kept/000000-000000\.txt is gone, and .*; remove {tmp_path}/units"
    ):
        Ledger(open_store(str(tmp_path))).content(Unit(0, 0), "kept/000000-000000.txt")


@given(data=st.data(), sizes=st.lists(st.integers(0, 900), max_size=12), of=st.integers(1, 5))
def test_each_unit_belongs_to_one_task_of_one_shard_whatever_workers_each_shard_has(data, sizes, of):
    workers = data.draw(st.lists(st.integers(1, 4), min_size=of, max_size=of))
    shards = [tasks(sizes, workers=workers[index], unit=100, shard=Shard(index, of)) for index in range(of)]
    for file in range(len(sizes)):
        for unit in range(25):
            takers = [task for each in shards for task in each if task.file == file and task.takes(unit)]
            assert len(takers) == 1


def test_a_large_file_gives_work_to_every_shard_and_worker():
    shards = [tasks([5000], workers=2, unit=100, shard=Shard(index, 3)) for index in range(3)]
    assert [len(each) for each in shards] == [2, 2, 2]


@pytest.mark.parametrize(("text", "shard"), [("1/1", (0, 1)), ("1/8", (0, 8)), ("8/8", (7, 8)), ("0012/20", (11, 20))])
def test_shards_are_written_from_1_on(text, shard):
    assert Shard.parsed(text) == Shard(*shard)


@pytest.mark.parametrize(
    "text", ["", "1", "0/4", "5/4", "1/0", "-1/4", "1/4/2", "a/b", "1.0/4", "\u0661/\u0664", "1/4\n"]
)
def test_what_is_no_shard_is_answered_with_one(text):
    with pytest.raises(BadInput, match="the first of eight is shard=1/8"):
        Shard.parsed(text)


class Killed:
    """A worker that something kills from outside."""

    def __call__(self):
        return self.do

    def do(self, task: Task):
        yield task.file
        if task.file:
            os.kill(os.getpid(), signal.SIGKILL)


class Refusing:
    """A worker that meets what it cannot read."""

    def __call__(self):
        return self.do

    def do(self, task: Task):
        yield task.file
        raise BadInput(f"file {task.file} is empty; give another")


class Cautious:
    """A worker that warns."""

    def __call__(self):
        return self.do

    def do(self, task: Task):
        warn("the newlines are those of Windows", SuspectInput)
        yield task.file


def test_what_workers_warn_of_is_said_once():
    with pytest.warns(SuspectInput) as warned:
        assert sorted(results(Cautious(), [Task(file, 0, 1) for file in range(5)], workers=2)) == [0, 1, 2, 3, 4]
    assert [str(each.message) for each in warned] == ["the newlines are those of Windows"]


@pytest.mark.slow
def test_workers_end_with_a_parent_that_is_killed(tmp_path):
    command = [
        sys.executable,
        str(Path(__file__).parent / "counting_work.py"),
        "local",
        str(tmp_path),
        "2",
        "1000",
        "20",
        "20",
    ]
    job = subprocess.Popen(command, stderr=subprocess.PIPE)
    while not list(tmp_path.glob("units/*/*.json")):
        time.sleep(0.01)
    job.kill()
    job.communicate(timeout=60)  # until the last process that has this stderr ends


def test_a_worker_that_is_killed_is_an_error_that_says_what_to_do():
    with pytest.raises(BadInput, match=r"killed by signal 9 \(SIGKILL\), perhaps for want of memory; what is finished"):
        list(results(Killed(), [Task(0, 0, 1), Task(1, 0, 1)], workers=2))


def test_an_error_of_a_task_is_raised_as_it_was():
    with pytest.raises(BadInput, match=r"file [01] is empty; give another"):
        list(results(Refusing(), [Task(0, 0, 1), Task(1, 0, 1)], workers=2))


def test_the_units_of_a_file_are_known_once_it_was_read_to_its_end(tmp_path):
    run(tmp_path, [25, 0], workers=1)
    ledger = Ledger(open_store(str(tmp_path)))
    assert [ledger.units(file) for file in (0, 1, 2)] == [3, 0, None]


@pytest.mark.parametrize("content", ["", "[]", '{"units": "many"}'])
def test_a_damaged_number_of_units_is_named(tmp_path, content):
    run(tmp_path, [5], workers=1)
    (tmp_path / "ends" / "000000.json").write_text(content)
    with pytest.raises(BadInput, match=rf"^{tmp_path}/ends/000000\.json is damaged; remove it and run again$"):
        Ledger(open_store(str(tmp_path))).units(0)

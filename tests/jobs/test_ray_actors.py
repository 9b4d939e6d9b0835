"""Actors of Ray do the same tasks with the same results, whatever dies meanwhile."""

import os
import signal
import subprocess
import threading
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest
from counting_work import Squares, command, run
from test_jobs import SIZES, Cautious, Refusing, contents

from nonplus.errors import BadInput, SuspectInput
from nonplus.jobs.ledger import Unit
from nonplus.jobs.ray_actors import results
from nonplus.jobs.tasks import Task

ray = pytest.importorskip("ray", reason="the ray extra")
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module", autouse=True)
def path_of_workers():
    """Where actors find the tasks of this test."""
    ray.shutdown()  # which a test before may have left
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(Path(__file__).parent), prepend=os.pathsep)
        yield


@pytest.fixture(scope="module")
def cluster():
    """A head that does no work, and two machines with two processors each."""
    from ray.cluster_utils import Cluster

    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
    for gpus in (0, 1):  # Ray believes that there is one
        cluster.add_node(num_cpus=2, num_gpus=gpus)
    yield cluster
    cluster.shutdown()


@pytest.fixture
def on_cluster(cluster):
    return partial(results, address=cluster.address)


def test_the_files_are_those_of_processes_of_this_machine(tmp_path):
    run(tmp_path / "local", SIZES, workers=1)
    done = run(tmp_path / "ray", SIZES, workers=2, results=results)
    assert sorted(done) == sorted(set(done)), "no unit was done twice"
    assert contents(tmp_path / "ray") == contents(tmp_path / "local")
    assert not ray.is_initialized()


def test_a_job_goes_on_with_another_engine(tmp_path, on_cluster):
    run(tmp_path / "whole", SIZES, workers=1)
    run(tmp_path / "mixed", SIZES, workers=2)
    for unit in ("000000/000003", "000003/000000", "000003/000011"):
        (tmp_path / "mixed" / "units" / f"{unit}.json").unlink()
    done = run(tmp_path / "mixed", SIZES, workers=3, results=on_cluster)
    assert sorted(done) == [Unit(0, 3), Unit(3, 0), Unit(3, 11)]
    assert contents(tmp_path / "mixed") == contents(tmp_path / "whole")


@dataclass(frozen=True)
class DyingOnce(Squares):
    """A worker that something kills from outside after two units of each file; the next
    one lives.
    """

    def __call__(self):
        return self.die

    def die(self, task: Task):
        for unit in self.do(task):
            yield unit
            flag = Path(f"{self.place}.died{task.file}")
            if unit.number >= 2 and not flag.exists():
                flag.touch()
                os.kill(os.getpid(), signal.SIGKILL)


def test_the_task_of_an_actor_that_is_killed_is_done_again(tmp_path, on_cluster):
    run(tmp_path / "whole", SIZES, workers=1)
    with pytest.warns(SuspectInput, match="a worker died, and another does its task"):
        run(tmp_path / "killed", SIZES, workers=2, results=on_cluster, kind=DyingOnce)
    assert len(list(tmp_path.glob("killed.died*"))) == 2
    assert contents(tmp_path / "killed") == contents(tmp_path / "whole")


class Deadly:
    """A worker that each task kills."""

    def __call__(self):
        return self.do

    def do(self, task: Task):
        os.kill(os.getpid(), signal.SIGKILL)
        yield task.file


@pytest.mark.filterwarnings("ignore:a worker died:nonplus.errors.SuspectInput")
def test_a_task_that_kills_every_actor_is_given_up(on_cluster):
    with pytest.raises(BadInput, match=r"3 workers in a row died without finishing a unit: .*; what is finished"):
        list(on_cluster(Deadly(), [Task(0, 0, 1)], workers=1))


def test_an_error_of_a_task_is_raised_as_it_was(on_cluster):
    with pytest.raises(BadInput, match=r"^file 0 is empty; give another$"):
        list(on_cluster(Refusing(), [Task(0, 0, 1)], workers=1))


def test_what_actors_warn_of_is_said_once(on_cluster):
    with pytest.warns(SuspectInput) as warned:
        assert sorted(on_cluster(Cautious(), [Task(file, 0, 1) for file in range(5)], workers=2)) == [0, 1, 2, 3, 4]
    assert [str(each.message) for each in warned] == ["the newlines are those of Windows"]


class Visible:
    """A worker that tells which GPUs it may use."""

    def __call__(self):
        return self.do

    def do(self, task: Task):
        yield os.environ["CUDA_VISIBLE_DEVICES"]


def test_actors_may_have_a_gpu_or_share_one(on_cluster):
    these = [Task(file, 0, 1) for file in range(4)]
    assert list(on_cluster(Visible(), these, workers=1, gpus=1)) == ["0"] * 4
    assert list(on_cluster(Visible(), these, workers=2, gpus=0.5)) == ["0"] * 4
    assert list(on_cluster(Visible(), these, workers=1)) == [""] * 4


@pytest.mark.filterwarnings("ignore:a worker died:nonplus.errors.SuspectInput")
def test_a_machine_may_vanish_with_all_its_actors(tmp_path, cluster, on_cluster):
    run(tmp_path / "whole", [400, 400], workers=1)
    node = cluster.add_node(num_cpus=2)
    raylet = node.all_processes["raylet"][0].process.pid

    def kill() -> None:
        while len(list(tmp_path.glob("killed/units/*/*.json"))) < 8:
            time.sleep(0.05)
        os.kill(raylet, signal.SIGKILL)

    killer = threading.Thread(target=kill)
    killer.start()
    run(tmp_path / "killed", [400, 400], workers=6, seconds=0.3, results=on_cluster)
    killer.join()
    cluster.remove_node(node)
    assert contents(tmp_path / "killed") == contents(tmp_path / "whole")


def test_a_job_that_is_killed_often_while_the_engine_changes_ends_as_an_unbroken_one(tmp_path):
    run(tmp_path / "whole", SIZES, workers=1)
    units = tmp_path / "killed" / "units"
    for engine, workers in (("ray", 2), ("local", 3), ("ray", 1), ("local", 1), ("local", 2)):
        before = len(list(units.glob("*/*.json")))
        job = subprocess.Popen(
            command(engine, tmp_path / "killed", workers=workers, seconds=0.5, sizes=SIZES), start_new_session=True
        )
        while len(list(units.glob("*/*.json"))) < before + 3:
            assert job.poll() is None
            time.sleep(0.05)
        os.killpg(job.pid, signal.SIGKILL)
        job.wait()
    run(tmp_path / "killed", SIZES, workers=2)
    assert contents(tmp_path / "killed") == contents(tmp_path / "whole")


def test_actors_end_with_a_driver_that_is_killed(tmp_path):
    job = subprocess.Popen(command("ray", tmp_path, workers=2, seconds=0.5, sizes=[10_000, 10_000]))
    while len(list(tmp_path.glob("units/*/*.json"))) < 3:
        assert job.poll() is None
        time.sleep(0.05)
    job.kill()
    job.wait()
    for _ in range(30):  # until nothing was written for four times as long as a unit takes
        before = len(list(tmp_path.glob("units/*/*")))
        time.sleep(2)
        if len(list(tmp_path.glob("units/*/*"))) == before:
            return
    pytest.fail("the actors go on")


@pytest.mark.parametrize("address", ["nowhere", "http://host:1", "host:port"])
def test_what_is_no_address_is_answered_with_what_one_is(address):
    with pytest.raises(BadInput, match="address must be host:port of a Ray cluster, or auto for that of this machine"):
        list(results(Refusing(), [Task(0, 0, 1)], workers=1, address=address))


def test_an_address_where_nobody_answers_is_refused_at_once():
    with pytest.raises(BadInput, match=r"no Ray cluster answers at address=127.0.0.1:1: .*give what ray prints"):
        list(results(Refusing(), [Task(0, 0, 1)], workers=1, address="127.0.0.1:1"))


def test_a_machine_without_gpus_is_named():
    with pytest.raises(BadInput, match=r"each worker asks for gpus=99, and this machine has [0-9]+; give address="):
        list(results(Refusing(), [Task(0, 0, 1)], workers=1, gpus=99))

"""A file in a store is whole or not there, on a disk and at a URL."""

import hashlib
import os
import random
import signal
import subprocess
import time
import uuid

import pytest
from counting_work import command, run

from nonplus.errors import BadInput
from nonplus.jobs.stores import Store, open_store

SIZES = (95, 0, 7, 130)


@pytest.fixture(scope="module")
def s3():
    """A server that speaks as Amazon's, on this machine; the URL of a bucket in it."""
    pytest.importorskip("s3fs", reason="a package that the fsspec extra does not bring")
    server = pytest.importorskip("moto.server", reason="moto, which is no dependency of ours")
    with pytest.MonkeyPatch.context() as patch:
        running = server.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
        running.start()
        host, port = running.get_host_and_port()
        patch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            patch.setenv(name, "testing")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        import s3fs

        s3fs.S3FileSystem().mkdir("nonplus-jobs")
        yield "s3://nonplus-jobs"
        running.stop()


@pytest.fixture(params=["folder", "file", "memory", "s3"])
def place(request, tmp_path) -> str:
    """Where a store can be."""
    if request.param == "folder":
        return str(tmp_path / "store")
    if request.param == "file":
        return (tmp_path / "store").as_uri()
    pytest.importorskip("fsspec", reason="the fsspec extra")
    bucket = request.getfixturevalue("s3") if request.param == "s3" else "memory://jobs"
    return f"{bucket}/{uuid.uuid4().hex}"


@pytest.fixture
def store(place) -> Store:
    opened = open_store(place)
    assert opened.create("begun", b"")
    return opened


def contents(store: Store) -> dict[str, str]:
    units = [f"units/{file:06d}" for file in range(4)]
    names = [name for folder in ("kept", "sums", "ends", *units) for name in store.names(folder)]
    return {name: hashlib.sha256(store.read(name)).hexdigest() for name in names}


def test_a_file_is_there_as_it_was_last_written(store):
    store.write("kept/a", b"first")
    store.write("kept/a", b"another")
    assert store.read("kept/a") == b"another"
    assert store.size("kept/a") == 7


def test_a_file_is_created_only_where_there_is_none(store):
    assert store.create("plan.json", b"first")
    assert not store.create("plan.json", b"second")
    assert store.read("plan.json") == b"first"


def test_the_files_of_a_folder_are_listed_sorted_without_those_of_others(store):
    assert store.names("kept") == []
    for name in ("kept/b", "kept/a", "other/c", "d", "kept/e/f"):
        store.write(name, b"")
    assert store.names("kept") == ["kept/a", "kept/b"]


def test_a_folder_holds_what_is_in_the_folders_in_it(store):
    assert not store.holds("units")
    store.write("units/000000/000001.json", b"")
    assert store.holds("units")
    assert store.names("units") == []
    store.remove("units/000000/000001.json")
    assert not store.holds("units")


def test_a_file_may_be_asked_for_that_is_not_there(store):
    assert store.found("kept/a") is None
    store.write("kept/a", b"first")
    assert store.found("kept/a") == b"first"


def test_a_file_that_is_removed_is_gone_and_may_be_removed_again(store):
    store.write("kept/a", b"")
    store.remove("kept/a")
    store.remove("kept/a")
    assert store.size("kept/a") is None
    assert store.names("kept") == []


def test_a_file_that_is_not_there_cannot_be_read(store):
    with pytest.raises(BadInput, match=r"no such file|cannot be read: No such file"):
        store.read("kept/a")


def test_a_bucket_that_is_not_there_is_named(s3):
    with pytest.raises(BadInput, match=r"s3://nowhere/out/plan\.json cannot be written: there is no such bucket"):
        open_store("s3://nowhere/out").create("plan.json", b"")


def test_a_job_at_any_place_makes_the_same_files(place, tmp_path):
    run(tmp_path / "plain", SIZES, workers=1)
    run(place, SIZES, workers=1)
    assert contents(open_store(place)) == contents(open_store(str(tmp_path / "plain")))


@pytest.mark.slow
def test_a_job_in_an_object_store_that_is_killed_often_ends_as_an_unbroken_one(s3, tmp_path):
    place = f"{s3}/killed"
    wait = random.Random(3)
    for round_ in range(6):
        workers = 1 + round_ % 3
        job = subprocess.Popen(
            command("local", place, workers=workers, seconds=0.05, sizes=SIZES), start_new_session=True
        )
        time.sleep(1.0 + wait.random())
        os.killpg(job.pid, signal.SIGKILL)
        job.wait()
    run(place, SIZES, workers=1)
    run(tmp_path / "whole", SIZES, workers=1)
    assert contents(open_store(place)) == contents(open_store(str(tmp_path / "whole")))


def test_a_place_where_a_file_can_be_there_in_part_is_refused():
    with pytest.raises(BadInput, match="whole or not there; got sftp://host/out; mount it, and give the folder"):
        open_store("sftp://me:word@host/out")


def test_a_file_is_no_place_for_parts(tmp_path):
    (tmp_path / "out").write_text("figures")
    with pytest.raises(BadInput, match="is a file, where a folder for the parts is needed"):
        open_store(str(tmp_path / "out"))

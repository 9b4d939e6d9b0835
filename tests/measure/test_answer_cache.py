"""The answer cache: what was finished stays, a tear loses one record, and a killed run
goes on.
"""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nonplus.measure.answer_cache import AnswerCache
from nonplus.measure.records import Readings, Scores

ROOT = Path(__file__).resolve().parents[2]

RUN = """
import sys, time
from pathlib import Path
from nonplus.measure.forward import RunOptions
from nonplus.measure.session import evaluate
from doubles import History

class Slow(History):
    def logprobs(self, batch):
        time.sleep(float(sys.argv[2]))
        return super().logprobs(batch)

texts = ["some text number %d, and a little more of it" % i * (1 + i % 3) for i in range(60)]
model = Slow()
report = evaluate(texts, model=model, options=RunOptions(resume=Path(sys.argv[1])))
print(report.tally.nats, report.tally.scored, len(model.asked))
"""


def run(folder: Path, pause: float) -> subprocess.Popen[str]:
    environment = os.environ | {"PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT / 'tests'}"}
    return subprocess.Popen(
        [sys.executable, "-c", RUN, str(folder), str(pause)], env=environment, stdout=subprocess.PIPE, text=True
    )


def test_a_run_killed_again_and_again_ends_as_an_unbroken_one_without_doing_anything_twice(tmp_path: Path) -> None:
    unbroken = run(tmp_path / "unbroken", 0).communicate()[0].split()
    folder = tmp_path / "killed"
    for _ in range(3):
        process = run(folder, 0.02)
        begun = _wait_for_more(folder)
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
        assert process.returncode == -signal.SIGKILL
    finished = _records(folder)
    assert finished >= begun > 0
    last = run(folder, 0).communicate()[0].split()
    assert last[:2] == unbroken[:2]
    assert int(last[2]) == int(unbroken[2]) - finished


def _records(folder: Path) -> int:
    return sum(path.read_bytes().count(b"NPL1") for path in folder.glob("*.answers"))


def _wait_for_more(folder: Path) -> int:
    before, deadline = _records(folder), time.monotonic() + 60
    while _records(folder) <= before + 1:
        assert time.monotonic() < deadline, "the run never wrote a record"
        time.sleep(0.01)
    return _records(folder)


def scores(n: int, *, value: float = 1.0, alternatives: int | None = None) -> Scores:
    """Scores of ``n`` places, all different; with readings where alternatives are asked
    for.
    """
    nats = value + np.arange(n) / 7
    if alternatives is None:
        return Scores(nats)
    ids = np.arange(n * alternatives).reshape(n, alternatives)
    read = Readings(nats=nats, entropy=nats / 3, rank=np.arange(1, n + 1), top_ids=ids, top_nats=ids / 5)
    return Scores(nats, read)


def columns(one: Scores) -> list[np.ndarray]:
    return [one.nats, *(() if one.readings is None else one.readings.columns)]


@given(st.integers(0, 4), st.none() | st.integers(0, 3))
def test_scores_come_back_to_the_last_bit(
    tmp_path_factory: pytest.TempPathFactory, n: int, alternatives: int | None
) -> None:
    folder = tmp_path_factory.mktemp("kept")
    put = scores(n, alternatives=alternatives)
    cache = AnswerCache(folder, scope="s")
    cache.put({cache.key(b"a"): put})
    for each in (cache, AnswerCache(folder, scope="s")):
        got = each[each.key(b"a")]
        assert len(columns(got)) == len(columns(put))
        for one, other in zip(columns(got), columns(put), strict=True):
            assert np.array_equal(one, other)
            assert one.dtype == other.dtype


@given(st.integers(0, 400))
def test_a_file_torn_anywhere_gives_every_whole_record_before_the_tear(
    tmp_path_factory: pytest.TempPathFactory, cut: int
) -> None:
    folder = tmp_path_factory.mktemp("torn")
    cache = AnswerCache(folder, scope="s")
    kept = {cache.key(b"%d" % i): scores(3, value=float(i)) for i in range(5)}
    ends = []
    for key, one in kept.items():
        cache.put({key: one})
        (path,) = folder.glob("*.answers")
        ends.append(path.stat().st_size)
    path.write_bytes(path.read_bytes()[:cut])
    again = AnswerCache(folder, scope="s")
    for end, (key, one) in zip(ends, kept.items(), strict=True):
        assert (key in again) == (end <= cut)
        if key in again:
            assert np.array_equal(again[key].nats, one.nats)


def test_a_flipped_bit_is_not_believed(tmp_path: Path) -> None:
    cache = AnswerCache(tmp_path, scope="s")
    cache.put({cache.key(b"a"): scores(2)})
    (path,) = tmp_path.glob("*.answers")
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    assert cache.key(b"a") not in AnswerCache(tmp_path, scope="s")


def test_two_scopes_know_nothing_of_each_other(tmp_path: Path) -> None:
    one, other = AnswerCache(tmp_path, scope="one"), AnswerCache(tmp_path, scope="other")
    one.put({one.key(b"a"): scores(2)})
    assert other.key(b"a") not in AnswerCache(tmp_path, scope="other")

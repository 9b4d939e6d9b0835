"""The answer cache: what was finished stays, a tear loses one record, and a killed run
goes on.
"""

import os
import shutil
import signal
import struct
import subprocess
import sys
import time
import tracemalloc
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from doubles import History
from hypothesis import given
from hypothesis import strategies as st

from nonplus.errors import BadInput
from nonplus.measure.answer_cache import AnswerCache
from nonplus.measure.forward import RunOptions
from nonplus.measure.kept import row_columns, row_scores
from nonplus.measure.scores import Readings, Scores
from nonplus.measure.session import evaluate

ROOT = Path(__file__).resolve().parents[2]

RUN = """
import sys, time
from pathlib import Path
from nonplus.measure.forward import RunOptions
from nonplus.measure.kept import row_columns, row_scores
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
    cache.put({cache.key(b"a"): row_columns(put)})
    for each in (cache, AnswerCache(folder, scope="s")):
        got = row_scores(each[each.key(b"a")])
        assert each.holds(each.key(b"a"), tokens=n, columns=1 if alternatives is None else 3 + 2 * alternatives)
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
        cache.put({key: row_columns(one)})
        (path,) = folder.glob("*.answers")
        ends.append(path.stat().st_size)
    path.write_bytes(path.read_bytes()[:cut])
    again = AnswerCache(folder, scope="s")
    for end, (key, one) in zip(ends, kept.items(), strict=True):
        assert again.holds(key, tokens=3, columns=1) == (end <= cut)
        if end <= cut:
            assert np.array_equal(again[key], row_columns(one))


def test_a_flipped_bit_is_not_believed(tmp_path: Path) -> None:
    cache = AnswerCache(tmp_path, scope="s")
    cache.put({cache.key(b"a"): row_columns(scores(2))})
    (path,) = tmp_path.glob("*.answers")
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    assert not AnswerCache(tmp_path, scope="s").holds(cache.key(b"a"), tokens=2, columns=1)


def test_two_scopes_know_nothing_of_each_other(tmp_path: Path) -> None:
    one, other = AnswerCache(tmp_path, scope="one"), AnswerCache(tmp_path, scope="other")
    one.put({one.key(b"a"): row_columns(scores(2))})
    again = AnswerCache(tmp_path, scope="other")
    assert again.holds(one.key(b"a"), tokens=2, columns=1)
    assert not again.holds(other.key(b"a"), tokens=2, columns=1)


@pytest.mark.parametrize(
    "body",
    [
        struct.pack("<I", 2) + struct.pack("<16sII", b"k" * 16, 1, 1) + bytes(8),  # two rows, where there is one
        struct.pack("<I", 1) + struct.pack("<16sII", b"k" * 16, 9, 1) + bytes(8),  # nine tokens, where there is one
        struct.pack("<I", 1) + struct.pack("<16sII", b"k" * 16, 2**32 - 1, 2**32 - 1),
        struct.pack("<I", 0) + bytes(40),
        struct.pack("<I", 1) + b"short",
    ],
)
def test_counts_that_lie_under_a_right_checksum_are_not_believed_and_the_rest_is(tmp_path: Path, body: bytes) -> None:
    cache = AnswerCache(tmp_path, scope="s")
    cache.put({cache.key(b"a"): row_columns(scores(2))})
    (path,) = tmp_path.glob("*.answers")
    lie = struct.pack("<4sII", b"NPL1", len(body), zlib.crc32(body)) + body
    path.write_bytes(lie + path.read_bytes())
    again = AnswerCache(tmp_path, scope="s")
    assert np.array_equal(again[again.key(b"a")], row_columns(scores(2)))
    assert not any(again.holds(b"k" * 16, tokens=tokens, columns=1) for tokens in (1, 9))


@pytest.mark.parametrize(("tokens", "columns"), [(1, 1), (4, 1), (1, 5), (2, 4), (0, 7)])
def test_scores_of_another_shape_than_a_row_has_are_computed_anew(tmp_path: Path, tokens: int, columns: int) -> None:
    texts, options = ["ab", "cde"], RunOptions(resume=tmp_path)
    expected = evaluate(texts, model=History(), options=options).nats
    (path,) = tmp_path.glob("*.answers")
    content = path.read_bytes()
    keys = [content[start : start + 16] for start in (16, 16 + 24 + 2 * 8)]
    body = struct.pack("<I", 2) + b"".join(
        struct.pack("<16sII", key, tokens, columns) + bytes(8 * tokens * columns) for key in keys
    )
    path.write_bytes(struct.pack("<4sII", b"NPL1", len(body), zlib.crc32(body)) + body)
    assert evaluate(texts, model=History(), options=options).nats == expected


def test_what_is_no_file_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "folder.answers").mkdir()
    (tmp_path / "dangling.answers").symlink_to(tmp_path / "nowhere")
    if sys.platform != "win32":
        os.mkfifo(tmp_path / "pipe.answers")
    options = RunOptions(resume=tmp_path)
    assert evaluate(["ab"], model=History(), options=options).nats == evaluate(["ab"], model=History()).nats


def test_a_file_that_is_cut_or_gone_while_it_is_used_is_named(tmp_path: Path) -> None:
    cache = AnswerCache(tmp_path, scope="s")
    key = cache.key(b"a")
    cache.put({key: row_columns(scores(20))})
    (path,) = tmp_path.glob("*.answers")
    path.write_bytes(path.read_bytes()[:-8])
    with pytest.raises(BadInput, match=rf"{path.name} was cut while it was in use; run again"):
        cache[key]
    shutil.rmtree(tmp_path)
    with pytest.raises(BadInput, match=rf"{path.name} cannot be read: No such file"):
        cache[key]
    with pytest.raises(BadInput, match=rf"{path.name} cannot be written: No such file.*give another place"):
        cache.put({key: row_columns(scores(1))})


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"resume": ""}, "resume='' is no folder"),
        ({"resume": 5}, "resume=5 is no folder"),
        ({"resume": b"kept"}, "resume=b'kept' is no folder"),
        ({"budget": "8"}, "budget='8' is no whole number"),
        ({"budget": 8.0}, "budget=8.0 is no whole number"),
        ({"alternatives": True}, "alternatives=True is no whole number"),
        ({"alternatives": None}, "alternatives=None is no whole number"),
    ],
)
def test_options_of_wrong_types_are_refused_at_once(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(BadInput, match=said):
        RunOptions(**wrong)


def test_a_length_that_lies_takes_no_memory(tmp_path: Path) -> None:
    (tmp_path / "torn.answers").write_bytes(struct.pack("<4sII", b"NPL1", 2**32 - 1, 0) + b"abc")
    tracemalloc.start()
    try:
        cache = AnswerCache(tmp_path, scope="test")
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()
    assert not cache.holds(cache.key(b"abc"), tokens=1, columns=1)

"""A corpus is filtered to the same bytes however often the run is killed."""

import json
from pathlib import Path

import pytest

kills = pytest.importorskip("benchmarks.filter_kills", reason="needs zstandard")
pytest.importorskip("pyarrow")

KILLS = 6


@pytest.mark.slow
def test_six_kills_inside_one_compressed_file_change_no_byte_of_what_is_left(tmp_path: Path) -> None:
    """Between them the number of workers changes, the engine if Ray is installed, the
    shard, and C for NumPy.
    """
    corpus = tmp_path / "corpus.jsonl.zst"
    kills.write_corpus(corpus, records=2000, seed=4)
    whole, broken = (tmp_path / name / "kept.jsonl.zst" for name in ("whole", "broken"))
    for each in (whole, broken):
        each.parent.mkdir()
    kills.undisturbed(corpus, whole)
    finished = kills.disturbed(corpus, broken, kills=KILLS, seed=4)
    assert len(finished) == KILLS
    assert finished == sorted(finished)
    assert kills.left(broken) == kills.left(whole)
    report = json.loads((tmp_path / "broken/kept.jsonl.zst.parts/report.json").read_text())
    assert 0 < finished[-1] < report["units"]

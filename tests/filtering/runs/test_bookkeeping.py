"""What a run asks of the store of its output: as often as it has units and files, no
more.
"""

import json
from collections import Counter

import pytest
from open_files import opens

import nonplus
from nonplus.errors import BadInput
from nonplus.filtering.fields.options import ReadOptions
from nonplus.filtering.retention.retention import retention
from nonplus.filtering.runs.meter import FilterMeter
from nonplus.filtering.runs.running import filter_corpus, split_corpus
from nonplus.jobs.options import WorkOptions

fsspec = pytest.importorskip("fsspec", reason="the fsspec extra")
pytest.importorskip("pyarrow")

MODEL = nonplus.open_model("uniform:256")
ONE, SMALL = WorkOptions(workers=1), ReadOptions(unit_size="1K")
ASKED = ("ls", "info", "cat_file", "pipe_file", "exists", "rm_file")
LINE = json.dumps({"text": "x" * 1000}) + "\n"  # a unit


def counting(found, name, method):
    def counted(self, *arguments, **options):
        found[name] += 1
        return method(self, *arguments, **options)

    return counted


@pytest.fixture
def asked(monkeypatch):
    """How often the store in memory is asked for what."""
    found: Counter[str] = Counter()
    system = type(fsspec.filesystem("memory"))
    for name in ASKED:
        monkeypatch.setattr(system, name, counting(found, name, getattr(system, name)))
    yield found
    fsspec.filesystem("memory").store.clear()
    fsspec.filesystem("memory").pseudo_dirs[:] = [""]


@pytest.mark.parametrize("keep", ["tokens > 1", "tokens <= p50"])
def test_a_store_is_asked_as_often_for_each_unit_however_many_there_are(tmp_path, asked, keep):
    first, again = [], []
    for units in (10, 20, 40):
        (tmp_path / f"{units}.jsonl").write_text(LINE * units)
        for calls in (first, again):
            asked.clear()
            report = filter_corpus(
                [str(tmp_path / f"{units}.jsonl")], f"memory://out-{units}", keep=keep, model=MODEL,
                reading=SMALL, work=ONE,
            )  # fmt: skip
            assert (report.units, report.complete) == (units, True)
            calls.append(asked.total())
    assert first[2] - first[1] == 2 * (first[1] - first[0])
    assert first[1] - first[0] <= 10 * (6 if keep == "tokens > 1" else 16)
    assert again[0] == again[1] == again[2] <= 40, "what is finished is not read again"


def test_files_of_which_all_is_finished_are_not_added_up_from_their_units(tmp_path, asked):
    for file in range(3):
        (tmp_path / f"{file}.jsonl").write_text(LINE * 20)
    sources = [str(tmp_path)]
    filter_corpus(sources, "memory://out", keep="tokens > 1", model=MODEL, reading=SMALL, work=ONE)
    asked.clear()
    report = filter_corpus(sources, "memory://out", keep="tokens > 1", model=MODEL, reading=SMALL, work=ONE)
    assert report.accounts.records == report.accounts.kept.records == 60
    assert asked.total() < 40


def test_a_folder_in_the_form_of_another_version_is_refused(tmp_path):
    (tmp_path / "c.jsonl").write_text(LINE * 3)
    out, plan = str(tmp_path / "out"), tmp_path / "out/plan.json"

    def run():
        return filter_corpus([str(tmp_path / "c.jsonl")], out, keep="tokens > 1", model=MODEL, reading=SMALL, work=ONE)

    run()
    plan.write_text(json.dumps(json.loads(plan.read_text()) | {"format": 1, "nonplus": "0.9"}))
    for use in (
        lambda: split_corpus(out, str(tmp_path / "other"), keep="tokens > 2", work=ONE),
        lambda: retention(out),
    ):
        with pytest.raises(BadInput, match=r"out has the form of another version of nonplus, 0\.9, and this one does"):
            use()
    with pytest.raises(BadInput, match=r"it was begun by nonplus 0\.9, and is to go on by nonplus"):
        run()
    plan.write_text(json.dumps(json.loads(plan.read_text()) | {"nonplus": nonplus.__version__}))
    with pytest.raises(BadInput, match="it was begun by another version of nonplus, and is to go on by this one"):
        run()


def test_whoever_asks_others_to_work_opens_each_input_for_its_digest_and_how_it_is_compressed_only(tmp_path):
    """And a gauge, if somebody looks at it, two files of a kind once more."""
    (tmp_path / "in").mkdir()
    for file in range(12):
        (tmp_path / f"in/{file:02}.jsonl").write_text(LINE * 4)
    meter = FilterMeter()
    with opens(tmp_path / "in") as opened:
        filter_corpus(
            [str(tmp_path / "in")], str(tmp_path / "out"), keep="tokens > 1", model="uniform:256", reading=SMALL,
            work=WorkOptions(workers=2), meter=meter,
        )  # fmt: skip
    assert sorted(opened) == sorted([*(tmp_path / "in").iterdir()] * 2)
    with opens(tmp_path / "in") as opened:
        assert meter.expected == pytest.approx(meter.units, rel=0.05)
    assert meter.units == 48
    assert len(opened) == 2

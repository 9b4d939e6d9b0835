"""A corpus that is filtered: every record once, the same bytes however it is done."""

import gzip
import hashlib
import json
import os
import shutil
from contextlib import chdir
from pathlib import Path

import pytest

import nonplus
from nonplus.corpora.records import places
from nonplus.errors import BadInput, SuspectInput
from nonplus.filtering.fields.options import ReadOptions, WriteOptions
from nonplus.filtering.runs.meter import FilterMeter
from nonplus.filtering.runs.options import ScoreOptions
from nonplus.filtering.runs.running import filter_corpus, split_corpus
from nonplus.filtering.units.models import by_name
from nonplus.jobs.options import WorkOptions

pyarrow = pytest.importorskip("pyarrow")
pytest.importorskip("pyarrow.parquet")
MODEL = nonplus.open_model("bundled:ngram")
ONE, SMALL = WorkOptions(workers=1), ReadOptions(unit_size="4K")
RULE = "bits_per_byte <= 2.6 and tokens >= 5"
WORDS = ["the house stands on a hill", "she read the letter twice", "qzx vvk 8%%", "it rained for three days"]


def texts(n: int) -> list[str]:
    return [". ".join(WORDS[(i * k) % 4 if i % 3 else 2] for k in range(1, 4 + i % 9)) for i in range(n)]


def corpus(path: Path, n: int = 300) -> Path:
    rows = [json.dumps({"id": f"d{i}", "text": text}) for i, text in enumerate(texts(n))]
    rows[7:7] = ['{"id": "bad", "text": 3}', "{not json", '{"id": "empty", "text": ""}']
    path.write_text("\n".join(rows) + "\n")
    return path


def lines(folder: Path, kind: str) -> list[dict]:
    parts = sorted(folder.glob(f"{kind}/*")) or [folder / kind]
    return [json.loads(row) for part in parts for row in opened(part)]


def opened(part: Path) -> list[bytes]:
    content = part.read_bytes()
    return (gzip.decompress(content) if part.suffix == ".gz" else content).splitlines()


def contents(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_every_record_is_in_one_place_with_its_own_figures(tmp_path):
    report = filter_corpus(
        [str(corpus(tmp_path / "c.jsonl"))], str(tmp_path / "out"), keep=RULE, model=MODEL, reading=SMALL, work=ONE
    )
    kept, dropped, rejected = (lines(tmp_path / "out", kind) for kind in ("kept", "dropped", "rejects"))
    assert report.complete
    assert report.units > 5
    assert [report.accounts.records, report.accounts.rejected] == [303, 2]
    assert [row["place"] for row in rejected] == [8, 9]
    assert [row["raw"] for row in rejected] == ['{"id": "bad", "text": 3}', "{not json"]
    order = {f"d{i}": i for i in range(300)} | {"empty": 6.5}
    for rows in (kept, dropped):
        assert [order[row["id"]] for row in rows] == sorted(order[row["id"]] for row in rows)
    assert sorted(row["id"] for row in [*kept, *dropped]) == sorted(order)
    scored = {f"d{i}": nonplus.evaluate([text], model=MODEL) for i, text in enumerate(texts(300))}
    for row in [*kept, *dropped]:
        if row["id"] != "empty":
            own = scored[row["id"]]
            assert row["nonplus_bits_per_byte"] == pytest.approx(own.bits_per_byte, rel=1e-12)
            assert row["nonplus_tokens"] == own.tokens
            good = own.bits_per_byte <= 2.6 and own.tokens >= 5
            assert (row["nonplus_decision"] == "kept") == good == (row in kept)
    assert next(row for row in dropped if row["id"] == "empty")["nonplus_reason"] == "no text"
    assert report.accounts.reasons["no text"] == 1
    assert sum(report.accounts.reasons.values()) == len(dropped)
    assert sum(report.accounts.faults.values()) == len(rejected)


class Killed(Exception):
    pass


class Mortal(FilterMeter):
    """Ends the run after so many units."""

    def __init__(self, units: int):
        super().__init__()
        self.left = units

    def add(self, counts):
        super().add(counts)
        self.left -= 1
        if not self.left:
            raise Killed


@pytest.mark.parametrize("keep", [RULE, "bits_per_byte <= p40"])
def test_a_run_that_ends_often_leaves_the_bytes_of_an_unbroken_one(tmp_path, keep):
    source = [str(corpus(tmp_path / "c.jsonl"))]
    filter_corpus(source, str(tmp_path / "whole"), keep=keep, model=MODEL, reading=SMALL, work=ONE)
    for units in (1, 3, 2):
        with pytest.raises(Killed):
            filter_corpus(
                source,
                str(tmp_path / "broken"),
                keep=keep,
                model=MODEL,
                reading=SMALL,
                work=ONE,
                meter=Mortal(units),
            )
    filter_corpus(source, str(tmp_path / "broken"), keep=keep, model=MODEL, reading=SMALL, work=ONE)
    whole, broken = contents(tmp_path / "whole"), contents(tmp_path / "broken")
    assert whole.pop("report.json") != broken.pop("report.json")  # it names the folder
    assert whole == broken


def test_two_workers_write_what_one_writes(tmp_path):
    source = [str(corpus(tmp_path / f"c{n}.jsonl", n)) for n in (20, 30, 40)]
    for workers in (1, 2):
        filter_corpus(source, str(tmp_path / f"{workers}"), keep=RULE, model=MODEL, work=WorkOptions(workers=workers))
    one, two = (contents(tmp_path / str(workers)) for workers in (1, 2))
    assert one.pop("report.json") != two.pop("report.json")
    assert one == two


@pytest.mark.slow
def test_actors_of_ray_write_what_processes_write(tmp_path, monkeypatch):
    pytest.importorskip("ray", reason="the ray extra")
    monkeypatch.chdir(tmp_path)
    corpus(tmp_path / "c.jsonl")
    for folder, work in (("local", ONE), ("ray", WorkOptions(workers=2, engine="ray"))):
        report = filter_corpus(["c.jsonl"], folder, keep="bits_per_byte <= p40", model=MODEL, reading=SMALL, work=work)
        assert report.complete
    local, ray = contents(tmp_path / "local"), contents(tmp_path / "ray")
    assert local.pop("report.json") != ray.pop("report.json")
    assert local == ray


@pytest.mark.parametrize("keep", [RULE, "bits_per_byte <= p40"])
def test_shards_together_do_all_and_each_unit_once(tmp_path, keep):
    source = [str(corpus(tmp_path / "c.jsonl"))]
    filter_corpus(source, str(tmp_path / "whole"), keep=keep, model=MODEL, reading=SMALL, work=ONE)
    for _ in range(2):
        for shard in ("2/3", "1/3", "3/3"):
            share = WorkOptions(workers=1, shard=shard)
            last = filter_corpus(source, str(tmp_path / "shards"), keep=keep, model=MODEL, reading=SMALL, work=share)
    assert last.complete
    whole, shards = contents(tmp_path / "whole"), contents(tmp_path / "shards")
    assert whole.pop("report.json") != shards.pop("report.json")
    assert whole == shards


@pytest.mark.parametrize("keep", ["bits_per_byte <= p40", "best 900 tokens by source or sample(0.2)"])
def test_a_run_that_goes_on_has_the_thresholds_that_were_found(tmp_path, keep):
    source, out = str(corpus(tmp_path / "c.jsonl")), str(tmp_path / "out")
    reading = ReadOptions(unit_size="4K", source_field="id", id_field="id")
    first = filter_corpus([source], out, keep=keep, model=MODEL, reading=reading, work=ONE)
    for scores in (tmp_path / "out/scoring/scores").iterdir():
        scores.unlink()  # they are not needed any more
    again = filter_corpus([source], out, keep=keep, model=MODEL, reading=reading, work=ONE)
    assert again == first
    with pytest.raises(BadInput, match="is gone, and it had"):
        filter_corpus([source], out, keep="bits_per_byte <= p41", model=MODEL, reading=reading, work=ONE)


def test_a_split_is_the_run_with_that_rule_without_its_scores(tmp_path):
    source = [str(corpus(tmp_path / "c.jsonl"))]
    filter_corpus(source, str(tmp_path / "first"), keep=RULE, model=MODEL, reading=SMALL, work=ONE)
    filter_corpus(source, str(tmp_path / "second"), keep="tokens < 9", model=MODEL, reading=SMALL, work=ONE)
    split_corpus(str(tmp_path / "first"), str(tmp_path / "split"), keep="tokens < 9", work=ONE)
    second, again = contents(tmp_path / "second"), contents(tmp_path / "split")
    parts = [name for name in second if name.partition("/")[0] in ("kept", "dropped", "rejects")]
    assert parts
    assert {name: second[name] for name in parts} == {name: again[name] for name in parts}
    assert not [name for name in again if name.startswith("scores")]


def test_a_split_takes_the_name_of_the_output_for_its_folder(tmp_path):
    source, run = str(corpus(tmp_path / "c.jsonl", 20)), str(tmp_path / "clean.jsonl")
    filter_corpus([source], run, keep=RULE, model=MODEL, work=ONE)
    report = split_corpus(run, str(tmp_path / "cut"), keep="tokens >= 1", work=ONE)
    assert report.accounts.kept.records == 20
    with pytest.raises(BadInput, match=r"c\.jsonl\.parts has no plan\.json, so nothing was begun there"):
        split_corpus(source, str(tmp_path / "cut-2"), keep="tokens >= 1", work=ONE)


def test_a_file_gets_all_that_is_kept_in_order(tmp_path):
    packed = tmp_path / "c.jsonl.gz"
    packed.write_bytes(gzip.compress(corpus(tmp_path / "c.jsonl").read_bytes()))
    report = filter_corpus(
        [str(packed)], str(tmp_path / "clean.jsonl.gz"), keep=RULE, model=MODEL, reading=SMALL, work=ONE
    )
    rows = [json.loads(row) for row in gzip.decompress((tmp_path / "clean.jsonl.gz").read_bytes()).splitlines()]
    assert len(rows) == report.accounts.kept.records > 0
    assert [int(row["id"][1:]) for row in rows] == sorted(int(row["id"][1:]) for row in rows)


@pytest.fixture(scope="module")
def begun(tmp_path_factory):
    """The arguments of a run that is finished, in its folder."""
    folder = tmp_path_factory.mktemp("begun")
    with chdir(folder):
        corpus(folder / "c.jsonl", 9)
        corpus(folder / "d.jsonl", 8)
        arguments = {"sources": ["c.jsonl"], "output": "out", "keep": RULE, "model": MODEL, "work": ONE}
        filter_corpus(**arguments)
        yield arguments


@pytest.mark.parametrize("suffix", ["parquet", "arrow", "arrows"])
def test_a_wrong_field_of_a_table_is_told_before_a_run_is_begun(tmp_path, suffix):
    table, path = pyarrow.table({"body": texts(30)}), tmp_path / f"c.{suffix}"
    if suffix == "parquet":
        pyarrow.parquet.write_table(table, path)
    else:
        with (pyarrow.ipc.new_file if suffix == "arrow" else pyarrow.ipc.new_stream)(path, table.schema) as writer:
            writer.write_table(table)
    for keep in (RULE, "bits_per_byte <= p40"):
        with pytest.raises(BadInput, match=r"has no column 'text'; its columns are 'body'; name the right one"):
            filter_corpus([str(path)], str(tmp_path / "out"), keep=keep, model=MODEL, work=ONE)
    assert [each.name for each in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize(
    ("other", "said"),
    [
        ({"keep": "tokens < 9"}, f"it was begun with keep='{RULE}', and is to go on with keep='tokens < 9'"),
        ({"model": "uniform:256"}, "it was begun with model=ngram, and is to go on with model='uniform:256'"),
        (
            {"models": {"bad": "uniform:256"}},
            "it was begun without models=…, and is to go on with models='bad=uniform:256'",
        ),
        (
            {"writing": WriteOptions(prefix="x_")},
            "it was begun with prefix='nonplus_', and is to go on with prefix='x_'",
        ),
        ({"reading": ReadOptions(id_field="id")}, "it was begun without id_field=…, and is to go on with id_field=id"),
        ({"scoring": ScoreOptions(trim=3.0)}, "it was begun without trim=…, and is to go on with trim='3.0'"),
        (
            {"keep": "repetition < 0.5"},
            "it was begun without a rule about repetition, and is to go on with a rule about repetition",
        ),
        ({"sources": ["d.jsonl"]}, "it was begun with the files c.jsonl, and is to go on with the files d.jsonl"),
        ({"sources": ["?.jsonl"]}, "it was begun with the files c.jsonl, and is to go on with the files ?.jsonl"),
    ],
)
def test_what_would_mix_is_refused_by_its_first_difference_in_options(begun, other, said):
    with pytest.raises(BadInput) as fault:
        filter_corpus(**begun | other)
    assert str(fault.value) == (
        f"out has parts of another job: {said}; go on with what it was begun with, or give another place for the output"
    )


def test_a_file_that_changed_is_named_with_what_it_had(tmp_path):
    source, out = corpus(tmp_path / "c.jsonl", 20), str(tmp_path / "out")
    filter_corpus([str(source)], out, keep=RULE, model=MODEL, work=ONE)
    sizes = f"{source.stat().st_size} bytes then, {source.stat().st_size + 17} bytes now"
    source.write_text(source.read_text() + '{"text": "more"}\n')
    with pytest.raises(BadInput) as fault:
        filter_corpus([str(source)], out, keep=RULE, model=MODEL, work=ONE)
    assert f"out has parts of another job: {source} has changed ({sizes}) since it was begun; go on" in str(fault.value)
    with pytest.raises(BadInput) as fault:
        split_corpus(out, str(tmp_path / "other"), keep=RULE, work=ONE)
    assert f"{source} has changed ({sizes}) since the corpus was scored; bring back" in str(fault.value)


def test_a_file_of_a_folder_that_came_or_went_is_named(tmp_path):
    folder, out = tmp_path / "in", str(tmp_path / "out")
    folder.mkdir()
    corpus(folder / "a.jsonl", 5)
    filter_corpus([str(folder)], out, keep=RULE, model=MODEL, work=ONE)
    corpus(folder / "b.jsonl", 5)
    with pytest.raises(BadInput, match=r"in/b\.jsonl has come since it was begun"):
        filter_corpus([str(folder)], out, keep=RULE, model=MODEL, work=ONE)
    (folder / "a.jsonl").unlink()
    (folder / "b.jsonl").rename(folder / "c.jsonl")
    with pytest.raises(BadInput, match=r"in/c\.jsonl has come since the corpus was scored"):
        split_corpus(out, str(tmp_path / "other"), keep=RULE, work=ONE)


def half_done(tmp_path: Path, source: Path, keep: str = RULE) -> tuple[str, dict[str, str]]:
    """A run of which some units are missing, and what all of it would be."""
    for name in ("whole", "half"):
        filter_corpus([str(source)], str(tmp_path / name), keep=keep, model=MODEL, reading=SMALL, work=ONE)
    whole = {name: digest for name, digest in contents(tmp_path / "whole").items() if not name.startswith("inputs/")}
    for number in (1, 3):
        (tmp_path / f"half/units/000000/{number:06d}.json").unlink()
    return str(tmp_path / "half"), whole


def written_as(kind: str, path: Path) -> Path:
    rows = [json.loads(line) for line in corpus(path).read_text().splitlines() if line[1] == '"' and "bad" not in line]
    if kind == "parquet":
        target = path.with_suffix(".parquet")
        pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), target, row_group_size=40, compression="none")
        return target
    if kind == "jsonl.gz":
        target = path.with_suffix(".jsonl.gz")
        target.write_bytes(gzip.compress(path.read_bytes(), mtime=0))
        return target
    return path


@pytest.mark.parametrize("kind", ["jsonl", "jsonl.gz", "parquet"])
def test_a_run_goes_on_after_its_input_was_touched_or_copied(tmp_path, kind):
    source = written_as(kind, tmp_path / "c.jsonl")
    half, whole = half_done(tmp_path, source)
    shutil.copyfile(source, tmp_path / "copy")
    source.unlink()
    (tmp_path / "copy").rename(source)
    os.utime(source, ns=(1, 1))
    for _ in range(2):
        filter_corpus([str(source)], half, keep=RULE, model=MODEL, reading=SMALL, work=ONE)
        left = {name: digest for name, digest in contents(Path(half)).items() if not name.startswith("inputs/")}
        assert {**left, "report.json": ""} == {**whole, "report.json": ""}


@pytest.mark.parametrize("kind", ["jsonl", "parquet"])
@pytest.mark.parametrize("done", [True, False])
def test_a_change_in_the_middle_of_what_is_finished_is_refused_and_elsewhere_it_is_what_is_read(
    tmp_path, kind, done, monkeypatch
):
    """The ends of the file stay as they are, and so does its size."""
    monkeypatch.setattr(places, "_SAMPLE", 64)
    source = written_as(kind, tmp_path / "c.jsonl")
    half, _ = half_done(tmp_path, source)
    part = next((tmp_path / "whole/kept").glob(f"000000-00000{2 if done else 3}.*"))
    rows = lines(part.parent, part.name) if kind == "jsonl" else pyarrow.parquet.read_table(part).to_pylist()
    name = f'"{rows[2]["id"]}"' if kind == "jsonl" else rows[2]["id"]
    content = source.read_bytes()
    assert content.count(name.encode()) == 1
    source.write_bytes(content.replace(name.encode(), name.replace("d", "e").encode()))
    if done:
        with pytest.raises(
            BadInput, match=r"has changed since .* was begun: unit 2 of it, which is finished, has other"
        ):
            filter_corpus([str(source)], half, keep=RULE, model=MODEL, reading=SMALL, work=ONE)
        return
    for place in (half, str(tmp_path / "new")):
        filter_corpus([str(source)], place, keep=RULE, model=MODEL, reading=SMALL, work=ONE)
    for folder in ("kept", "dropped", "scores", "units"):
        assert contents(Path(half) / folder) == contents(tmp_path / "new" / folder)


def test_a_split_refuses_a_unit_that_has_changed_since_it_was_scored(tmp_path, monkeypatch):
    monkeypatch.setattr(places, "_SAMPLE", 64)
    source, out = corpus(tmp_path / "c.jsonl"), str(tmp_path / "out")
    filter_corpus([str(source)], out, keep=RULE, model=MODEL, reading=SMALL, work=ONE)
    source.write_text(source.read_text().replace('"d150"', '"e150"'))
    with pytest.raises(
        BadInput, match=r"c\.jsonl has changed since it was scored: unit \d of it has other records now"
    ):
        split_corpus(out, str(tmp_path / "other"), keep="tokens > 9", work=ONE)


def test_what_is_written_to_while_it_is_read_is_compared_at_the_end(tmp_path, monkeypatch):
    monkeypatch.setattr(places, "_SAMPLE", 64)
    source = corpus(tmp_path / "c.jsonl")

    class Writes(FilterMeter):
        """Writes to the file, in a unit that is finished, when the last but one is."""

        def add(self, counts):
            super().add(counts)
            source.write_text(source.read_text().replace('"d9"', '"e9"'))

    with pytest.raises(BadInput, match=r"has changed since .* was begun: unit 0 of it"):
        filter_corpus(
            [str(source)], str(tmp_path / "out"), keep=RULE, model=MODEL, reading=SMALL, work=ONE, meter=Writes()
        )
    assert not (tmp_path / "out/report.json").exists()


@pytest.mark.parametrize(
    ("name", "library"), [("k.jsonl.gz", "zlib"), ("k.jsonl.zst", "zstd"), ("k.parquet", "pyarrow")]
)
def test_a_library_that_decides_bytes_and_is_another_now_is_refused_and_one_that_does_not_is_not_asked(
    tmp_path, name, library
):
    source = written_as("parquet" if library == "pyarrow" else "jsonl", tmp_path / "c.jsonl")
    arguments = {"sources": [str(source)], "output": str(tmp_path / name), "keep": RULE, "model": MODEL, "work": ONE}
    filter_corpus(**arguments)
    place = tmp_path / f"{name}.parts/plan.json"
    plan = json.loads(place.read_text())
    assert set(plan["libraries"]) == {"Unicode", library}
    plan["libraries"][library] = "0.1"
    place.write_text(json.dumps(plan))
    with pytest.raises(BadInput, match=rf"it was begun with {library} 0\.1, and is to go on with {library} \d"):
        filter_corpus(**arguments)


@pytest.mark.parametrize(
    ("keep", "message"),
    [
        ('language == "en"', r"asks for the language of each record, and out was .*; a split .* with language_field=…"),
        (
            "repetition < 0.5",
            "asks for repetition, and out was scored without it; a split scores nothing, so use nonplus",
        ),
        (
            "bits_per_byte.bad < 3",
            r"asks for a model that it calls bad, and out .* with models=bad=…, into another folder",
        ),
    ],
)
def test_a_split_by_what_was_not_scored_is_refused_before_it_leaves_anything(begun, keep, message):
    with pytest.raises(BadInput, match=message):
        split_corpus("out", "cut", keep=keep, work=ONE)
    assert not Path("cut").exists()


def test_a_truncated_archive_is_an_error_and_what_came_before_is_kept(tmp_path):
    whole = gzip.compress(corpus(tmp_path / "c.jsonl").read_bytes(), mtime=0)
    (tmp_path / "c.jsonl.gz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(BadInput, match=r"c\.jsonl\.gz is damaged"):
        filter_corpus(
            [str(tmp_path / "c.jsonl.gz")], str(tmp_path / "out"), keep=RULE, model=MODEL, reading=SMALL, work=ONE
        )
    assert lines(tmp_path / "out", "kept")
    assert not (tmp_path / "out" / "report.json").exists()


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"sources": []}, "there are no files to read; name a file, a folder or a pattern"),
        ({"output": ""}, "output='' is no name of a folder or a file"),
        ({"output": "-"}, "output='-' is no name of a folder or a file"),
        ({"sources": ["."]}, r"output=out is in the folder \., all of which is read"),
        ({"sources": ["."], "output": "."}, r"output=\. is the folder \., all of which is read"),
        ({"sources": ["*.jsonl"], "output": "d.jsonl"}, r"output=d\.jsonl would be read by the pattern \*\.jsonl when"),
        (
            {"sources": ["jsonl:**/*.jsonl"], "output": "new/out"},
            r"output=new/out would be read by the pattern jsonl:\*\*",
        ),
        ({"output": "x" * 300}, "x cannot be written: File name too long; give another place"),
        ({"output": "x" * 300 + ".jsonl"}, "parts cannot be written: File name too long; give another place"),
        ({"sources": ["jsonl:."], "output": "clean.jsonl"}, r"output=clean\.jsonl is in the folder jsonl:\., all of"),
        ({"output": "clean.csv"}, r"output=clean\.csv ends like a file of a kind that is not written; write e\.g\."),
        ({"output": "clean.TAR.gz"}, r"output=clean\.TAR\.gz ends like a file of a kind that is not written"),
        ({"output": "clean.parquet"}, r"can be written as \.jsonl or \.ndjson, .*, and clean\.parquet ends otherwise"),
        (
            {"writing": WriteOptions(columns="perplexty")},
            r"columns=perplexty names 'perplexty', which is no column; .*; did you mean perplexity\?",
        ),
    ],
)
def test_what_cannot_be_is_said_before_anything_is_written(tmp_path, wrong, message, monkeypatch):
    monkeypatch.chdir(tmp_path)
    right = {"sources": [str(corpus(tmp_path / "c.jsonl", 5))], "output": "out", "keep": RULE}
    with pytest.raises(BadInput, match=message):
        filter_corpus(**right | wrong)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["c.jsonl"]


def test_a_pattern_that_does_not_fit_the_output_may_be_in_its_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    corpus(tmp_path / "c-1.jsonl", 5)
    for _ in range(2):
        filter_corpus(["c*.jsonl"], "kept.jsonl", keep=RULE, model=MODEL, work=ONE)


@pytest.mark.parametrize(
    ("output", "message"),
    [
        ("taken.jsonl", r"output=taken\.jsonl is the name of a file, and there is a folder of that name"),
        ("file", "file is a file, where a folder for the parts is needed"),
        ("dangling", "dangling is a link that leads nowhere; make the folder that it leads to"),
    ],
)
def test_an_output_that_is_something_else_is_refused_before_all_work(tmp_path, monkeypatch, output, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "taken.jsonl").mkdir()
    (tmp_path / "file").write_text("")
    (tmp_path / "dangling").symlink_to("nowhere")
    with pytest.raises(BadInput, match=message):
        filter_corpus([str(corpus(tmp_path / "c.jsonl", 5))], output, keep=RULE, model=MODEL, work=ONE)
    assert not list(tmp_path.glob("*.parts"))


def test_the_name_of_the_output_says_how_it_is_compressed(tmp_path):
    source = str(corpus(tmp_path / "c.jsonl", 20))
    for name in ("clean.jsonl", "clean.jsonl.gz"):
        filter_corpus([source], str(tmp_path / name), keep=RULE, model=MODEL)
    packed = (tmp_path / "clean.jsonl.gz").read_bytes()
    assert gzip.decompress(packed) == (tmp_path / "clean.jsonl").read_bytes() != b""


def test_a_file_named_twice_is_refused(tmp_path):
    source = str(corpus(tmp_path / "c.jsonl", 5))
    with pytest.raises(BadInput, match="is named 2 times, and its records would be kept as often"):
        filter_corpus([source, source], str(tmp_path / "out"), keep=RULE)


def test_the_output_may_not_be_the_input(tmp_path):
    source = str(corpus(tmp_path / "c.jsonl", 5))
    with pytest.raises(BadInput, match="is one of the files that are read"):
        filter_corpus([source], source, keep=RULE)


def test_workers_and_shards_that_cannot_be_are_refused():
    for options, message in (
        ({"workers": -1}, "workers=-1 is below 0"),
        ({"engine": "spark"}, "engine=spark is unknown; use engine=local or engine=ray"),
        ({"engine": "ray"}, "engine=ray does not know how many workers to start"),
        ({"address": "head:6379"}, "address=head:6379 is for workers of Ray, and engine=local; add engine=ray"),
        ({"gpus": 1}, "gpus=1 is for workers of Ray, and engine=local; add engine=ray"),
        ({"gpus": -1}, "gpus=-1 is below 0"),
    ):
        with pytest.raises(BadInput, match=message):
            WorkOptions(**options)
    with pytest.raises(BadInput, match="shard must be i/n"):
        WorkOptions(shard="3/2")
    with pytest.raises(BadInput, match=r"workers=100000 are more processes than this machine can bear; use at most"):
        WorkOptions(workers=100_000)


def test_a_rule_may_compare_with_another_model_and_with_trusted_files(tmp_path):
    source, good = corpus(tmp_path / "c.jsonl", 30), tmp_path / "good.jsonl"
    good.write_text("\n".join(json.dumps({"text": text}) for text in ("She read it.", "It rained.", WORDS[0])))
    rule = f"bits_per_byte - bits_per_byte.bytes <= -1 and bits_per_byte <= p95 of '{good}'"
    with pytest.raises(BadInput, match="a model that it calls bytes, and no such model is given"):
        filter_corpus([str(source)], str(tmp_path / "out"), keep=rule, model=MODEL, work=ONE)
    report = filter_corpus(
        [str(source)], str(tmp_path / "out"), keep=rule, model=MODEL, models={"bytes": "uniform:256"}, work=ONE
    )
    ((worst,),) = [each.values for each in report.thresholds if str(good) in each.of]
    assert worst == max(
        nonplus.evaluate([json.loads(row)["text"]], model=MODEL).bits_per_byte for row in good.read_text().splitlines()
    )
    assert all(row["nonplus_bits_per_byte"] <= min(worst, 7) for row in lines(tmp_path / "out", "kept"))
    dropped = [row for row in lines(tmp_path / "out", "dropped") if row["nonplus_tokens"]]
    assert all(row["nonplus_bits_per_byte"] > min(worst, 7) for row in dropped)
    with pytest.raises(BadInput, match="has to be scored, and a split scores nothing"):
        split_corpus(str(tmp_path / "out"), str(tmp_path / "split"), keep=rule)


def test_what_a_rule_reads_of_a_record_must_be_named(tmp_path):
    with pytest.raises(BadInput, match=r"asks for the language of each record, and no field has it; .*language_field="):
        filter_corpus([str(corpus(tmp_path / "c.jsonl", 5))], str(tmp_path / "out"), keep="language == 'en'")


def test_what_was_decided_is_beside_the_records_of_any_form_and_of_a_split(tmp_path):
    arrow = pytest.importorskip("pyarrow")
    source = corpus(tmp_path / "c.jsonl")
    (tmp_path / "c.txt").write_text("\n".join(texts(300)) + "\n")
    common = {"keep": "bucket in (head, middle)", "model": MODEL, "work": ONE}
    with_ids = ReadOptions(unit_size="4K", id_field="id")
    filter_corpus([str(source)], str(tmp_path / "out"), reading=with_ids, **common)
    filter_corpus([f"lines:{tmp_path / 'c.txt'}"], str(tmp_path / "lines"), reading=SMALL, **common)
    split_corpus(str(tmp_path / "out"), str(tmp_path / "split"), keep="tokens >= 20", work=ONE,
                 writing=WriteOptions(columns="none"))  # fmt: skip
    written = {row["id"]: row for kind in ("kept", "dropped") for row in lines(tmp_path / "out", kind)}
    for folder, rule in (("out", ""), ("lines", ""), ("split", "tokens")):
        parts, there = sorted((tmp_path / folder / "decisions").iterdir()), 0
        for part in parts:
            scores = (tmp_path / (folder if folder == "lines" else "out")).glob(f"scor*/**/{part.name}")
            scored = arrow.ipc.open_file(next(each for each in scores if each.parent.name == "scores")).read_all()
            rows = arrow.ipc.open_file(part).read_all()
            assert rows["place"].equals(scored["place"])
            assert rows["key"].equals(scored["key"])
            marker = json.loads(next((tmp_path / folder / "units").glob(f"**/*{part.stem[-6:]}.json")).read_text())
            assert f"decisions/{part.name}" in marker["files"]
            for row, tokens in zip(rows.to_pylist(), scored["tokens"].to_pylist(), strict=True):
                there += 1
                assert row["model"] == MODEL.name
                if rule:
                    assert row["decision"] == ("kept" if tokens >= 20 else "dropped")
                    assert row["reason"] == ("" if tokens >= 20 else f"tokens {tokens} < 20" if tokens else "no text")
                elif folder == "out":
                    own = written[row["id"]]
                    assert row["key"] == row["id"].encode()
                    assert [row[name] for name in ("decision", "reason", "bucket")] == [
                        own[f"nonplus_{name}"] for name in ("decision", "reason", "bucket")
                    ]
        assert len(parts) > 5
        assert there == (300 if folder == "lines" else 301)


@pytest.mark.parametrize("kind", ["jsonl", "parquet"])
@pytest.mark.parametrize(
    ("keep", "field", "name"),
    [
        ("bits_per_byte <= p50 by language", "language_field", "language"),
        ("language != 'en'", "language_field", "language"),
        ("best 900 tokens by source", "source_field", "source"),
        ("sample(0.5)", "id_field", "id"),
    ],
)
def test_a_rule_about_what_no_record_says_is_an_error(tmp_path, keep, field, name, kind):
    arrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    source = tmp_path / f"c.{kind}"
    if kind == "jsonl":
        corpus(source, 20)
    else:
        parquet.write_table(arrow.table({"text": texts(20), "none": arrow.nulls(20)}), source)
    reading = ReadOptions(**{field: "none"})
    message = rf"none of 2\d records has a {name} in the field 'none'; give the right one, {field}=…"
    with pytest.raises(BadInput, match=message):
        filter_corpus([str(source)], str(tmp_path / "out.jsonl")[: -6 if kind == "parquet" else None], keep=keep,
                      model=MODEL, reading=reading, work=ONE)  # fmt: skip
    assert not (tmp_path / "out.jsonl").exists()
    with pytest.warns(SuspectInput, match=message):
        filter_corpus([str(source)], str(tmp_path / "other"), keep=RULE, model=MODEL, reading=reading, work=ONE)


def test_records_that_lack_a_language_are_counted_as_such(tmp_path):
    rows = [{"text": text, "lang": [None, "en"][i % 3 > 0]} for i, text in enumerate(texts(12))]
    (tmp_path / "c.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    report = filter_corpus([str(tmp_path / "c.jsonl")], str(tmp_path / "out"), keep="bits_per_byte <= p50 by language",
                           model=MODEL, reading=ReadOptions(language_field="lang"), work=ONE)  # fmt: skip
    assert report.accounts.reasons == {"no language": 4, "bits_per_byte > p50 by language": 4}
    assert report.as_dict()["without"] == {"language": 4}


def test_ids_that_do_not_tell_records_apart_draw_nothing(tmp_path):
    rows = [{"text": text, "site": f"s{i // 20}", "id": f"{i}"} for i, text in enumerate(texts(40))]
    source = tmp_path / "c.jsonl"
    source.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    alike, apart = ReadOptions(id_field="site"), ReadOptions(id_field="id")
    said = "38 of 40 records have the id of another one near them"
    with pytest.raises(BadInput, match=said):
        filter_corpus([str(source)], str(tmp_path / "a"), keep="sample(0.5)", model=MODEL, reading=alike, work=ONE)
    with pytest.warns(SuspectInput, match=said):
        filter_corpus([str(source)], str(tmp_path / "b"), keep=RULE, model=MODEL, reading=alike, work=ONE)
    assert filter_corpus(
        [str(source)], str(tmp_path / "c"), keep="sample(0.5)", model=MODEL, reading=apart, work=ONE
    ).complete


@pytest.mark.parametrize("text", ["good", "good=", "a b=c", "a=b,a=c", "=x"])
def test_further_models_are_named(text):
    with pytest.raises(BadInput, match="models is a list of names and models"):
        by_name(text)
    assert by_name("good=ngram:a, bad=ngram:b") == {"good": "ngram:a", "bad": "ngram:b"}


def test_parts_go_to_a_url_and_a_file_there_is_refused(tmp_path):
    fsspec = pytest.importorskip("fsspec")
    source = corpus(tmp_path / "c.jsonl", 30)
    filter_corpus([str(source)], str(tmp_path / "out"), keep=RULE, model=MODEL, work=ONE)
    there = f"memory://{tmp_path}/out"
    report = filter_corpus([str(source)], there, keep=RULE, model=MODEL, work=ONE)
    assert report.complete
    for kind in ("kept", "dropped", "rejects", "scores", "decisions"):
        for part in (tmp_path / "out" / kind).iterdir():
            assert fsspec.open(f"{there}/{kind}/{part.name}").open().read() == part.read_bytes()
    with pytest.raises(BadInput, match=r"clean\.jsonl is a file at a URL, and only a folder of parts can be written"):
        filter_corpus([str(source)], f"memory://{tmp_path}/clean.jsonl", keep=RULE)


def test_nothing_that_is_left_holds_the_signature_of_a_url(tmp_path):
    fsspec = pytest.importorskip("fsspec")
    source = "memory://there/c.jsonl?signature=secret"
    with fsspec.open(source, "wb") as file:
        file.write(corpus(tmp_path / "c.jsonl", 5).read_bytes())
    filter_corpus([source], str(tmp_path / "out"), keep=RULE, model=MODEL, work=ONE)
    left = [path for path in (tmp_path / "out").rglob("*") if path.is_file()]
    assert len(left) > 5
    assert not [path for path in left if b"secret" in path.read_bytes()]

"""A corpus that is filtered: every record once, the same bytes however it is done."""

import gzip
import hashlib
import json
from pathlib import Path

import pytest

import nonplus
from nonplus.errors import BadInput
from nonplus.filtering.fields.options import ReadOptions, WriteOptions
from nonplus.filtering.runs.meter import FilterMeter
from nonplus.filtering.runs.running import filter_corpus, split_corpus
from nonplus.filtering.units.models import by_name
from nonplus.jobs.options import WorkOptions

pytest.importorskip("pyarrow")
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
    return [json.loads(row) for part in sorted(folder.glob(f"{kind}/*")) for row in opened(part)]


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
    with pytest.raises(BadInput, match=r"c\.jsonl\.parts has no plan\.json, so no job was begun there"):
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


def test_what_would_mix_is_refused_by_its_first_difference(tmp_path):
    source, out = corpus(tmp_path / "c.jsonl", 20), str(tmp_path / "out")

    filter_corpus([str(source)], out, keep=RULE, model=MODEL, work=ONE)
    with pytest.raises(BadInput, match=r"rule was .* and is now"):
        filter_corpus([str(source)], out, keep="tokens < 9", model=MODEL, work=ONE)
    with pytest.raises(BadInput, match="has parts of another job: models"):
        filter_corpus([str(source)], out, keep=RULE, model="uniform:256", work=ONE)
    with pytest.raises(BadInput, match="has parts of another job: writing"):
        filter_corpus([str(source)], out, keep=RULE, model=MODEL, writing=WriteOptions(prefix="x_"), work=ONE)
    with pytest.raises(BadInput, match="has parts of another job: reading"):
        filter_corpus([str(source)], out, keep=RULE, model=MODEL, reading=ReadOptions(id_field="id"), work=ONE)
    source.write_text(source.read_text() + '{"text": "more"}\n')
    with pytest.raises(BadInput, match=r"has parts of another job: inputs\[0\]\.digest"):
        filter_corpus([str(source)], out, keep=RULE, model=MODEL, work=ONE)
    with pytest.raises(BadInput, match="was scored when it had"):
        split_corpus(out, str(tmp_path / "other"), keep=RULE, work=ONE)


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
        ({"sources": ["jsonl:."], "output": "clean.jsonl"}, r"output=clean\.jsonl is in the folder jsonl:\., all of"),
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
    for kind in ("kept", "dropped", "rejects", "scores"):
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

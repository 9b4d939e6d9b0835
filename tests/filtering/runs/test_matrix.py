"""Every rule through every format, compression and engine keeps the same records."""

import bz2
import gzip
import json
import lzma
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

import nonplus
from nonplus.corpora.records import RecordFields, record_files
from nonplus.filtering.fields.options import ReadOptions, WriteOptions
from nonplus.filtering.runs.running import filter_corpus, split_corpus
from nonplus.jobs.options import WorkOptions

arrow = pytest.importorskip("pyarrow")
zstandard = pytest.importorskip("zstandard")
RULES = [
    "bits_per_byte <= 3",
    "perplexity < 500 and tokens >= 6 or unknown_rate > 0.5",
    "not (worst_window >= 4)",
    "bits_per_byte <= p60",
    "p25 <= bits_per_byte and bits_per_byte <= p75",
    "bits_per_byte <= p50 by source",
    "bucket in (head, middle)",
    "sample(0.5)",
    "best 200 tokens",
    "best 600 tokens by source",
    "source == 'b' or bits_per_byte <= p30",
]
ONE = WorkOptions(workers=1)
WORDS = ["the house stands on a hill", "she read the letter twice", "qzx vvk 8%%", "it rained for three days"]
TEXTS = ["; ".join(WORDS[(i * k + i // 7) % 4] for k in range(1, 3 + i % 5)) + f" {i}" for i in range(60)]
ROWS = [{"id": f"d{i}", "source": "abc"[i % 3], "text": text} for i, text in enumerate(TEXTS)]
JSON = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in ROWS).encode()
READ = ReadOptions(id_field="id", source_field="source", unit_size="2K")


def in_json(pack: Callable[[bytes], bytes]) -> Callable[[Path], None]:
    return lambda path: path.write_bytes(pack(JSON))  # type: ignore[return-value]


def parquet(path: Path) -> None:
    import pyarrow.parquet

    pyarrow.parquet.write_table(arrow.Table.from_pylist(ROWS), path, row_group_size=17)


def arrow_file(path: Path) -> None:
    table = arrow.Table.from_pylist(ROWS)
    with arrow.ipc.new_file(path, table.schema) as file:
        file.write_table(table, max_chunksize=13)


FORMS = {
    "c.jsonl": in_json(lambda content: content),
    "c.jsonl.gz": in_json(gzip.compress),
    "c.jsonl.bz2": in_json(bz2.compress),
    "c.jsonl.xz": in_json(lzma.compress),
    "c.jsonl.zst": in_json(lambda content: zstandard.ZstdCompressor().compress(content)),
    "c.parquet": parquet,
    "c.arrow": arrow_file,
}


@pytest.fixture(scope="module")
def model() -> object:
    return nonplus.open_model("bundled:ngram")


@pytest.fixture(scope="module")
def right(model: object, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """What each rule keeps of the plain file, by one worker."""
    folder = tmp_path_factory.mktemp("right")
    kept = kept_by_rule(folder, "c.jsonl", model, ONE)
    assert all(0 < len(texts) < len(TEXTS) for texts in kept.values()), {rule: len(of) for rule, of in kept.items()}
    return kept


def kept_by_rule(
    folder: Path, name: str, model: object, work: WorkOptions, rules: Sequence[str] = RULES
) -> dict[str, list[str]]:
    """The file is scored once, and cut by each rule."""
    FORMS[name](folder / name)
    first, plain = folder / "scored", WriteOptions(columns="none")
    filter_corpus([str(folder / name)], str(first), keep=RULES[3], model=model, reading=READ, writing=plain, work=work)
    kept = {}
    for number, rule in enumerate(rules):
        out = folder / f"cut{number}"
        report = split_corpus(str(first), str(out), keep=rule, work=work)
        assert report.accounts.records == report.accounts.kept.records + report.accounts.dropped.records == len(TEXTS)
        kept[rule] = texts_in(out / "kept")
        assert sorted([*kept[rule], *texts_in(out / "dropped")]) == sorted(TEXTS)
    return kept


def texts_in(folder: Path) -> list[str]:
    parts = sorted(folder.iterdir()) if folder.is_dir() else []
    files = [file for part in parts for file in record_files(str(part), RecordFields())]
    return [text for file in files for batch in file.units(lambda _: True) for text in batch.texts]


@pytest.mark.parametrize("name", [name for name in FORMS if name != "c.jsonl"])
def test_every_rule_keeps_the_same_records_of_every_form_in_the_same_order(name, model, right, tmp_path):
    assert kept_by_rule(tmp_path, name, model, ONE) == right


def test_rules_of_every_kind_keep_the_same_records_by_two_workers(model, right, tmp_path):
    some = RULES[::4]
    assert kept_by_rule(tmp_path, "c.jsonl", model, WorkOptions(workers=2), some) == {
        rule: right[rule] for rule in some
    }


@pytest.mark.parametrize("rule", RULES)
def test_every_rule_keeps_the_same_in_one_command_as_in_a_split_of_shards(rule, model, right, tmp_path):
    FORMS["c.jsonl.gz"](tmp_path / "c.jsonl.gz")
    for _ in range(2):  # to score, and to cut
        for shard in ("1/2", "2/2"):
            work = WorkOptions(workers=1, shard=shard)
            out = str(tmp_path / "out")
            report = filter_corpus([str(tmp_path / "c.jsonl.gz")], out, keep=rule, model=model, reading=READ, work=work)
    assert report.complete
    assert texts_in(tmp_path / "out" / "kept") == right[rule]

"""How many units a file is expected to have."""

import bz2
import gzip
import lzma

import pytest
from open_files import opens

from nonplus.corpora.records import RecordFields, Sizes, expected_units, open_records, record_files

SIZES = Sizes(unit=20_000)
ROWS = b"".join(b'{"text": "row %d of a file that is long enough"}\n' % number for number in range(60_000))


@pytest.mark.parametrize(
    ("suffix", "pack"), [("", bytes), (".gz", gzip.compress), (".bz2", bz2.compress), (".xz", lzma.compress)]
)
def test_a_file_has_about_as_many_units_as_are_expected(tmp_path, suffix, pack):
    (tmp_path / f"c.jsonl{suffix}").write_bytes(pack(ROWS))
    file = open_records(str(tmp_path / f"c.jsonl{suffix}"), RecordFields(), sizes=SIZES)
    units = sum(1 for _ in file.units(lambda number: True))
    assert expected_units([file], [file.size]) == pytest.approx([units], rel=0.02)


def test_of_an_empty_file_nothing_is_expected(tmp_path):
    (tmp_path / "c.jsonl").touch()
    empty = open_records(str(tmp_path / "c.jsonl"), RecordFields(), sizes=SIZES)
    assert expected_units([empty], [0]) == [0]
    (tmp_path / "d.jsonl").write_bytes(ROWS)
    other = open_records(str(tmp_path / "d.jsonl"), RecordFields(), sizes=SIZES)
    assert expected_units([other, empty], [other.size, 0])[1] == 1  # and the run's end is still known


def test_damage_is_left_to_others(tmp_path):
    packed = gzip.compress(ROWS)
    (tmp_path / "c.jsonl.gz").write_bytes(packed[:5000] + b"\0" * 5000)
    (expected,) = expected_units([open_records(str(tmp_path / "c.jsonl.gz"), RecordFields(), sizes=SIZES)], [10_000])
    assert expected > 0


def test_of_many_files_two_of_each_kind_are_looked_at(tmp_path):
    for number in range(20):
        (tmp_path / f"{number:02}.jsonl.gz").write_bytes(gzip.compress(ROWS[: 200_000 + 46 * number]))
        (tmp_path / f"{number:02}.jsonl").write_bytes(ROWS[:1000])
    files = record_files(str(tmp_path), RecordFields(), sizes=SIZES)
    with opens(tmp_path) as opened:
        expected = expected_units(files, [file.size for file in files])
    assert len(opened) == len(set(opened)) == 4
    assert expected == pytest.approx([1 if file.suffix == ".jsonl" else 10 for file in files], rel=0.1)


@pytest.mark.parametrize("rows_of_a_group", [100, 700, 100_000])
def test_the_table_of_contents_of_a_parquet_file_tells_its_units(tmp_path, rows_of_a_group):
    pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    table = pa.table({"text": [f"row {number} of a file that is long enough" for number in range(6_000)]})
    pq.write_table(table, tmp_path / "c.parquet", row_group_size=rows_of_a_group)
    file = open_records(str(tmp_path / "c.parquet"), RecordFields(), sizes=SIZES)
    units = sum(1 for _ in file.units(lambda number: True))
    assert expected_units([file], [file.size]) == pytest.approx([units])


def test_text_files_have_as_many_units_as_their_sizes_say(tmp_path):
    for number in range(40):
        (tmp_path / f"{number}.txt").write_text("x" * 5_000)
    (file,) = record_files(str(tmp_path), RecordFields(), sizes=SIZES)
    assert expected_units([file], [file.size]) == [10]

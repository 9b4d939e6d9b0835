"""What a calibration says that a run would write is what a run then writes."""

import json
import random
from pathlib import Path

import pytest

from nonplus.filtering.calibration.from_files import calibrated
from nonplus.filtering.calibration.options import CalibrationOptions
from nonplus.filtering.fields.options import ReadOptions
from nonplus.filtering.runs.running import filter_corpus
from nonplus.jobs.options import WorkOptions

arrow = pytest.importorskip("pyarrow")
TEXT = (Path(__file__).parents[3] / "examples" / "lost_world.txt").read_text(encoding="utf-8")
SENTENCES = [each for each in TEXT.split(". ") if len(each) > 40]
READING = ReadOptions(language_field="lang", source_field="site", unit_size="192K")


def rows(number):
    """Paragraphs of one to eight sentences in random order, and one in twelve as from a
    bad scan.
    """
    draw = random.Random(4)
    for each in range(number):
        text = ". ".join(draw.choices(SENTENCES, k=draw.randint(1, 8)))
        if each % 12 == 0:
            text = "".join(draw.choice("|!1l0.,~ij") if draw.random() < 0.4 else letter for letter in text)
        yield {"id": f"d{each}", "lang": draw.choice(["en", "en", "de"]), "site": draw.choice("abc"), "text": text}


def corpus(path, number):
    if path.suffix == ".parquet":
        pytest.importorskip("pyarrow.parquet").write_table(
            arrow.Table.from_pylist(list(rows(number))), path, row_group_size=100
        )
        return path
    lines = "".join(f"{json.dumps(row)}\n" for row in rows(number))
    with arrow.output_stream(str(path)) as out:  # which compresses as the name says
        out.write(lines.encode())
    return path


@pytest.mark.slow
@pytest.mark.parametrize("name", ["c.jsonl", "c.jsonl.gz", "c.jsonl.zst", "c.parquet"])
@pytest.mark.parametrize(("number", "sample"), [(300, 2000), (3000, 300)])
def test_the_expected_sizes_are_those_of_a_run(tmp_path, monkeypatch, name, number, sample):
    monkeypatch.chdir(tmp_path)  # what is drawn depends on how the file is called
    source = [str(corpus(Path(name), number))]
    outcome = calibrated(source, CalibrationOptions(sample=sample), reading=READING)
    rule = outcome.calibration.rule
    assert rule.startswith("bits_per_byte <=")
    filter_corpus(source, str(tmp_path / "out"), keep=rule, reading=READING, work=WorkOptions(workers=1))
    sizes = {
        folder.name: sum(part.stat().st_size for part in folder.iterdir())
        for folder in (tmp_path / "out").iterdir()
        if folder.is_dir()
    }
    expected = outcome.expected
    parts = ("kept", "dropped", "scores", "decisions", "rejects")
    assert expected.output_bytes == pytest.approx(sum(sizes.get(part, 0) for part in parts), rel=0.15)
    assert expected.beside_bytes == pytest.approx(sizes["scores"] + sizes["decisions"], rel=0.15)
    if number <= sample:
        assert expected.kept_bytes == pytest.approx(sizes["kept"], rel=0.15)
        assert expected.dropped_bytes == pytest.approx(sizes["dropped"], rel=0.15)

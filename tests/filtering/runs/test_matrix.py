"""Every rule through every form of records, compression and engine keeps the same
records: those that it keeps of all scores in memory.
"""

from collections.abc import Iterator
from hashlib import blake2b
from itertools import cycle
from pathlib import Path

import numpy as np
import pytest
from one_start import Later
from record_forms import FIELDS, ROWS, SAYING, SILENT, TEXTS, fields_of, parts, write_all

import nonplus
from nonplus.corpora.records import RecordFields, record_files
from nonplus.filtering.fields.options import ReadOptions, WriteOptions
from nonplus.filtering.rules.parsing import parsed
from nonplus.filtering.rules.scored import Scored
from nonplus.filtering.runs.meter import FilterMeter
from nonplus.filtering.runs.running import filter_corpus, split_corpus
from nonplus.filtering.scoring.repetition import repetition
from nonplus.filtering.scoring.scorer import Scorer
from nonplus.jobs.options import WorkOptions

OF_FIGURES = [
    "bits_per_byte <= 3",
    "2.2 <= bits_per_byte < 3.5",
    "perplexity < 400 and tokens >= 30 or unknown_rate > 0.5",
    "not (worst_window >= 4)",
    "nats < 200 or standard_error > 0.5 or bytes > 200",
    "repetition < 0.3",
    "good - bad <= -5",
    "bits_per_byte - bits_per_byte.bad > -5",
    "bits_per_byte <= p60",
    "p25 <= bits_per_byte <= p75",
    "bits_per_byte.good < p50 by length",
    "bucket in (head, middle)",
    "sample(0.5)",
    "not sample(0.3, seed=7)",
    "gaussian(perplexity)",
    "stepwise(perplexity, factor=40)",
    "importance(good - bad, factor=0.1, power=0.5)",
    "best 500 tokens",
    "not best 900 bytes of perplexity",
    "best 12 documents and tokens > 20",
]
OF_WHAT_RECORDS_SAY = [
    'source == "a.example.org" or bits_per_byte <= p30',
    'id in ("doc-3", "doc-8", "doc-39")',
    "language != en",
    "bits_per_byte <= p50 by source",
    "bits_per_byte > p40 by language, length",
    "bucket != tail by language",
    "bucket == head from ccnet",
    'bucket in (head, middle) from "cutoffs.csv"',
    "gaussian(perplexity) by language",
    "stepwise(perplexity, factor=40) by source",
    "best 800 tokens by source",
    "best 9 documents by language",
]
TRUSTED = 'bits_per_byte <= p90 of "trusted.jsonl"'
RULES = [TRUSTED, *OF_FIGURES, *OF_WHAT_RECORDS_SAY]
MODEL = nonplus.open_model("bundled:ngram")
MODELS = {"good": MODEL, "bad": nonplus.open_model("uniform:256")}
NOTHING_WRITTEN = WriteOptions(columns="none")
ONE = WorkOptions(workers=1)


@pytest.fixture(scope="module", autouse=True)
def corpora(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """All forms in the working folder, which worker processes find beside this file."""
    folder = tmp_path_factory.mktemp("matrix")
    write_all(folder)
    (folder / "cutoffs.csv").write_text("percentile,en,de\n30,60,90\n60,150,400\n")
    (folder / "trusted.jsonl").write_text("".join(f'{{"text": "{text}"}}\n' for text in TEXTS[:12]))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("PYTHONPATH", str(Path(__file__).parent), prepend=":")
        yield


def in_memory(texts: list[str], *, saying: bool) -> Scored:
    """All scores at once; without what records say, their keys are digests of texts."""
    columns = Scorer(MODEL).columns(texts).as_dict()
    for name, model in MODELS.items():
        columns[f"bits_per_byte.{name}"] = Scorer(model).columns(texts).bits_per_byte
    columns["repetition"] = repetition(texts)
    if not saying:
        return Scored(columns=columns, keys=[blake2b(text.encode(), digest_size=16).digest() for text in texts])
    attributes = {name.removesuffix("_field"): [row[field] for row in ROWS] for name, field in FIELDS.items()}
    return Scored(columns=columns, attributes=attributes, keys=[row["id"].encode() for row in ROWS])


@pytest.fixture(scope="module")
def right(corpora: None) -> dict[tuple[str, bool], list[str]]:
    """What each rule keeps, by whether the records say who they are."""
    trusted, kept = {("trusted.jsonl",): [in_memory(TEXTS[:12], saying=False)]}, {}
    for saying, rules in ((True, RULES), (False, [TRUSTED, *OF_FIGURES])):
        scored = in_memory(TEXTS, saying=saying)
        for rule in rules:
            keep = parsed(rule).resolved([scored], trusted).decide(scored).keep
            assert 0 < keep.sum() < len(TEXTS), f"{rule} decides nothing"
            kept[rule, saying] = [TEXTS[place] for place in np.flatnonzero(keep)]
    return kept


def scored(form: str, out: Path, work: WorkOptions, keep: str) -> None:
    """A run, with all that any of the rules asks for."""
    filter_corpus(
        [form],
        str(out),
        keep=f"({keep}) and repetition <= 1 and bits_per_byte.good < 99 and bits_per_byte.bad < 99",
        model=MODEL,
        models=MODELS,
        reading=ReadOptions(unit_size="2K", **fields_of(form)),
        writing=NOTHING_WRITTEN,
        work=work,
    )


def cut(scores: Path, out: Path, rule: str, work: WorkOptions, meter: FilterMeter | None = None) -> None:
    split_corpus(str(scores), str(out), keep=rule, writing=NOTHING_WRITTEN, work=work, meter=meter)


def kept(out: Path, form: str) -> list[str]:
    """The texts that are kept; all others are dropped."""
    kept, dropped = (texts_in(out / kind, form) for kind in ("kept", "dropped"))
    assert sorted([*kept, *dropped]) == sorted(TEXTS)
    return kept


def texts_in(folder: Path, form: str) -> list[str]:
    files = [file for part in parts(folder, form) for file in record_files(part, RecordFields())]
    return [text for file in files for batch in file.units(lambda _: True) for text in batch.texts]


@pytest.mark.parametrize("form", [*SAYING, *SILENT])
def test_every_rule_keeps_the_same_records_of_every_form_in_the_same_order(form, right, tmp_path):
    saying = form in SAYING
    scored(form, tmp_path / "first", ONE, keep=TRUSTED)
    assert kept(tmp_path / "first", form) == right[TRUSTED, saying]
    for number, rule in enumerate(OF_FIGURES + OF_WHAT_RECORDS_SAY * saying):
        out = tmp_path / str(number)
        cut(tmp_path / "first", out, rule, ONE)
        assert kept(out, form) == right[rule, saying], rule


@pytest.mark.parametrize("rule", RULES)
def test_every_rule_keeps_the_same_in_one_command_as_in_jobs_of_an_array(rule, right, tmp_path):
    form = "frames.jsonl.zst"
    for _ in range(2):  # to score, and to cut
        for shard in ("1/2", "2/2"):
            report = filter_corpus(
                [form],
                str(tmp_path),
                keep=rule,
                model=MODEL,
                models=MODELS,
                reading=ReadOptions(unit_size="2K", **fields_of(form)),
                work=WorkOptions(workers=1, shard=shard),
            )
    assert report.complete
    assert kept(tmp_path, form) == right[rule, True]


@pytest.fixture(scope="module")
def ray(corpora: None) -> Iterator[None]:
    """Ray on this machine, where workers start in it until the last test."""
    ray = pytest.importorskip("ray", reason="the ray extra")
    ray.init(address="local", num_cpus=2, include_dashboard=False, log_to_driver=False, object_store_memory=1 << 27)
    yield
    ray.shutdown()


@pytest.mark.slow
def test_every_rule_and_every_form_give_the_same_records_by_two_workers(right, tmp_path):
    check_engine(WorkOptions(workers=2), right, tmp_path)


@pytest.mark.slow
def test_every_rule_and_every_form_give_the_same_records_by_actors_of_ray(right, tmp_path, ray):
    check_engine(WorkOptions(workers=2, engine="ray"), right, tmp_path)


def check_engine(work: WorkOptions, right: dict[tuple[str, bool], list[str]], tmp_path: Path) -> None:
    """Each rule travels to a worker once, and each form at least once: which form a
    worker reads has nothing to do with the rule by which it cuts.
    """
    later = Later(workers=work.workers, engine=work.engine)
    forms = [*SAYING, *SILENT]
    for number, form in enumerate(forms):
        scored(form, tmp_path / f"scored-{number}", later, keep="bits_per_byte <= 99")
    later.now()
    pairs = [*zip(cycle(SAYING), OF_WHAT_RECORDS_SAY), *zip(cycle(reversed(forms)), OF_FIGURES)]
    assert {form for form, _ in pairs} == set(forms)
    for form, rule in pairs:
        cut(tmp_path / f"scored-{forms.index(form)}", tmp_path / f"cut-{RULES.index(rule)}", rule, later)
    later.now()
    for form, rule in pairs:
        out, idle = tmp_path / f"cut-{RULES.index(rule)}", FilterMeter()
        cut(tmp_path / f"scored-{forms.index(form)}", out, rule, ONE, idle)
        assert not idle.units, "the workers have done all"
        assert kept(out, form) == right[rule, form in SAYING], rule
    scored(forms[0], tmp_path / "trusted", work, keep=TRUSTED)
    assert kept(tmp_path / "trusted", forms[0]) == right[TRUSTED, True]

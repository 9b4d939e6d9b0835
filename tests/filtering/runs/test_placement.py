"""Where neural models score: what a plan says of it, and what is refused."""

import json
from pathlib import Path

import pytest

from nonplus.errors import BadInput, BadModel, BadProtocol
from nonplus.filtering.fields.options import ReadOptions
from nonplus.filtering.runs.options import ScoreOptions
from nonplus.filtering.runs.placement import placed
from nonplus.filtering.runs.plan import scoring_plan
from nonplus.filtering.runs.running import filter_corpus
from nonplus.filtering.scoring.figures import OneModel
from nonplus.filtering.scoring.placing import Placed, Placing
from nonplus.filtering.scoring.scorer import Scorer
from nonplus.filtering.units.models import Models
from nonplus.filtering.units.unit_scoring import Scoring
from nonplus.jobs.options import WorkOptions
from nonplus.measure.forward import RunOptions
from nonplus.models.devices import first_device

pytest.importorskip("pyarrow")
ONE = WorkOptions(workers=1)
ACTORS = WorkOptions(workers=2, engine="ray")
ACTORS_WITH_GPUS = WorkOptions(workers=2, engine="ray", gpus=1)
TEXTS = [f"The house {'stands on a hill ' * (n % 5)}and {n} people look at it." for n in range(40)]


@pytest.fixture
def corpus(tmp_path: Path) -> str:
    path = tmp_path / "c.jsonl"
    path.write_text("".join(f"{json.dumps({'id': str(n), 'text': text})}\n" for n, text in enumerate(TEXTS)))
    return str(path)


def run(corpus: str, out: Path, *, model: str = "bundled:tiny", work: WorkOptions = ONE, size: str = "4Mi", **scoring):
    return filter_corpus(
        [corpus],
        str(out),
        keep="bits_per_byte <= 99",
        model=model,
        reading=ReadOptions(unit_size=size),
        scoring=ScoreOptions(**scoring),
        work=work,
    )


def kept(out: Path) -> list[dict]:
    return [json.loads(row) for part in sorted((out / "kept").iterdir()) for row in part.read_text().splitlines()]


def test_a_document_has_the_same_bits_of_a_neural_model_whatever_its_unit_is(corpus, tmp_path):
    run(corpus, tmp_path / "large")
    run(corpus, tmp_path / "small", size="1K")
    alone = [Scorer("bundled:tiny").columns([text]).nats[0] for text in TEXTS]
    assert [row["nonplus_nats"] for row in kept(tmp_path / "large")] == alone
    assert kept(tmp_path / "small") == kept(tmp_path / "large")


def test_the_budget_is_that_of_every_neural_model(corpus, tmp_path):
    run(corpus, tmp_path / "out", budget=512)
    together = Scorer("bundled:tiny", options=RunOptions(budget=512)).columns(TEXTS).nats
    assert [row["nonplus_nats"] for row in kept(tmp_path / "out")] == together.tolist()


def test_a_plan_names_the_device_and_the_budget_of_neural_models_alone(corpus, tmp_path):
    for model in ("bundled:tiny", "bundled:ngram"):
        run(corpus, tmp_path / model.partition(":")[2], model=model)
    said = [json.loads((tmp_path / name / "plan.json").read_text())["scoring"]["neural"] for name in ("tiny", "ngram")]
    assert said == [{"device": "cpu", "budget": 1}, None]


def test_figures_of_two_devices_do_not_mix(corpus, tmp_path):
    run(corpus, tmp_path / "out")
    plan = tmp_path / "out" / "plan.json"
    plan.write_text(plan.read_text().replace('"device": "cpu"', '"device": "cuda"'))
    with pytest.raises(BadInput, match="begun with device=cuda, and is to go on with device=cpu"):
        run(corpus, tmp_path / "out")


def test_another_budget_does_not_mix_with_old_parts(corpus, tmp_path):
    run(corpus, tmp_path / "out")
    with pytest.raises(BadInput, match="begun with budget=1, and is to go on with budget=64"):
        run(corpus, tmp_path / "out", budget=64)


@pytest.mark.parametrize(
    ("model", "work", "scoring", "message"),
    [
        ("bundled:ngram", ONE, {"device": "nonsense"}, "device=nonsense is for models that can be loaded to a device"),
        ("bundled:tiny", ONE, {"device": "cuda"}, "bundled:tiny cannot; omit device=cuda, and they run on the CPU"),
        ("bundled:ngram", ONE, {"budget": 64}, "budget=64 is for models that can read .* and bundled:ngram cannot"),
        ("bundled:ngram", ONE, {"budget": -3}, "budget=-3 is no number of tokens that is the same on every machine"),
        ("bundled:tiny", ONE, {"budget": 0}, "budget=0 is no number of .* use budget=1, which computes each window"),
        ("en=bundled:ngram", ONE, {"budget": 64}, "budget=64 is for models that can read .* and bundled:ngram cannot"),
        ("bundled:ngram", ACTORS_WITH_GPUS, {}, "gpus=1 is for models that are loaded to a device, .*; omit gpus=1"),
    ],
)
def test_what_would_change_nothing_is_refused_before_anything_is_written(
    corpus, tmp_path, model, work, scoring, message
):
    with pytest.raises((BadProtocol, BadInput), match=message):
        filter_corpus(
            [corpus],
            str(tmp_path / "out"),
            keep="bits_per_byte <= 3",
            model=model,
            reading=ReadOptions(language_field="id"),
            scoring=ScoreOptions(**scoring),
            work=work,
        )
    assert not (tmp_path / "out").exists()


NGRAM, NEURAL = ["bundled:ngram"], ["hf:gpt2"]


def test_actors_are_on_the_devices_that_ray_gives_them():
    assert placed(Placing(), NEURAL, [], ACTORS) == Placed(device="cpu")
    assert placed(Placing(), NEURAL, [], ACTORS_WITH_GPUS) == Placed(device="cuda")
    assert placed(Placing(device="cuda"), NEURAL, [], ACTORS_WITH_GPUS) == Placed(device="cuda")
    assert placed(Placing(device="cpu"), NEURAL, [], ACTORS_WITH_GPUS).device == "cpu"
    for work, device in ((ACTORS, "cuda"), (ACTORS_WITH_GPUS, "cuda:1")):
        with pytest.raises(BadInput, match=f"device={device} is none that actors of Ray have with gpus="):
            placed(Placing(device=device), NEURAL, [], work)


def test_the_second_model_of_a_cascade_has_actors_of_its_own_if_no_other_model_needs_a_gpu():
    assert placed(Placing(), NGRAM, NEURAL, ACTORS_WITH_GPUS) == Placed(device="cuda", apart=True)
    assert not placed(Placing(), NEURAL, NEURAL, ACTORS_WITH_GPUS).apart
    assert not placed(Placing(), NGRAM, NEURAL, ACTORS).apart
    assert not placed(Placing(), NGRAM, NEURAL, ONE).apart


def test_the_device_of_a_machine_is_found_before_the_plan_is_written():
    assert placed(Placing(), NEURAL, [], ONE).device == first_device()
    assert placed(Placing(device="cuda:1"), NGRAM, NEURAL, ONE).device == "cuda"


@pytest.mark.skipif(first_device() == "cuda", reason="needs a machine without a GPU")
def test_a_worker_without_the_device_of_the_plan_scores_nothing():
    with pytest.raises(BadModel, match=r"scores on device=cuda, and the worker on .* finds cpu only"):
        Placed(device="cuda").check_here()
    Placed(placing=Placing(device="mps"), device="mps").check_here()  # loading a model to it tells


def test_a_plan_has_the_versions_of_what_computes_neural_models_and_of_nothing_else():
    torch = pytest.importorskip("torch")
    neural, ngrams = (
        scoring_plan([], [], ReadOptions(), Scoring(models=Models(OneModel(Scorer(name)))))["libraries"]
        for name in ("bundled:tiny", "bundled:ngram")
    )
    assert neural["torch"] == torch.__version__
    assert set(ngrams) == {"Unicode"}

"""The metric for ``evaluate.load``, offline: models, protocols, errors."""

import math
from pathlib import Path

import pytest

import nonplus
from nonplus.errors import BadInput, BadModel, BadProtocol, SuspectInput

pytest.importorskip("datasets")
pytest.importorskip("evaluate")
hf_evaluate = pytest.importorskip("nonplus.metrics.hf_evaluate")

TEXTS = ["It was a dark and stormy night.", "Call me Ishmael.", "The rain fell in torrents."]
BUNDLED = Path(nonplus.__file__).parent / "models" / "bundled"


@pytest.fixture(scope="module")
def metric(tmp_path_factory):
    import evaluate

    folder = tmp_path_factory.mktemp("evaluate")
    with pytest.MonkeyPatch.context() as patch:
        # evaluate copies the file into a folder of modules, and puts that folder on the
        # path
        patch.syspath_prepend(folder)
        patch.setattr("evaluate.config.HF_MODULES_CACHE", str(folder))
        yield evaluate.load(hf_evaluate.__file__, cache_dir=str(folder / "data"))


def test_a_model_by_name_gives_the_figures_of_nonplus_evaluate(metric):
    found = metric.compute(predictions=TEXTS, model="bundled:tiny")
    report = nonplus.evaluate(TEXTS, model="bundled:tiny")
    assert found["perplexity"] == report.perplexity
    assert found["bits_per_byte"] == report.bits_per_byte
    assert found["interval"]["low"] < found["perplexity"] < found["interval"]["high"]
    assert found["no_interval"] is None
    assert (found["tokens"], found["documents"]) == (report.tokens, len(TEXTS))
    assert (found["protocol"], found["fingerprint"]) == (report.protocol.signature, report.protocol.fingerprint)


def test_each_text_has_a_perplexity_and_they_have_a_mean(metric):
    found = metric.compute(predictions=TEXTS, model="bundled:tiny")
    alone = [nonplus.evaluate(text, model="bundled:tiny").perplexity for text in TEXTS]
    assert found["perplexities"] == pytest.approx(alone, rel=1e-5)
    assert found["mean_perplexity"] == pytest.approx(sum(alone) / len(alone), rel=1e-5)


def test_a_transformers_model_in_memory_needs_its_tokenizer(metric):
    transformers = pytest.importorskip("transformers")
    folder = BUNDLED / "tiny"
    model = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype="float32")
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    found = metric.compute(predictions=TEXTS, model=model, tokenizer=tokenizer)
    assert found["perplexities"] == pytest.approx(
        metric.compute(predictions=TEXTS, model="bundled:tiny")["perplexities"], rel=1e-3
    )
    with pytest.raises(BadModel, match="tokenizer"):
        metric.compute(predictions=TEXTS, model=model)


def test_a_model_that_nonplus_opened_is_used_as_it_is(metric):
    opened = nonplus.open_model("bundled:tiny")
    assert metric.compute(predictions=TEXTS, model=opened)["model"] == opened.name


def test_the_protocol_of_the_metric_that_it_replaces_is_evaluate(metric):
    found = metric.compute(predictions=TEXTS, model_id="bundled:tiny", protocol="evaluate")
    assert found["perplexity"] == pytest.approx(found["mean_perplexity"], rel=1e-9)
    assert found["protocol"].startswith("evaluate|")


@pytest.mark.parametrize(
    ("arguments", "perplexities"),
    [
        # golden: huggingface/evaluate, metrics/perplexity/perplexity.py at a7dd3383,
        # with transformers 5.23 and the weights of bundled:tiny saved as float32:
        # Perplexity().compute(predictions=TEXTS, model_id="tiny32", **arguments)
        ({}, [104.209, 432.200, 453.429]),
        ({"add_start_token": True}, [104.209, 432.200, 453.429]),
        ({"add_start_token": False}, [81.353, 1045.727, 462.108]),
        ({"max_length": 5}, [106.932, 1165.865, 758.030]),
        ({"max_length": 5, "add_start_token": False}, [46.131, 3008.188, 1722.187]),
        ({"device": "cpu"}, [104.209, 432.200, 453.429]),
    ],
)
def test_the_arguments_of_evaluates_own_metric_give_its_figures(metric, arguments, perplexities):
    found = metric.compute(predictions=TEXTS, model_id="bundled:tiny", protocol="evaluate", **arguments)
    assert found["perplexities"] == pytest.approx(perplexities, rel=2e-5)


def test_a_start_token_is_wanted_or_not(metric):
    with pytest.raises(BadInput, match="add_start_token is True or False, got 'no'"):
        metric.compute(predictions=TEXTS, model="bundled:tiny", add_start_token="no")


def test_max_length_needs_a_protocol_that_truncates(metric):
    with pytest.raises(BadProtocol, match=r'max_length=5 truncates each text, and full .*protocol="evaluate"'):
        metric.compute(predictions=TEXTS, model="bundled:tiny", max_length=5)


def test_a_batch_size_has_no_effect_and_it_is_said(metric):
    with pytest.warns(SuspectInput, match="batch_size=2 has no effect"):
        found = metric.compute(predictions=TEXTS, model="bundled:tiny", batch_size=2)
    assert found["perplexity"] == nonplus.evaluate(TEXTS, model="bundled:tiny").perplexity


def test_a_gpu_is_asked_for_as_in_evaluate(metric):
    torch = pytest.importorskip("torch")
    if torch.cuda.is_available():
        pytest.skip("this machine has a GPU")
    with pytest.raises(BadModel, match=r"CUDA|cuda"):
        metric.compute(predictions=TEXTS, model=f"hf:{BUNDLED / 'tiny'}", device="gpu")


def test_texts_can_come_in_batches(metric):
    metric.add_batch(predictions=TEXTS[:2])
    metric.add(prediction=TEXTS[2])
    one_by_one = metric.compute(model="bundled:tiny")
    assert one_by_one["perplexity"] == metric.compute(predictions=TEXTS, model="bundled:tiny")["perplexity"]


@pytest.mark.parametrize("named", [{}, {"model": "bundled:tiny", "model_id": "bundled:tiny"}])
def test_the_model_is_passed_once(metric, named):
    with pytest.raises(BadInput, match="as model= or as model_id="):
        metric.compute(predictions=TEXTS, **named)


def test_a_protocol_that_joins_the_texts_is_refused(metric):
    with pytest.raises(BadProtocol, match=r"nonplus\.evaluate"):
        metric.compute(predictions=TEXTS, model="bundled:tiny", protocol="gptq")


def test_the_class_can_be_used_without_loading():
    assert hf_evaluate.NonplusPerplexity().compute(predictions=TEXTS, model="bundled:tiny")["documents"] == len(TEXTS)


def test_surprisals_need_no_model(metric):
    nats = [[math.log(2)] * 3, [math.log(8)], [1.0, math.log(4)]]
    found = metric.compute(predictions=nats, n_bytes=[6, 2, 4])
    assert found["perplexities"] == pytest.approx([2, 8, math.sqrt(4 * math.e)])
    assert found["mean_perplexity"] == pytest.approx((2 + 8 + math.sqrt(4 * math.e)) / 3)
    total = math.log(2**3 * 8 * 4) + 1
    assert found["perplexity"] == pytest.approx(math.exp(total / 6))
    assert found["bits_per_byte"] == pytest.approx(total / 12 / math.log(2))
    assert (found["tokens"], found["documents"]) == (6, 3)


def test_surprisals_with_a_model_and_bytes_with_texts_are_refused(metric):
    with pytest.raises(BadInput, match="need no model"):
        metric.compute(predictions=[[1.0]], model="bundled:tiny")
    with pytest.raises(BadInput, match="bytes of texts are counted"):
        metric.compute(predictions=TEXTS, model="bundled:tiny", n_bytes=[1, 2, 3])
    with pytest.raises(BadInput, match="each of 1 texts, got 2"):
        metric.compute(predictions=[[1.0]], n_bytes=[1, 2])

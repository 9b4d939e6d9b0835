"""A model on a GPU has the figures that it has on a CPU, but for the rounding of its
dtype.
"""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="these are models of torch")
pytest.importorskip("transformers", reason="these are models of transformers")

from fewer_bits import fewer_bits  # noqa: E402
from hf_tiny import asked, byte_tokenizer, plain_logprob_NV, plain_logprobs, rows, tiny  # noqa: E402

from nonplus import Protocol  # noqa: E402
from nonplus.measure.forward import RunOptions  # noqa: E402
from nonplus.measure.scoring import score  # noqa: E402
from nonplus.measure.session import evaluate  # noqa: E402
from nonplus.models.bundled_cards import bundled_folder  # noqa: E402
from nonplus.models.devices import devices  # noqa: E402
from nonplus.models.hf.model import from_object, open_hf  # noqa: E402
from nonplus.models.loading import Loading  # noqa: E402

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="torch finds no GPU")

LINES = rows(60, 17, 40, 3)
# Largest difference of a token's surprisal, in nats, from that of the same weights in
# float64. A rounding is 2**-24, 2**-11 or 2**-8 of a number, and there are dozens; of a
# Llama in float64, transformers computes norms and rotations in float32.
BOUNDS = {torch.float64: 2e-6, torch.float32: 2e-5, torch.float16: 0.03, torch.bfloat16: 0.3}
TEXTS = [
    "The river rose in the night.",
    "It was gone by noon, and the mill with it.",
    "Nobody asked where the miller went. " * 20,
    "Patients with diabetes should see a doctor once a year.",
]


def on_gpu(kind="Llama", **options):
    return from_object(tiny(kind, **options).cuda(), byte_tokenizer())


@pytest.mark.parametrize("kind", ["GPT2", "Llama", "Mamba"])
def test_log_probabilities_are_those_of_the_cpu_in_float32(kind):
    exact_N = plain_logprobs(tiny(kind), *LINES)
    found_N = on_gpu(kind, dtype=torch.float32).logprobs(asked(*LINES))
    np.testing.assert_allclose(found_N, exact_N, rtol=0, atol=2 * BOUNDS[torch.float32])


@pytest.mark.parametrize("dtype", BOUNDS)
def test_log_probabilities_and_distributions_are_those_of_the_same_weights_in_float64(dtype):
    exact_NV = plain_logprob_NV(tiny(dtype=dtype, initializer_range=0.1).double(), *LINES)
    target_N = np.concatenate([line.target for line in LINES])
    ours = on_gpu(dtype=dtype, initializer_range=0.1)
    found_N = ours.logprobs(asked(*LINES))
    found_NV = np.concatenate([chunk.copy() for chunk in ours.distributions(asked(*LINES))])
    assert found_NV.dtype == (np.float64 if dtype == torch.float64 else np.float32)
    for found, exact in ((found_N, exact_NV[np.arange(len(target_N)), target_N]), (found_NV, exact_NV)):
        np.testing.assert_allclose(found, exact, rtol=0, atol=BOUNDS[dtype])
    assert ours.dtype == str(dtype).removeprefix("torch.")


@pytest.mark.parametrize("kind", ["Llama", "Mamba"])
@pytest.mark.parametrize(
    "around",
    [
        lambda: torch.autocast("cuda", torch.bfloat16),
        lambda: torch.autocast("cuda", torch.float16),
        lambda: fewer_bits("high"),
        lambda: fewer_bits("medium"),
    ],
)
def test_figures_are_the_same_inside_autocast_and_tf32(kind, around):
    ours = on_gpu(kind, dtype=torch.float32)
    usual_N = ours.logprobs(asked(*LINES))
    with around():
        inside = on_gpu(kind, dtype=torch.float32)
        assert np.array_equal(inside.logprobs(asked(*LINES)), usual_N)
        assert inside.dtype == "float32"


def test_tf32_would_have_shown():
    """What the test above is about: a product of float32 whose bits are fewer here."""
    a, b = torch.randn(256, 256, device="cuda"), torch.randn(256, 256, device="cuda")
    exact = a.double() @ b.double()
    with fewer_bits("high"):
        assert (a @ b - exact).abs().max() > 1e-3


def test_the_gpu_is_the_device_unless_another_is_named():
    folder = bundled_folder("tiny")
    found = {
        name: evaluate(TEXTS, model=open_hf(str(folder), Loading(dtype="float32", device=name)), protocol=Protocol())
        for name in ("auto", "cpu", "cuda:0")
    }
    assert found["auto"].nats == found["cuda:0"].nats != found["cpu"].nats
    assert found["auto"].nats == pytest.approx(found["cpu"].nats, rel=1e-6)
    assert devices()[1].name == "cuda:0"
    assert devices()[1].memory > 1 << 30


@pytest.mark.parametrize("device_map", ["auto", "balanced", "sequential", "cuda:0"])
def test_a_model_spread_by_a_map_has_the_figures_of_one_device(device_map):
    folder = str(bundled_folder("tiny"))
    spread = evaluate(TEXTS, model=open_hf(folder, Loading(dtype="float32", device_map=device_map)))
    whole = evaluate(TEXTS, model=open_hf(folder, Loading(dtype="float32", device="cuda")))
    assert spread.nats == pytest.approx(whole.nats, rel=1e-6)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16"])
def test_texts_share_rows_on_a_gpu_and_keep_their_figures(dtype):
    folder = str(bundled_folder("tiny"))
    model = open_hf(folder, Loading(dtype=dtype, device="cuda"))
    assert model.packs
    together = [text.nats for text in score(TEXTS, model=model)]
    alone = [next(iter(score([text], model=model))).nats for text in TEXTS]
    bound = {"float32": 1e-4, "float16": 0.06, "bfloat16": 0.6}[dtype]
    for one, other in zip(together, alone, strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=bound)


def test_a_batch_beyond_the_memory_of_the_gpu_is_halved_until_it_fits():
    folder = str(bundled_folder("tiny"))
    texts = TEXTS * 200
    usual = evaluate(texts, model=open_hf(folder, Loading(dtype="float32", device="cuda")))
    model = open_hf(folder, Loading(dtype="float32", device="cuda"))
    torch.cuda.empty_cache()
    _, memory = torch.cuda.mem_get_info()
    torch.cuda.set_per_process_memory_fraction((torch.cuda.memory_reserved() + (256 << 20)) / memory)
    try:
        before = torch.cuda.memory_stats()["num_ooms"]
        halved = evaluate(texts, model=model, options=RunOptions(budget=1 << 20))
        assert torch.cuda.memory_stats()["num_ooms"] > before
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
    assert halved.nats == pytest.approx(usual.nats, rel=1e-6)
    assert halved.tally.scored == usual.tally.scored


def test_a_model_that_moves_to_the_gpu_after_it_was_wrapped_is_read_there():
    model = tiny("Llama", dtype=torch.float32)
    ours = from_object(model, byte_tokenizer())
    usual_N = ours.logprobs(asked(*LINES))
    model.cuda()
    np.testing.assert_allclose(ours.logprobs(asked(*LINES)), usual_N, rtol=0, atol=BOUNDS[torch.float32])

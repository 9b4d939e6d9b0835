"""Surprisals from hidden states equal those from the logits that are never formed."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nonplus.errors import BadInput, BadProbability
from nonplus.kernels.backends import chunked_head
from nonplus.kernels.backends import numpy as numpy_backend
from nonplus.kernels.head_nll import head_nll
from nonplus.kernels.token_nll import token_nll


def random_case(seed, *, vocabulary=300, shape=(2, 6), width=8):
    random = np.random.default_rng(seed)
    hidden, weight = random.normal(size=(*shape, width)), random.normal(size=(vocabulary, width))
    return hidden, weight, random.normal(size=vocabulary), random.integers(0, vocabulary, shape)


def logits_of(hidden, weight, bias=None, scale=1.0, softcap=None):
    logits = (hidden @ weight.T + (0 if bias is None else bias)) * scale
    return logits if softcap is None else softcap * np.tanh(logits / softcap)


@given(
    seed=st.integers(0, 99),
    biased=st.booleans(),
    scale=st.sampled_from([1.0, 0.125, 3.0]),
    softcap=st.sampled_from([None, 5.0, 30.0]),
    shift=st.booleans(),
    chunk_bytes=st.sampled_from([1, 1000, 1 << 20]),
)
def test_it_equals_token_nll_of_all_logits(seed, biased, scale, softcap, shift, chunk_bytes):
    hidden, weight, bias, ids = random_case(seed)
    ids[0, 2] = -100
    options = {"bias": bias if biased else None, "scale": scale, "softcap": softcap}
    expected = token_nll(logits_of(hidden, weight, **options), ids, shift=shift, ignore_index=-100)
    before = numpy_backend._HEAD_BYTES
    numpy_backend._HEAD_BYTES = chunk_bytes
    try:
        result = head_nll(hidden, weight, ids, **options, shift=shift, ignore_index=-100)
    finally:
        numpy_backend._HEAD_BYTES = before
    np.testing.assert_allclose(result.nats, expected.nats, rtol=1e-10, atol=1e-10)
    np.testing.assert_array_equal(result.kept, expected.kept)


def arrays_of(library):
    """The function of a library that makes an array."""
    module = pytest.importorskip({"jax": "jax.numpy", "mlx": "mlx.core", "strict": "array_api_strict"}[library])
    return module.array if library == "mlx" else module.asarray


@pytest.mark.parametrize("library", ["jax", "mlx", "strict"])
@pytest.mark.parametrize("softcap", [None, 5.0])
@pytest.mark.parametrize("entries", [256, 300, 8192])
def test_other_arrays_give_the_same_as_numpy(library, softcap, entries, monkeypatch):
    monkeypatch.setattr(chunked_head, "_FEWEST", entries)
    monkeypatch.setattr(chunked_head, "_BYTES", 0)
    as_array = arrays_of(library)
    hidden, weight, bias, ids = (
        a.astype(np.float32) if a.dtype == float else a for a in random_case(7, vocabulary=700)
    )
    ids[0, 2] = -100
    expected = head_nll(hidden, weight, ids, bias=bias, scale=0.5, softcap=softcap, shift=True, ignore_index=-100)
    result = head_nll(
        *(as_array(a) for a in (hidden, weight, ids)),
        bias=as_array(bias), scale=0.5, softcap=softcap, shift=True, ignore_index=-100,
    )  # fmt: skip
    np.testing.assert_allclose(np.asarray(result.nats), expected.nats, rtol=2e-6, atol=2e-6)
    np.testing.assert_array_equal(np.asarray(result.kept), expected.kept)


def test_jax_compiles_it_and_gives_nan_for_targets_outside_the_vocabulary():
    jax = pytest.importorskip("jax")
    hidden, weight, _, ids = (jax.numpy.asarray(a) for a in random_case(8))
    compiled = jax.jit(head_nll, static_argnames="shift")
    eager = head_nll(hidden, weight, ids, shift=True)
    np.testing.assert_allclose(compiled(hidden, weight, ids, shift=True).nats, eager.nats, rtol=1e-5, atol=1e-5)
    assert np.isnan(compiled(hidden, weight, ids.at[0, 0].set(300)).nats[0, 0])


@pytest.mark.parametrize("setting", [None, "bfloat16"])
def test_jax_multiplies_with_all_bits_of_float32_on_every_device(setting):
    """By default it does so on a CPU only; what it compiles tells other devices."""
    jax = pytest.importorskip("jax")
    hidden, weight, _, ids = (jax.numpy.asarray(a) for a in random_case(8))
    with jax.default_matmul_precision(setting):
        lowered = jax.jit(head_nll).lower(hidden, weight, ids).as_text()
    products = re.findall(r"= stablehlo\.dot_general .*", lowered)
    assert products
    assert all("precision = [HIGHEST, HIGHEST]" in each for each in products)


@pytest.mark.parametrize("library", ["jax", "mlx", "strict"])
def test_hidden_states_with_nan_are_refused(library):
    as_array = arrays_of(library)
    hidden, weight, _, ids = random_case(9)
    hidden[1, 2, 0] = np.nan
    with pytest.raises(BadProbability, match=r"\[1, 2\] are invalid"):
        head_nll(*(as_array(a) for a in (hidden, weight, ids)))


@pytest.mark.parametrize("dtype", ["float32", "float64", "bfloat16"])
def test_torch_gives_the_same_as_float64(dtype):
    torch = pytest.importorskip("torch")
    hidden, weight, bias, ids = (torch.as_tensor(a) for a in random_case(3, vocabulary=5000, width=64))
    kind = getattr(torch, dtype)
    hidden, weight, bias = ((a / 8).to(kind) for a in (hidden, weight, bias))
    exact = token_nll(logits_of(*(a.double().numpy() for a in (hidden, weight, bias)), softcap=20.0), ids.numpy())
    result = head_nll(hidden, weight, ids, bias=bias, softcap=20.0)
    tolerance = {"float32": 1e-6, "float64": 1e-12, "bfloat16": 1e-3}[dtype]
    np.testing.assert_allclose(result.nats.numpy(), exact.nats, rtol=tolerance)


def test_torch_gives_the_same_inside_any_setting_of_its_products():
    """``medium`` is bfloat16 on CPUs that have it; these would be off by 0.001."""
    torch = pytest.importorskip("torch")
    from fewer_bits import fewer_bits

    hidden, weight, _, ids = (torch.as_tensor(a) for a in random_case(3, vocabulary=5000, width=64, shape=(2, 300)))
    given = hidden.float(), weight.float() / 8, ids
    usual = head_nll(*given).nats
    autocast = (torch.autocast("cpu", dtype) for dtype in (torch.bfloat16, torch.float16))
    for around in (fewer_bits("medium"), fewer_bits("high"), *autocast):
        with around:
            assert torch.equal(head_nll(*given).nats, usual)


def test_the_logit_of_the_target_is_not_rounded_to_bfloat16():
    """A bfloat16 has eight bits; the target's logit is a dot product in float32."""
    torch = pytest.importorskip("torch")
    torch.manual_seed(0)
    hidden, weight = torch.randn(64, 128).bfloat16(), torch.randn(3000, 128).bfloat16() / 8
    ids = torch.randint(0, 3000, (64,))
    truth = token_nll(hidden.double() @ weight.double().T, ids).nats
    ours = (head_nll(hidden, weight, ids).nats - truth).abs().mean()
    through_logits = (token_nll(hidden @ weight.T, ids).nats - truth).abs().mean()
    assert ours < through_logits / 3


@pytest.mark.parametrize("dtype", ["bfloat16", "float16", "float32"])
@pytest.mark.parametrize("peak", [0.5, 2.0, 5.0])
def test_rounding_does_not_bias_tokens_that_the_model_is_sure_of(dtype, peak):
    """A target's logit that is rounded in the sum, but exact where it is subtracted,
    would add up to a quarter of a nat to each."""
    torch = pytest.importorskip("torch")
    torch.manual_seed(1)
    kind = getattr(torch, dtype)
    ids = torch.randint(0, 5000, (512,))
    weight = (torch.randn(5000, 64) * 0.3).to(kind)
    hidden = (peak * weight[ids].float() + 0.3 * torch.randn(512, 64)).to(kind)
    truth = token_nll(hidden.double() @ weight.double().T, ids).nats
    error = head_nll(hidden, weight, ids).nats - truth
    assert abs(error.mean()) < {"bfloat16": 1e-3, "float16": 1e-4, "float32": 1e-6}[dtype] * (0.01 + truth.mean())
    assert abs(error).max() < {"bfloat16": 0.1, "float16": 0.01, "float32": 1e-5}[dtype]


def test_without_kept_tokens_all_surprisals_are_0():
    hidden, weight, _, ids = random_case(0)
    result = head_nll(hidden, weight, np.full_like(ids, -100), ignore_index=-100)
    assert not result.kept.any()
    assert (result.nats == 0).all()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda h, w, b, t: (h, w.T, b, t), "give its transpose"),
        (lambda h, w, b, t: (h, w[:, :5], b, t), "weight of the model that made the hidden states"),
        (lambda h, w, b, t: (h[:, :-1], w, b, t), "one target for each hidden state"),
        (lambda h, w, b, t: (h, w, b[:-1], t), "give the bias of the same head"),
        (lambda h, w, b, t: (h, w, b, t + 300), "outside the vocabulary of 300"),
    ],
)
def test_shapes_and_ids_that_do_not_fit_are_refused(change, says):
    hidden, weight, bias, ids = change(*random_case(0))
    with pytest.raises(BadInput, match=says):
        head_nll(hidden, weight, ids, bias=bias)


@pytest.mark.parametrize(
    ("option", "says"),
    [({"softcap": v}, f"softcap .* got {v}") for v in (0.0, -1.0, np.nan, np.inf)]
    + [({"scale": v}, f"scale .* got {v}") for v in (0.0, np.nan, np.inf)],
)
def test_an_invalid_scale_or_softcap_is_refused(option, says):
    hidden, weight, _, ids = random_case(0)
    with pytest.raises(BadInput, match=says):
        head_nll(hidden, weight, ids, **option)


@pytest.mark.parametrize("which", ["weight", "bias"])
def test_arrays_of_two_packages_are_refused(which):
    torch = pytest.importorskip("torch")
    hidden, weight, bias, ids = random_case(0)
    others = {"weight": weight, "bias": bias}
    others[which] = torch.as_tensor(others[which])
    with pytest.raises(BadInput, match=f"{which} must be arrays of one package, got ndarray and Tensor"):
        head_nll(hidden, others["weight"], ids, bias=others["bias"])

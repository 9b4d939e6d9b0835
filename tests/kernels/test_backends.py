"""Every kind of array gives the same surprisals and refuses the same input."""

import importlib
import subprocess
import sys
from dataclasses import dataclass
from typing import Any
from unittest import mock

import numpy as np
import pytest
from example_counts import examples
from hypothesis import given
from hypothesis import strategies as st

from nonplus.errors import BadInput, BadProbability
from nonplus.kernels import token_nll as module
from nonplus.kernels.backends import array_api
from nonplus.kernels.token_nll import token_nll

# Few, because jax compiles each.
SHAPES = [(1, 1, 1), (1, 6, 2), (2, 4, 12), (3, 5, 7)]
# The module that makes the arrays; "fallback:" sends them through the backend for the
# array API standard.
BACKENDS = ["numpy", "torch", "jax.numpy", "mlx.core", "array_api_strict", "fallback:numpy", "fallback:jax.numpy"]
DTYPES = ["float64", "float32", "float16", "bfloat16"]
TOLERANCE = {"float64": 1e-12, "float32": 1e-6, "float16": 1e-6, "bfloat16": 1e-6}
KINDS = ["logits", "logprobs", "probs", "nll"]


@dataclass(frozen=True)
class Library:
    """The arrays of one package."""

    name: str

    def __post_init__(self):
        if self.module != "numpy":
            pytest.importorskip(self.module)

    @property
    def module(self):
        return self.name.removeprefix("fallback:")

    def array(self, values, dtype=None):
        xp = importlib.import_module(self.module)
        if dtype == "bfloat16" and self.module == "numpy":
            return values.astype(pytest.importorskip("ml_dtypes").bfloat16)
        return xp.asarray(values) if dtype is None else xp.asarray(values, dtype=getattr(xp, dtype))

    def token_nll(self, x, targets, **options):
        if self.name == self.module:
            return token_nll(x, targets, **options)
        with mock.patch.object(module, "backend_of", return_value=array_api):
            return token_nll(x, targets, **options)

    @property
    def dtypes(self):
        """jax needs a setting for float64, mlx lacks it on a GPU; the standard has no
        half precision."""
        if self.module in ("jax.numpy", "mlx.core"):
            return [dtype for dtype in DTYPES if dtype != "float64"]
        return DTYPES if self.name in ("numpy", "torch") else ["float64", "float32"]


@pytest.fixture(params=BACKENDS, scope="module")
def library(request):
    return Library(request.param)


def to_numpy(array):
    if type(array).__module__.startswith("array_api_strict"):
        return np.from_dlpack(array)
    return np.asarray(array)


@dataclass(frozen=True)
class Case:
    """Scores (B, T, V) or surprisals (B, T), targets (B, T) and options.

    ``x`` is float64 rounded to ``dtype``.
    """

    x: np.ndarray
    targets: np.ndarray
    dtype: str
    options: dict[str, Any]

    def measured_by(self, library):
        options = dict(self.options)
        if options["mask"] is not None:
            options["mask"] = library.array(options["mask"])
        return library.token_nll(library.array(self.x, self.dtype), library.array(self.targets), **options)


def rounded(values, dtype):
    """Float64 values that ``dtype`` holds exactly: the same input for every library."""
    if dtype == "bfloat16":
        bits = np.ascontiguousarray(values, np.float32).view(np.uint32) & np.uint32(0xFFFF0000)
        return bits.view(np.float32).astype(np.float64)
    return values.astype(dtype).astype(np.float64)


@st.composite
def cases(draw, dtypes, kinds=KINDS):
    b, t, v = draw(st.sampled_from(SHAPES))
    dtype, kind, shift = draw(st.sampled_from(dtypes)), draw(st.sampled_from(kinds)), draw(st.booleans())
    random = np.random.default_rng(draw(st.integers(0, 9999)))
    x = draw(st.sampled_from([0.1, 1, 8])) * random.normal(size=(b, t, v))
    if draw(st.booleans()):
        x = np.where(random.random(x.shape) < 0.2, -np.inf, x)
        x[..., 0] = 1.0  # so that each row is a distribution
    if kind == "probs":
        x = np.exp(x - x.max(-1, keepdims=True))
        x = x / x.sum(-1, keepdims=True)
    if kind == "logprobs":
        x = x - np.log(np.exp(x).sum(-1, keepdims=True))
    if kind == "nll":
        x = abs(x[..., -1])
    targets = random.integers(0, v, (b, t))
    mask = (random.random((b, t)) < 0.7).astype(np.int64) if draw(st.booleans()) else None
    ignore = draw(st.sampled_from([None, -100, 0, (-100, 1)]))
    if ignore is not None:
        targets = np.where(random.random((b, t)) < 0.3, ignore if isinstance(ignore, int) else ignore[0], targets)
    options = {"kind": kind, "shift": shift, "ignore_index": ignore, "mask": mask}
    return Case(rounded(x, dtype), targets, dtype, options)


def oracle(case):
    """Token by token in float64, from the definition."""
    b, t = case.targets.shape
    nats, kept = np.zeros((b, t)), np.zeros((b, t), bool)
    mask, ignore, kind = case.options["mask"], case.options["ignore_index"], case.options["kind"]
    ignored = [ignore] if isinstance(ignore, int) else ignore or []
    for row in range(b):
        for place in range(t):
            source = place - case.options["shift"]
            counts = source >= 0 and case.targets[row, place] not in ignored
            counts = counts and (mask is None or (mask[row, place] and mask[row, source]))
            if counts:
                kept[row, place] = True
                nats[row, place] = surprisal(case.x[row, source], case.targets[row, place], kind)
    return nats, kept


def surprisal(x, target, kind):
    with np.errstate(divide="ignore"):
        if kind == "nll":
            return x
        if kind == "logprobs":
            return -x[target]
        if kind == "probs":
            return np.log(x.sum()) - np.log(x[target])
        return x.max() + np.log(np.exp(x - x.max()).sum()) - x[target]


@given(data=st.data())
@examples(60)
def test_every_backend_gives_the_surprisals_of_float64(library, data):
    case = data.draw(cases(library.dtypes))
    expected_nats, expected_kept = oracle(case)
    result = case.measured_by(library)
    assert np.array_equal(to_numpy(result.kept), expected_kept)
    tolerance = TOLERANCE[case.dtype]
    np.testing.assert_allclose(to_numpy(result.nats), expected_nats, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_real_vocabulary_loses_no_precision(library, dtype):
    if dtype not in library.dtypes:
        pytest.skip("this package lacks the dtype")
    x = rounded(2.5 * np.random.default_rng(3).normal(size=(1, 3, 128_256)), dtype)
    case = Case(x, np.array([[5, 128_255, 77]]), dtype, {"kind": "logits", "shift": False, "mask": None})
    result = library.token_nll(library.array(x, dtype), library.array(case.targets))
    expected = [surprisal(row, target, "logits") for row, target in zip(x[0], case.targets[0], strict=True)]
    np.testing.assert_allclose(to_numpy(result.nats)[0], expected, rtol=2e-7)


@given(data=st.data(), constant=st.sampled_from([-64.0, 8.0, 512.0]))
@examples(25)
def test_a_constant_added_to_a_row_changes_nothing(library, data, constant):
    exact = [dtype for dtype in library.dtypes if dtype in ("float32", "float64")]
    case = data.draw(cases(exact, ["logits"]))
    x = np.round(case.x * 64) / 64  # so that the sum is exact
    one, other = (Case(y, case.targets, case.dtype, case.options).measured_by(library) for y in (x, x + constant))
    np.testing.assert_allclose(to_numpy(other.nats), to_numpy(one.nats), rtol=1e-6, atol=1e-6)


@given(data=st.data())
@examples(25)
def test_vocabulary_entries_of_probability_0_change_nothing(library, data):
    case = data.draw(cases(library.dtypes, ["logits", "logprobs", "probs"]))
    nothing = np.full((*case.targets.shape, 3), 0.0 if case.options["kind"] == "probs" else -np.inf)
    padded = Case(np.concatenate([case.x, nothing], -1), case.targets, case.dtype, case.options)
    one, other = case.measured_by(library), padded.measured_by(library)
    np.testing.assert_allclose(to_numpy(other.nats), to_numpy(one.nats), rtol=1e-6, atol=1e-6)


@given(data=st.data(), seed=st.integers(0, 99))
@examples(25)
def test_rows_are_independent(library, data, seed):
    case = data.draw(cases(library.dtypes))
    order = np.random.default_rng(seed).permutation(len(case.targets))
    mask = case.options["mask"]
    options = {**case.options, "mask": None if mask is None else mask[order]}
    reordered = Case(case.x[order], case.targets[order], case.dtype, options)
    one, other = case.measured_by(library), reordered.measured_by(library)
    np.testing.assert_allclose(to_numpy(other.nats), to_numpy(one.nats)[order], rtol=1e-6, atol=1e-6)
    assert np.array_equal(to_numpy(other.kept), to_numpy(one.kept)[order])


@given(data=st.data())
@examples(25)
def test_padding_on_either_side_does_not_count_under_shift(library, data):
    case = data.draw(cases(library.dtypes, ["logits"]))
    plain = Case(case.x, abs(case.targets) % case.x.shape[-1], case.dtype, {"shift": True, "mask": None})
    whole = to_numpy(plain.measured_by(library).nats)
    for widths in ((0, 2), (2, 0)):
        x = np.pad(plain.x, ((0, 0), widths, (0, 0)))
        targets = np.pad(plain.targets, ((0, 0), widths))
        mask = np.pad(np.ones(plain.targets.shape, np.int64), ((0, 0), widths))
        padded = Case(x, targets, plain.dtype, {"shift": True, "mask": mask}).measured_by(library)
        real = to_numpy(padded.nats)[:, widths[0] : widths[0] + whole.shape[1]]
        np.testing.assert_allclose(real, whole, rtol=1e-6, atol=1e-6)
        assert to_numpy(padded.nats).sum() == pytest.approx(real.sum())


def test_an_entry_of_probability_0_is_infinite_as_target_and_changes_nothing_elsewhere(library):
    x = library.array(np.array([[[0.0, -np.inf, 1.0, 2.0]] * 2]), "float32")
    nats = to_numpy(library.token_nll(x, library.array(np.array([[2, 1]]))).nats)
    assert nats[0, 0] == pytest.approx(np.log1p(np.e + np.exp(-1.0)), rel=1e-6)
    assert nats[0, 1] == np.inf


def test_a_score_far_below_the_others_has_a_finite_surprisal(library):
    x = library.array(np.array([[[0.0, -110.0], [1e30, 0.0], [0.0, 1e4]]]), "float32")
    nats = to_numpy(library.token_nll(x, library.array(np.array([[1, 1, 0]]))).nats)
    np.testing.assert_allclose(nats, [[110, 1e30, 1e4]], rtol=1e-6)


@pytest.mark.parametrize("wrong", [4, -1, -100])
def test_a_target_outside_the_vocabulary_is_refused_with_its_position(library, wrong):
    with pytest.raises(BadInput, match=rf"target {wrong} at \[0, 1\]"):
        library.token_nll(library.array(np.zeros((1, 3, 4)), "float32"), library.array(np.array([[0, wrong, 1]])))


@pytest.mark.parametrize("row", [[np.nan, 0, 0], [np.inf, 0, 0], [-np.inf] * 3])
def test_a_row_that_is_not_a_distribution_is_refused_with_its_position(library, row):
    x = library.array(np.array([[[0.0, 0, 0], row]]), "float32")
    with pytest.raises(BadProbability, match=r"logits at \[0, 1\]"):
        library.token_nll(x, library.array(np.array([[0, 1]])))


def test_a_row_that_is_not_a_distribution_is_allowed_where_it_is_not_kept(library):
    x = library.array(np.array([[[0.0, 0, 0], [np.nan] * 3]]), "float32")
    result = library.token_nll(x, library.array(np.array([[0, -100]])), ignore_index=-100)
    np.testing.assert_allclose(to_numpy(result.nats), [[np.log(3), 0]], rtol=1e-6)


def test_scores_may_be_integers(library):
    x = library.array(np.array([[[0, 1, 2]]], np.int32))
    nats = to_numpy(library.token_nll(x, library.array(np.array([[2]]))).nats)
    assert nats[0, 0] == pytest.approx(np.log1p(np.exp(-1) + np.exp(-2)), rel=1e-6)


def test_a_fraction_is_refused_as_token_id(library):
    with pytest.raises(BadInput, match="whole numbers"):
        library.token_nll(library.array(np.zeros((1, 1, 4)), "float32"), library.array(np.array([[0.5]]), "float32"))


def test_booleans_are_refused_as_scores(library):
    with pytest.raises(BadInput, match="scores must be real numbers"):
        library.token_nll(library.array(np.zeros((1, 1, 4), bool)), library.array(np.array([[0]])))


def test_several_blocks_of_rows_give_the_same_as_one(monkeypatch):
    pytest.importorskip("array_api_strict")
    pytest.importorskip("mlx.core")
    from nonplus.kernels.backends import mlx

    random = np.random.default_rng(0)
    x, targets = random.normal(size=(3, 5, 7)), random.integers(0, 7, (3, 5))
    expected = token_nll(x, targets).nats
    for backend in (array_api, mlx):
        monkeypatch.setattr(backend, "_BLOCK_SCORES", 2 * 7)
    for name in ("array_api_strict", "mlx.core"):
        library = Library(name)
        nats = token_nll(library.array(x, "float32"), library.array(targets)).nats
        np.testing.assert_allclose(to_numpy(nats), expected, rtol=1e-6)


@given(data=st.data())
@examples(25)
def test_jit_gives_the_same_as_a_plain_call(data):
    library = Library("jax.numpy")
    jax = pytest.importorskip("jax")
    case = data.draw(cases(library.dtypes))
    options = dict(case.options)
    mask = options.pop("mask")
    compiled = jax.jit(token_nll, static_argnames=("kind", "shift", "ignore_index"))
    result = compiled(
        library.array(case.x, case.dtype),
        library.array(case.targets),
        mask=None if mask is None else library.array(mask),
        **options,
    )
    plain = case.measured_by(library)
    assert type(result) is type(plain)
    assert np.array_equal(result.kept, plain.kept)
    np.testing.assert_allclose(result.nats, plain.nats, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize(("name", "compiler"), [("jax.numpy", "jax.jit"), ("mlx.core", "mlx.core.compile")])
def test_a_traced_computation_gives_nan_for_what_it_cannot_refuse(name, compiler):
    library = Library(name)
    module, _, function = compiler.rpartition(".")
    compiled = getattr(importlib.import_module(module), function)(lambda x, targets: tuple(token_nll(x, targets)))
    x = np.zeros((1, 5, 3))
    x[0, 4] = np.nan
    nats, _ = compiled(library.array(x, "float32"), library.array(np.array([[0, 3, -1, 2, 0]])))
    np.testing.assert_allclose(to_numpy(nats), [[np.log(3), np.nan, np.nan, np.log(3), np.nan]], rtol=1e-6)


def test_no_gradient_is_recorded():
    jax = pytest.importorskip("jax")
    slope = jax.grad(lambda x: token_nll(x, np.array([[0]])).nats.sum())(jax.numpy.ones((1, 1, 3)))
    assert not slope.any()


def test_jax_computes_in_float64_if_enabled():
    pytest.importorskip("jax")
    script = (
        "import jax; jax.config.update('jax_enable_x64', True)\n"
        "import numpy as np; from nonplus.kernels.token_nll import token_nll\n"
        "x = np.random.default_rng(0).normal(size=(2, 3, 9)); t = np.arange(6).reshape(2, 3)\n"
        "enabled = token_nll(jax.numpy.asarray(x), t).nats\n"
        "assert enabled.dtype == np.float64\n"
        "np.testing.assert_allclose(enabled, token_nll(x, t).nats, rtol=1e-14)\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True)

"""Arrays without a value at every place are refused with what to pass instead."""

import numpy as np
import pytest

import nonplus
from nonplus.errors import BadInput
from nonplus.metrics import Perplexity, token_nll


def torch_kinds():
    torch = pytest.importorskip("torch")
    dense = torch.randn(2, 3, 4, generator=torch.Generator().manual_seed(0))
    return {
        "sparse_coo": (lambda x: x.to_sparse(), r"a sparse tensor of torch \(sparse_coo\).*x\.to_dense\(\)"),
        "sparse_csr": (lambda x: x.reshape(-1, x.shape[-1]).to_sparse_csr(), r"\(sparse_csr\).*x\.to_dense\(\)"),
        "meta": (lambda x: x.to("meta"), "a tensor on the device meta, which has no values,.*another device"),
        "nested": (lambda x: torch.nested.nested_tensor(list(x)), r"a nested tensor of torch.*to_padded_tensor"),
        "quantized": (
            lambda x: torch.quantize_per_tensor(x.float(), 1.0, 0, torch.qint8),
            r"a quantized tensor of torch \(qint8\).*x\.dequantize\(\)",
        ),
    }, dense


@pytest.mark.parametrize("kind", ["sparse_coo", "sparse_csr", "meta", "nested", "quantized"])
@pytest.mark.filterwarnings("ignore:.*beta state:UserWarning", "ignore:.*prototype stage:UserWarning")
@pytest.mark.filterwarnings("ignore:.*deprecated:DeprecationWarning", "ignore:.*deprecated:UserWarning")
def test_a_tensor_of_torch_without_plain_values_is_refused(kind):
    kinds, dense = torch_kinds()
    made, reason = kinds[kind]
    targets = dense.argmax(-1)
    for read in (
        lambda: token_nll(made(dense), targets),
        lambda: nonplus.perplexity(logprobs=made(dense)),
        lambda: Perplexity(kind="nll").update(made(dense[0])),
        lambda: Perplexity(kind="nll", check="never").update(dense[0].abs(), weights=made(dense[0].abs())),
    ):
        with pytest.raises(BadInput, match=reason):
            read()
    if kind != "quantized":  # only of floating point
        with pytest.raises(BadInput, match=reason):
            token_nll(dense, made(targets))


@pytest.mark.filterwarnings("ignore:.*prototype stage:UserWarning")
def test_a_masked_tensor_is_refused_with_how_to_pass_its_mask():
    torch = pytest.importorskip("torch")
    values = torch.masked.masked_tensor(torch.tensor([[1.0, 99.0]]), torch.tensor([[True, False]]))
    with pytest.raises(BadInput, match=r"a MaskedTensor of torch cannot be read.*mask=x\.get_mask\(\)"):
        Perplexity(kind="nll").update(values)


def test_a_sparse_array_of_jax_is_refused():
    jax = pytest.importorskip("jax")
    from jax.experimental.sparse import BCOO

    with pytest.raises(BadInput, match=r"a sparse BCOO of jax cannot be read.*x\.todense\(\)"):
        token_nll(BCOO.fromdense(jax.numpy.ones((2, 3))), np.array([0, 1]))


@pytest.mark.parametrize("package", ["numpy", "torch", "jax.numpy", "mlx.core"])
@pytest.mark.parametrize(
    ("targets", "reason"),
    [
        ([["a", "b"]], "whole numbers, got dtype <U1"),
        ([[None, 1]], "whole numbers, got dtype object"),
        ([[1, 2], [1]], "rows of one length"),
        ([[1j, 1]], "whole numbers, got dtype complex128"),
        ({"ids": 1}, "whole numbers, got dtype object"),
    ],
)
def test_targets_that_are_not_numbers_are_refused_for_every_package(package, targets, reason):
    scores = pytest.importorskip(package).zeros((1, 2, 3))
    with pytest.raises(BadInput, match=reason):
        token_nll(scores, targets)

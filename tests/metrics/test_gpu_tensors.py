"""Metrics and kernels take tensors where they are: on a GPU, they have the figures of
the CPU, and only sums leave it.
"""

import math

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from fewer_bits import fewer_bits  # noqa: E402

from nonplus.kernels.head_nll import head_nll  # noqa: E402
from nonplus.kernels.torch_head import distributions, head_logits, logprobs  # noqa: E402
from nonplus.metrics import Perplexity, token_nll  # noqa: E402

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="torch finds no GPU")

BOUNDS = {torch.float64: 1e-12, torch.float32: 2e-6, torch.float16: 2e-6, torch.bfloat16: 2e-6}


def batch(*, dtype=torch.float32, b=4, t=50, v=1000):
    random = torch.Generator().manual_seed(0)
    logits = (torch.randn(b, t, v, generator=random) * 4).to(dtype)
    target = torch.randint(v, (b, t), generator=random)
    target[1, 20:] = -100
    return logits, target


@pytest.mark.parametrize("shift", [False, True])
@pytest.mark.parametrize("dtype", BOUNDS)
def test_surprisals_of_logits_on_a_gpu_are_those_of_float64(dtype, shift):
    logits, target = batch(dtype=dtype)
    exact = token_nll(logits.double(), target, shift=shift, ignore_index=-100)
    found = token_nll(logits.cuda(), target.cuda(), shift=shift, ignore_index=-100)
    assert found.nats.device.type == "cuda"
    # values up to 20 nats
    np.testing.assert_allclose(found.nats.cpu().numpy(), exact.nats.numpy(), rtol=0, atol=20 * BOUNDS[dtype])


@pytest.mark.parametrize("dtype", BOUNDS)
@pytest.mark.parametrize("options", [{}, {"scale": 0.5}, {"softcap": 30.0}, {"shift": True}])
def test_surprisals_of_hidden_states_on_a_gpu_are_those_of_all_logits(dtype, options):
    random = torch.Generator().manual_seed(1)
    hidden, weight = torch.randn(2, 40, 64, generator=random), torch.randn(5000, 64, generator=random) / 8
    target = torch.randint(5000, (2, 40), generator=random)
    hidden, weight = hidden.to(dtype), weight.to(dtype)
    exact = head_nll(hidden.double(), weight.double(), target, **options)
    found = head_nll(hidden.cuda(), weight.cuda(), target.cuda(), **options)
    bound = {torch.float64: 1e-12, torch.float32: 1e-5, torch.float16: 5e-3, torch.bfloat16: 4e-2}[dtype]
    np.testing.assert_allclose(found.nats.double().cpu().numpy(), exact.nats.numpy(), rtol=0, atol=bound)


def test_surprisals_of_hidden_states_on_a_gpu_are_the_same_inside_autocast_and_tf32():
    random = torch.Generator().manual_seed(1)
    hidden, weight = torch.randn(2, 40, 64, generator=random), torch.randn(5000, 64, generator=random) / 8
    given = hidden.cuda(), weight.cuda(), torch.randint(5000, (2, 40), generator=random).cuda()
    usual = head_nll(*given).nats
    with fewer_bits("high"):
        assert torch.equal(head_nll(*given).nats, usual)
    with torch.autocast("cuda", torch.bfloat16):
        assert torch.equal(head_nll(*given).nats, usual)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_log_probabilities_by_the_head_in_chunks_are_those_of_float64(dtype):
    random = torch.Generator().manual_seed(2)
    hidden, weight = torch.randn(300, 32, generator=random).to(dtype), torch.randn(700, 32, generator=random).to(dtype)
    target = torch.randint(700, (300,), generator=random)
    exact_NV = (hidden.double() @ weight.double().T).log_softmax(1).numpy()
    for cap in (1000, 1 << 20):
        found = head_logits(hidden.cuda(), weight.cuda(), None, cap_bytes=cap)
        logprob_N = logprobs(found, target)
        whole_NV = np.concatenate(
            [chunk.copy() for chunk in distributions(head_logits(hidden.cuda(), weight.cuda(), None, cap_bytes=cap))]
        )
        bound = 1e-11 if dtype == torch.float64 else 5e-5
        np.testing.assert_allclose(logprob_N, exact_NV[np.arange(300), target.numpy()], rtol=0, atol=bound)
        np.testing.assert_allclose(whole_NV, exact_NV, rtol=0, atol=bound)


@pytest.mark.parametrize("dtype", BOUNDS)
def test_a_metric_fed_from_a_gpu_has_the_figure_of_the_cpu(dtype):
    logits, target = batch(dtype=dtype)
    values = []
    for device in ("cpu", "cuda"):
        metric = Perplexity(ignore_index=-100)
        for row in range(len(logits)):
            metric.update(logits[row, None].to(device), target[row, None].to(device))
        values.append(float(metric.compute()))
    assert values[1] == pytest.approx(values[0], rel=1e-6)


def test_the_class_for_torchmetrics_lives_on_the_gpu_it_is_moved_to():
    pytest.importorskip("torchmetrics")
    from nonplus.metrics.torchmetrics import Perplexity as Torch

    logits, target = batch()
    on_cpu, on_gpu = Torch(ignore_index=-100), Torch(ignore_index=-100).cuda()
    expected = on_cpu(logits, target)
    found = on_gpu(logits.cuda(), target.cuda())
    assert found.device.type == "cuda"
    assert float(found) == pytest.approx(float(expected), rel=1e-6)
    back = on_gpu.cpu()
    back.update(logits, target)
    assert float(back.compute()) == pytest.approx(float(expected), rel=1e-6)


def test_the_class_for_torchmetrics_is_gathered_by_nccl(tmp_path):
    """One process: what can be tried on one GPU."""
    pytest.importorskip("torchmetrics")
    from nonplus.metrics.torchmetrics import Perplexity as Torch

    logits, target = batch()
    torch.distributed.init_process_group(
        "nccl",
        store=torch.distributed.FileStore(str(tmp_path / "store"), 1),
        rank=0,
        world_size=1,
        device_id=torch.device("cuda", 0),
    )
    try:
        metric = Torch(ignore_index=-100, sync_on_compute=True, distributed_available_fn=lambda: True).cuda()
        metric.update(logits.cuda(), target.cuda())
        found = float(metric.compute())
    finally:
        torch.distributed.destroy_process_group()
    exact = token_nll(logits.double(), target, ignore_index=-100)
    assert found == pytest.approx(math.exp(float(exact.nats[exact.kept].mean())), rel=1e-6)

"""Identities: any change of a weight shows, even one that cancels in a plain sum."""

from collections.abc import Callable

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from nonplus.models.hf.identity import _checksum  # noqa: E402


def two_signs(weight):
    weight[0, 1], weight[0, 3] = -weight[0, 1], -weight[0, 3]


def half_of_the_columns(weight):
    weight[:, ::2] *= -1


def everything_doubled(weight):
    weight *= 2


def two_rows_exchanged(weight):
    weight[[0, 1]] = weight[[1, 0]]


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("change", [two_signs, half_of_the_columns, everything_doubled, two_rows_exchanged])
def test_a_changed_weight_has_another_checksum(change: Callable, dtype) -> None:
    weight = torch.randn(2048, 2048, generator=torch.Generator().manual_seed(0)).to(dtype)
    changed = weight.clone()
    change(changed)
    assert _checksum(changed) != _checksum(weight)
    assert _checksum(weight.clone()) == _checksum(weight)

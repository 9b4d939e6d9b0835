"""Identities: any change of a weight shows, whoever made it and however."""

from collections.abc import Callable

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from hf_tiny import byte_tokenizer, rows, tiny  # noqa: E402
from native_switch import switched  # noqa: E402

from nonplus.models.hf.checksum import checksum  # noqa: E402
from nonplus.models.hf.model import from_object  # noqa: E402

# ------------------------------------------------------------------------ the checksum


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
    assert checksum(changed) != checksum(weight)
    assert checksum(weight.clone()) == checksum(weight)


def slow_checksum(data: bytes) -> int:
    """The same in Python's integers."""

    def folded(word):
        return word ^ word >> 32

    first, second, modulus = 0x9E3779B97F4A7C15, 0x94D049BB133111EB, 1 << 64
    total = 0
    for start in range(0, len(data), 8 << 20):
        block = data[start : start + (8 << 20)]
        words = [int.from_bytes(block[i : i + 8].ljust(8, b"\0"), "little") for i in range(0, len(block), 8)]
        mixed = [
            folded(folded(word) * (2 * i + 1) * first % modulus) * second % modulus for i, word in enumerate(words)
        ]
        total = (31 * total + sum(map(folded, mixed))) % modulus
    return total - modulus if total >> 63 else total


@pytest.mark.parametrize("kernel", ["C", "Python"])
@pytest.mark.parametrize("size", [0, 1, 7, 8, 9, 1000, (8 << 20) + 13])
def test_a_checksum_is_that_of_pythons_integers(kernel, size):
    data = torch.randint(0, 256, (size,), dtype=torch.uint8, generator=torch.Generator().manual_seed(size))
    with switched(kernel):
        assert checksum(data) == slow_checksum(bytes(data.tolist()))


# ------------------------------------------------------------- what changes the weights


def a_step_of_an_optimiser(model):
    model(torch.from_numpy(rows(30)[0].input)[None]).logits.square().mean().backward()
    torch.optim.AdamW(model.parameters(), lr=0.1).step()


def loading_a_state(model):
    model.load_state_dict({name: 2 * weight for name, weight in model.state_dict().items()})


def another_tensor_as_data(model):
    model.lm_head.weight.data = 2 * model.lm_head.weight.data


def adding_to_the_data(model):
    model.lm_head.weight.data.add_(1)


def writing_through_numpy(model):
    model.lm_head.weight.detach().numpy()[0, 0] += 1


def writing_under_inference_mode(model):
    with torch.inference_mode():
        model.lm_head.weight.mul_(2)


def another_parameter(model):
    model.lm_head.weight = torch.nn.Parameter(2 * model.lm_head.weight.detach())


@pytest.mark.parametrize(
    "change",
    [
        a_step_of_an_optimiser,
        loading_a_state,
        another_tensor_as_data,
        adding_to_the_data,  # torch's version counters do not see this one
        writing_through_numpy,  # nor this one
        writing_under_inference_mode,
        another_parameter,
    ],
)
def test_weights_that_changed_in_any_way_have_another_identity(change):
    model = tiny("Llama", dtype=torch.float32)
    ours = from_object(model, byte_tokenizer())
    before = ours.identity
    assert ours.identity == before
    change(model)
    assert ours.identity != before


def test_merging_an_adapter_changes_the_identity():
    peft = pytest.importorskip("peft", reason="adapters need it")
    model = peft.get_peft_model(tiny("Llama"), peft.LoraConfig(r=2, init_lora_weights=False))
    ours = from_object(model, byte_tokenizer())
    before = ours.identity
    model.merge_adapter()
    assert ours.identity != before

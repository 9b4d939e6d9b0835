"""Anything that gives logits is scored through one seam: the same weights have the same
figure in every library, and what gives no causal logits is refused with the reason.
"""

import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import tokenizers
from doubles import History

import nonplus
from nonplus.errors import BadModel
from nonplus.measure import conformance
from nonplus.measure.interfaces import HasDistributions
from nonplus.models.synthetic import Bytes

TEXTS = ["A small brown dog barked twice.", "Nobody had seen the river so high.", "“Été”"]
V, H = 258, 12
draw = np.random.default_rng(13)
WEIGHTS = {"embedding": draw.standard_normal((V, H)), "head": 0.7 * draw.standard_normal((H, V))}


def surprisal(history: list[int], target: int) -> float:
    """The mean of the embeddings so far, through a head: slow, obvious, in float64."""
    state = sum(WEIGHTS["embedding"][token] for token in history) / len(history)
    logits = (state @ WEIGHTS["head"]).tolist()
    return math.log(math.fsum(map(math.exp, logits))) - logits[target]


def expected(bos: int | None = None) -> float:
    """Nats of each text in one window."""
    total = 0.0
    for text in TEXTS:
        ids = [*([] if bos is None else [bos]), *text.encode()]
        total += sum(surprisal(ids[:place], ids[place]) for place in range(1, len(ids)))
    return total


def in_numpy(ids: Any, dtype: Any = np.float64) -> Any:
    embedding, head = (WEIGHTS[name].astype(dtype) for name in ("embedding", "head"))
    counts = np.arange(1, ids.shape[1] + 1, dtype=dtype)[:, None]
    return np.cumsum(embedding[ids], axis=1) / counts @ head


def in_array_api(ids: Any) -> Any:
    xp = pytest.importorskip("array_api_strict")
    return xp.asarray(in_numpy(ids))


@functools.cache
def jitted() -> Any:
    """Compiled for one shape, 4 rows of 64 tokens."""
    jax = pytest.importorskip("jax")
    embedding, head = jax.numpy.asarray(WEIGHTS["embedding"]), jax.numpy.asarray(WEIGHTS["head"])

    def logits(ids: Any) -> Any:
        states = jax.numpy.cumsum(embedding[ids], axis=1) / jax.numpy.arange(1, 65)[:, None]
        return jax.numpy.matmul(states, head, precision="highest")

    return jax.jit(logits)


def in_jax(ids: Any) -> Any:
    rows, tokens = ids.shape
    return jitted()(np.pad(ids, ((0, 4 - rows), (0, 64 - tokens))))[:rows, :tokens]


def in_mlx(ids: Any) -> Any:
    mx = pytest.importorskip("mlx.core", exc_type=ImportError)
    embedding, head = (mx.array(WEIGHTS[name].astype(np.float32)) for name in ("embedding", "head"))
    states = mx.cumsum(embedding[mx.array(ids)], axis=1) / mx.arange(1, ids.shape[1] + 1)[:, None]
    return states @ head


def torch_module(dtype: str) -> Callable[[Any], Any]:
    torch = pytest.importorskip("torch")

    class Mean(torch.nn.Module):  # type: ignore[name-defined, misc]
        def __init__(self) -> None:
            super().__init__()
            self.embedding = torch.nn.Embedding.from_pretrained(torch.from_numpy(WEIGHTS["embedding"]))
            self.head = torch.nn.Linear(H, V, bias=False)
            self.head.weight.data = torch.from_numpy(WEIGHTS["head"].T.copy())

        def forward(self, ids: Any) -> Any:
            states = self.embedding(ids).cumsum(1)
            return self.head(states / torch.arange(1, ids.shape[1] + 1, dtype=states.dtype)[:, None])

    module = Mean().to(getattr(torch, dtype))
    return lambda ids: module(torch.from_numpy(ids))


def in_torch(ids: Any) -> Any:
    return torch_module("float64")(ids)


def in_torch_float32(ids: Any) -> Any:
    return torch_module("float32")(ids)


LIBRARIES = [(in_numpy, 1e-12), (in_array_api, 1e-12), (in_torch, 1e-12)]
LIBRARIES += [(in_torch_float32, 1e-6), (in_jax, 1e-6), (in_mlx, 1e-6)]


@pytest.mark.parametrize(("logits_fn", "rounding"), LIBRARIES)
def test_every_library_gives_the_figure_of_a_slow_sum_in_float64(
    logits_fn: Callable[[Any], Any], rounding: float
) -> None:
    model = nonplus.wrap(logits_fn, tokenizer=Bytes(), context=64, bos=257)
    report = nonplus.evaluate(TEXTS, model=model)
    assert report.nats == pytest.approx(expected(257), rel=rounding)
    assert report.bits_per_byte is not None


def test_without_bos_the_first_token_is_not_scored() -> None:
    report = nonplus.evaluate(TEXTS, model=nonplus.wrap(in_numpy, tokenizer=Bytes(), context=64))
    assert report.nats == pytest.approx(expected(), rel=1e-12)
    assert report.tally.unscored == len(TEXTS)


def test_a_wrapped_model_passes_every_check_of_the_doctor() -> None:
    model = nonplus.wrap(in_numpy, tokenizer=Bytes(), context=200)
    checks = list(conformance.examine(model))
    assert [check.name for check in checks if not check.passed] == []
    assert {"readings", "distribution"} <= {check.name for check in checks}


def test_the_dtype_is_that_of_the_logits_unless_another_is_stated() -> None:
    assert nonplus.wrap(in_torch_float32, tokenizer=Bytes(), context=48).dtype == "float32"
    assert nonplus.wrap(in_numpy, tokenizer=Bytes(), context=48).dtype == "float64"
    assert nonplus.wrap(in_numpy, tokenizer=Bytes(), context=48, dtype="bfloat16").dtype == "bfloat16"


def test_alternatives_come_from_the_same_logits() -> None:
    model = nonplus.wrap(in_numpy, tokenizer=Bytes(), context=64, bos=257)
    assert isinstance(model, HasDistributions)
    (scored,) = nonplus.score(TEXTS[0], model=model, options=nonplus.RunOptions(alternatives=2))
    best = [min(range(V), key=lambda token: surprisal([257], token))]
    assert scored.readings is not None
    assert scored.readings.top_ids[0, :1].tolist() == best


def test_windows_strides_and_batches_are_those_of_any_window_model() -> None:
    history = History(vocabulary=258, max_context=16)

    def logits(ids: Any) -> Any:
        rows = [[history.log_distribution(row[: t + 1].tolist()) for t in range(len(row))] for row in ids]
        return np.array(rows) + 3.0

    wrapped = nonplus.wrap(logits, tokenizer=Bytes(), context=16, bos=256, eos=257)
    for protocol in ("full", "stride:4", "gptq:8"):
        own, theirs = (nonplus.evaluate(TEXTS, model=m, protocol=protocol) for m in (wrapped, history))
        assert own.nats == pytest.approx(theirs.nats, rel=1e-12)
        assert own.protocol.fingerprint == theirs.protocol.fingerprint


def test_a_run_is_resumed_only_where_the_weights_identify_the_model(tmp_path: Any) -> None:
    options = nonplus.RunOptions(resume=tmp_path)
    with pytest.raises(BadModel, match=r"has no identity, .* give nonplus.wrap the model's weights="):
        nonplus.evaluate(TEXTS, model=nonplus.wrap(in_numpy, tokenizer=Bytes(), context=64), options=options)
    calls = []

    def counted(ids: Any) -> Any:
        calls.append(len(ids))
        return in_numpy(ids)

    model = nonplus.wrap(counted, tokenizer=Bytes(), context=64, weights=WEIGHTS)
    first = nonplus.evaluate(TEXTS, model=model, options=options)
    calls.clear()
    assert nonplus.evaluate(TEXTS, model=model, options=options).tally == first.tally
    assert not calls


def test_an_identity_tells_names_values_and_dtypes_apart() -> None:
    others: list[Any] = [
        {"head": WEIGHTS["head"]},
        {"tail": WEIGHTS["head"]},
        {"head": WEIGHTS["head"].T},
        {"head": WEIGHTS["head"] + 1},
        {"head": WEIGHTS["head"].astype(np.float32)},
        "version 7",
    ]
    models = [nonplus.wrap(in_numpy, tokenizer=Bytes(), context=32, weights=each) for each in others]
    assert len({each.identity for each in models}) == len(others)
    reordered = dict(reversed(WEIGHTS.items()))
    one, same = (nonplus.wrap(in_numpy, tokenizer=Bytes(), context=32, weights=each) for each in (WEIGHTS, reordered))
    assert one.identity == same.identity != ""


def test_weights_without_an_array_identify_nothing() -> None:
    with pytest.raises(BadModel, match=r"weights=\{\} has no array, .* give the model's arrays, or omit it"):
        nonplus.wrap(in_numpy, tokenizer=Bytes(), context=32, weights={})


def test_weights_of_any_library_identify_a_model_alike() -> None:
    torch = pytest.importorskip("torch")
    theirs = {name: torch.from_numpy(each) for name, each in WEIGHTS.items()}
    one, other = (nonplus.wrap(in_numpy, tokenizer=Bytes(), context=32, weights=each) for each in (WEIGHTS, theirs))
    assert one.identity == other.identity


def in_training(ids: Any) -> Any:
    return in_numpy(ids) * np.random.default_rng().random((1, 1, V))


def bidirectional(ids: Any) -> Any:
    return in_numpy(ids) + in_numpy(ids)[:, -1:]


def sees_its_neighbours(ids: Any) -> Any:
    return in_numpy(ids) * (1 + ids[:, :1].mean())


def sees_padding(ids: Any) -> Any:
    return in_numpy(ids) * (1 + ids.shape[1])


def softmax(ids: Any) -> Any:
    chances = np.exp(in_numpy(ids))
    return chances / chances.sum(-1, keepdims=True)


WRONG = [
    (in_training, "check repeatable.*: switch off dropout"),
    (bidirectional, "zeros to their right"),
    (sees_its_neighbours, "rows may not see each other"),
    (sees_padding, "zeros to their right"),
    (softmax, "gives probabilities"),
    (lambda ids: in_numpy(ids) * np.nan, "gives NaN"),
    (lambda ids: in_numpy(ids)[:, -1], r"shape \(1, 258\) for ids of shape \(1, 2\)"),
    (lambda ids: in_numpy(ids)[:, 1:], r"shape \(1, 1, 258\) for ids of shape \(1, 2\)"),
    (lambda ids: {"logits": in_numpy(ids)}, "must be an array .*, got dict"),
    (lambda ids: in_numpy(ids) > 0, "bool"),
]


@pytest.mark.parametrize(("logits_fn", "why"), WRONG)
def test_what_gives_no_causal_logits_is_refused_with_the_reason(logits_fn: Any, why: str) -> None:
    with pytest.raises(BadModel, match=why):
        nonplus.wrap(logits_fn, tokenizer=Bytes(), context=48)


def test_a_module_that_takes_tensors_is_told_how_to_be_wrapped() -> None:
    torch = pytest.importorskip("torch")
    with pytest.raises(BadModel, match=r"lambda ids: model\(torch.from_numpy\(ids\)\)"):
        nonplus.wrap(torch.nn.Embedding(V, V), tokenizer=Bytes(), context=8)


def words(text: str, *, before: str = "") -> tokenizers.Tokenizer:
    vocabulary = {word: i for i, word in enumerate(["<unk>", "<s>", "</s>", *sorted({*text.split()})])}
    rust = tokenizers.Tokenizer(tokenizers.models.WordLevel(vocabulary, unk_token="<unk>"))
    rust.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    rust.add_special_tokens(["<unk>", "<s>", "</s>"])
    if before:
        single = f"{before} $A"
        rust.post_processor = tokenizers.processors.TemplateProcessing(single, special_tokens=[(before, 1)])
    return rust


def test_bos_is_what_the_tokenizer_adds_or_what_is_named() -> None:
    auto = nonplus.wrap(in_numpy, tokenizer=words("a b c", before="<s>"), context=32)
    assert (auto.special.bos, auto.special.eos) == (1, None)
    named = nonplus.wrap(in_numpy, tokenizer=words("a b c"), context=32, bos="<s>", eos=2)
    assert (named.special.bos, named.special.eos) == (1, 2)
    none = nonplus.wrap(in_numpy, tokenizer=words("a b c", before="<s>"), context=32, bos=None)
    assert none.special.bos is None


def test_a_special_token_that_is_none_is_refused() -> None:
    with pytest.raises(BadModel, match="is 3 tokens of this tokenizer"):
        nonplus.wrap(in_numpy, tokenizer=Bytes(), context=32, bos="<s>")
    with pytest.raises(BadModel, match="special token 258 is not in the model's vocabulary of 258"):
        nonplus.wrap(in_numpy, tokenizer=Bytes(), context=32, eos=258)


def test_a_tokenizer_of_another_model_is_refused() -> None:
    with pytest.raises(BadModel, match="logits of 258 tokens, and its tokenizer has 303"):
        nonplus.wrap(in_numpy, tokenizer=words(" ".join(map(str, range(300)))), context=32)
    with pytest.raises(BadModel, match="got one of type str"):
        nonplus.wrap(in_numpy, tokenizer="gpt2", context=32)


def test_a_token_beyond_the_vocabulary_is_refused() -> None:
    rows = (WEIGHTS["embedding"] @ WEIGHTS["head"])[:200, :200]
    model = nonplus.wrap(lambda ids: rows[ids], tokenizer=Bytes(), context=32)
    with pytest.raises(BadModel, match=r"gives the id 226 .* knows only ids from 0 to 199"):
        nonplus.evaluate("a € b", model=model)


def test_the_logits_of_a_batch_stay_within_a_bound_that_its_budget_keeps() -> None:
    shapes = []

    def watched(ids: Any) -> Any:
        shapes.append(ids.shape)
        return np.zeros((*ids.shape, 1 << 20), np.float32) + np.arange(1 << 20, dtype=np.float32) / (1 << 20)

    model = nonplus.wrap(watched, tokenizer=Bytes(), context=16)
    shapes.clear()
    nonplus.evaluate(["a longer text " * 9, *TEXTS], model=model)
    assert max(rows * tokens for rows, tokens in shapes) * 4 * (1 << 20) <= 1 << 28

"""The forward pass in NumPy against loops, transformers, and other layouts."""

import json
import subprocess
import sys
import threading
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import tokenizers
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import save_file

import nonplus
from nonplus.errors import BadInput, BadModel
from nonplus.kernels import numpy_head
from nonplus.measure.records import Batch
from nonplus.models.llama import model as llama
from nonplus.models.llama import network
from nonplus.models.llama.model import open_llama

TINY = Path(nonplus.__file__).parent / "models" / "bundled" / "tiny"
SMALL = {
    "model_type": "llama",
    "vocab_size": 29,
    "hidden_size": 12,
    "intermediate_size": 20,
    "num_hidden_layers": 2,
    "num_attention_heads": 6,
    "num_key_value_heads": 2,
    "head_dim": 4,
    "max_position_embeddings": 64,
    "rms_norm_eps": 1e-5,
    "rope_parameters": {"rope_type": "default", "rope_theta": 500.0},
    "tie_word_embeddings": False,
}


def weights_for(config, *, biases):
    """Random weights by name, in float32."""
    random = np.random.default_rng(0)
    d, f, v, c = (config[key] for key in ("hidden_size", "intermediate_size", "vocab_size", "head_dim"))
    a, k = config["num_attention_heads"], config["num_key_value_heads"]
    shapes = {"model.embed_tokens.weight": (v, d), "lm_head.weight": (v, d), "model.norm.weight": (d,)}
    for layer in range(config["num_hidden_layers"]):
        prefix = f"model.layers.{layer}."
        matrices = {"q": (a * c, d), "k": (k * c, d), "v": (k * c, d), "o": (d, a * c)}
        named = {f"self_attn.{role}_proj": shape for role, shape in matrices.items()}
        named |= {"mlp.gate_proj": (f, d), "mlp.up_proj": (f, d), "mlp.down_proj": (d, f)}
        shapes |= {f"{prefix}{name}.weight": shape for name, shape in named.items()}
        shapes |= {f"{prefix}{name}.bias": shape[:1] for name, shape in named.items() if biases}
        shapes |= {f"{prefix}{norm}_layernorm.weight": (d,) for norm in ("input", "post_attention")}
    return {name: (0.5 * random.standard_normal(shape)).astype(np.float32) for name, shape in shapes.items()}


def write_folder(folder, *, config=SMALL, weights=None):
    folder.mkdir(exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config))
    tokenizers.Tokenizer(tokenizers.models.WordLevel({"a": 0}, unk_token="a")).save(str(folder / "tokenizer.json"))
    save_file(weights if weights is not None else weights_for(config, biases=False), folder / "model.safetensors")
    return folder


def slow_logprobs(weights, config, ids):
    """ln P of every id after ``ids``: loops in float64, by the definition."""
    w = {name: tensor.astype(np.float64) for name, tensor in weights.items()}
    c = config["head_dim"]
    group = config["num_attention_heads"] // config["num_key_value_heads"]
    theta = config["rope_parameters"]["rope_theta"]

    def linear(name, x):
        return w[f"{name}.weight"] @ x + w.get(f"{name}.bias", 0)

    def normed(name, x):
        return x / np.sqrt(np.mean(x * x) + config["rms_norm_eps"]) * w[f"{name}.weight"]

    def turned(x, position):
        y = x.copy()
        for start in range(0, len(x), c):
            for i in range(c // 2):
                angle = position * theta ** (-2 * i / c)
                one, two = x[start + i], x[start + i + c // 2]
                y[start + i] = one * np.cos(angle) - two * np.sin(angle)
                y[start + i + c // 2] = two * np.cos(angle) + one * np.sin(angle)
        return y

    xs = [w["model.embed_tokens.weight"][i] for i in ids]
    for layer in range(config["num_hidden_layers"]):
        at, mlp = f"model.layers.{layer}.self_attn.", f"model.layers.{layer}.mlp."
        ys = [normed(f"model.layers.{layer}.input_layernorm", x) for x in xs]
        qs = [turned(linear(f"{at}q_proj", y), t) for t, y in enumerate(ys)]
        ks = [turned(linear(f"{at}k_proj", y), t) for t, y in enumerate(ys)]
        vs = [linear(f"{at}v_proj", y) for y in ys]
        for t in range(len(xs)):
            heads = []
            for head in range(config["num_attention_heads"]):
                own, shared = slice(head * c, (head + 1) * c), slice(head // group * c, (head // group + 1) * c)
                share = np.exp([qs[t][own] @ ks[s][shared] / np.sqrt(c) for s in range(t + 1)])
                heads.append(sum(p * vs[s][shared] for s, p in enumerate(share / share.sum())))
            xs[t] = xs[t] + linear(f"{at}o_proj", np.concatenate(heads))
        for t, x in enumerate(xs):
            y = normed(f"model.layers.{layer}.post_attention_layernorm", x)
            gate = linear(f"{mlp}gate_proj", y)
            xs[t] = x + linear(f"{mlp}down_proj", gate / (1 + np.exp(-gate)) * linear(f"{mlp}up_proj", y))
    logits = w.get("lm_head.weight", w["model.embed_tokens.weight"]) @ normed("model.norm", xs[-1])
    return logits - np.log(np.exp(logits).sum())


def side_by_side(*texts):
    """Texts in one row, each with every token but its first asked for."""
    ids = np.concatenate([text[:-1] for text in texts])
    positions = np.concatenate([np.arange(len(text) - 1) for text in texts])
    return Batch(ids[None], positions[None], np.arange(len(ids)), np.concatenate([text[1:] for text in texts]))


def whole(model, batch):
    """All distributions at once, shape (N, V)."""
    return np.concatenate([np.empty((0, model.vocabulary)), *(chunk.copy() for chunk in model.distributions(batch))])


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    return open_llama(write_folder(tmp_path_factory.mktemp("models") / "small"))


IDS = st.lists(st.integers(0, 28), min_size=2, max_size=60).map(np.array)


@pytest.mark.parametrize("biases", [False, True])
@pytest.mark.parametrize("tied", [False, True])
def test_log_probabilities_are_those_of_the_definition(tmp_path, tied, biases):
    config = SMALL | {"tie_word_embeddings": tied}
    weights = weights_for(config, biases=biases)
    if tied:
        del weights["lm_head.weight"]
    model = open_llama(write_folder(tmp_path / "model", config=config, weights=weights))
    ids = np.random.default_rng(1).integers(0, 29, 25)
    expected = [slow_logprobs(weights, config, ids[:t])[ids[t]] for t in range(1, len(ids))]
    np.testing.assert_allclose(model.logprobs(side_by_side(ids)), expected, atol=1e-5)


@given(st.lists(IDS, min_size=1, max_size=6))
def test_texts_that_share_a_row_do_not_see_one_another(small, texts):
    alone = np.concatenate([small.logprobs(side_by_side(text)) for text in texts])
    np.testing.assert_allclose(small.logprobs(side_by_side(*texts)), alone, atol=1e-5)


@given(IDS, IDS, st.integers(0, 28))
def test_padding_is_not_seen(small, one, two, padding):
    width = max(len(one), len(two)) + 2
    rows = [np.concatenate([ids, np.full(width - len(ids), padding)]) for ids in (one, two)]
    at = np.concatenate([np.arange(len(one) - 1), width + np.arange(len(two) - 1)])
    batch = Batch(np.stack(rows), np.tile(np.arange(width), (2, 1)), at, np.concatenate([one[1:], two[1:]]))
    alone = np.concatenate([small.logprobs(side_by_side(ids)) for ids in (one, two)])
    np.testing.assert_allclose(small.logprobs(batch), alone, atol=1e-5)


@given(IDS, st.data())
def test_which_targets_are_asked_for_changes_no_log_probability(small, ids, data):
    whole = side_by_side(ids)
    at = np.sort(np.array(data.draw(st.lists(st.integers(0, len(ids) - 2), min_size=1))))
    part = Batch(whole.input_BT, whole.position_BT, at, whole.target_N[at])
    np.testing.assert_allclose(small.logprobs(part), small.logprobs(whole)[at], atol=1e-5)


@given(st.lists(IDS, min_size=1, max_size=6))
def test_attention_in_small_blocks_is_attention(small, texts):
    batch = side_by_side(*texts)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(network, "_QUERIES", 7)
        patch.setattr(network, "_FEWEST", 1)
        in_blocks = small.logprobs(batch)
    np.testing.assert_allclose(in_blocks, small.logprobs(batch), atol=1e-5)


@given(st.integers(1, 5), st.integers(2, 30), st.integers(2, 7), st.data())
def test_any_number_of_threads_gives_the_same_log_probabilities(small, rows, length, threads, data):
    ids_BT = np.array(data.draw(st.lists(st.integers(0, 28), min_size=rows * length, max_size=rows * length)))
    at = np.sort(np.array(data.draw(st.lists(st.integers(0, rows * length - 1), max_size=40)), np.int64))
    shape = rows, length
    batch = Batch(ids_BT.reshape(shape), np.tile(np.arange(length), (rows, 1)), at, np.roll(ids_BT, -1)[at])
    logprobs, distributions = {}, {}
    for count in (1, threads):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(llama, "_SHARE", 1)
            patch.setattr(llama, "processors", lambda count=count: count)
            patch.setattr(numpy_head, "processors", lambda count=count: count)
            logprobs[count], distributions[count] = small.logprobs(batch), whole(small, batch)
    np.testing.assert_allclose(logprobs[threads], logprobs[1], atol=1e-5)
    np.testing.assert_allclose(distributions[threads], distributions[1], atol=1e-5)


@given(IDS)
def test_probabilities_sum_to_one(small, ids):
    batch = side_by_side(ids)
    everything = Batch(batch.input_BT, batch.position_BT, np.full(29, len(ids) - 2), np.arange(29))
    assert np.exp(small.logprobs(everything)).sum() == pytest.approx(1, abs=1e-5)


@given(st.lists(IDS, min_size=1, max_size=6), st.sampled_from([1, 500, 1 << 20]))
def test_distributions_hold_the_log_probabilities_and_sum_to_one(small, texts, cap):
    batch = side_by_side(*texts)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(llama, "_LOGITS", cap)
        logprob_NV = whole(small, batch)
    chosen_N = np.take_along_axis(logprob_NV, batch.target_N[:, None], axis=1)[:, 0]
    np.testing.assert_allclose(chosen_N, small.logprobs(batch), atol=1e-5)
    np.testing.assert_allclose(np.exp(logprob_NV.astype(np.float64)).sum(axis=1), 1, atol=1e-6)


@given(IDS, st.data())
def test_positions_may_be_asked_for_in_any_order(small, ids, data):
    whole = side_by_side(ids)
    at = np.array(data.draw(st.permutations(range(len(ids) - 1))))
    shuffled = Batch(whole.input_BT, whole.position_BT, at, whole.target_N[at])
    np.testing.assert_allclose(small.logprobs(shuffled), small.logprobs(whole)[at], atol=1e-5)


def test_one_text_alone_is_the_work_of_all_threads(small, monkeypatch):
    monkeypatch.setattr(llama, "_SHARE", 1)
    monkeypatch.setattr(llama, "processors", lambda: 3)
    together = threading.Barrier(3, timeout=10)  # opens only if all three are there at once
    alone = network.swiglu
    monkeypatch.setattr(network, "swiglu", lambda both: (together.wait(), alone(both))[1])
    assert small.logprobs(side_by_side(np.arange(20))).shape == (19,)


def test_a_fault_in_one_thread_is_the_fault_of_the_whole(small, monkeypatch):
    monkeypatch.setattr(llama, "_SHARE", 1)
    monkeypatch.setattr(llama, "processors", lambda: 2)
    ids = np.array([[1, 2, 3], [4, 29, 5]])
    with pytest.raises(BadInput, match="token id 29"):
        small.logprobs(Batch(ids, np.tile(np.arange(3), (2, 1)), np.array([0, 4]), np.array([1, 1])))


def test_a_long_text_needs_no_square_of_its_length_in_memory(small):
    ids = np.random.default_rng(0).integers(0, 29, 4096)
    tracemalloc.start()
    try:
        small.logprobs(side_by_side(ids))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 50e6  # the scores of all heads at once would be 400 MB


@pytest.mark.parametrize(("kind", "bits"), [("F16", np.float16), ("BF16", np.uint16)])
def test_half_precision_weights_are_read_as_what_they_stand_for(tmp_path, kind, bits):
    weights = weights_for(SMALL, biases=False)
    if kind == "F16":
        stored = {name: tensor.astype(bits) for name, tensor in weights.items()}
        meant = {name: tensor.astype(np.float32) for name, tensor in stored.items()}
    else:
        stored = {name: (tensor.view(np.uint32) >> 16).astype(bits) for name, tensor in weights.items()}
        meant = {name: (tensor.astype(np.uint32) << 16).view(np.float32) for name, tensor in stored.items()}
    half = write_folder(tmp_path / "half", weights=stored)
    if kind == "BF16":  # save_file knows no bfloat16, so its name goes into the header by hand
        raw = (half / "model.safetensors").read_bytes().replace(b'"dtype":"U16"', b'"dtype":"BF16"')
        added = len(raw) - (half / "model.safetensors").stat().st_size
        size = int.from_bytes(raw[:8], "little") + added
        (half / "model.safetensors").write_bytes(size.to_bytes(8, "little") + raw[8:])
    full = open_llama(write_folder(tmp_path / "full", weights=meant))
    batch = side_by_side(np.arange(20))
    assert np.array_equal(open_llama(half).logprobs(batch), full.logprobs(batch))


def test_weights_in_several_files_are_the_same_weights(tmp_path, small):
    folder = write_folder(tmp_path / "sharded")
    (folder / "model.safetensors").unlink()
    weights, shards = weights_for(SMALL, biases=False), {}
    for number, name in enumerate(weights):
        shards.setdefault(f"model-{number % 2}.safetensors", {})[name] = weights[name]
    for file, tensors in shards.items():
        save_file(tensors, folder / file)
    index = {"weight_map": {name: file for file, tensors in shards.items() for name in tensors}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    batch = side_by_side(np.arange(20))
    assert np.array_equal(open_llama(folder).logprobs(batch), small.logprobs(batch))


def test_the_identity_is_that_of_weights_and_configuration(tmp_path, small):
    assert open_llama(write_folder(tmp_path / "same")).identity == small.identity
    for name, config in (("theta", {"rope_theta": 10.0}), ("eps", {"rms_norm_eps": 1e-6})):
        assert open_llama(write_folder(tmp_path / name, config=SMALL | config)).identity != small.identity
    other = weights_for(SMALL, biases=False) | {"model.norm.weight": np.ones(12, np.float32)}
    assert open_llama(write_folder(tmp_path / "weights", weights=other)).identity != small.identity


@pytest.mark.parametrize("wrong", [-1, 29])
def test_an_id_outside_the_vocabulary_is_refused(small, wrong):
    for ids in ([0, 1, wrong, 2], [0, 1, 2, wrong]):
        with pytest.raises(BadInput, match=rf"token id {wrong} .* vocabulary of 29"):
            small.logprobs(side_by_side(np.array(ids)))
        with pytest.raises(BadInput, match=rf"token id {wrong} .* vocabulary of 29"):
            next(small.distributions(side_by_side(np.array(ids))))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"model_type": "gpt2"},
            r"with model_type 'llama'.* has 'gpt2'; pip install 'nonplus\[hf\]' and open it as hf:",
        ),
        ({"rope_parameters": {"rope_type": "llama3"}}, "has 'llama3'; .* open it as hf:"),
        ({"rope_scaling": {"type": "linear", "factor": 2}, "rope_parameters": None}, "has 'linear'; .* open it as hf:"),
        ({"hidden_act": "gelu"}, "has 'gelu'; .* open it as hf:"),
        ({"num_hidden_layers": 3}, r"no weights named 'model.layers.2"),
    ],
)
def test_a_model_that_needs_more_than_this_is_refused(tmp_path, change, message):
    folder = write_folder(tmp_path / "other", weights=weights_for(SMALL, biases=False))
    (folder / "config.json").write_text(json.dumps(SMALL | change))
    with pytest.raises(BadModel, match=message):
        open_llama(folder)


def test_a_configuration_that_leaves_out_a_size_is_refused(tmp_path):
    folder = write_folder(
        tmp_path / "other",
        config={k: v for k, v in SMALL.items() if k != "rms_norm_eps"},
        weights=weights_for(SMALL, biases=False),
    )
    with pytest.raises(BadModel, match="has no 'rms_norm_eps'"):
        open_llama(folder)


@pytest.mark.parametrize(
    ("content", "message"), [(None, "has no model.safetensors"), (b"not weights", "is not a safetensors file")]
)
def test_missing_weights_are_named(tmp_path, content, message):
    folder = write_folder(tmp_path / "broken")
    (folder / "model.safetensors").unlink()
    if content is not None:
        (folder / "model.safetensors").write_bytes(content)
    with pytest.raises(BadModel, match=message):
        open_llama(folder)


def test_weights_of_another_dtype_are_refused(tmp_path):
    weights = {name: tensor.astype(np.float64) for name, tensor in weights_for(SMALL, biases=False).items()}
    with pytest.raises(BadModel, match="weights in F64"):
        open_llama(write_folder(tmp_path / "double", weights=weights))


def stories(data):
    text = (data / "eval" / "tinystories_sample.txt").read_text(encoding="utf-8")
    return [story.strip() for story in text.split("<|endoftext|>") if story.strip()]


def test_stories260K_has_its_published_loss_on_its_sample(data):
    # transformers 5.23.0, torch 2.13.0, float32, each document after <s>: 1,804 tokens,
    # mean 1.2664 nats; AutoModelForCausalLM on models/stories260K, cross_entropy per
    # document, as recorded with the shared data
    model = open_llama(data / "models" / "stories260K")
    encoded = model.tokenizer.encode(stories(data), specials=True)
    nats = np.concatenate([-model.logprobs(side_by_side(encoding.ids)) for encoding in encoded])
    assert model.special.bos == 1
    assert len(nats) == 1804
    assert nats.mean() == pytest.approx(1.2664, abs=5e-5)


def peer_logprobs(folder, ids, dtype="float32"):
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    peer = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=getattr(torch, dtype))
    with torch.no_grad():
        logits = peer(torch.tensor(ids)[None]).logits[0, :-1].double()
    return logits.log_softmax(-1).gather(-1, torch.tensor(ids)[1:, None])[:, 0].numpy()


def a_full_context(model, data):
    text = "\n\n".join(stories(data))
    ids = np.concatenate([[model.special.bos], model.tokenizer.encode([text], specials=False)[0].ids])
    return ids[: model.max_context]


@pytest.mark.slow
def test_every_token_is_as_probable_as_to_transformers_in_float64(data):
    """In float64, because its float32 errors are as large as ours, and depend on the
    processor.
    """
    model = open_llama(TINY)
    ids = a_full_context(model, data)
    peer = peer_logprobs(TINY, ids, "float64")
    np.testing.assert_allclose(model.logprobs(side_by_side(ids)), peer, rtol=5e-7, atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["bundled/tiny", "stories260K"])
def test_rounding_errors_are_as_small_as_those_of_transformers(data, name):
    folder = TINY if name == "bundled/tiny" else data / "models" / name
    model = open_llama(folder)
    ids = a_full_context(model, data)
    exact = peer_logprobs(folder, ids, "float64")
    ours, theirs = model.logprobs(side_by_side(ids)) - exact, peer_logprobs(folder, ids) - exact
    assert np.sqrt(np.mean(ours**2)) < 1.5 * np.sqrt(np.mean(theirs**2))
    assert np.abs(ours).max() < 2 * np.abs(theirs).max()


@pytest.mark.slow
def test_grouped_queries_and_biases_are_those_of_transformers(tmp_path):
    config = SMALL | {"attention_bias": True, "mlp_bias": True, "architectures": ["LlamaForCausalLM"]}
    folder = write_folder(tmp_path / "model", config=config, weights=weights_for(config, biases=True))
    ids = np.random.default_rng(2).integers(0, 29, 60)
    np.testing.assert_allclose(open_llama(folder).logprobs(side_by_side(ids)), peer_logprobs(folder, ids), atol=1e-5)


def test_a_sentence_is_scored_within_a_second_of_processor_time_from_a_cold_start():
    script = (
        "import time, numpy as np\n"
        "from nonplus.models import open_model\n"
        "from nonplus.measure.records import Batch\n"
        "model = open_model('bundled:tiny')\n"
        "ids = model.tokenizer.encode(['The quick brown fox jumps over the lazy dog.'], specials=True)[0].ids\n"
        "positions = np.arange(len(ids) - 1)\n"
        "assert model.logprobs(Batch(ids[None, :-1], positions[None], positions, ids[1:])).sum() < 0\n"
        "print(time.process_time())"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert float(run.stdout) <= 1.0

"""Models of transformers, against their own logits, and what is refused."""

import numpy as np
import pytest

pytest.importorskip("torch", reason="these are models of torch")
pytest.importorskip("transformers", reason="these are models of transformers")

import hf_tiny
import torch
from hf_tiny import asked, byte_tokenizer, plain_logprob_NV, plain_logprobs, rows, tiny
from hypothesis import given
from hypothesis import strategies as st

from nonplus.errors import BadInput, BadModel, FallbackNotice
from nonplus.measure.batches import Row
from nonplus.measure.scoring import score
from nonplus.models.hf import logits as hf_logits
from nonplus.models.hf.model import from_object, open_hf
from nonplus.models.loading import Loading


@pytest.fixture(scope="module", params=["GPT2", "Llama"])
def pair(request):
    model = tiny(request.param)
    return model, from_object(model, byte_tokenizer())


@given(lengths=st.lists(st.integers(1, 40), min_size=1, max_size=5), seed=st.integers(0, 99))
def test_log_probabilities_are_the_models_own_however_ragged_the_batch(pair, lengths, seed):
    model, ours = pair
    lines = rows(*lengths, seed=seed)
    np.testing.assert_allclose(ours.logprobs(asked(*lines)), plain_logprobs(model, *lines), rtol=0, atol=1e-9)


def test_only_the_positions_asked_for_are_scored(pair):
    model, ours = pair
    whole = rows(20, 12)
    tails = [Row(whole[0].input, whole[0].target[-3:]), Row(whole[1].input, whole[1].target[-1:])]
    np.testing.assert_allclose(ours.logprobs(asked(*tails)), plain_logprobs(model, *tails), rtol=0, atol=1e-9)


def whole(ours, *lines):
    """All distributions at once, shape (N, V)."""
    return np.concatenate([chunk.copy() for chunk in ours.distributions(asked(*lines))])


@pytest.mark.parametrize("cap", [1, 5000, 1 << 20])
def test_distributions_are_the_models_own_in_chunks_of_any_size(pair, cap, monkeypatch):
    model, ours = pair
    monkeypatch.setattr(hf_logits, "_CPU_BYTES", cap)
    lines = rows(9, 30, 12)
    np.testing.assert_allclose(whole(ours, *lines), plain_logprob_NV(model, *lines), atol=1e-9)


def test_between_two_chunks_the_model_goes_on_learning_and_torch_keeps_gradients(monkeypatch):
    model = tiny("GPT2", resid_pdrop=0.5, embd_pdrop=0.5, attn_pdrop=0.5).train()
    ours = from_object(model, byte_tokenizer())
    monkeypatch.setattr(hf_logits, "_CPU_BYTES", 1)
    chunks = []
    for chunk in ours.distributions(asked(*rows(5))):
        assert torch.is_grad_enabled()
        assert all(module.training for module in model.modules())
        chunks.append(chunk.copy())
    assert len(chunks) == 5
    np.testing.assert_allclose(np.concatenate(chunks), plain_logprob_NV(model.eval(), *rows(5)), atol=1e-9)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_distributions_of_a_narrower_body_are_float32(dtype):
    ours = from_object(tiny("Llama", dtype=dtype), byte_tokenizer())
    lines = rows(9, 30)
    logprob_NV = whole(ours, *lines)
    target_N = np.concatenate([line.target for line in lines])
    assert logprob_NV.dtype == np.float32
    np.testing.assert_allclose(np.exp(logprob_NV.astype(np.float64)).sum(axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(logprob_NV[np.arange(39), target_N], ours.logprobs(asked(*lines)), rtol=3e-7, atol=1e-9)


def test_a_cap_on_the_logits_does_not_change_a_figure(pair, monkeypatch):
    _, ours = pair
    question = asked(*rows(40, 38))
    free = ours.logprobs(question)
    monkeypatch.setattr(hf_logits, "_CPU_BYTES", 5000)
    np.testing.assert_allclose(ours.logprobs(question), free, rtol=0, atol=1e-12)


def test_a_model_that_is_learning_is_read_in_evaluation_mode_and_goes_on_learning():
    model = tiny("GPT2", resid_pdrop=0.5, embd_pdrop=0.5, attn_pdrop=0.5).train()
    model.transformer.h[0].eval()
    modes = [module.training for module in model.modules()]
    ours = from_object(model, byte_tokenizer())
    lines = rows(30)
    logprob_N = ours.logprobs(asked(*lines))
    assert [module.training for module in model.modules()] == modes
    np.testing.assert_allclose(logprob_N, plain_logprobs(model.eval(), *lines), atol=1e-9)


def test_a_step_of_learning_shows_in_the_figures_and_in_the_identity():
    model = tiny("Llama")
    ours = from_object(model, byte_tokenizer())
    before, lines = ours.identity, rows(30)
    model(torch.from_numpy(lines[0].input)[None]).logits.square().mean().backward()
    torch.optim.SGD(model.parameters(), lr=0.1).step()
    np.testing.assert_allclose(ours.logprobs(asked(*lines)), plain_logprobs(model, *lines), atol=1e-9)
    assert ours.identity != before


def test_float32_is_exact_to_a_millionth():
    model = tiny("Llama", dtype=torch.float32)
    lines = rows(60, 50, 40)
    exact = plain_logprobs(tiny("Llama"), *lines).sum()
    assert from_object(model, byte_tokenizer()).logprobs(asked(*lines)).sum() == pytest.approx(exact, rel=1e-6)


def test_half_precision_is_within_a_hundredth_of_a_nat_a_token_and_nearer_than_its_own_softmax():
    lines = rows(60, 50, 40, seed=1)
    model = tiny("Llama", dtype=torch.bfloat16, initializer_range=0.1)
    rounded = tiny("Llama", dtype=torch.bfloat16, initializer_range=0.1).double()
    exact = plain_logprobs(rounded, *lines)
    logprob_N = from_object(model, byte_tokenizer()).logprobs(asked(*lines))
    assert np.abs(logprob_N - exact).mean() < 0.01
    assert from_object(model, byte_tokenizer()).dtype == "bfloat16"


def test_stories260k_has_the_loss_that_transformers_gives_it(data):
    # tools: transformers 5.23.0, torch 2.13.0, one forward pass per document with <s>;
    # reference/data.md section 2
    stories = (data / "eval/tinystories_sample.txt").read_text(encoding="utf-8").split("<|endoftext|>")
    model = open_hf(str(data / "models/stories260K"))
    scored = list(score([story.strip() for story in stories if story.strip()], model=model))
    nats = np.concatenate([text.nats for text in scored])
    assert len(scored) == 5
    assert len(nats) == 1804
    assert nats.mean() == pytest.approx(1.2664, abs=5e-5)
    assert np.exp(nats.mean()) == pytest.approx(3.548, abs=5e-4)


@pytest.mark.parametrize(
    "fault",
    [
        torch.OutOfMemoryError("CUDA out of memory"),
        RuntimeError("[enforce fail at alloc_cpu.cpp:121] DefaultCPUAllocator: can't allocate memory: you tried"),
    ],
)
def test_a_batch_that_does_not_fit_is_a_memory_error(monkeypatch, fault):
    model = tiny("Llama")
    ours = from_object(model, byte_tokenizer())

    def full(*_, **__):
        raise fault

    monkeypatch.setattr(model.model.layers[1], "forward", full)
    for ask in (ours.logprobs, lambda batch: next(ours.distributions(batch))):
        with pytest.raises(MemoryError, match="a smaller one may"):
            ask(asked(*rows(5)))


def test_a_fault_that_is_not_about_memory_stays_what_it_is(monkeypatch):
    model = tiny("Llama")
    ours = from_object(model, byte_tokenizer())

    def broken(*_, **__):
        raise RuntimeError("a kernel failed")

    monkeypatch.setattr(model.model.layers[1], "forward", broken)
    with pytest.raises(RuntimeError, match="a kernel failed"):
        next(ours.distributions(asked(*rows(5))))


@pytest.mark.parametrize("place", ["input", "target"])
def test_an_id_that_the_model_does_not_know_is_refused_by_name(pair, place):
    _, ours = pair
    (line,) = rows(5)
    getattr(line, place)[2] = 300
    for ask in (ours.logprobs, lambda batch: next(ours.distributions(batch))):
        with pytest.raises(BadInput, match=r"token id 300 .*vocabulary of 300"):
            ask(asked(line))


def test_nan_is_never_passed_on():
    model = tiny("Llama")
    ours = from_object(model, byte_tokenizer())
    with torch.no_grad():
        model.model.norm.weight[0] = torch.nan
    for ask in (ours.logprobs, lambda batch: next(ours.distributions(batch))):
        with pytest.raises(BadModel, match=r"weights that are NaN or infinite \(model\.norm\.weight\), so"):
            ask(asked(*rows(5)))


@pytest.mark.parametrize("wrong", [torch.nan, torch.inf])
def test_damaged_weights_are_named_when_the_model_is_opened(wrong):
    """Golden: they were reported as a slow path, and as a dtype that is too narrow."""
    model = tiny("Llama", dtype=torch.float32)
    with torch.no_grad():
        model.model.layers[1].mlp.down_proj.weight[3, 5] = wrong
    with pytest.raises(BadModel, match=r"\(model\.layers\.1\.mlp\.down_proj\.weight\), so .*; take a checkpoint from"):
        from_object(model, byte_tokenizer())


def test_nan_of_finite_weights_is_the_range_of_float16_or_the_code_of_the_model():
    model = tiny("Llama", dtype=torch.float16)
    with torch.no_grad():
        model.model.embed_tokens.weight.fill_(60_000)
        model.model.layers[0].mlp.up_proj.weight.fill_(60_000)
    with pytest.raises(BadModel, match=r"NaN as logits in float16.*weights are finite; open it with dtype=float32"):
        from_object(model, byte_tokenizer())


def test_a_token_of_probability_0_has_log_probability_minus_infinity():
    model = tiny("GPT2", tie_word_embeddings=False)
    model.lm_head = torch.nn.Linear(32, 300, dtype=torch.float64)
    with torch.no_grad():
        model.lm_head.bias[7] = -torch.inf
    with pytest.warns(FallbackNotice):
        ours = from_object(model, byte_tokenizer())
    (line,) = rows(5)
    line.target[2] = 7
    logprob_N = ours.logprobs(asked(line))
    assert logprob_N[2] == -np.inf
    assert np.isfinite(np.delete(logprob_N, 2)).all()


def test_a_recurrent_model_gives_its_own_log_probabilities():
    model = tiny("Mamba", state_size=4)
    lines = rows(30, 21)
    logprob_N = from_object(model, byte_tokenizer()).logprobs(asked(*lines))
    # Mamba itself rounds its logits to float32
    np.testing.assert_allclose(logprob_N, plain_logprobs(model, *lines), atol=1e-5)


def test_its_properties_are_those_of_the_model(pair):
    model, ours = pair
    assert (ours.vocabulary, ours.max_context, ours.dtype) == (hf_tiny.VOCABULARY, 64, "float64")
    assert ours.budget == 1024
    assert not ours.packs
    assert ours.name == type(model).__name__


def test_a_model_that_is_not_causal_is_refused():
    with pytest.raises(BadModel, match=r"is not causal: a token sees the ones after it.*; open it with mlm:"):
        from_object(tiny("Bert"), byte_tokenizer())


def test_an_encoder_decoder_is_refused():
    sizes = {"vocab_size": 300, "d_model": 16, "d_kv": 4, "d_ff": 16, "num_layers": 1, "num_heads": 4}
    import transformers

    model = transformers.T5ForConditionalGeneration(transformers.T5Config(**sizes))
    with pytest.raises(BadModel, match=r"encoder-decoder model .*; open it with seq2seq:"):
        from_object(model, byte_tokenizer())


def test_only_models_of_transformers_are_wrapped():
    with pytest.raises(BadModel, match=r"Linear holds no model of transformers.*nonplus\.measure\.interfaces"):
        from_object(torch.nn.Linear(2, 2), byte_tokenizer())
    with pytest.raises(BadModel, match="got str"):
        from_object("gpt2", byte_tokenizer())


def test_loading_and_scoring_print_nothing(data, capfd):
    open_hf(str(data / "models/stories260K"), Loading()).logprobs(asked(*rows(5)))
    assert capfd.readouterr() == ("", "")

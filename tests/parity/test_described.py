"""llama.cpp, GPTQ and Paloma as their source describes them, on a torch model; none of
the three can be run here.
"""

import math

import pytest
from tiny import BOS, EOS, gpt2, letters, logits, tokenizer, torch

from nonplus import Protocol, evaluate

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::nonplus.errors.ProtocolWarning")]

WINDOW = 32
TEXTS = [letters(n, seed=n) for n in (5, 150, 40)]
MODEL = gpt2(length=64)


SPELLED = ["<s>", *TEXTS, "</s> one <|endoftext|>", "bbb\n"]  # without BOS the newline would complete a chunk


@pytest.mark.parametrize("texts", [TEXTS, SPELLED], ids=["plain", "special tokens and a newline at the end"])
@pytest.mark.parametrize("adds_bos", [False, True])
def test_llama_cpp(adds_bos: bool, texts: list[str]) -> None:
    """ggml-org/llama.cpp at 050fc7f3, tools/perplexity/perplexity.cpp: ``perplexity``
    and ``log_softmax``; common/arg.cpp: ``-f``; common/common.h: ``common_tokenize``
    with ``parse_special = false``.
    """
    n_ctx = WINDOW
    prompt = "".join(texts)
    if prompt[-1] == "\n":
        prompt = prompt[:-1]
    tokens = tokenizer(adds_bos=adds_bos, length=64)(prompt, split_special_tokens=True).input_ids
    nll, count = 0.0, 0
    first = n_ctx // 2
    for i in range(len(tokens) // n_ctx):
        chunk = tokens[i * n_ctx : (i + 1) * n_ctx]
        said = logits(MODEL, [BOS, *chunk[1:]] if adds_bos else chunk)
        for j in range(first, n_ctx - 1):
            row = said[j].numpy()
            sum_exp = float(sum(math.exp(value) for value in (row - row.max()).tolist()))
            nll -= float(row[chunk[j + 1]]) - float(row.max()) - math.log(sum_exp)
        count += n_ctx - first - 1
    report = evaluate(texts, model=(MODEL, tokenizer(adds_bos=adds_bos, length=64)), protocol=f"llama.cpp:{n_ctx}")
    assert report.tally.scored == count
    assert report.perplexity == pytest.approx(math.exp(nll / count), rel=1e-6)


@pytest.mark.parametrize("adds_bos", [False, True])
def test_gptq(adds_bos: bool) -> None:
    """IST-DASLab/gptq at 4fe02add, llama.py: ``llama_eval``, with testenc as
    datautils.py makes it for wikitext2.
    """
    seqlen = WINDOW
    testenc = tokenizer(adds_bos=adds_bos, length=64)("\n\n".join(TEXTS), return_tensors="pt").input_ids
    nsamples = testenc.numel() // seqlen
    nlls = []
    for i in range(nsamples):
        batch = testenc[:, (i * seqlen) : ((i + 1) * seqlen)]
        with torch.no_grad():
            shift_logits = MODEL(batch).logits[:, :-1, :]
        loss = torch.nn.CrossEntropyLoss()(shift_logits.reshape(-1, shift_logits.size(-1)), batch[:, 1:].reshape(-1))
        nlls.append(loss.float() * seqlen)
    expected = torch.exp(torch.stack(nlls).sum() / (nsamples * seqlen))
    report = evaluate(TEXTS, model=(MODEL, tokenizer(adds_bos=adds_bos, length=64)), protocol=f"gptq:{seqlen}")
    assert report.perplexity == pytest.approx(expected.item(), rel=1e-6)


@pytest.mark.parametrize("adds_bos", [False, True])
def test_paloma(adds_bos: bool) -> None:
    """allenai/catwalk at 012e81cd, catwalk/models/language_model.py:
    ``predict_chunk_perplexity``.
    """
    made = tokenizer(adds_bos=adds_bos, length=WINDOW)
    sums, tokens = 0.0, 0
    for text in TEXTS:
        ids = made.encode(text, add_special_tokens=False)
        pairs = [([made.eos_token_id], ids[:WINDOW])]
        for begin in range(WINDOW, len(ids), WINDOW):
            end = min(begin + WINDOW, len(ids))
            pairs.append((ids[end - WINDOW - 1 : begin], ids[begin:end]))
        for context, continuation in pairs:
            said = torch.log_softmax(logits(MODEL, (context + continuation)[:-1]), dim=-1)[-len(continuation) :]
            sums += float(torch.gather(said, 1, torch.tensor(continuation).unsqueeze(-1)).sum())
            tokens += len(continuation)
    report = evaluate(
        TEXTS,
        model=(MODEL, tokenizer(adds_bos=adds_bos, length=WINDOW)),
        protocol=Protocol.named("paloma").but(window=WINDOW),
    )
    assert made.eos_token_id == (EOS if adds_bos else BOS)
    assert report.tally.scored == tokens
    assert report.nats == pytest.approx(-sums, rel=1e-6)
    assert report.perplexity == pytest.approx(math.exp(-sums / tokens), rel=1e-6)

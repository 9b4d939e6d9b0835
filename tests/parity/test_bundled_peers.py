"""The bundled folder as others load it: plain transformers, lm-eval, Hugging Face
evaluate; their figures are ours.

All compute in float32 from the same float16 weights, in another order: their surprisals
are within a relative 1e-6 of ours on a text, 1e-5 on one word; those of evaluate within
6e-6, for a reason of its own.
"""

import hashlib
import json
import math
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from goldens.texts import LONG, MIDDLE, SHORT

from nonplus import Document, Protocol, RunOptions, evaluate, score
from nonplus.models import bundled_models
from nonplus.models.bundled_cards import bundled_folder, is_of_ngrams

GOLDENS = Path(__file__).parent / "goldens"
TEXTS = [*SHORT, MIDDLE, LONG]
ROLLED = [*TEXTS, LONG * 3]  # 1,476 tokens: more than any bundled model takes at once

pytestmark = [
    pytest.mark.parametrize("name", [name for name in bundled_models() if not is_of_ngrams(name)]),
    pytest.mark.filterwarnings("ignore::nonplus.errors.ProtocolWarning"),
]


@pytest.mark.slow
def test_the_loss_that_transformers_computes_is_the_log_perplexity(name: str) -> None:
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    folder = bundled_folder(name)
    model = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype="float32")
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    for text in TEXTS[:-1]:
        fed = torch.tensor([[tokenizer.bos_token_id, *tokenizer(text)["input_ids"]]])
        with torch.no_grad():
            loss = model(fed, labels=fed).loss.item()
        assert evaluate(text, model=f"bundled:{name}").log_perplexity == pytest.approx(loss, rel=1e-6)


@pytest.mark.slow
def test_greedy_text_of_transformers_is_what_ranks_first(name: str) -> None:
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    folder, prompt = bundled_folder(name), "The history of the city"
    model = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype="float32")
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    fed = torch.tensor([[tokenizer.bos_token_id, *tokenizer(prompt)["input_ids"]]])
    whole = model.generate(fed, attention_mask=torch.ones_like(fed), do_sample=False, max_new_tokens=20, pad_token_id=0)
    reply = tokenizer.decode(whole[0, fed.shape[1] :])
    document = Document(text=reply, context=prompt)
    (scored,) = score([document], model=f"bundled:{name}", options=RunOptions(alternatives=1))
    assert scored.readings.rank.tolist() == [1] * 20


def harness(name: str) -> Any:
    """lm-eval's own loading of the folder, as ``--model hf --model_args
    pretrained=FOLDER,dtype=float32`` does it.
    """
    pytest.importorskip("lm_eval")
    from lm_eval.models.huggingface import HFLM

    return HFLM(
        pretrained=str(bundled_folder(name)),
        backend="causal",
        device="cpu",
        batch_size=4,
        dtype="float32",
        softmax_dtype="float32",
    )


@pytest.mark.peers
@pytest.mark.slow
def test_lm_eval_rolls_over_texts_to_the_same_sums(name: str) -> None:
    requests = [SimpleNamespace(args=(text,)) for text in ROLLED]
    theirs = [-each for each in harness(name).loglikelihood_rolling(requests, disable_tqdm=True)]
    ours = [math.fsum(each.nats) for each in score(ROLLED, model=f"bundled:{name}", protocol="lm-eval")]
    assert ours == pytest.approx(theirs, rel=1e-6)


@pytest.mark.peers
@pytest.mark.slow
def test_lm_eval_finds_last_words_of_lambada_as_probable_and_as_greedy(name: str, data: Path) -> None:
    """Its task ``lambada_openai``: a passage up to its last blank, then the blank and
    the word; nothing before it.
    """
    lines = (data / "eval" / "lambada" / "lambada_test.jsonl").read_text(encoding="utf-8").splitlines()[:120]
    passages = [json.loads(line)["text"].rpartition(" ") for line in lines]
    requests = [SimpleNamespace(args=(context, f" {word}")) for context, _, word in passages]
    theirs = harness(name).loglikelihood(requests, disable_tqdm=True)
    documents = [Document(text=f" {word}", context=context) for context, _, word in passages]
    protocol, options = Protocol(bos="none"), RunOptions(alternatives=1)
    ours = list(score(documents, model=f"bundled:{name}", protocol=protocol, options=options))
    assert [math.fsum(each.nats) for each in ours] == pytest.approx([-nats for nats, _ in theirs], rel=1e-5)
    greedy = [bool(np.all(each.readings.rank == 1)) for each in ours]
    assert greedy == [hit for _, hit in theirs]
    assert any(greedy)


def test_evaluate_loaded_these_weights_and_said_the_same(name: str) -> None:
    """Golden: Hugging Face evaluate 0.4.6 with transformers 4.57.3; the field "command"
    of the file says how.
    """
    golden = json.loads((GOLDENS / f"evaluate-{name}.json").read_text(encoding="utf-8"))
    weights = (bundled_folder(name) / "model.safetensors").read_bytes()
    assert golden["weights_sha256"] == hashlib.sha256(weights).hexdigest(), "record it anew: goldens/record.py"
    texts, asked = [*SHORT, MIDDLE], {"model": f"bundled:{name}", "protocol": "evaluate"}
    ours = [float(np.mean(each.nats)) for each in score(texts, **asked)]
    # Its cross-entropy along the middle dimension is up to 2e-5 nats too low in
    # float32; fed with the same logits in float64 it agrees to 1e-7.
    assert ours == pytest.approx(np.log(golden["perplexities"]), rel=6e-6)
    assert evaluate(texts, **asked).log_perplexity == pytest.approx(math.log(golden["mean_perplexity"]), rel=6e-6)

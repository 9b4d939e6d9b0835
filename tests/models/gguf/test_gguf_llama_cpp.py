"""Parity with llama.cpp itself: its tokens, its log-probabilities, its perplexity.

llama.cpp multiplies quantised weights with activations that it rounds to 8 bits, and
float16 ones with float16: its log-probabilities differ from those of the weights by a
few hundredths, and more for tokens that are next to impossible.
"""

import numpy as np
import pytest

pytest.importorskip("torch", reason="files are opened by transformers")
pytest.importorskip("transformers", reason="files are opened by transformers")
pytest.importorskip("gguf", reason="files are written with it")
pytest.importorskip("xllamacpp", reason="it is llama.cpp")

import llama_cpp
import written

import nonplus
from nonplus import Document

pytestmark = [pytest.mark.slow, pytest.mark.peers]

VOCABULARY, WINDOW = 512, 32
# Nats on average over the text of the test; with a factor of 2 for other processors.
ROUNDING = {"F32": 0.004, "Q8_0": 0.05, "Q4_0": 0.08}


@pytest.fixture(scope="module")
def story(data):
    return (data / "eval" / "tinystories_sample.txt").read_text().split("<|endoftext|>")[1].strip()[:600]


@pytest.fixture(scope="module", params=ROUNDING)
def pair(request, data, tmp_path_factory):
    """A kind of file, its server, and our model."""
    file = tmp_path_factory.mktemp("peer") / "m.gguf"
    written.write(file, data / "models" / "stories260K", request.param)
    with llama_cpp.opened(file) as server:
        yield request.param, server, nonplus.open_model(str(file))


def test_llama_cpp_reads_the_same_tokens(pair, data):
    _, server, model = pair
    texts = ["", " two  blanks", "Ünïcode — ½ 🦙", (data / "eval" / "tinyshakespeare.txt").read_text()[:20_000]]
    for text in texts:
        ours = model.tokenizer.encode([text], specials=True)[0].ids.tolist()
        assert llama_cpp.tokens(server, text) == ours


def test_llama_cpp_gives_the_same_distributions(pair, story):
    kind, server, model = pair
    ids = model.tokenizer.encode([story[:120]], specials=True)[0].ids.tolist()
    (scored,) = nonplus.score(story[:120], model=model, options=nonplus.RunOptions(alternatives=VOCABULARY))
    top = scored.readings
    apart = []
    for at in range(len(ids) - 1):
        theirs = llama_cpp.next_token(server, ids[: at + 1], vocabulary=VOCABULARY)
        apart.append(np.abs(np.exp(theirs[top.top_ids[at]]) - np.exp(-top.top_nats[at])).sum() / 2)
    assert np.mean(apart) < ROUNDING[kind]


def test_the_preset_of_its_name_computes_what_its_perplexity_tool_would(pair, story):
    """Chunks of N tokens, BOS in place of the first of each, the second half scored, as
    in tools/perplexity/perplexity.cpp; with llama.cpp's tokens and log-probabilities.
    """
    kind, server, model = pair
    ids = llama_cpp.tokens(server, story)
    nats = []
    for start in range(0, len(ids) - WINDOW + 1, WINDOW):
        chunk = [1, *ids[start + 1 : start + WINDOW]]
        for at in range(WINDOW // 2, WINDOW - 1):
            nats.append(-llama_cpp.next_token(server, chunk[: at + 1], vocabulary=VOCABULARY)[chunk[at + 1]])
    report = nonplus.evaluate(Document(text=story), model=model, protocol=f"llama.cpp:{WINDOW}")
    assert report.tally.scored == len(nats)
    assert abs(np.log(report.perplexity) - np.mean(nats)) < ROUNDING[kind]

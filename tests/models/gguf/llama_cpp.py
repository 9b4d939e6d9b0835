"""llama.cpp itself, in this process: what it makes of a text, and of tokens.

Its prompt gets no log-probabilities from it, so it is asked for the next token after
each prefix, with those of all tokens.
"""

import json
from contextlib import contextmanager
from urllib.request import Request, urlopen

import numpy as np
import xllamacpp

_DRAWS = 100


@contextmanager
def opened(file):
    """Its server with the model of a file, on one thread."""
    settings = xllamacpp.CommonParams()
    settings.model.path = str(file)
    settings.n_ctx, settings.n_parallel, settings.cpuparams.n_threads = 512, 1, 1
    settings.warmup = False
    # float32 for what attention keeps; it would round it to float16
    settings.cache_type_k = settings.cache_type_v = xllamacpp.ggml_type.GGML_TYPE_F32
    yield xllamacpp.Server(settings)


def next_token(server, ids, *, vocabulary):
    """ln P of each token after ids, shape (V,)."""
    asked = {"prompt": ids, "n_predict": 1, "n_probs": vocabulary, "temperature": 1.0, "cache_prompt": False}
    # it tells none where the token that it drew is EOS
    answers = (server.handle_completions({**asked, "seed": seed})["choices"][0] for seed in range(_DRAWS))
    (step,) = next(answer["logprobs"]["content"] for answer in answers if answer["logprobs"])
    logprob_V = np.full(vocabulary, np.nan)
    for entry in step["top_logprobs"]:
        logprob_V[entry["id"]] = entry["logprob"]
    return logprob_V


def tokens(server, text):
    """The ids of a text, with those that it adds."""
    asked = {"content": text, "add_special": True, "parse_special": False}
    request = Request(
        f"{server.listening_address}/tokenize", json.dumps(asked).encode(), {"Content-Type": "application/json"}
    )
    with urlopen(request) as answer:
        return json.loads(answer.read())["tokens"]

"""Peak memory of one contestant on one window of a model with a large vocabulary."""

import gc
import json
import sys
from pathlib import Path

import contestants
import torch
from process_memory import forget_peak, peak, resident
from workloads import long, tokenizer, wide_llama

import nonplus


def main(data: Path, who: str, vocabulary: int, context: int) -> None:
    """Score exactly one window of tokens; print JSON on stdout."""
    torch.set_num_threads(1)
    ids = tokenizer(data)
    model = wide_llama(vocabulary, context)
    text = _of_tokens(ids, long(data, ids, 2 * context), context)
    gc.collect()
    forget_peak()
    own = resident()
    opened = {
        "nonplus": lambda: contestants.scored(nonplus.open_model((model, ids))),
        "lm-eval": lambda: contestants.lm_eval(model, ids, batch=1, context=context),
        "naive": lambda: contestants.naive(model, ids, context=context),
    }[who]()
    opening = peak() - own
    (nats,) = opened([text])
    sys.stdout.write(json.dumps({"peak_mb": (peak() - own) / 1e6, "opening_mb": opening / 1e6, "nats": nats}) + "\n")


def _of_tokens(ids: object, texts: list[str], length: int) -> str:
    """The longest beginning of the texts of at most ``length`` tokens."""
    encoding = ids(" ".join(texts), return_offsets_mapping=True)
    return " ".join(texts)[: encoding["offset_mapping"][length - 1][1]]


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))

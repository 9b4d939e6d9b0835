"""A function of torch has the figure of the same model of transformers."""

import pytest
import torch
from hf_tiny import byte_tokenizer, tiny

import nonplus

TEXTS = ["A small brown dog barked twice.", "Nobody had seen the river so high.", "“Été”"]


def test_a_wrapped_function_has_the_figure_of_the_pair():
    model, tokenizer = tiny("GPT2"), byte_tokenizer(bos_token="<s>")

    def logits(ids):
        with torch.inference_mode():
            return model(torch.from_numpy(ids)).logits

    wrapped = nonplus.wrap(logits, tokenizer=tokenizer, context=64, weights=model.state_dict())
    own, pair = (nonplus.evaluate(TEXTS, model=each) for each in (wrapped, (model, tokenizer)))
    assert own.nats == pytest.approx(pair.nats, rel=1e-9)
    assert own.protocol.fingerprint == pair.protocol.fingerprint
    assert own.tokenizer_identity == pair.tokenizer_identity
    assert own.tally.scored == pair.tally.scored

"""The strided loop of the transformers documentation, as the page has it, on the same
model and text.
"""

import math
from typing import Any

import pytest
from tiny import gpt2, letters, tokenizer, torch

from nonplus import Protocol, evaluate

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::nonplus.errors.ProtocolWarning")]

WINDOW = 64
MODEL = gpt2(length=WINDOW)


def loop(model: Any, encodings: Any, *, max_length: int, stride: int) -> tuple[float, int]:
    """Nats per token, and tokens as booked: transformers at 052b1dcd,
    docs/source/en/perplexity.md.

    Its last line, ``ppl = torch.exp(avg_nll)``, is left out: in float32 that alone
    costs a millionth.
    """
    seq_len = encodings.input_ids.size(1)
    nll_sum = 0.0
    n_tokens = 0
    prev_end_loc = 0
    for begin_loc in range(0, seq_len, stride):
        end_loc = min(begin_loc + max_length, seq_len)
        trg_len = end_loc - prev_end_loc
        input_ids = encodings.input_ids[:, begin_loc:end_loc]
        target_ids = input_ids.clone()
        target_ids[:, :-trg_len] = -100
        with torch.no_grad():
            neg_log_likelihood = model(input_ids, labels=target_ids).loss
        num_valid_tokens = (target_ids != -100).sum().item()
        num_loss_tokens = num_valid_tokens - target_ids.size(0)
        nll_sum += neg_log_likelihood * num_loss_tokens
        n_tokens += num_loss_tokens
        prev_end_loc = end_loc
        if end_loc == seq_len:
            break
    return (nll_sum / n_tokens).item(), n_tokens


@pytest.mark.parametrize(
    ("stride", "window", "lengths"),
    [
        (1, 16, [10, 12]),  # only the first window counts
        (15, 16, [100, 7, 120]),  # windows share a single token
        (16, 64, [100, 7, 120]),
        (64, 64, [100, 7, 120]),  # stride == window: later windows lose the label of their first token
        (50, 64, [30, 20]),  # one window
        (16, 64, [62, 160]),  # the last window scores 2 tokens fewer than its stride
    ],
)
@pytest.mark.parametrize("adds_bos", [False, True])
def test_the_loop_to_its_bookkeeping(stride: int, window: int, lengths: list[int], adds_bos: bool) -> None:
    texts = [letters(n, seed=n) for n in lengths]
    encodings = tokenizer(adds_bos=adds_bos, length=WINDOW)("\n\n".join(texts), return_tensors="pt", verbose=False)
    expected, booked = loop(MODEL, encodings, max_length=window, stride=stride)
    report = evaluate(
        texts,
        model=(MODEL, tokenizer(adds_bos=adds_bos, length=WINDOW)),
        protocol=Protocol.named(f"hf-doc:{stride}").but(window=window),
    )
    assert report.log_perplexity == pytest.approx(expected, rel=1e-6)
    assert report.tokens == booked


def test_a_last_window_of_one_token_has_no_figure_in_the_loop_and_costs_us_one_token() -> None:
    """The mean over no labels is not a number, and the loop adds it times nought; here
    the token counts as unscored.
    """
    text = letters(3 * WINDOW + 1, seed=1)
    encodings = tokenizer(adds_bos=False, length=WINDOW)(text, return_tensors="pt", verbose=False)
    nothing, _ = loop(MODEL, encodings, max_length=WINDOW, stride=WINDOW)
    assert math.isnan(nothing)
    one_less = tokenizer(adds_bos=False, length=WINDOW)(text[:-1], return_tensors="pt", verbose=False)
    expected, booked = loop(MODEL, one_less, max_length=WINDOW, stride=WINDOW)
    report = evaluate([text], model=(MODEL, tokenizer(adds_bos=False, length=WINDOW)), protocol=f"hf-doc:{WINDOW}")
    assert report.log_perplexity == pytest.approx(expected, rel=1e-6)
    assert (report.tally.scored, report.tally.unscored) == (booked, 4)

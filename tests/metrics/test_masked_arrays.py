"""Masked arrays of NumPy: what they mask does not count, in every front end."""

import math

import numpy as np
import pytest

import nonplus
from nonplus.errors import BadInput
from nonplus.metrics import Perplexity, head_nll, token_nll

HIDDEN = np.array([[1, 1, 0, 1]])  # 0 where masked
MASK = HIDDEN == 0


def masked(values):
    return np.ma.array(values, mask=MASK)


def figure(metric):
    """Perplexity, tokens that count and tokens that do not, and the protocol."""
    report = metric.compute()
    return float(report), report.tokens, report.tally.ignored, report.protocol.signature


def test_a_masked_token_does_not_count():
    """Golden: it was 1.2e11 for a masked log-probability of -99 and three of -1."""
    found = nonplus.perplexity(logprobs=masked([[-1.0, -1.0, -99.0, -1.0]]))
    assert (float(found), found.tokens) == (pytest.approx(math.e), 3)
    assert float(nonplus.perplexity(probs=masked([[0.5, 0.5, 0.0, 0.5]]))) == pytest.approx(2)


def test_a_masked_place_may_hold_anything():
    found = nonplus.perplexity(logprobs=masked([[-1.0, -1.0, math.nan, -math.inf]]))
    assert (math.isinf(found), found.tokens, found.zeros) == (True, 3, (3,))


def test_a_masked_target_does_not_count():
    logits = np.log([[[0.5, 0.5], [0.25, 0.75], [math.nan, 1], [0.5, 0.5]]])
    targets = masked([[0, 0, 77, 0]])
    assert float(nonplus.perplexity(logits=logits, targets=targets)) == pytest.approx(16 ** (1 / 3))
    nats, kept = token_nll(logits, targets)
    assert kept.tolist() == (~MASK).tolist()
    assert nats[0, 2] == 0


@pytest.mark.parametrize("package", ["numpy", "torch"])
def test_an_update_counts_what_is_neither_masked_nor_excluded_by_the_mask(package):
    xp = pytest.importorskip(package)
    logits = xp.asarray(np.zeros((1, 4, 3)))
    other = [[0, 1, 1, 1]]
    for kind, batch in (("logits", (logits, masked([[0, 1, 77, 2]]))), ("nll", (masked([[math.log(3)] * 4]),))):
        metric, plain = Perplexity(kind=kind, check="never"), Perplexity(kind=kind, check="never")
        metric.update(*batch, mask=xp.asarray(other))
        data = [each.filled(0) if isinstance(each, np.ma.MaskedArray) else each for each in batch]
        plain.update(*data, mask=np.array(other) * HIDDEN)
        assert figure(metric) == figure(plain)
        assert figure(metric)[1:3] == (2, 2)
        assert "masked" in figure(metric)[3]


def test_a_masked_target_under_a_shift_is_padding():
    logits, ids = np.random.default_rng(0).normal(size=(1, 4, 3)), masked([[0, 1, 77, 2]])
    metric, plain = Perplexity(shift=True, check="never"), Perplexity(shift=True, check="never")
    metric.update(logits, ids)
    plain.update(logits, ids.filled(0), mask=HIDDEN)
    assert figure(metric) == figure(plain)
    assert metric.compute().tokens == 1


def test_surprisals_from_a_head_leave_masked_targets_out():
    hidden, weight = np.ones((1, 4, 2)), np.ones((3, 2))
    assert head_nll(hidden, weight, masked([[0, 1, 77, 2]])).kept.tolist() == (~MASK).tolist()


def test_nothing_but_masked_tokens_is_refused():
    with pytest.raises(BadInput, match="all 2 are masked"):
        nonplus.perplexity(logprobs=np.ma.array([-1.0, -2.0], mask=True))


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"x": np.ma.zeros((1, 4, 3)), "targets": [[0, 1, 2, 0]]}, "logits"),
        ({"mask": masked([[1, 1, 1, 1]])}, "a mask"),
        ({"weights": masked([[1.0, 1, 1, 1]])}, "weights"),
        ({"n_bytes": masked([[1, 1, 1, 1]])}, "n_bytes"),
        ({"n_words": masked([[1, 1, 1, 1]])}, "n_words"),
        ({"doc_ids": masked([[1, 1, 1, 1]])}, "doc_ids"),
    ],
)
def test_where_a_masked_place_has_no_meaning_a_masked_array_is_refused(arguments, named):
    given = {"x": np.zeros((1, 4, 3)), "targets": [[0, 1, 2, 0]]} | arguments
    with pytest.raises(BadInput, match=f"{named} cannot be a masked array.*pass its data.*as mask="):
        Perplexity(check="never").update(**given)


def test_a_missing_value_of_pandas_is_refused_with_its_place():
    pandas = pytest.importorskip("pandas")
    with pytest.raises(BadInput, match=r"logprobs at \[1\]: nan is NaN"):
        nonplus.perplexity(logprobs=pandas.Series([-1.0, None], dtype="Float64"))
    with pytest.raises(BadInput, match="n_bytes must be integers"):
        Perplexity(kind="nll").update([[1.0], [1.0]], n_bytes=pandas.Series([1, None], dtype="Int64"))


def test_a_list_of_masked_arrays_is_refused_because_it_would_lose_their_masks():
    rows = [masked([[-1.0, -1.0, -99.0, -1.0]])[0], masked([[-1.0, -1.0, -99.0, -1.0]])[0]]
    ids = [masked([[0, 1, 77, 0]])[0]]
    for call in (
        lambda: nonplus.perplexity(logprobs=rows),
        lambda: nonplus.perplexity(logprobs=[-1.0, np.ma.masked]),
        lambda: nonplus.perplexity(logits=np.zeros((1, 4, 3)), targets=ids),
        lambda: token_nll(np.zeros((1, 4, 3)), ids),
        lambda: Perplexity(kind="nll").update([-row for row in rows]),
        lambda: Perplexity(kind="logits").update(np.zeros((1, 4, 3)), [[0, 1, 2, 0]], weights=rows),
    ):
        with pytest.raises(BadInput, match=r"pass one masked array: numpy\.ma\.array\(values\)"):
            call()
    assert float(nonplus.perplexity(logprobs=np.ma.array(rows))) == pytest.approx(math.e)

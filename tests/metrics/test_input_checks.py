"""Which first batches are suspected, and which are not."""

import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nonplus.errors import BadProbability, SuspectInput
from nonplus.metrics import Perplexity

V = 12


@contextmanager
def suspicion(message: str) -> Iterator[None]:
    """Exactly one warning, with this message."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield
    assert [str(w.message) for w in caught if not re.search(message, str(w.message))] == []
    assert [w.category for w in caught] == [SuspectInput]


def predictions(targets: Any, *, ahead: int, certain: float = 4.0) -> Any:
    """Logits that at each place favour the target ``ahead`` places later."""
    logits = np.random.default_rng(1).normal(0, 0.3, (*targets.shape, V))
    np.put_along_axis(logits, np.roll(targets, -ahead, axis=-1)[..., None], certain, axis=-1)
    return logits


@pytest.fixture
def targets() -> Any:
    return np.random.default_rng(0).integers(0, V, (4, 50))


def test_good_input_is_not_suspected(targets: Any) -> None:
    Perplexity().update(predictions(targets, ahead=0), targets)
    Perplexity(shift=True).update(predictions(targets, ahead=1), targets)
    probs = np.exp(predictions(targets, ahead=0))
    probs /= probs.sum(-1, keepdims=True)
    Perplexity(kind="probs").update(probs, targets)
    Perplexity(kind="logprobs").update(np.log(probs), targets)
    Perplexity().update(probs[:0], targets[:0])
    Perplexity().update(probs[:, :0], targets[:, :0])


@given(st.integers(1, 4), st.integers(2, 40), st.integers(2, 9), st.booleans(), st.integers(0, 2**32 - 1))
def test_random_logits_are_not_suspected(b: int, t: int, v: int, shift: bool, seed: int) -> None:
    random = np.random.default_rng(seed)
    Perplexity(shift=shift).update(random.normal(0, 0.7, (b, t, v)) + 3, random.integers(0, v, (b, t)))


def test_a_forgotten_shift_is_suspected(targets: Any) -> None:
    with suspicion("fit the tokens after their targets better, by more than a nat; .* use shift=True"):
        Perplexity().update(predictions(targets, ahead=1), targets)


def test_a_shift_on_top_of_a_shift_is_suspected(targets: Any) -> None:
    with suspicion("if logits and targets are shifted already"):
        Perplexity(shift=True).update(predictions(targets, ahead=1)[:, :-1], targets[:, 1:])


def test_two_shifts_by_hand_are_suspected(targets: Any) -> None:
    with suspicion("were logits and targets shifted twice"):
        Perplexity().update(predictions(targets, ahead=1)[:, :-2], targets[:, 2:])


def test_only_tokens_that_count_decide_on_the_shift(targets: Any) -> None:
    logits = predictions(targets, ahead=1)
    mask = np.zeros_like(targets)
    mask[:, 10:20] = 1
    logits[:, 25:] = predictions(targets, ahead=0)[:, 25:]
    with suspicion("use shift=True"):
        Perplexity().update(logits, targets, mask=mask)


def test_the_shift_of_hidden_states_is_checked_too(targets: Any) -> None:
    with suspicion("use shift=True"):
        Perplexity().update_head(predictions(targets, ahead=1), np.eye(V), targets)


def test_bytes_of_whole_rows_that_begin_with_text_are_suspected(targets: Any) -> None:
    logits = predictions(targets, ahead=1)
    with suspicion("rows begin with tokens of text, which are not scored with shift"):
        Perplexity(shift=True).update(logits, targets, n_bytes=[60] * 4)
    with suspicion("rows begin with tokens of text, which are not scored with shift"):
        Perplexity(shift=True).update_head(logits, np.eye(V), targets, n_words=[60] * 4)
    Perplexity(shift=True).update(logits, targets, n_bytes=np.full(targets.shape, 3))
    Perplexity(shift=True).update(logits[0], targets[0], n_bytes=60)
    Perplexity().update(predictions(targets, ahead=0), targets, n_bytes=[60] * 4)
    targets[:, :3] = -100
    Perplexity(shift=True, ignore_index=-100).update(logits, targets, n_bytes=[60] * 4)
    targets[:, 2] = 7
    Perplexity(shift=True, ignore_index=-100).update(logits, targets, n_bytes=[60] * 4)


def test_probabilities_passed_as_logits_are_suspected(targets: Any) -> None:
    probs = np.exp(predictions(targets, ahead=0))
    probs /= probs.sum(-1, keepdims=True)
    with suspicion("use kind='probs'"):
        Perplexity().update(probs, targets)
    one_hot_targets = np.zeros_like(targets)
    with suspicion("use kind='probs'"):
        Perplexity().update(probs.astype(np.float16), one_hot_targets)


def test_probabilities_that_do_not_sum_to_one_are_suspected(targets: Any) -> None:
    scores = np.abs(predictions(targets, ahead=0))
    scores *= 3.25 / scores.sum(-1, keepdims=True)
    with suspicion("sum to 3.25 instead of 1"):
        Perplexity(kind="probs").update(scores, targets)


def test_logits_passed_as_logprobs_are_suspected(targets: Any) -> None:
    with suspicion("not normalized; if they are logits, use kind='logits'"):
        Perplexity(kind="logprobs").update(predictions(targets, ahead=0) - 10, targets)


def test_log_probabilities_passed_as_surprisals_are_refused() -> None:
    with pytest.raises(BadProbability, match="a surprisal is negative or NaN"):
        Perplexity().update_nll(np.full((2, 30), -2.0))


def test_a_check_never_refuses_valid_input() -> None:
    """Other alignments count padding, a last prediction or an unscored first id."""
    random = np.random.default_rng(0)
    logits = random.normal(size=(1, 40, 5))
    targets = random.integers(0, 5, (1, 40))
    broken_first, broken_last = logits.copy(), logits.copy()
    broken_first[0, :2], broken_last[0, -1] = np.nan, np.nan
    padded, unscored = targets.copy(), targets.copy()
    padded[0, :2], unscored[0, 0] = -100, -1
    for x, ids, options in (
        (broken_first, padded, {"ignore_index": -100}),
        (broken_last, targets, {"shift": True}),
        (logits, unscored, {"shift": True}),
    ):
        checked, blind = (Perplexity(check=check, **options) for check in ("always", "never"))
        checked.update(x, ids)
        blind.update(x, ids)
        assert checked.compute() == blind.compute()
        checked.reset()
        checked.update_head(x, np.eye(5), ids)
        assert checked.compute().log_perplexity == pytest.approx(blind.compute().log_perplexity)


def test_the_alignment_is_checked_despite_ids_outside_the_vocabulary(targets: Any) -> None:
    logits = predictions(targets, ahead=0)
    targets[:, 0] = -1
    with suspicion("if logits and targets are shifted already"):
        Perplexity(shift=True).update(logits, targets)
    with suspicion("if logits and targets are shifted already"):
        Perplexity(shift=True).update_head(logits, np.eye(V), targets)


def test_a_batch_in_which_nothing_counts_is_suspected(targets: Any) -> None:
    with suspicion("none of the 200 tokens in this batch counts"):
        Perplexity(shift=True).update(predictions(targets, ahead=1), targets, mask=np.zeros_like(targets))


def test_targets_that_the_model_has_seen_are_suspected(targets: Any) -> None:
    with suspicion("no language model reaches on text it has not seen"):
        Perplexity().update(predictions(targets, ahead=0, certain=12.0), targets)


def test_a_uniform_guess_is_suspected(targets: Any) -> None:
    with suspicion(f"uniform guess among {V} tokens"):
        Perplexity().update(np.zeros((*targets.shape, V)), targets)


def test_too_few_tokens_tell_nothing_about_a_mean() -> None:
    Perplexity().update(np.zeros((1, 15, V)), np.zeros((1, 15), int))


def test_the_first_batch_is_checked_or_all_or_none(targets: Any) -> None:
    uniform = np.zeros((*targets.shape, V))
    for check, times in (("first", 1), ("always", 3), ("never", 0)):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            metric = Perplexity(check=check)
            for _ in range(3):
                metric.update(uniform, targets)
        assert len(caught) == times


def test_a_warning_points_at_the_line_that_updates(targets: Any) -> None:
    with pytest.warns(SuspectInput) as caught:
        Perplexity().update(np.zeros((*targets.shape, V)), targets)
    assert caught[0].filename == __file__


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16"])
def test_torch_tensors_of_any_width_are_checked(targets: Any, dtype: str) -> None:
    torch = pytest.importorskip("torch")
    probs = torch.tensor(predictions(targets, ahead=0)).softmax(-1).to(getattr(torch, dtype))
    with suspicion("use kind='probs'"):
        Perplexity().update(probs, torch.tensor(targets))
    with suspicion("use shift=True"):
        Perplexity().update(
            torch.tensor(predictions(targets, ahead=1)).to(getattr(torch, dtype)), torch.tensor(targets)
        )

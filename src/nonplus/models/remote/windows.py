"""A model of a server that is sent token ids: its windows are those of any model.

Letters in shapes: B rows of a batch, T tokens of a row, N positions asked for.
"""

from collections.abc import Callable
from typing import Any, final

import numpy as np

from nonplus.kernels.targets import check_ids
from nonplus.measure.records import Batch, Floats
from nonplus.models.loading import reopened
from nonplus.models.remote.tokenizers import OwnTokenizer
from nonplus.outbound.probe import Probed

DTYPE = "server's dtype"  # of which servers say nothing
_BUDGET = 1 << 14  # tokens: windows of 1,024 for each of the requests at once
_GENERATED = 1  # token after a prompt, for which servers leave room


@final
class RemoteWindows:
    """Sends each row with the targets after it, and reads what its tokens got."""

    dtype = DTYPE
    budget = _BUDGET
    packs = False

    def __init__(self, probed: Probed, own: OwnTokenizer, *, opens: "Callable[[], RemoteWindows]") -> None:
        """``own`` is the tokenizer of that model; ``opens`` opens it in another
        process.
        """
        most = probed.completions.served.most_tokens
        self.name = probed.completions.name
        self.identity = probed.identity
        self.witness = probed.witness
        self.confirms = probed.confirms
        self.tokenizer = own.tokenizer
        self.special = own.special
        self.vocabulary = own.id_bound
        # the last target is sent as well
        self.max_context = min(own.max_length, most - _GENERATED - 1 if most else own.max_length)
        self._completions = probed.completions
        self._opens = opens

    def __reduce__(self) -> tuple[Any, ...]:
        """A pickle has the name, and no key."""
        return reopened, (self._opens, self.identity)

    def logprobs(self, batch: Batch) -> Floats:
        """Natural log-probability of each target, shape (N,).

        Raises:
            BadModel: the server does not answer, or breaks the contract.
        """
        check_ids(batch.target_N, self.vocabulary)
        prompts, prompt_N = _prompts(batch)
        advice = f"use a window=… below the {max(map(len, prompts), default=0)} tokens that were sent"
        scored = self._completions.scored([(prompt, advice) for prompt in prompts])
        place_N = batch.at_N % batch.input_BT.shape[1]
        pairs = zip(prompt_N, place_N.tolist(), strict=True)
        return np.array([scored[prompt].logprobs[place] for prompt, place in pairs], np.float64)


def _prompts(batch: Batch) -> tuple[list[list[int]], list[int]]:
    """What is sent, and which of that has the target of each position (N,).

    A row goes with its last target. A target that is not the next token of its row
    goes, after what is before it, in a prompt of its own.
    """
    prompts: list[list[int]] = []
    prompt_N: list[int] = []
    row_N, place_N = np.divmod(batch.at_N, batch.input_BT.shape[1])
    for row in np.unique(row_N).tolist():
        own = row_N == row
        places, targets = place_N[own].tolist(), batch.target_N[own].tolist()
        whole = [*batch.input_BT[row, : places[-1] + 1].tolist(), targets[-1]]
        of_row = len(prompts)
        prompts.append(whole)
        for place, target in zip(places, targets, strict=True):
            if whole[place + 1] == target:
                prompt_N.append(of_row)
            else:
                prompt_N.append(len(prompts))
                prompts.append([*whole[: place + 1], target])
    return prompts, prompt_N

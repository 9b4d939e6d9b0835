"""Whether a tokenizer of the package ``tokenizers`` joins bytes by the rules that
``bpe.c`` knows, and these.

They are GPT-2's: words are cut by its pattern, and nothing is changed before or after.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from nonplus.kernels.native.bpe import NativeJoining, functions
from nonplus.models.ngram.text.word_cuts import steps
from nonplus.models.token_bytes import SIGNS

Rules = Mapping[str, Any]


def joining_of(rules: Rules) -> NativeJoining | None:
    """The rules for words that are cut by themselves, from a ``tokenizer.json``;
    ``None`` if they are others, or C is not there.
    """
    *before, last = [*steps(rules["pre_tokenizer"], "pretokenizers")] or [{"type": None}]
    by_pattern = last["type"] == "ByteLevel" and last.get("use_regex", True)
    plain = not rules["normalizer"] and all(token["special"] for token in rules["added_tokens"])
    if functions() is None or not (by_pattern and plain and [step["type"] for step in before] in ([], [_AT_BLANKS])):
        return None
    return _of_model(rules["model"], space=last["add_prefix_space"])


_AT_BLANKS = "WhitespaceSplit"
_NONE_OF = ("dropout", "continuing_subword_prefix", "end_of_word_suffix", "ignore_merges")


def _of_model(model: Rules, *, space: bool) -> NativeJoining | None:
    ids = model["vocab"]
    signs = {byte: chr(sign) for sign, byte in SIGNS.items()}
    if model["type"] != "BPE" or any(model.get(name) for name in _NONE_OF) or not all(s in ids for s in signs.values()):
        return None
    joined = [(ids[left], ids[right], ids[left + right]) for left, right in model["merges"]]
    of_byte = np.array([ids[signs[byte]] for byte in range(256)], np.int32)
    return NativeJoining(of_byte, np.array(joined, np.int32).reshape(-1, 3), space=space)

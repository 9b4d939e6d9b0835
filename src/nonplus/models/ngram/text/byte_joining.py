"""Whether a tokenizer of the package ``tokenizers`` joins bytes by the rules that
``bpe.c`` knows, and these.

They are GPT-2's: words are cut by its pattern, and nothing is changed before or after.
"""

import functools
import unicodedata
from collections.abc import Mapping
from typing import Any

import numpy as np

from nonplus.kernels.native.bpe import DIGIT, KNOWN, LETTER, OTHER, SIGN, WHITESPACE, NativeJoining, functions
from nonplus.models.ngram.text.word_cuts import steps
from nonplus.models.token_bytes import SIGNS

Rules = Mapping[str, Any]

_AT_BLANKS = "WhitespaceSplit"
_KINDS = {"L": LETTER, "N": DIGIT, "Z": WHITESPACE, "P": SIGN, "S": SIGN, "M": SIGN, "C": SIGN}
_NONE_OF = ("dropout", "continuing_subword_prefix", "end_of_word_suffix", "ignore_merges")


def joining_of(rules: Rules) -> NativeJoining | None:
    """The rules for words that are cut by themselves, from a ``tokenizer.json``;
    ``None`` if they are others, or C is not there.
    """
    *before, last = [*steps(rules["pre_tokenizer"], "pretokenizers")] or [{"type": None}]
    by_pattern = last["type"] == "ByteLevel" and last.get("use_regex", True)
    plain = not rules["normalizer"] and all(token["special"] for token in rules["added_tokens"])
    if functions() is None or not (by_pattern and plain and [step["type"] for step in before] in ([], [_AT_BLANKS])):
        return None
    return _of_model(rules["model"], kinds=_kinds(drops_blanks=bool(before)), space=last["add_prefix_space"])


def _of_model(model: Rules, *, kinds: bytes, space: bool) -> NativeJoining | None:
    ids = model["vocab"]
    signs = {byte: chr(sign) for sign, byte in SIGNS.items()}
    if model["type"] != "BPE" or any(model.get(name) for name in _NONE_OF) or not all(s in ids for s in signs.values()):
        return None
    joined = [(ids[left], ids[right], ids[left + right]) for left, right in model["merges"]]
    of_byte = np.array([ids[signs[byte]] for byte in range(256)], np.int32)
    return NativeJoining(of_byte, np.array(joined, np.int32).reshape(-1, 3), kinds=kinds, space=space)


@functools.cache
def _kinds(*, drops_blanks: bool) -> bytes:
    """What each character is. The package has a Unicode of its own, so only those are
    known that were the same from version 3.2 to this Python's; and no blank inside a
    word that it drops.
    """
    points = list(map(chr, range(KNOWN)))
    now, then = (map(version.category, points) for version in (unicodedata, unicodedata.ucd_3_2_0))
    kinds = bytearray(
        _KINDS[a[0]] if a[0] == b[0] and a != "Cn" != b else OTHER for a, b in zip(now, then, strict=True)
    )
    for blank in b"\t\n\v\f\r\x85":
        kinds[blank] = WHITESPACE
    if drops_blanks:
        kinds[0x80:] = kinds[0x80:].replace(bytes([WHITESPACE]), bytes([OTHER]))
    return bytes(kinds)

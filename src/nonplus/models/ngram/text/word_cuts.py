"""Where a tokenizer of the package ``tokenizers`` cuts words by themselves, from its
rules.

Some drop every blank first, as BERT's. Others put the blanks before a word into it, as
GPT-2's: their patterns match a space only at the beginning of a word or among other
whitespace, and look at nothing before a match. So what comes before a space that
follows no whitespace is cut as if the text ended there, and what comes from it on as if
the text began there.
"""

from collections.abc import Mapping
from typing import Any

Rule = Mapping[str, Any]

_AT_BLANKS = ("Whitespace", "WhitespaceSplit", "BertPreTokenizer")
_OF_CHARACTERS = ("BertNormalizer", "Lowercase", "NFC", "NFD", "NFKC", "NFKD", "StripAccents")
_KEEP_BLANKS = ("Lowercase", "NFC", "NFD")  # normalisers that make no blank and remove none
_SHORT = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)"
_UPPER, _LOWER = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]", r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"
_SIGNS, _SPACES = r"| ?[^\s\p{L}\p{N}]+", r"|\s*[\r\n]+|\s+(?!\S)|\s+"
_CL100K = _SHORT + r"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}" + _SIGNS + r"[\r\n]*" + _SPACES  # of Llama 3, too
_QWEN2 = _CL100K.replace("{1,3}", "")
_BEFORE = r"[^\r\n\p{L}\p{N}]?"
_O200K = (
    f"{_BEFORE}{_UPPER}*{_LOWER}+{_SHORT}?|{_BEFORE}{_UPPER}+{_LOWER}*{_SHORT}?"
    r"|\p{N}{1,3}" + _SIGNS + r"[\r\n/]*" + _SPACES
)


def drops_blanks(rules: Rule) -> bool:
    """Whether words between blanks are cut by themselves, if any blank ends a word."""
    plain = not any(token["lstrip"] or token["rstrip"] or " " in token["content"] for token in rules["added_tokens"])
    first = next(iter(steps(rules["pre_tokenizer"], "pretokenizers")), {"type": None})
    kinds = [step["type"] for step in steps(rules["normalizer"], "normalizers")]
    return (
        plain and _is_certain(rules) and first["type"] in _AT_BLANKS and all(kind in _OF_CHARACTERS for kind in kinds)
    )


def leads_words(rules: Rule) -> bool:
    """Whether words with the blanks before them are cut by themselves."""
    # A token that is added is found in the text first, so none may reach over a cut.
    plain = not any(
        token["lstrip"] or token["rstrip"] or " " in token["content"].lstrip(" ") for token in rules["added_tokens"]
    )
    first, *others = [*steps(rules["pre_tokenizer"], "pretokenizers"), {"type": None}]
    inside = all(step["type"] in ("ByteLevel", "Digits", None) for step in others)
    kinds = [step["type"] for step in steps(rules["normalizer"], "normalizers")]
    return (
        plain and _is_certain(rules) and _cuts_before_space(first) and inside and all(k in _KEEP_BLANKS for k in kinds)
    )


def _is_certain(rules: Rule) -> bool:
    return rules["model"].get("dropout") is None


def _cuts_before_space(step: Rule) -> bool:
    match step:
        case {"type": "ByteLevel", "use_regex": True}:
            return True
        case {"type": "Metaspace", "split": True}:
            return True
        case {"type": "Split", "behavior": "Isolated" | "Removed" as behavior, "invert": invert}:
            return step["pattern"].get("Regex") in (_CL100K, _QWEN2, _O200K) and invert == (behavior == "Removed")
    return False


def steps(rule: Rule | None, inside: str) -> list[Rule]:
    """The steps of a rule, one after another."""
    if rule is None:
        return []
    return [step for each in rule[inside] for step in steps(each, inside)] if inside in rule else [rule]

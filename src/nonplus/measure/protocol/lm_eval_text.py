"""How a protocol rewrites and counts text before a model sees it."""

import re

# The order matters: a rule may need the blanks that the one before it leaves. Rules and
# quirks are those of the LM Evaluation Harness (task wikitext), which most published
# figures went through: among them the second one, which by mistake looks for slashes,
# and the last but one, which is meant for another corpus.
_WIKITEXT: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        (r"s '", "s'"),
        (r"/' [0-9]/", "/'[0-9]/"),
        (r" @([-,.])@ ", r"\1"),
        *((rf" {re.escape(mark)} ", f"{mark} ") for mark in ":;.!?,"),
        (r"\(\s*([^\)]*?)\s*\)", r"(\1)"),
        (r"\[\s*([^\]]*?)\s*\]", r"[\1]"),
        (r"{\s*([^}]*?)\s*}", r"{\1}"),
        (r"\"\s*([^\"]*?)\s*\"", r'"\1"'),
        (r"'\s*([^']*?)\s*'", r"'\1'"),
        (r"= = = =", "===="),
        (r"= = =", "==="),
        (r"= =", "=="),
        (r" ° ", "°"),
        (r" \n", "\n"),
        (r"\n ", "\n"),
        (r" N ", " 1 "),
        (r" 's", "'s"),
    )
)


def detokenize(text: str) -> str:
    """WikiText as it was before it was cut into words: ``1 @,@ 000 .`` becomes
    ``1,000.``.
    """
    for pattern, replacement in _WIKITEXT:
        text = pattern.sub(replacement, text)
    return text


def lm_eval_counts(text: str) -> tuple[int, int]:
    """Words and bytes as the LM Evaluation Harness counts them: a blank at an edge
    makes a word of its own.
    """
    return len(re.split(r"\s+", text)), len(text.encode())

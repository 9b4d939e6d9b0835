"""What a perplexity means, in plain words, and what it does not mean."""

import math

from nonplus.measure.formatting import figure
from nonplus.measure.report import Report

# Bits per byte of English prose: rules of thumb from published figures of many models,
# not a standard.
LANDMARKS = (
    (0.6, "large models of today"),
    (1.0, "a model like GPT-2"),
    (2.0, "a very small model"),
    (4.0, "noise, or text in a language that the model hardly knows"),
    (8.0, "random bytes"),
)


def explanation(report: Report, *, vocabulary: int) -> str:
    """A paragraph on the figure, and one on what it can be compared with.

    ``vocabulary`` is the number of entries in the model's vocabulary.
    """
    return f"{_meaning(report, vocabulary)}\n\n{_limits(report)}"


def _meaning(report: Report, vocabulary: int) -> str:
    if report.perplexity is None:
        return "No token was scored, so there is no perplexity."
    if math.isinf(report.perplexity):
        return (
            "The perplexity is infinite: the model gives probability 0 to a token of this text, and one such token is "
            "enough. The report shows its place."
        )
    mean = "in the mean over texts" if report.protocol.average == "texts" else "on average"
    text = (
        f"A perplexity of {figure(report.perplexity)} means that the model was, {mean}, as uncertain about each token "
    )
    text += f"as if it chose among {figure(report.perplexity, 3)} equally likely tokens. A uniform guess over its "
    text += f"vocabulary would give {vocabulary:,}; a model that is certain and right would give 1."
    if report.bits_per_byte is None:
        return text
    unseen = report.tally.unknown > 0 or bool(report.lost)
    return f"{text} {_of_unseen_text(report.bits_per_byte) if unseen else _bytes(report.bits_per_byte)}"


def _of_unseen_text(bits: float) -> str:
    return (
        f"The {figure(bits, 3)} bits for each byte of text cannot be compared, because the model did not see all of "
        "the text: its tokenizer has no token for a part, or loses it."
    )


def _bytes(bits: float) -> str:
    text = f"That is {figure(bits, 3)} bits for each byte of text: the model could compress the text to "
    text += f"{bits / 8:.0%} of its size. "
    return f"{text}As a rule of thumb for English prose, this {_between(bits)}."


def _between(bits: float) -> str:
    """Where a figure lies among the landmarks."""
    named = [(at, f"about {at:g} ({what})") for at, what in LANDMARKS]
    below = [landmark for at, landmark in named if at <= bits]
    above = [landmark for at, landmark in named if at > bits]
    if not below:
        return f"is less than {above[0]}; perhaps the model was trained on this text"
    return f"lies between {below[-1]} and {above[0]}" if above else f"is no better than {below[-1]}"


def _limits(report: Report) -> str:
    return (
        "The figure belongs to this model on this text under this protocol. Perplexity per token compares only models "
        "that share a tokenizer; bits per byte compares across tokenizers. Neither compares across texts: code, poems "
        "and news differ by more than models do. A figure measured under a protocol other than "
        f"{report.protocol.signature} is a different quantity; see nonplus protocols."
    )

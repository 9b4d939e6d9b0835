"""What a perplexity means, in plain words, with the limits of what it can mean."""

import math

from nonplus.measure.formatting import figure
from nonplus.measure.report import Report

# Bits per byte of English prose: rules of thumb from published figures of many models, not a standard.
LANDMARKS = (
    (0.6, "large models of today"),
    (1.0, "a model of the class of GPT-2"),
    (2.0, "a very small model"),
    (4.0, "text in a language that the model hardly knows, or noise"),
    (8.0, "random bytes"),
)


def explanation(report: Report, *, vocabulary: int) -> str:
    """A paragraph on the figure, and one on what it can be compared with; ``vocabulary`` is the model's."""
    return f"{_meaning(report, vocabulary)}\n\n{_limits(report)}"


def _meaning(report: Report, vocabulary: int) -> str:
    if report.perplexity is None:
        return "No token was scored, so there is no perplexity."
    if math.isinf(report.perplexity):
        return (
            "The perplexity is infinite: the model holds a token of this text for impossible, and one such token is "
            "enough. The report says where it stands."
        )
    mean = "in the mean of the texts" if report.protocol.average == "texts" else "on average"
    said = f"A perplexity of {figure(report.perplexity)} means that the model was, {mean}, as unsure about each token "
    said += f"as if it had to pick among {figure(report.perplexity, 3)} equally likely ones. Guessing evenly over its "
    said += f"vocabulary would give {vocabulary:,}; a model that is certain and right, 1."
    return f"{said} {_bytes(report.bits_per_byte)}" if report.bits_per_byte is not None else said


def _bytes(bits: float) -> str:
    said = f"It is {figure(bits, 3)} bits for each byte of text: the model could compress the text to "
    said += f"{bits / 8:.0%} of its size. "
    return f"{said}As a rule of thumb for English prose, {_between(bits)}."


def _between(bits: float) -> str:
    """Where a figure lies among the landmarks."""
    named = [(at, f"about {at:g} ({what})") for at, what in LANDMARKS]
    below = [said for at, said in named if at <= bits]
    above = [said for at, said in named if at > bits]
    if not below:
        return f"that is less than {above[0]}; perhaps the model has seen this very text before"
    return f"that lies between {below[-1]} and {above[0]}" if above else f"that is no better than {below[-1]}"


def _limits(report: Report) -> str:
    return (
        "The figure belongs to this model on this text under this protocol. Perplexity per token compares only models "
        "that share a tokenizer; bits per byte compares across tokenizers. Neither compares across texts: code, poems "
        "and news differ by more than models do. And a figure measured under a protocol other than "
        f"{report.protocol.signature} is another quantity; see nonplus protocols."
    )

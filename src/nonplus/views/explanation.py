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


# What a model saw besides the tokens before the one it predicts.
_GIVEN = {
    "perplexity": "",
    "pseudo-perplexity": ", which saw the tokens on both sides of the one it predicts,",
    "conditional perplexity": ", which was given a source,",
}


def explanation(report: Report, *, vocabulary: int | None, order: int | None = None) -> str:
    """A paragraph on the figure, one on how an n-gram model comes to it, and one on
    what it can be compared with.

    ``vocabulary`` is the number of entries in the model's vocabulary, if it is known,
    ``order`` that of an n-gram model.
    """
    of_ngrams = [] if order is None else [_ngrams(report, order)]
    return "\n\n".join([_meaning(report, vocabulary), *of_ngrams, _limits(report)])


def _meaning(report: Report, vocabulary: int | None) -> str:
    quantity = report.quantity
    if report.perplexity is None:
        return f"No token was scored, so there is no {quantity}."
    if math.isinf(report.perplexity):
        return (
            f"The {quantity} is infinite: the model gives probability 0 to a token of this text, and one such token is "
            "enough. The report shows its place."
        )
    mean = "in the mean over texts" if report.protocol.average == "texts" else "on average"
    text = f"A {quantity} of {figure(report.perplexity)} means that the model{_GIVEN[quantity]} was, {mean}, "
    text += f"as uncertain about each token as if it chose among {figure(report.perplexity, 3)} equally likely tokens. "
    certain = "model that is certain and right would give 1."
    guess = "" if vocabulary is None else f"uniform guess over its vocabulary would give {vocabulary:,}; a "
    text += f"A {guess}{certain}"
    if report.bits_per_byte is None or quantity != "perplexity":
        return text
    unseen = report.tally.unknown > 0 or bool(report.lost)
    return f"{text} {_of_unseen_text(report.bits_per_byte) if unseen else _bytes(report.bits_per_byte)}"


def _ngrams(report: Report, order: int) -> str:
    if order == 1:
        return "The model is one of 1-grams: each token has its own probability, whatever stands before it."
    text = (
        f"The model is one of n-grams: it sees {order - 1} {'token' if order == 2 else 'tokens'} before each, and no "
        f"more. Where its training text had the {order} in this order, it has their probability; else it leaves out "
        "the oldest, again and again, and multiplies by a back-off weight each time. By Kneser-Ney smoothing, the "
        "usual one, some probability is taken from what was seen for what was not, and the probability of a token "
        "after fewer others counts after how many different ones it was seen, not how often. "
    )
    if report.mean_match_length is None:
        return text
    mean = figure(report.mean_match_length, 3)
    return f"{text}Here the longest n-gram that it found had {mean} tokens on average, of at most {order}."


def _of_unseen_text(bits: float) -> str:
    return (
        f"The {figure(bits, 3)} bits for each byte of text cannot be compared, because the model did not see all of "
        "the text: it has no token for a part, or its tokenizer loses it."
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
    if report.quantity != "perplexity":
        return (
            f"A {report.quantity} is no perplexity: the model saw more than the tokens before each one, so the figure "
            "is usually lower, and no code for the text alone has its bits per byte. It compares only with others of "
            f"its kind, under the same protocol ({report.protocol.signature}), on the same text, from models that "
            "share a tokenizer."
        )
    return (
        "The figure belongs to this model on this text under this protocol. Perplexity per token compares only models "
        "that share a tokenizer; bits per byte compares across tokenizers. Neither compares across texts: code, poems "
        "and news differ by more than models do. A figure measured under a protocol other than "
        f"{report.protocol.signature} is a different quantity; see nonplus protocols."
    )

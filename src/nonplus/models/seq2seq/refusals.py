"""Texts that an encoder-decoder cannot score, and what to do about them."""

from nonplus.errors import BadInput, BadModel


def no_source(document: str, model: str) -> BadInput:
    """There is nothing that the encoder could be fed."""
    return BadInput(
        f"{document} has no context, and the tokenizer of {model} adds no special token that its encoder could be fed "
        "instead; give the source of each text as its context"
    )


def too_long(document: str, what: str, tokens: int, most: int) -> BadInput:
    """A source or a text that is longer than the model accepts."""
    return BadInput(
        f"the {what} of {document} has {tokens} tokens, special ones included, and the model takes {most}; shorten it, "
        "or split it into pairs that belong together"
    )


def too_long_for_memory(document: str) -> BadModel:
    """A pair that does not fit alone."""
    return BadModel(
        f"{document} and its context do not fit into memory even alone; use a smaller dtype, as in dtype=bfloat16, or "
        "shorter texts"
    )

"""Does a token of which a tool tells the text stand where the tool says?"""

PART = "\N{REPLACEMENT CHARACTER}"  # in the text of a token that is part of a character


def stands(token: str, span: str) -> bool:
    """Whether a token may cover that part of a text: itself, or parts of characters,
    which are told as signs, or as ``bytes:`` with their numbers.
    """
    head, part, rest = token.partition(PART)
    if part:
        return not span or (span.startswith(head) and span.endswith(rest.rpartition(PART)[2]))
    return span == token or token.startswith("bytes:")

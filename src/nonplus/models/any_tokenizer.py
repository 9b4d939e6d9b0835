"""A tokenizer of any package as one of ours."""

from typing import Any, NamedTuple

import tokenizers

from nonplus.errors import BadModel
from nonplus.measure.interfaces import Special, Tokenizer
from nonplus.models.llama.tokenizer import FileTokenizer
from nonplus.optional import require


class AnyTokenizer(NamedTuple):
    """A tokenizer, its BOS and EOS, and its fewest tokens, 0 if that is not known."""

    tokenizer: Tokenizer
    special: Special
    size: int


def tokenizer_of(given: Any) -> AnyTokenizer:
    """What is known of a tokenizer of ``tokenizers``, of ``transformers``, or of ours.

    Raises:
        BadModel: it is none of these.
        MissingExtra: it is one of transformers, which is not installed as a whole.
    """
    if isinstance(given, tokenizers.Tokenizer):
        rust = FileTokenizer.of(given)
        return AnyTokenizer(rust, rust.special({}), rust.size)
    if any(each.__module__.partition(".")[0] == "transformers" for each in type(given).__mro__):
        of_transformers = require("nonplus.models.hf.tokenizer", purpose="a tokenizer of transformers")
        own = of_transformers.HFTokenizer(given)
        return AnyTokenizer(own, own.special(None, vocabulary=1 << 31), own.size)
    if isinstance(given, Tokenizer):
        return AnyTokenizer(given, Special(bos=None, eos=None), 0)
    raise BadModel(
        f"a tokenizer is one of the packages tokenizers or transformers, or an object with the methods of Tokenizer in "
        f"nonplus.measure.interfaces, got one of type {type(given).__name__}; pass the one that the model was trained "
        "with"
    )


def named_token(tokenizer: Tokenizer, named: int | str | None, own: int | None, *, vocabulary: int) -> int | None:
    """The id of a token that is named by its id, its text, or as ``auto``: ``own``.

    Raises:
        BadModel: there is no such token.
    """
    token = own if named == "auto" else _token(tokenizer, named)
    if token is not None and not 0 <= token < vocabulary:
        raise BadModel(
            f"the special token {token} is not in the model's vocabulary of {vocabulary}; name one that is by bos=… "
            "and eos=…, or None if the model has none"
        )
    return token


def _token(tokenizer: Tokenizer, named: int | str | None) -> int | None:
    if not isinstance(named, str):
        return named
    (encoding,) = tokenizer.encode([named], specials=False)
    if len(encoding.ids) != 1:
        raise BadModel(
            f"{named!r} is {len(encoding.ids)} tokens of this tokenizer, where one is needed; name a special token by "
            "its text or its id, or None if the model has none"
        )
    return int(encoding.ids[0])

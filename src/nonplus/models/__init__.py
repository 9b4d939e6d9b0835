"""Opening a model by name: a scheme, a colon, and what that scheme opens."""

import os
from pathlib import Path
from typing import Any, cast

from nonplus.closest import did_you_mean
from nonplus.errors import BadModel
from nonplus.measure.interfaces import HasLogprobs, ScoresTexts, TextScorer, WindowModel
from nonplus.models.bundled_cards import bundled_folder, bundled_models, is_of_ngrams
from nonplus.models.loading import Loading, loaded_as_is
from nonplus.optional import AS_THEY_ARE, MODELS, is_scheme, opener, require, schemes

__all__ = ["DEFAULT", "bundled_models", "has_device", "open_bundled", "open_model", "wrap_model"]

DEFAULT = "bundled:base"


def open_model(
    model: object = DEFAULT,
    *,
    loading: Loading = Loading(),  # noqa: B008
) -> WindowModel | TextScorer:
    """The model of that name, or a model object.

    A name is ``scheme:rest``: ``bundled:tiny``, ``hf:gpt2``, ``hf:FOLDER``,
    ``mlm:FOLDER``, ``seq2seq:FOLDER``, ``gguf:FILE``, ``llama:FOLDER``,
    ``ngram:FOLDER``, ``ngram:FILE``, ``openai:URL#MODEL``, ``scores:FILE``,
    ``uniform:256``, ``unigram:FILE``, or a scheme that an installed package declares
    under the entry point ``nonplus.models``. Without a scheme, the name of a
    bundled model means that model, one that ends in ``.gguf`` means ``gguf:``, and any
    other name or folder means ``hf:``. An object is ``(model, tokenizer)`` of
    ``transformers``, which is wrapped, or a model in the sense of
    :mod:`nonplus.measure.interfaces`, which is returned.

    Raises:
        BadModel: there is no such model, or ``loading`` does not suit it.
        MissingExtra: it needs an extra of nonplus that is not installed.
    """
    if not isinstance(loading, Loading):
        raise BadModel(
            f"loading is of type {type(loading).__name__}; pass a Loading, such as Loading(dtype='bfloat16')"
        )
    match model:
        case str() | Path():
            return _opened(str(model), loading)
        case (inner, tokenizer):
            return wrap_model(inner, tokenizer, loading=loading)
        case HasLogprobs() | ScoresTexts() if not isinstance(model, type):
            return loaded_as_is(cast(WindowModel | TextScorer, model), loading)
    raise BadModel(
        f"a model is a name such as {DEFAULT}, a pair (model, tokenizer) of transformers, or an object with the "
        "methods of WindowModel or TextScorer in nonplus.measure.interfaces, got an object of type "
        f"{type(model).__name__}; pass a model of transformers with its tokenizer"
    )


def wrap_model(model: Any, tokenizer: Any, *, loading: Loading = Loading()) -> WindowModel:  # noqa: B008
    """A model and tokenizer of ``transformers`` that are in memory."""
    transformers_models = require("nonplus.models.hf.model", purpose="a model of transformers")
    wrapped: WindowModel = transformers_models.from_object(model, tokenizer)
    return loaded_as_is(wrapped, loading)


def open_bundled(name: str, loading: Loading = Loading()) -> WindowModel | TextScorer:  # noqa: B008
    """``bundled:NAME``: a model that comes with the package, run without torch.

    Raises:
        BadModel: there is no such model.
    """
    bare = bundled_name(name)
    scheme = "ngram" if is_of_ngrams(bare) else "llama"
    opened: WindowModel | TextScorer = opener(MODELS, scheme)(str(bundled_folder(bare)), loading)
    return opened


def bundled_name(name: str) -> str:
    """``tiny`` of ``tiny`` or ``bundled:tiny``.

    Raises:
        BadModel: nonplus comes with no such model.
    """
    bare = name.removeprefix("bundled:")
    if bare not in bundled_models():
        meant = did_you_mean(bare, bundled_models(), before="bundled:")
        raise BadModel(f"nonplus comes with no model {bare!r}; use one of {', '.join(bundled_models())}{meant}")
    return bare


def has_device(model: object) -> bool:
    """Whether a name is that of a model that is loaded to one device or another."""
    return isinstance(model, str | Path) and _parts(str(model))[0] not in AS_THEY_ARE


def _parts(name: str) -> tuple[str, str]:
    """The scheme of a name, and what is said to that."""
    scheme, colon, rest = name.partition(":")
    if not colon or os.path.exists(name):
        return _scheme_of_bare(name), name
    return scheme, rest


def _scheme_of_bare(name: str) -> str:
    if name in bundled_models():
        return "bundled"
    return "gguf" if name.endswith(".gguf") else "hf"


def _opened(name: str, loading: Loading) -> WindowModel | TextScorer:
    scheme, rest = _parts(name)
    if not is_scheme(MODELS, scheme):
        known = ", ".join(f"{known}:" for known in schemes(MODELS))
        meant = did_you_mean(scheme, schemes(MODELS), after=f":{rest}")
        raise BadModel(f"there is no scheme {scheme!r} for models; use {known} or a bare name, which means hf:{meant}")
    opened: WindowModel | TextScorer = opener(MODELS, scheme)(rest, loading)
    return opened

"""Opening a model by name: a scheme, a colon, and what that scheme opens."""

import importlib
import os
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any, cast

from nonplus.errors import BadModel
from nonplus.measure.interfaces import WindowModel
from nonplus.models.bundled_cards import bundled_folder, bundled_models
from nonplus.models.loading import Loading
from nonplus.optional import require

__all__ = ["DEFAULT", "bundled_models", "open_bundled", "open_model", "wrap_model"]

DEFAULT = "bundled:base"

# scheme: the function that opens what follows the colon, imported when it is first asked for
_SCHEMES = {
    "bundled": "nonplus.models:open_bundled",
    "llama": "nonplus.models.llama.model:open_llama",
    "uniform": "nonplus.models.synthetic:open_uniform",
    "unigram": "nonplus.models.synthetic:open_unigram",
}
_ENTRY_POINTS = "nonplus.models"


def open_model(model: object = DEFAULT, *, loading: Loading = Loading()) -> WindowModel:  # noqa: B008
    """The model of that name; ``(model, tokenizer)`` of ``transformers``, wrapped; or a :class:`WindowModel`, as it is.

    A name is ``scheme:rest``: ``bundled:tiny``, ``hf:gpt2``, ``hf:FOLDER``, ``llama:FOLDER``, ``uniform:256``,
    ``unigram:FILE``, or a scheme that an installed package declares under the entry point ``nonplus.models``. Without a
    scheme, the name of a bundled model means that model, and any other name or folder means ``hf:``.

    Raises:
        BadModel: nothing of that name can be opened, or not in the way that ``loading`` asks for.
        MissingExtra: opening it needs a part of nonplus that is not installed.
    """
    match model:
        case str() | Path():
            return _opened(str(model), loading)
        case (inner, tokenizer):
            return wrap_model(inner, tokenizer, loading=loading)
        case _ if callable(getattr(type(model), "logprobs", None)):
            return _as_asked(cast(WindowModel, model), loading)
    raise BadModel(
        f"a model is a name such as {DEFAULT}, a pair (model, tokenizer) of transformers, or an object with the "
        f"methods of nonplus.measure.interfaces.WindowModel, got {type(model).__name__}; pass its tokenizer with it"
    )


def wrap_model(model: Any, tokenizer: Any, *, loading: Loading = Loading()) -> WindowModel:  # noqa: B008
    """A model and tokenizer of ``transformers`` that are in memory already."""
    wrapped: WindowModel = _hf().from_object(model, tokenizer)
    return _as_asked(wrapped, loading)


def open_bundled(name: str) -> WindowModel:
    """``bundled:NAME``: a model that comes with the package, run by NumPy."""
    if name not in bundled_models():
        raise BadModel(f"no model {name!r} comes with nonplus; those that do: {', '.join(bundled_models())}")
    return _function("nonplus.models.llama.model:open_llama")(bundled_folder(name))


def _opened(name: str, loading: Loading) -> WindowModel:
    scheme, colon, rest = name.partition(":")
    if not colon or os.path.exists(name):
        scheme, rest = ("bundled" if name in bundled_models() else "hf"), name
    if scheme in _SCHEMES:
        return _as_asked(_function(_SCHEMES[scheme])(rest), loading)
    if scheme == "hf":
        if not rest:
            raise BadModel(f"the model {name!r} has no name; give a folder, one on the hub as in hf:gpt2, or {DEFAULT}")
        opened: WindowModel = _hf().open_hf(rest, loading)
        return opened
    return _declared(scheme)(rest, loading)


def _as_asked(model: WindowModel, loading: Loading) -> WindowModel:
    """``model``, which knows one way to be loaded, if that is the way asked for."""
    met = {"dtype": ("auto", model.dtype), "device": ("auto", "cpu"), "packing": (False, model.packs)}
    for option in fields(Loading):
        asked = getattr(loading, option.name)
        if asked not in met.get(option.name, (option.default,)):
            raise BadModel(
                f"{model.name} cannot be loaded with {option.name}={asked!r}: it runs as it is, in {model.dtype}; "
                f"leave {option.name} out, or open a model by hf:"
            )
    return model


def _hf() -> Any:
    require("torch", extra="hf", purpose="opening a model by hf:")
    require("transformers", extra="hf", purpose="opening a model by hf:")
    return importlib.import_module("nonplus.models.hf.model")


def _declared(scheme: str) -> Callable[[str, Loading], WindowModel]:
    """What an installed package opens ``scheme`` with."""
    from importlib.metadata import entry_points  # half a cold start, and rarely needed

    declared = {entry.name: entry for entry in entry_points(group=_ENTRY_POINTS)}
    if scheme not in declared:
        known = ", ".join(f"{known}:" for known in sorted({*_SCHEMES, "hf", *declared}))
        raise BadModel(f"there is no scheme {scheme!r} for models; known are {known} or a bare name, which means hf:")
    opener: Callable[[str, Loading], WindowModel] = declared[scheme].load()
    return opener


def _function(path: str) -> Callable[[Any], WindowModel]:
    module, _, name = path.partition(":")
    function: Callable[[Any], WindowModel] = getattr(importlib.import_module(module), name)
    return function

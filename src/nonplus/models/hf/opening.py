"""``hf:NAME``: where the model is, then the model, which takes torch."""

from importlib.util import find_spec

from nonplus.errors import BadModel
from nonplus.measure.interfaces import WindowModel
from nonplus.models.hf.location import ADAPTER, is_here
from nonplus.models.loading import Loading
from nonplus.optional import require


def open_hf(name: str, loading: Loading = Loading()) -> WindowModel:  # noqa: B008
    """The model and tokenizer of a folder or of the hub.

    Raises:
        BadModel: it is nowhere, cannot be loaded, or is not causal.
        MissingExtra: ``transformers`` is needed, or ``peft`` for an adapter.
    """
    here = found(name, loading, scheme="hf")
    transformers_models = require("nonplus.models.hf.model", purpose="the scheme hf:")
    opened: WindowModel = transformers_models.open_hf(name, loading, here=here)
    return opened


def found(name: str, loading: Loading, *, scheme: str) -> bool:
    """Whether the files are on this machine, as far as torch is there to read them.

    Raises:
        BadModel: they are nowhere.
    """
    if not name:
        raise BadModel(f"the name of the model is empty; give a folder, or a name on the hub as in {scheme}:NAME")
    if not (find_spec("torch") and find_spec("transformers")):  # else the import names the extra
        return False
    here = is_here(name)
    here &= not loading.adapter or is_here(loading.adapter, holds=ADAPTER)
    return here

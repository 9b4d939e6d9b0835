"""``gguf:FILE`` or ``gguf:FOLDER``: which file, then the model, which takes torch."""

from nonplus.errors import BadModel
from nonplus.measure.interfaces import WindowModel
from nonplus.models.gguf.location import found
from nonplus.models.loading import Loading
from nonplus.optional import require

# What suits other files than these, and why not these.
_UNSUITED = {
    "revision": "that is for models on the hub",
    "quantization": "it is quantised as it is",
    "trust_remote_code": "it comes without code",
}


def open_gguf(name: str, loading: Loading = Loading()) -> WindowModel:  # noqa: B008
    """The model and tokenizer in a GGUF file, or in the only one of a folder.

    Raises:
        BadModel: there is no such file, it holds no causal language model, or
            transformers would not compute what the file says.
        MissingExtra: ``gguf`` or ``transformers`` is needed.
    """
    if not name:
        raise BadModel("the name of the file is empty; give one, as in gguf:model.gguf")
    file = found(name)
    for option, why in _UNSUITED.items():
        if value := getattr(loading, option):
            raise BadModel(f"{option}={value!r} does not suit the file {file.name!r}: {why}; omit {option}={value!r}")
    require("nonplus.models.gguf.header", purpose="the scheme gguf:")
    files = require("nonplus.models.gguf.model", purpose="the scheme gguf:")
    opened: WindowModel = files.open_file(file, loading)
    return opened

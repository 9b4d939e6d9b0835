"""``seq2seq:NAME``: where the model is, then the model, which takes torch."""

from nonplus.measure.interfaces import TextScorer
from nonplus.models.hf.opening import found
from nonplus.models.loading import Loading, check_unpacked
from nonplus.optional import require


def open_seq2seq(name: str, loading: Loading = Loading()) -> TextScorer:  # noqa: B008
    """The encoder-decoder model of a folder or of the hub.

    Raises:
        BadModel: it is nowhere, cannot be loaded, or is no encoder-decoder.
        MissingExtra: ``transformers`` is needed, or ``peft`` for an adapter.
    """
    check_unpacked(loading, scheme="seq2seq")
    here = found(name, loading, scheme="seq2seq")
    pairs = require("nonplus.models.seq2seq.model", purpose="the scheme seq2seq:")
    opened: TextScorer = pairs.open_pairs(name, loading, here=here)
    return opened

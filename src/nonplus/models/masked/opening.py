"""``mlm:NAME`` and ``mlm:NAME#WAY``: where the model is, then the model, which takes
torch.
"""

import os

from nonplus.closest import did_you_mean
from nonplus.errors import BadModel
from nonplus.measure.interfaces import TextScorer
from nonplus.models.hf.opening import found
from nonplus.models.loading import Loading, check_unpacked
from nonplus.optional import require

WAYS = ("within_word_l2r", "original")


def open_mlm(name: str, loading: Loading = Loading()) -> TextScorer:  # noqa: B008
    """The masked model of a folder or of the hub, by its pseudo-log-likelihood.

    ``within_word_l2r``, the default, masks a token with the later ones of its word;
    ``#original`` after the name masks each token alone.

    Raises:
        BadModel: it is nowhere, cannot be loaded, or is not masked.
        MissingExtra: ``transformers`` is needed, or ``peft`` for an adapter.
    """
    folder, _, way = (name, "", "") if os.path.isdir(name) else name.partition("#")
    way = way or WAYS[0]
    if way not in WAYS:
        meant = did_you_mean(way, WAYS, before=f"mlm:{folder}#")
        raise BadModel(f"{way!r} is not a way to mask tokens; the ways are {', '.join(WAYS)}{meant}")
    check_unpacked(loading, scheme="mlm")
    here = found(folder, loading, scheme="mlm")
    masked = require("nonplus.models.masked.model", purpose="the scheme mlm:")
    opened: TextScorer = masked.open_masked(folder, loading, way=way, here=here)
    return opened

"""``scores:FILE``: a file of log-probabilities as a model."""

from pathlib import Path

from nonplus.errors import BadModel
from nonplus.files import reading
from nonplus.models.loading import Loading, loaded_as_is
from nonplus.models.precomputed.log_probability import BASES
from nonplus.models.precomputed.model import Precomputed


def open_scores(name: str, loading: Loading = Loading()) -> Precomputed:  # noqa: B008
    """The scores of a file; ``scores:FILE#bits`` or ``#log10`` names another base than
    that of natural logarithms.

    Raises:
        BadModel: there is no such file, or no such base.
        BadInput: it cannot be read, or is in no known form.
    """
    base = "nats"
    path, mark, named = name.rpartition("#")
    if mark and not Path(name).exists():
        if named not in BASES:
            raise BadModel(f"scores: takes a base after #, {', '.join(BASES)}, got {named!r}; omit it for nats")
        name, base = path, named
    if not name:
        raise BadModel("scores: takes the file to read and got none; name one of JSON Lines or Parquet")
    with reading(Path(name)):
        if not Path(name).is_file():
            raise BadModel(f"scores: takes a file of log-probabilities, and there is no file {name!r}; check the path")
    return loaded_as_is(Precomputed(Path(name), base=base), loading)

"""A model from a GGUF file: its weights as the numbers that their blocks stand for."""

import os
from collections.abc import Iterable
from contextlib import redirect_stderr
from dataclasses import replace
from functools import partial
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory

from torch import nn

from nonplus.errors import BadModel
from nonplus.models.gguf.header import Header, Stored, read
from nonplus.models.gguf.kind import check_kind
from nonplus.models.gguf.settings import FREQUENCIES, SUPPORTED, configuration
from nonplus.models.gguf.tokenizer import tokenizer_of
from nonplus.models.hf.evaluating import within_memory
from nonplus.models.hf.inner import inner_model
from nonplus.models.hf.loading import adapted, complete, quiet
from nonplus.models.hf.model import HFModel
from nonplus.models.hf.refusals import refused
from nonplus.models.hf.tokenizer import HFTokenizer
from nonplus.models.loading import Loading

_BYTES = {"float64": 8, "float32": 4, "bfloat16": 2, "float16": 2}


def open_file(file: Path, loading: Loading) -> HFModel:
    """The model and tokenizer in a file, with its weights unpacked.

    With ``dtype="auto"`` it runs in float32, in which unpacked blocks are exact.

    Raises:
        BadModel: the file holds none, or one that transformers would compute in another
            way than the file says.
    """
    header = read(file)
    check_kind(file, header, supported=SUPPORTED)
    if loading.dtype == "auto":
        loading = replace(loading, dtype="float32")
    _check_memory(file, header, loading.dtype)
    # An empty folder, because transformers also reads what lies beside the file; and it
    # draws bars that no setting of its own switches off.
    with (
        TemporaryDirectory() as empty,
        quiet(),
        redirect_stderr(StringIO()),
        refused(f"the file {str(file)!r}", empty, "copy or download it again"),
    ):
        tokenizer = HFTokenizer(tokenizer_of(file, header, Path(empty)))
        model = within_memory(lambda: _unpacked(file, header, Path(empty), loading))
    name = f"{file} of {', '.join(header.types)}"
    if loading.adapter:
        model, name = adapted(model, loading.adapter), f"{name}+{loading.adapter}"
    return HFModel(model.eval(), tokenizer, name=name, packing=loading.packing, opens=partial(open_file, file, loading))


def _unpacked(file: Path, header: Header, folder: Path, loading: Loading) -> nn.Module:
    config = configuration(file, header, folder)
    model = complete(
        str(folder), loading, {"gguf_file": str(file.absolute()), "config": config, "local_files_only": True}
    )
    _check_all_used(file, header, model)
    inner = inner_model(model)
    # Its weights are plain numbers now; where they came from is not theirs.
    del inner.config.quantization_config
    inner.config.name_or_path = str(file)
    inner.config._model_name_or_path = ""
    return model


def _check_all_used(file: Path, header: Header, model: nn.Module) -> None:
    """Refuse a file of which transformers left out some tensors, without a word."""
    layers = inner_model(model).config.get_text_config().num_hidden_layers
    stored = sum(tensor.numbers for tensor in _of_next_token(header.tensors, layers))
    loaded = sum(parameter.numel() for parameter in model.parameters())
    if stored != loaded:
        raise BadModel(
            f"{str(file)!r} holds {stored:,} numbers, and the {type(model).__name__} that transformers makes of them "
            f"has {loaded:,}, so it is another model; open the model that the file was made from with hf:"
        )


def _of_next_token(tensors: Iterable[Stored], layers: int) -> Iterable[Stored]:
    """Without rotary frequencies, which are settings, and without layers after the last
    one, which predict further tokens.
    """
    for tensor in tensors:
        kind, _, rest = tensor.name.partition(".")
        beyond = kind == "blk" and int(rest.partition(".")[0]) >= layers
        if tensor.name != FREQUENCIES and not beyond:
            yield tensor


def _check_memory(file: Path, header: Header, dtype: str) -> None:
    numbers = sum(tensor.numbers for tensor in header.tensors)
    needed, there = numbers * _BYTES.get(dtype, 4), os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    if needed > there:
        raise BadModel(
            f"{str(file)!r} takes {file.stat().st_size / 1e9:.1f} GB, and its {numbers / 1e9:.1f} billion numbers take "
            f"{needed / 1e9:.1f} GB in {dtype}, more than the {there / 1e9:.1f} GB of this machine; use "
            "dtype=bfloat16, which takes half of it, or a larger machine"
        )

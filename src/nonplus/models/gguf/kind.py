"""Whether a GGUF file holds a language model that can be scored here."""

from collections.abc import Collection
from pathlib import Path

from nonplus.errors import BadModel
from nonplus.models.gguf.header import Header

_PROJECTOR = ("the part of a model that sees or hears", "give the file of its language model")
# What llama.cpp writes besides models, by `general.type` or by architecture.
_OTHERS = {
    "adapter": ("a LoRA adapter", "merge it into its model with llama-export-lora, and give the result"),
    "clip": _PROJECTOR,
    "mmproj": _PROJECTOR,
    "imatrix": ("statistics for quantising", "give the file of the model"),
    "controlvector": ("a control vector", "give the file of the model"),
}


def check_kind(file: Path, header: Header, *, supported: Collection[str]) -> None:
    """Refuse what is no language model, or of an architecture that is not supported.

    Raises:
        BadModel: it is one of these.
    """
    architecture = header.architecture
    for kind in (str(header.metadata.get("general.type", "model")), architecture):
        if kind in _OTHERS:
            what, remedy = _OTHERS[kind]
            raise BadModel(f"{str(file)!r} holds {what}, which has no probabilities of text; {remedy}")
    if not architecture:
        raise BadModel(f"{str(file)!r} does not say of which architecture it is, so it is no model; give another file")
    if not header.tensors:
        raise BadModel(f"{str(file)!r} holds a vocabulary and no weights; give the file of the model")
    if architecture not in supported:
        raise BadModel(
            f"{str(file)!r} is of the architecture {architecture!r}, and what transformers makes of GGUF files was "
            f"compared with llama.cpp only for {', '.join(sorted(supported))}; open the model that it was made from "
            "with hf:"
        )
    if header.metadata.get(f"{architecture}.attention.causal") is False:
        raise BadModel(f"{str(file)!r} is not causal: it makes embeddings, not probabilities; give a causal model")

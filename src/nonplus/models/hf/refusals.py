"""Errors of transformers and its dependencies, in one sentence with what to do."""

import json
import pickle
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from huggingface_hub.errors import StrictDataclassError
from safetensors import SafetensorError

from nonplus.errors import BadModel, NonplusError

# What is raised for a model that is missing, broken or unsupported.
_REFUSALS = (
    *(ArithmeticError, AssertionError, AttributeError, EOFError, ImportError, LookupError, OSError, RuntimeError),
    *(TypeError, ValueError, SafetensorError, StrictDataclassError, pickle.UnpicklingError),
)


@contextmanager
def refused(what: str, name: str, remedy: str) -> Iterator[None]:
    """Turns an error of the libraries below into a BadModel of one sentence.

    ``name`` is the folder that was opened, or a name on the hub; ``remedy`` is for what
    is not known better.
    """
    try:
        yield
    except (NonplusError, torch.OutOfMemoryError):
        raise
    except _REFUSALS as fault:
        reason, better = _explained(fault, Path(name))
        raise BadModel(f"{what} cannot be opened: {reason}; {better or remedy}") from None


def _explained(fault: Exception, folder: Path) -> tuple[str, str]:
    """The reason, and what to do about it; the latter is empty if it is not known."""
    text = str(fault).strip()
    first = text.partition("\n")[0].rstrip(".: ")
    match fault:
        case StrictDataclassError():
            return f"its config.json does not fit itself ({fault.__cause__ or first})", "download it again"
        case json.JSONDecodeError():
            return f"a JSON file of it is damaged ({first})", "copy or download all of its files"
        case SafetensorError():
            return f"a file of its weights is damaged or cut off ({first})", "copy or download it again"
        case pickle.UnpicklingError() | EOFError() | LookupError() | RuntimeError() if _pickled(folder):
            return (
                "its weights are pickled (.bin), and damaged or more than tensors, which torch refuses because it "
                "could run code",
                "take them as safetensors, or have someone you trust load them and save_pretrained again",
            )
        case KeyError():
            return f"{first} is missing in its files, or unknown to this transformers", ""
        case FileNotFoundError() if "safetensors" in text or ".bin" in text:
            missing = Path(text.rpartition(": ")[2].strip("'")).name
            return f"{missing} is missing, which its index names", "copy or download all of its files"
        case ImportError():
            return first, "install what that names"
    if text.startswith("Couldn't instantiate the backend tokenizer"):
        return "there is no tokenizer.json", ""
    if "trust_remote_code" in text:
        return "it comes with code of its own", "if you trust its authors, allow that with trust_remote_code=True"
    if text.startswith("Unrecognized model in"):
        return (
            "it has no config.json with a model_type",
            f"if it is an adapter, open the model that it was trained for, with adapter={str(folder)!r}, else take "
            "all of its files",
        )
    if text.startswith("Unrecognized configuration class") or "does not recognize this architecture" in text:
        return (
            f"it is of the kind {_kind(folder)!r}, of which this transformers has no such model",
            "open a causal model with hf:, a masked one with mlm:, an encoder-decoder with seq2seq:, or install a "
            "newer transformers",
        )
    return first or type(fault).__name__, ""


def _pickled(folder: Path) -> bool:
    return any(folder.glob("*.bin")) and not any(folder.glob("*.safetensors"))


def _kind(folder: Path) -> str:
    config = folder / "config.json"
    return str(json.loads(config.read_text(encoding="utf-8")).get("model_type")) if config.exists() else "unknown"

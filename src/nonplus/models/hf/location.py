"""Where the files of a model are: in a folder, kept from the hub, or on the hub.

Looked up before torch is imported, so that a mistyped name is met at once, in one line.
"""

import json
import os
import re
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from nonplus.closest import did_you_mean
from nonplus.errors import BadModel
from nonplus.models.bundled_cards import bundled_models

_ON_HUB = re.compile(r"\w[\w.-]*(/\w[\w.-]*)?")
_ON = ("1", "true", "yes", "on")
ADAPTER = "adapter_config.json"  # what a folder of an adapter has
_READ = (".json", ".safetensors", ".bin")  # files of a model
_PATIENCE = 5.0  # seconds


def is_here(name: str, *, holds: str = "config.json") -> bool:
    """Whether the files are on this machine, so that the network is not needed.

    False if the hub, which answers, has to be asked. ``holds`` is the file that a
    folder of this kind has.

    Raises:
        BadModel: they are nowhere, as far as can be seen.
    """
    if os.path.isdir(name):
        return _checked_folder(Path(name), holds)
    if os.path.exists(name):
        other = (
            f"use gguf:{name}" if name.endswith(".gguf") else f"give the folder, or ngram:{name} if it is of n-grams"
        )
        raise BadModel(f"{name!r} is a file, and what is opened here is a folder with {holds} and weights; {other}")
    if not _ON_HUB.fullmatch(name):
        raise BadModel(f"there is no folder {name!r}, and no name on the hub is written so{_meant(name)}")
    unreachable = _unreachable(name)
    if unreachable and not _kept(name):
        raise BadModel(
            f"there is no folder {name!r}, and names on the hub need the network: {unreachable}{_meant(name)}"
        )
    return bool(unreachable)


def _checked_folder(folder: Path, holds: str) -> bool:
    try:
        for file in sorted(folder.iterdir()):
            if file.suffix in _READ and file.exists():
                file.open("rb").close()
    except PermissionError as locked:
        raise BadModel(f"this user may not read {locked.filename!r}; ask for permission, or copy the folder") from None
    if not os.path.exists(folder / holds):
        if os.path.exists(folder / ADAPTER):
            raise BadModel(
                f"the folder {str(folder)!r} holds an adapter ({ADAPTER}), which is no model by itself; open the model "
                f"that it was trained for{_base_of(folder / ADAPTER)}, with adapter={str(folder)!r}"
            )
        inside = sorted(path.parent.name for path in folder.glob(f"*/{holds}"))[:3]
        other = f", but {', '.join(inside)} in it do" if inside else ""
        ngrams = f", or ngram:{folder} for its n-grams" if os.path.exists(folder / "manifest.json") else ""
        gguf = f", or gguf:{folder} for its GGUF file" if any(folder.glob("*.gguf")) else ""
        raise BadModel(
            f"the folder {str(folder)!r} holds no {holds}{other}; give a folder with {holds} and weights{ngrams}{gguf}"
        )
    return True


def _base_of(adapter: Path) -> str:
    try:
        base = json.loads(adapter.read_bytes())["base_model_name_or_path"]
    except (ValueError, TypeError, LookupError):
        return ""
    return f" ({base})" if base else ""


def _unreachable(name: str) -> str:
    """Why the hub cannot be asked; empty if it answers, whatever it says."""
    for switch in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"):
        if os.environ.get(switch, "").lower() in _ON:
            return f"{switch} switches it off"
    endpoint = os.environ.get("HF_ENDPOINT", "https://huggingface.co").rstrip("/")
    try:
        with urlopen(Request(f"{endpoint}/api/models/{name}", method="HEAD"), timeout=_PATIENCE):
            return ""
    except HTTPError:  # it answers; transformers says what, and has the user's token
        return ""
    except (OSError, ValueError) as fault:
        reason = getattr(fault, "reason", fault)
        return f"{endpoint} does not answer ({getattr(reason, 'strerror', None) or reason})"


def _kept(name: str) -> bool:
    """Whether a snapshot of it was downloaded before."""
    home = Path(os.environ.get("HF_HOME", "~/.cache/huggingface")).expanduser()
    cache = Path(os.environ.get("HF_HUB_CACHE", home / "hub"))
    return (cache / f"models--{name.replace('/', '--')}" / "snapshots").is_dir()


def _meant(name: str) -> str:
    """The bundled model, or the folder of a model, whose name is most like it."""
    around = Path(name).parent
    folders = [str(path.parent) for path in around.glob("*/config.json")] if around.is_dir() else []
    return did_you_mean(name, [*bundled_models(), *folders]) or "; give a folder, or a bundled model such as tiny"

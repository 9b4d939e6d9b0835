"""How a model's weights are brought into memory: everything that may be said about it, as one value."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Loading:
    """What to load, in which number format, where.

    ``dtype`` and ``device`` are ``auto`` or a name such as ``bfloat16`` or ``cuda:1``; ``device_map`` spreads a model
    over devices; ``adapter`` is a folder or name of LoRA weights; ``revision`` a commit, branch or tag;
    ``quantization`` e.g. ``8bit`` or ``4bit``; an empty string asks for nothing. ``packing`` lets several texts share
    a row.
    """

    dtype: str = "auto"
    device: str = "auto"
    device_map: str = ""
    adapter: str = ""
    revision: str = ""
    quantization: str = ""
    trust_remote_code: bool = False
    packing: bool = False

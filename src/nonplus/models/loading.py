"""How to load a model's weights, as one value."""

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import TypeVar

from nonplus.errors import BadModel
from nonplus.measure.interfaces import ScoresTexts, TextScorer, WindowModel

M = TypeVar("M", bound=WindowModel | TextScorer)


@dataclass(frozen=True, slots=True, kw_only=True)
class Loading:
    """What to load, in which dtype, on which device.

    ``dtype`` and ``device`` are ``auto`` or a name such as ``bfloat16`` or ``cuda:1``;
    ``device_map`` spreads a model over devices; ``adapter`` is a folder or name of LoRA
    weights; ``revision`` a commit, branch or tag; ``quantization`` e.g. ``8bit`` or
    ``4bit``. An empty string means none. ``packing`` lets several texts share a row.
    """

    dtype: str = "auto"
    device: str = "auto"
    device_map: str = ""
    adapter: str = ""
    revision: str = ""
    quantization: str = ""
    trust_remote_code: bool = False
    packing: bool = False

    def __post_init__(self) -> None:
        for option in fields(self):
            value, needed = getattr(self, option.name), type(option.default)
            if not isinstance(value, needed):
                example = "True" if needed is bool else "'auto'" if option.default else "'', for none"
                raise BadModel(
                    f"{option.name} is {'True or False' if needed is bool else 'text'}, got one of type "
                    f"{type(value).__name__}; use e.g. {option.name}={example}"
                )
        if self.device_map and self.device != "auto":
            raise BadModel(
                f"device={self.device!r} and device_map={self.device_map!r} both say where the model runs; omit one of "
                "them"
            )


def loaded_as_is(model: M, loading: Loading) -> M:
    """``model``, which has no options of loading.

    Raises:
        BadModel: ``loading`` sets an option that the model does not already meet.
    """
    packs = not isinstance(model, ScoresTexts) and model.packs
    met = {"dtype": ("auto", model.dtype), "device": ("auto", "cpu"), "packing": (False, packs)}
    for option in fields(Loading):
        asked = getattr(loading, option.name)
        if asked not in met.get(option.name, (option.default,)):
            raise BadModel(
                f"{model.name} cannot be loaded with {option.name}={asked!r}: it runs as it is, in {model.dtype}; "
                f"omit {option.name}={asked!r}, or open a model with hf:"
            )
    return model


def check_unpacked(loading: Loading, *, scheme: str) -> None:
    """Refuse to let texts share a row where no model can keep them apart.

    Raises:
        BadModel: ``loading`` asks for it.
    """
    if loading.packing:
        raise BadModel(
            f"packing=True lets texts share a row, and each token of one that {scheme}: opens sees all of its row; "
            "omit packing=True"
        )


def reopened(opens: Callable[[], M], identity: str) -> M:
    """The model of a pickle, which holds no weights but what opens them.

    Raises:
        BadModel: it is gone, or another one by now.
    """
    model = opens()
    if model.identity != identity:
        raise BadModel(
            f"{model.name} was pickled as the model {identity[:12]} and is {model.identity[:12]} now; pickle it again"
        )
    return model

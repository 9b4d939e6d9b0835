"""The three kinds of language models of ``transformers``: what loads each, and how one
asks for it.
"""

from dataclasses import dataclass
from typing import Any

from transformers import AutoModelForCausalLM, AutoModelForMaskedLM, AutoModelForSeq2SeqLM

from nonplus.errors import BadModel

_causal: Any = AutoModelForCausalLM
_masked: Any = AutoModelForMaskedLM
_encoder_decoder: Any = AutoModelForSeq2SeqLM


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of model: its name, the scheme that opens it, the class that loads it."""

    name: str
    scheme: str
    auto: Any


CAUSAL = Kind("causal", "hf", _causal)
MASKED = Kind("masked", "mlm", _masked)
ENCODER_DECODER = Kind("encoder-decoder", "seq2seq", _encoder_decoder)


def check_kind(config: Any, kind: Kind, name: str) -> None:
    """Refuse an encoder-decoder that is opened as another kind, and another as that.

    The class would load a part of one, whose figure means nothing.

    Raises:
        BadModel: the configuration is that of another kind.
    """
    if config.is_encoder_decoder and kind is not ENCODER_DECODER:
        raise BadModel(
            f"{name!r} is an encoder-decoder model ({config.model_type}), and {kind.scheme}: opens {kind.name} ones; "
            f"open it with seq2seq:{name}"
        )
    if kind is ENCODER_DECODER and not config.is_encoder_decoder:
        raise BadModel(
            f"{name!r} is no encoder-decoder model ({config.model_type}), and seq2seq: opens only those; open it with "
            f"hf:{name} if it is causal, with mlm:{name} if it is masked"
        )

"""The protocol of figures from a file: what the file says, or unknown."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, cast, final, get_args

from nonplus.errors import BadInput
from nonplus.measure.interfaces import Quantity

_UNKNOWN = (
    "the file does not say how long the model's windows were, what stood before a text, or in which dtype it ran; "
    "compare its figures with those of files that were made alike"
)
_GENERATED = "the model wrote the text itself, so the figure says nothing of how well it predicts what others write"


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class FileProtocol:
    """Choices that another run made."""

    signature: str
    fingerprint: str
    cautions: tuple[str, ...]
    quantity: Quantity = "perplexity"
    average: Literal["tokens", "texts"] = "tokens"
    denominator: Literal["scored", "lm-eval"] = "scored"
    choices: Mapping[str, Any] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """Every choice, for JSON."""
        return dict(self.choices)


def unknown(form: str, *, generated: bool = False, base: str = "nats") -> FileProtocol:
    """That of a file which does not state one; ``base`` is how it was asked to read
    logarithms.
    """
    of = "generated" if generated else "prompt"
    read_as = {} if base == "nats" else {"base": base}
    choices = {"name": "scores", "form": form, "of": of, **read_as, "protocol": "unknown"}
    signature = "|".join(["scores", *(f"{choice}:{value}" for choice, value in choices.items() if choice != "name")])
    return FileProtocol(
        signature=signature,
        fingerprint=hashlib.sha256(signature.encode()).hexdigest()[:12],
        cautions=(_UNKNOWN, *([_GENERATED] if generated else [])),
        choices=choices,
    )


def stated(run: Mapping[str, Any], place: str) -> FileProtocol:
    """That which nonplus wrote beside the scores.

    Raises:
        BadInput: it is not what nonplus writes.
    """
    try:
        found = FileProtocol(
            signature=run["signature"],
            fingerprint=run["fingerprint"],
            cautions=tuple(run["cautions"]),
            quantity=cast(Quantity, run["quantity"]),
            average=run["average"],
            denominator=run["denominator"],
            choices=dict(run["protocol"]),
        )
    except (KeyError, TypeError, ValueError) as lack:
        raise BadInput(f"{place} states no protocol as nonplus writes it ({lack}); write the file again") from None
    texts = (found.signature, found.fingerprint, *found.cautions)
    if not all(isinstance(each, str) for each in texts) or not isinstance(run.get("vocabulary"), int | None):
        raise BadInput(
            f"{place} has a signature, fingerprint or caution that is no text, or a vocabulary that is no number; "
            "write the file again"
        )
    known = {"quantity": Quantity, "average": Literal["tokens", "texts"], "denominator": Literal["scored", "lm-eval"]}
    for name, kind in known.items():
        if getattr(found, name) not in get_args(kind):
            raise BadInput(
                f"{place} has the {name} {getattr(found, name)!r}, where {' or '.join(get_args(kind))} is known; read "
                "it with the nonplus that wrote it"
            )
    return found

"""All that decides the figure of an n-gram model besides its weights and the text."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, final

from nonplus.measure.protocol.fingerprint import fingerprint_of
from nonplus.models.ngram.text.rules import Rules


@final
@dataclass(frozen=True, slots=True)
class NgramProtocol:
    """The order of a model, and its rules for turning text into words."""

    order: int
    rules: Mapping[str, Any]

    cautions: tuple[str, ...] = ()
    quantity: Literal["perplexity"] = "perplexity"
    average: Literal["tokens"] = "tokens"
    denominator: Literal["scored"] = "scored"

    @classmethod
    def of(cls, order: int, rules: Rules) -> "NgramProtocol":
        """That of a model with these rules."""
        return cls(order, rules.as_dict())

    @property
    def signature(self) -> str:
        """The choices in words, short enough to print beside the figure."""
        rules = self.rules
        begin, end = ("<s>" if rules["begin"] else "none"), ("</s>" if rules["end"] else "none")
        return "|".join(
            [
                f"ngram:{self.order}",
                f"normalizer:{rules['normalizer']}",
                f"tokenizer:{rules['tokenizer']['kind']}",
                f"sentence:{rules['unit']}",
                f"begin:{begin}",
                f"end:{end}",
                "dtype:float32",
            ]
        )

    @property
    def fingerprint(self) -> str:
        """Twelve hexadecimal digits that differ whenever a choice does.

        Neither the order, which is the model's, nor the contents of a tokenizer's file
        are a choice, so that models can be compared.
        """
        choices = {**self.rules, "tokenizer": self.rules["tokenizer"]["kind"], "dtype": "float32"}
        return fingerprint_of(choices)

    def as_dict(self) -> dict[str, Any]:
        """Every choice, for JSON."""
        return {"name": f"ngram:{self.order}", **self.rules, "dtype": "float32"}

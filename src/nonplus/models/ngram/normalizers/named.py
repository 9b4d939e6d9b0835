"""The normalisers by name."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import final

from nonplus.closest import did_you_mean
from nonplus.errors import BadModel
from nonplus.measure.utf8_texts import Utf8Texts
from nonplus.models.ngram.normalizers.aligned import Aligned, Unit, unchanged
from nonplus.models.ngram.normalizers.ccnet import CCNET, DATATROVE, EDUGP
from nonplus.models.ngram.normalizers.lines import by_lines
from nonplus.models.ngram.normalizers.standard import standard
from nonplus.models.ngram.normalizers.substituting import substituted
from nonplus.models.ngram.normalizers.substitution import Substitution


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Normalizer:
    """What is done to texts, and the unit that is a sentence unless one is named.

    ``version`` rises when the result for any text changes. Where a sentence is a line,
    the lines of a result end at its newlines.
    """

    name: str
    version: int
    unit: Unit
    of_utf8: Callable[[Utf8Texts, Unit], Aligned]

    def normalize(self, texts: Sequence[str], unit: Unit) -> Aligned:
        """Texts of Python, normalised.

        Raises:
            BadInput: one holds what UTF-8 cannot.
        """
        return self.of_utf8(Utf8Texts.of(texts), unit)

    @property
    def id(self) -> str:
        """Name and version, as a manifest has them: ``standard-1``."""
        return f"{self.name}-{self.version}"


def raw(texts: Utf8Texts, unit: Unit) -> Aligned:
    """Texts as they are, as KenLM reads them: a line ends at LF."""
    return unchanged(texts)


def _substituting(rule: Substitution) -> Callable[[Utf8Texts, Unit], Aligned]:
    def normalize(texts: Utf8Texts, unit: Unit) -> Aligned:
        own = partial(substituted, rule=rule)
        return by_lines(texts.decoded(), own) if unit == "line" else own(texts.decoded())

    return normalize


NORMALIZERS = {
    each.name: each
    for each in (
        Normalizer(name="raw", version=1, unit="line", of_utf8=raw),
        Normalizer(name="standard", version=1, unit="line", of_utf8=standard),
        Normalizer(name="ccnet", version=1, unit="document", of_utf8=_substituting(CCNET)),
        Normalizer(name="edugp", version=1, unit="document", of_utf8=_substituting(EDUGP)),
        Normalizer(name="datatrove", version=1, unit="document", of_utf8=_substituting(DATATROVE)),
        Normalizer(name="datajuicer", version=1, unit="document", of_utf8=raw),
    )
}


def named(name: str) -> Normalizer:
    """The normaliser of that name, or of that name and version.

    Raises:
        BadModel: there is none.
    """
    for normalizer in NORMALIZERS.values():
        if name in (normalizer.name, normalizer.id):
            return normalizer
    raise BadModel(
        f"normalizer={name} is none that this version of nonplus has; use one of {', '.join(NORMALIZERS)}"
        f"{did_you_mean(name, NORMALIZERS, before='normalizer=')}"
    )

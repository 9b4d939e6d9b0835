"""How much of a text is in the languages of the model: a cut is recommended for that.

Letters in shapes: D documents.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np

from nonplus.filtering.scoring.columns import ScoreColumns
from nonplus.measure.records import Bools

_ALSO = {"eng": "en"}  # Common Crawl writes ISO 639-3; the bundled models are for this language
_FAR = "0.99"  # the quantile of the model's own documents beyond which a text looks foreign


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Known:
    """Which documents the model is for.

    ``languages`` are those of the model, ``documents`` (D,) which documents are judged.
    ``share`` is their part of the bytes, or ``None`` where nothing says it, and ``how``
    tells in words where that is known from.
    """

    languages: tuple[str, ...]
    documents: Bools
    share: float | None
    how: str
    stated: bool

    def as_dict(self) -> dict[str, Any]:
        """All of it, for JSON."""
        return {
            "languages_of_model": list(self.languages),
            "share_of_bytes": self.share,
            "stated_by_documents": self.stated,
            "how": self.how,
        }


def known(
    columns: ScoreColumns,
    languages: Sequence[str | None] | None,
    quantiles: Mapping[str, Mapping[str, float]],
    own: Sequence[str] = (),
    *,
    identified: bool = False,
) -> Known:
    """What of the documents the model is for.

    ``languages`` is what the documents say of themselves, or what was ``identified`` by
    their words; ``None`` if neither was asked. ``quantiles`` are the model's own, by
    language, and ``own`` its languages as the user knows them.
    """
    of_model = tuple(own or quantiles)
    named = " and ".join(of_model)
    if not of_model:
        everything = np.ones(len(columns), np.bool_)
        how = "the model does not say its languages, so it is taken for one of this text"
        return Known(languages=(), documents=everything, share=None, how=how, stated=False)
    if languages is None:
        return _by_perplexity(columns, of_model, quantiles)
    inside = np.array([each is not None and of_language(each, of_model) for each in languages], np.bool_)
    share = _share(columns, inside)
    said = "are, by their words, in" if identified else "say that they are in"
    how = f"{share:.1%} of the bytes {said} {named}, which the model is for"
    return Known(languages=of_model, documents=inside, share=share, how=how, stated=True)


def of_language(tag: str, languages: Sequence[str]) -> bool:
    """Whether ``en-GB``, ``en_Latn`` or ``eng`` is one of ``languages``, such as
    ``en``.
    """
    first, *others = tag.lower().replace("_", "-").split("-")
    first = _ALSO.get(first, first)
    return first in map(str.lower, languages) and all(each.isalnum() for each in others)


def _by_perplexity(
    columns: ScoreColumns, of_model: tuple[str, ...], quantiles: Mapping[str, Mapping[str, float]]
) -> Known:
    named, everything = " and ".join(of_model), np.ones(len(columns), np.bool_)
    limits = [quantiles[each][_FAR] for each in of_model if _FAR in quantiles.get(each, {})]
    if not limits:
        how = f"no field says the language of a document, so all are taken for {named}"
        return Known(languages=of_model, documents=everything, share=None, how=how, stated=False)
    limit = max(limits)
    share = _share(columns, columns.perplexity <= limit)
    how = (
        f"no field says the language of a document. {share:.1%} of the bytes have a perplexity of at most {limit:.0f}, "
        f"as 99% of the documents in {named} have that the model was checked with; the rest may be in another "
        "language, code, tables, unusual writing or noise, and the model alone cannot tell which"
    )
    return Known(languages=of_model, documents=everything, share=share, how=how, stated=False)


def _share(columns: ScoreColumns, inside_D: Bools) -> float:
    return float(columns.bytes[inside_D].sum() / max(1, columns.bytes.sum()))

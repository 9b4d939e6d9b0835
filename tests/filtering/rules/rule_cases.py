"""Corpora of scored documents, and the ways to divide them."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from hypothesis import strategies as st

from nonplus.filtering.rules.scored import Scored

LANGUAGES = ("en", "de", None)
# Few different figures, so that many documents are alike.
FIGURES = st.one_of(
    st.sampled_from([0.0, 0.5, 1.0, 1.5, float("nan")]), st.floats(0, 20), st.floats(allow_nan=False, width=32)
)


@dataclass(frozen=True)
class One:
    """A scored document, as tests think of it."""

    bits: float
    other: float
    tokens: int
    language: str | None
    key: bytes


def documents(min_size: int = 0, max_size: int = 40):
    one = st.builds(
        One,
        bits=FIGURES,
        other=FIGURES,
        tokens=st.integers(0, 50),
        language=st.sampled_from(LANGUAGES),
        key=st.just(b""),
    )
    lists = st.lists(one, min_size=min_size, max_size=max_size)
    return lists.map(lambda each: [One(d.bits, d.other, d.tokens, d.language, b"%d" % n) for n, d in enumerate(each)])


def scored(ones: list[One]) -> Scored:
    def column(name, kind):
        return np.array([getattr(each, name) for each in ones], kind)

    bits = np.where(column("tokens", np.int64) > 0, column("bits", np.float64), np.nan)
    return Scored(
        columns={
            "bits_per_byte": bits,
            "bits_per_byte.other": column("other", np.float64),
            "perplexity": bits,
            "tokens": column("tokens", np.int64),
            "bytes": column("tokens", np.int64) * 100,
        },
        attributes={"language": [each.language for each in ones], "source": ["web"] * len(ones)},
        keys=[each.key for each in ones],
    )


def divided(ones: list[One], cuts: list[int]) -> list[Scored]:
    """The same documents in several batches, some of which may be empty."""
    edges = [0, *sorted(each % (len(ones) + 1) for each in cuts), len(ones)]
    return [scored(ones[start:stop]) for start, stop in pairwise(edges)]


def kept(rule, ones: list[One]) -> list[One]:
    return [each for each, keep in zip(ones, rule.decide(scored(ones)).keep, strict=True) if keep]

"""From texts to the figures of each: any model, and no more of its report than a filter
reads.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, final

import numpy as np

from nonplus.errors import BadModel, BadProtocol
from nonplus.filtering.scoring.columns import ScoreColumns
from nonplus.filtering.scoring.windows import plain_figures
from nonplus.kernels.native.windows import figures
from nonplus.measure.forward import RunOptions
from nonplus.measure.interfaces import HasSurprisals, ScoresTexts
from nonplus.measure.protocol.choices import Protocol
from nonplus.measure.records import Ints
from nonplus.measure.scoring import Meter, scored_texts, stated_protocol
from nonplus.measure.surprisals import Surprisals
from nonplus.measure.utf8_texts import Utf8Texts
from nonplus.models import open_model
from nonplus.models.loading import Loading
from nonplus.optional import require

DEFAULT = "bundled:ngram"
_TOGETHER = 1 << 19  # bytes that are scored at once
# A document has figures of its own, for its text as it is.
_NEEDED = {
    "unit": "document",
    "newlines": "keep",
    "booking": "exact",
    "detokenize": "none",
    "denominator": "scored",
}


@final
class Scorer:
    """A model that tells how surprised it is by each text."""

    def __init__(
        self,
        model: object = DEFAULT,
        *,
        protocol: str | Protocol | None = None,
        options: RunOptions | None = None,
        loading: Loading = Loading(),  # noqa: B008
    ) -> None:
        """Arguments as in :func:`nonplus.score`.

        Raises:
            BadModel: there is no such model.
            BadProtocol: the protocol does not suit the model, or gives no figures of a
                document by itself, over its text as it is.
        """
        chosen = Protocol.named(protocol) if isinstance(protocol, str) else protocol
        _check(chosen or Protocol())
        self._model = open_model(model, loading=loading)
        self._asked = str(model) if isinstance(model, str | Path) else ""
        self._protocol = stated_protocol(chosen, self._model)
        if self._protocol.quantity != "perplexity":
            raise BadProtocol(
                f"{self._model.name} gives a {self._protocol.quantity}, and a filter cuts by perplexity, to which its "
                "rules, profiles and intervals apply; use a causal model, or one of n-grams"
            )
        self._options = options or RunOptions()

    @property
    def name(self) -> str:
        """The name by which the model was opened, which opens it again; its own if it
        was given as an object.
        """
        return self._asked or self._model.name

    @property
    def identity(self) -> str:
        """A digest of all that decides a figure besides the text.

        Raises:
            BadModel: nothing tells the model's weights from others.
        """
        if not self._model.identity:
            raise BadModel(
                f"{self._model.name} has no identity, so nothing tells whether figures that were kept, or thresholds "
                "of a rule, are of these weights; give nonplus.wrap the model's weights=…"
            )
        return f"{self._model.identity}:{self._protocol.fingerprint}"

    @property
    def in_windows(self) -> bool:
        """Whether the model reads windows of tokens, in batches, as neural ones do."""
        return not isinstance(self._model, ScoresTexts)

    def columns(self, texts: Sequence[str]) -> ScoreColumns:
        """The figures of each text: of n-grams the same bits in whatever batch it
        comes; of a model of windows, too, with ``RunOptions(budget=1)``.

        A text that is empty or blank has no tokens.

        Raises:
            BadInput: a text holds what UTF-8 cannot.
            BadModel: the model cannot score one.
        """
        return _columns(self.surprisals(texts), len(texts))

    def _of_utf8(self, texts: Utf8Texts) -> ScoreColumns:
        if isinstance(self._model, HasSurprisals):
            return _columns(_of_utf8(texts, self._model), len(texts))
        return self.columns(texts.decoded())

    def score_batch(self, batch: Any, *, text: str = "text", prefix: str = "nonplus_") -> Any:
        """A table of Arrow with the figures of the texts in its column ``text`` as
        further columns; no Python object is made for a row of an n-gram model.

        The columns are those of :meth:`columns`, named as in records: ``bits_per_byte``
        and so on, after ``prefix``, and ``model``. A figure that a text does not have
        is null, and so are all of a text that is. A record batch comes back as a table.

        Raises:
            BadInput: there is no such column, it is not of text, or a column has the
                name of a figure.
            BadModel: the model cannot score a text.
        """
        arrow_batches = require("nonplus.filtering.scoring.arrow_batches", purpose="scoring tables of Arrow")
        table = arrow_batches.as_table(batch)
        parts = list(arrow_batches.texts_of(table, text))
        columns = ScoreColumns.joined([ScoreColumns.of_nothing(0), *(self._of_utf8(texts) for texts, _ in parts)])
        there_D = np.concatenate([np.zeros(0, np.bool_), *(there for _, there in parts)])
        return arrow_batches.with_figures(table, columns, there_D, model=self.name, prefix=prefix)

    def surprisals(self, texts: Sequence[str]) -> Iterator[tuple[Ints, Surprisals]]:
        """The surprisals of all texts that have a token, some texts at a time with
        their places.

        Raises:
            BadInput: a text holds what UTF-8 cannot.
            BadModel: the model cannot score one.
        """
        if isinstance(self._model, HasSurprisals):
            return _of_utf8(Utf8Texts.of(texts), self._model)
        return self._of_documents(texts)

    def _of_documents(self, texts: Sequence[str]) -> Iterator[tuple[Ints, Surprisals]]:
        places = np.array([place for place, text in enumerate(texts) if text and not text.isspace()], np.int64)
        if not len(places):
            return
        scored = scored_texts(
            [texts[place] for place in places.tolist()],
            model=self._model,
            protocol=self._protocol,
            options=self._options,
            meter=Meter(),
        )
        done = 0
        for batch in scored:
            yield places[done : done + len(batch)], Surprisals.of(batch)
            done += len(batch)


def _columns(scored: Iterable[tuple[Ints, Surprisals]], documents: int) -> ScoreColumns:
    columns = ScoreColumns.of_nothing(documents)
    for places, surprisals in scored:
        columns.put(places, score_columns(surprisals))
    return columns


def _of_utf8(texts: Utf8Texts, model: HasSurprisals) -> Iterator[tuple[Ints, Surprisals]]:
    bounds = np.searchsorted(texts.starts_D1, np.arange(_TOGETHER, len(texts.data_N), _TOGETHER))
    for start, stop in pairwise(np.unique([0, *bounds, len(texts)]).tolist()):
        found, scored_D = model.surprisals(texts.part(start, stop)).of_some()
        yield start + np.flatnonzero(scored_D), found


def _check(protocol: Protocol) -> None:
    wrong = next((name for name, needed in _NEEDED.items() if getattr(protocol, name) != needed), None)
    if wrong is not None:
        raise BadProtocol(
            f"a filter needs the figures of each text as it is, and {protocol.asked_for} has "
            f"{wrong}={getattr(protocol, wrong)}; use one with {wrong}={_NEEDED[wrong]}, such as protocol=full"
        )


def score_columns(scored: Surprisals) -> ScoreColumns:
    """The figures of texts whose tokens are scored."""
    found = figures(scored) or plain_figures(scored)
    return ScoreColumns(tokens=np.diff(scored.offsets), unknown=scored.unknown, **found._asdict())

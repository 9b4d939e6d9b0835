"""Masked language models of ``transformers``: the pseudo-log-likelihood of texts.

Each token is masked in a copy of the text of its own, and predicted from what is left.
Salazar, Liang, Nguyen and Kirchhoff, 2020, arXiv:1910.14659; Kauf and Ivanova, 2023,
arXiv:2305.10588.
"""

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any, final

import numpy as np

from nonplus.errors import BadModel
from nonplus.kernels.targets import check_ids
from nonplus.measure.halving import Budget
from nonplus.measure.packing import Lines, group
from nonplus.measure.protocol.choices import MOST_CONTEXT
from nonplus.measure.records import Document, Ints, TokenizedTexts
from nonplus.measure.scores import ScoredTexts, Scores
from nonplus.measure.tokenizing import encode, narrow, slices
from nonplus.models.hf.context import max_context
from nonplus.models.hf.evaluating import evaluating, within_memory
from nonplus.models.hf.identity import identity
from nonplus.models.hf.inner import inner_model, n_embedded, usual_budget
from nonplus.models.hf.kinds import MASKED, check_kind
from nonplus.models.hf.loading import loaded_model, loaded_tokenizer
from nonplus.models.hf.logits import TensorBatch
from nonplus.models.hf.quantization import stated
from nonplus.models.hf.scored_rows import BATCHES, in_order, parts_of, read, tensor
from nonplus.models.hf.tokenizer import HFTokenizer
from nonplus.models.hf.witness import body_dtype, forward_pass
from nonplus.models.loading import Loading, reopened
from nonplus.models.masked.logits import fastest_path, logits_width
from nonplus.models.masked.protocol import MaskedProtocol
from nonplus.models.masked.rows import MaskedRows, Way


def open_masked(name: str, loading: Loading, *, way: Way, here: bool = False) -> "MaskedModel":
    """The model and tokenizer of a folder or of the hub, which is not asked if they are
    ``here``; dtype and device as for ``hf:``.

    Raises:
        BadModel: it cannot be loaded, or weights are missing, or it is not masked.
        MissingExtra: ``peft`` is needed for an adapter.
    """
    model = within_memory(lambda: loaded_model(name, loading, kind=MASKED, here=here))
    tokenizer = loaded_tokenizer(name, loading, here=here)
    named = f"{name}+{loading.adapter}" if loading.adapter else name
    opens = partial(open_masked, name, loading, way=way, here=here)
    return MaskedModel(model, tokenizer, name=named, way=way, opens=opens)


def from_object(model: Any, tokenizer: Any, *, way: Way = "within_word_l2r") -> "MaskedModel":
    """A masked model in memory with its tokenizer; it is left as it was found.

    Raises:
        BadModel: it is not masked.
    """
    config = inner_model(model).config
    named = config.name_or_path or type(inner_model(model)).__name__
    check_kind(config, MASKED, named)
    return MaskedModel(model, tokenizer, name=named, way=way, opens=partial(from_object, model, tokenizer, way=way))


@final
class MaskedModel:
    """A masked language model of ``transformers``, which scores whole texts."""

    def __init__(
        self,
        model: Any,
        tokenizer: Any,
        *,
        name: str,
        way: Way,
        opens: Callable[[], "MaskedModel"],
    ) -> None:
        """``opens`` is what opens the same model again, from a pickle.

        Raises:
            BadModel: it is not masked, or its tokenizer has no mask token.
        """
        self._model, self._opens, self._way = model, opens, way
        self.tokenizer = HFTokenizer(tokenizer)
        self._frame = self.tokenizer.frame
        self._mask, self._padding = _mask_id(tokenizer, name), tokenizer.pad_token_id or 0
        inner = inner_model(model)
        self.name = stated(name, inner)
        self._embedded = n_embedded(inner)
        self._budget = Budget(usual_budget(inner))
        with evaluating(model):
            self.vocabulary = logits_width(model, name=name)
            self._path = fastest_path(model, vocabulary=self.vocabulary, name=name)
            seen = forward_pass(model)
            self._products = seen.products
            context = max_context(inner.config.get_text_config(), tokenizer_limit=self.tokenizer.max_length, seen=seen)
        self._room = min(context, MOST_CONTEXT) - len(self._frame.before) - len(self._frame.after)

    def __reduce__(self) -> tuple[Any, ...]:
        """A pickle has the name and how it was loaded; of a model in memory, all."""
        return reopened, (self._opens, self.identity)

    def with_budget(self, tokens: int) -> "MaskedModel":
        """The same model, weights and all, with batches of that many tokens."""
        other = object.__new__(MaskedModel)  # copy.copy would open it again, as a pickle does
        vars(other).update({**vars(self), "_budget": Budget(tokens)})
        return other

    @property
    def identity(self) -> str:
        """A digest of the weights as they are now, since training may continue."""
        return identity(self._model, computed_in=self.dtype)

    @property
    def dtype(self) -> str:
        """The dtype in which the body computes."""
        return body_dtype(self._model, self._products)

    @property
    def protocol(self) -> MaskedProtocol:
        """Which tokens are masked, and in how large a window."""
        before, after = (self.tokenizer.decode(ids) for ids in self._frame)
        window = self._room + len(self._frame.before) + len(self._frame.after)
        return MaskedProtocol(way=self._way, window=window, before=before, after=after, dtype=self.dtype)

    def score(self, documents: Iterable[Document], *, alternatives: int) -> Iterator[ScoredTexts]:
        """Documents with the surprisal of each token, in order, many at a time.

        Raises:
            BadInput: a text has no token.
            BadModel: the tokenizer does not know words, or a logit is NaN.
        """
        for together in slices(documents):
            texts = encode(together, self)
            length_D = np.diff(texts.offsets)
            fed_D = (length_D - texts.firsts) * np.minimum(length_D, self._room)
            for part in parts_of(texts, fed_D, least=BATCHES * self._budget.tokens):
                yield self._scored(part, alternatives)

    def _scored(self, texts: TokenizedTexts, alternatives: int) -> ScoredTexts:
        words = None
        if self._way == "within_word_l2r":
            words = self.tokenizer.words([document.context + document.text for document in texts.documents])
        rows = MaskedRows.of(texts, words, room=self._room)
        batches = self._budget.through(
            len(rows),
            plan=lambda places, budget: [Lines.of(places[own]) for own in group(rows.lengths[places], budget=budget)],
            step=lambda lines: self._scores(rows, lines.rows, alternatives),
            too_long=lambda row: _too_long(int(rows.lengths[row])),
        )
        scores = in_order(batches, np.ones(len(rows), np.int64))
        return ScoredTexts.complete(
            texts,
            index=narrow(rows.at),
            nats=scores.nats,
            seen=narrow(rows.at - rows.start + len(self._frame.before)),
            readings=scores.readings,
        )

    def _scores(self, rows: MaskedRows, places: Ints, alternatives: int) -> Scores:
        batch = rows.batch(places, frame=self._frame, mask=self._mask, padding=self._padding)
        check_ids(batch.input_BT, self._embedded)
        input_BT, at_N, mask_BT = (tensor(self._model, ids) for ids in (batch.input_BT, batch.at_N, batch.mask_BT))
        asked = TensorBatch(input_BT, None, at_N, mask_BT)
        return read(
            self._model, lambda: self._path.logits(asked), batch.target_N, alternatives=alternatives, name=self.name
        )


def _mask_id(tokenizer: Any, name: str) -> int:
    if tokenizer.mask_token_id is None:
        raise BadModel(
            f"the tokenizer of {name} has no mask token, and a masked model is asked for what stands behind one; use "
            "the tokenizer that it was trained with, or hf: if it is causal"
        )
    return int(tokenizer.mask_token_id)


def _too_long(tokens: int) -> BadModel:
    return BadModel(
        f"a single window of {tokens} tokens does not fit into memory; use a smaller dtype, as in dtype=bfloat16"
    )

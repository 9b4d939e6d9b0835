"""Encoder-decoder models of ``transformers``: texts given their sources."""

import copy
import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Any, final

import numpy as np

from nonplus.cautions import warn
from nonplus.errors import SuspectInput
from nonplus.kernels.targets import check_ids
from nonplus.measure.halving import Budget
from nonplus.measure.lost_text import marked
from nonplus.measure.records import Document, Ints, TokenizedTexts
from nonplus.measure.scores import ScoredTexts, Scores
from nonplus.measure.tokenizing import encode, narrow, slices
from nonplus.models.hf.context import max_context
from nonplus.models.hf.evaluating import evaluating, within_memory
from nonplus.models.hf.identity import identity
from nonplus.models.hf.inner import inner_model, n_embedded, usual_budget
from nonplus.models.hf.kinds import ENCODER_DECODER, check_kind
from nonplus.models.hf.loading import loaded_model, loaded_tokenizer
from nonplus.models.hf.quantization import stated
from nonplus.models.hf.scored_rows import BATCHES, in_order, parts_of, read, tensor
from nonplus.models.hf.tokenizer import HFTokenizer
from nonplus.models.hf.witness import body_dtype, forward_pass
from nonplus.models.loading import Loading, reopened
from nonplus.models.seq2seq.logits import TensorPairs, fastest_path, logits_width, unpadded
from nonplus.models.seq2seq.pairs import Pairs, woven
from nonplus.models.seq2seq.protocol import PairProtocol
from nonplus.models.seq2seq.refusals import no_source, too_long, too_long_for_memory


def open_pairs(name: str, loading: Loading, *, here: bool = False) -> "PairModel":
    """The model and tokenizer of a folder or of the hub, which is not asked if they are
    ``here``; dtype and device as for ``hf:``.

    Raises:
        BadModel: it cannot be loaded, or weights are missing, or it is no
            encoder-decoder.
        MissingExtra: ``peft`` is needed for an adapter.
    """
    model = within_memory(lambda: loaded_model(name, loading, kind=ENCODER_DECODER, here=here))
    tokenizer = loaded_tokenizer(name, loading, here=here)
    named = f"{name}+{loading.adapter}" if loading.adapter else name
    return PairModel(model, tokenizer, name=named, opens=partial(open_pairs, name, loading, here=here))


def from_object(model: Any, tokenizer: Any) -> "PairModel":
    """An encoder-decoder in memory with its tokenizer; it is left as it was found.

    Raises:
        BadModel: it is another kind of model.
    """
    config = inner_model(model).config
    named = config.name_or_path or type(inner_model(model)).__name__
    check_kind(config, ENCODER_DECODER, named)
    return PairModel(model, tokenizer, name=named, opens=partial(from_object, model, tokenizer))


@final
class PairModel:
    """An encoder-decoder of ``transformers``, which scores texts given their contexts.

    The labels are those of the tokenizer, and the decoder is fed what the model makes
    of them, as in its own loss. The text is scored, and the token that ends it; what
    the tokenizer puts before it, such as a language, is only fed.
    """

    def __init__(self, model: Any, tokenizer: Any, *, name: str, opens: Callable[[], "PairModel"]) -> None:
        """``opens`` is what opens the same model again, from a pickle."""
        self._model, self._opens = model, opens
        self._sources, self.tokenizer = HFTokenizer(tokenizer), HFTokenizer(_of_targets(tokenizer))
        self._end, self._padding = tokenizer.eos_token_id, tokenizer.pad_token_id or 0
        inner = inner_model(model)
        self.name = stated(name, inner)
        self._embedded = n_embedded(inner)
        self._budget = Budget(usual_budget(inner))
        with evaluating(model):
            self.vocabulary = logits_width(model, name=name)
            self._path = fastest_path(model, vocabulary=self.vocabulary, name=name)
            seen = forward_pass(model, feed=lambda fed_1T: unpadded(model, fed_1T, fed_1T))
            self._products = seen.products
            limit = self.tokenizer.max_length
            self._context = max_context(inner.config.get_text_config(), tokenizer_limit=limit, seen=seen)

    def __reduce__(self) -> tuple[Any, ...]:
        """A pickle has the name and how it was loaded; of a model in memory, all."""
        return reopened, (self._opens, self.identity)

    def with_budget(self, tokens: int) -> "PairModel":
        """The same model, weights and all, with batches of that many tokens."""
        other = object.__new__(PairModel)  # copy.copy would open it again, as a pickle does
        vars(other).update({**vars(self), "_budget": Budget(tokens)})
        return other

    @property
    def identity(self) -> str:
        """A digest of the weights as they are now, and of how sources become ids."""
        weights = identity(self._model, computed_in=self.dtype)
        return hashlib.sha256(f"{weights} {self._sources.identity}".encode()).hexdigest()

    @property
    def dtype(self) -> str:
        """The dtype in which the body computes."""
        return body_dtype(self._model, self._products)

    @property
    def protocol(self) -> PairProtocol:
        """What stands around a source and before a text, and what ends it."""
        source, target = self._sources.frame, self.tokenizer.frame
        return PairProtocol(
            source_before=self._sources.decode(source.before),
            source_after=self._sources.decode(source.after),
            target_before=self.tokenizer.decode(target.before),
            end=self.tokenizer.decode(target.after[: self._ends]),
            dtype=self.dtype,
        )

    @property
    def _ends(self) -> int:
        """How many of the tokens after a text are scored: the one that ends it, if the
        tokenizer puts it there.
        """
        return int(list(self.tokenizer.frame.after[:1]) == [self._end])

    def score(self, documents: Iterable[Document], *, alternatives: int) -> Iterator[ScoredTexts]:
        """Documents with the surprisal of each token, in order, many at a time.

        Warns with SuspectInput of the first without a source, whose encoder is fed
        special tokens alone.

        Raises:
            BadInput: a text has no token, or it or its source has too many, or there is
                neither a source nor a special token to feed.
            BadModel: a logit is NaN.
        """
        noted = False
        for together in slices(documents):
            if not noted and not all(document.context for document in together):
                noted = True
                self._note_no_source(next(document for document in together if not document.context))
            texts, n_source_D = self._pairs(together)
            fed_D, begin = np.diff(texts.offsets), 0
            for part in parts_of(texts, fed_D, least=BATCHES * self._budget.tokens):
                yield self._scored(part, n_source_D[begin : begin + len(part)], alternatives)
                begin += len(part)

    def _note_no_source(self, document: Document) -> None:
        fed = [*self._sources.frame.before, *self._sources.frame.after]
        if not fed:
            raise no_source(document.id, self.name)
        warn(
            f"{document.id} has no context, so the encoder is fed {self._sources.decode(fed)} alone, which few models "
            "were trained on; give the source of each text as its context",
            SuspectInput,
        )

    def _pairs(self, documents: Sequence[Document]) -> tuple[TokenizedTexts, Ints]:
        """Sources and targets, of which the former and what stands before the latter
        are context; how many tokens each source has.
        """
        bare = encode([Document(text=d.text, id=d.id) for d in documents], self)
        sources = [np.asarray(each.ids) for each in self._sources.encode([d.context for d in documents], specials=True)]
        before, after = (np.array(ids, np.int64) for ids in self.tokenizer.frame)
        n_source_D = np.array(list(map(len, sources)), np.int64)
        self._check_lengths(documents, n_source_D, np.diff(bare.offsets) + len(before) + len(after))
        own = [slice(begin, end) for begin, end in zip(bare.offsets[:-1], bare.offsets[1:], strict=True)]
        none_D = [0 * each for each in sources]
        ids, count_D = woven([sources, [before] * len(own), [bare.ids[each] for each in own], [after] * len(own)])
        last = [np.full(len(after), bare.byte_ends[each.stop - 1]) for each in own]
        ends, _ = woven([none_D, [0 * before] * len(own), [bare.byte_ends[each] for each in own], last])
        texts = TokenizedTexts(
            documents=tuple(documents),
            ids=narrow(ids),
            byte_ends=narrow(ends),
            offsets=np.concatenate([[0], np.cumsum(count_D)]),
            firsts=n_source_D + len(before),
        )
        return marked(texts, self.tokenizer), n_source_D

    def _check_lengths(self, documents: Sequence[Document], n_source_D: Ints, n_target_D: Ints) -> None:
        for what, count_D in (("context", n_source_D), ("text", n_target_D)):
            if count_D.max() > self._context:
                place = int((count_D > self._context).argmax())
                raise too_long(documents[place].id, what, int(count_D[place]), self._context)

    def _scored(self, texts: TokenizedTexts, n_source_D: Ints, alternatives: int) -> ScoredTexts:
        frame = self.tokenizer.frame
        unscored = len(frame.after) - self._ends
        pairs = Pairs.of(texts, n_source_D, before=len(frame.before), unscored=unscored)
        batches = self._budget.through(
            len(pairs),
            plan=pairs.plan,
            step=lambda lines: self._scores(pairs, lines.rows, alternatives),
            too_long=lambda pair: too_long_for_memory(texts.documents[pair].id),
        )
        scores = in_order(batches, pairs.n_scored)
        return ScoredTexts.complete(
            texts, index=narrow(pairs.scored), nats=scores.nats, seen=narrow(pairs.seen), readings=scores.readings
        )

    def _scores(self, pairs: Pairs, places: Ints, alternatives: int) -> Scores:
        batch = pairs.batch(places, padding=self._padding)
        check_ids(batch.source_BS, self._embedded)
        asked = TensorPairs(
            *(tensor(self._model, ids) for ids in (batch.source_BS, batch.mask_BS, batch.label_BT, batch.at_N))
        )
        return read(
            self._model, lambda: self._path.logits(asked), batch.target_N, alternatives=alternatives, name=self.name
        )


def _of_targets(tokenizer: Any) -> Any:
    """The tokenizer as it reads targets: some put another language before them, or have
    another vocabulary for them.
    """
    target = copy.deepcopy(tokenizer)
    switch = getattr(target, "_switch_to_target_mode", None)  # what text_target= of transformers does
    if switch is not None:
        switch()
    return target

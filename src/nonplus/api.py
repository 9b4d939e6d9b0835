"""The front door: measuring and training, with names accepted for models, protocols and
corpora.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from numbers import Real
from pathlib import Path
from typing import Any

from nonplus.corpora import Corpus
from nonplus.corpora.chat import check_special_text
from nonplus.corpora.given import Given, WithText, YourText, given
from nonplus.errors import BadInput, BadProtocol
from nonplus.measure import scoring, session
from nonplus.measure.forward import RunOptions
from nonplus.measure.protocol.choices import Protocol
from nonplus.measure.records import Document
from nonplus.measure.report import Report
from nonplus.measure.scores import ScoredText
from nonplus.measure.statistics.levels import check_level
from nonplus.models import DEFAULT, open_model
from nonplus.models.ngram.converting import Form, Written, convert
from nonplus.models.ngram.inspection import Inspection, inspected
from nonplus.models.ngram.normalizers.aligned import Unit
from nonplus.models.ngram.pruning.files import PrunedFiles, PruneOptions, prune
from nonplus.models.ngram.sources import TextOptions
from nonplus.models.ngram.training.meter import TrainingMeter
from nonplus.models.ngram.training.options import TrainingOptions
from nonplus.models.ngram.training.outputs import Outputs
from nonplus.models.ngram.training.report import TrainingReport
from nonplus.models.ngram.training.whole import train_and_write

# What documents may be. Tables of pandas, polars, pyarrow and datasets have no type in
# common.
Texts = str | Path | Document | Mapping[str, Any] | Iterable[str | Path | Document | Mapping[str, Any]] | Any


def score(
    documents: Texts,
    *,
    model: object = DEFAULT,
    protocol: str | Protocol | None = None,
    options: RunOptions | None = None,
) -> Iterator[ScoredText]:
    """Score documents one by one: every token's surprisal in nats.

    ``documents`` is a text; a path (:class:`pathlib.Path`); a corpus; a table with a
    column ``text``, of pandas, polars, pyarrow or datasets or a mapping of columns; or
    any iterable of texts, paths, documents and rows. A single word that looks like a
    path is refused, because it may be one. ``model`` is a name (``"hf:gpt2"``), a pair
    of a transformers model and its tokenizer, or a model in the sense of
    :mod:`nonplus.measure.interfaces`. ``protocol`` is a name or a record; by default
    ``full``, or the own way of a model that scores whole texts.

    Raises:
        NonplusError: see :mod:`nonplus.errors`.
    """
    chosen, options = _protocol(protocol), _options(options)
    texts = _texts(documents, chosen or Protocol())
    return scoring.score(texts, model=open_model(model), protocol=chosen, options=options)


def evaluate(
    documents: Texts,
    *,
    model: object = DEFAULT,
    protocol: str | Protocol | None = None,
    options: RunOptions | None = None,
    until: float = 0.0,
    level: float = 0.95,
) -> Report:
    """Measure the perplexity of a model on documents; arguments as in :func:`score`.

    With ``until`` above 0, reading stops once the interval's half-width is at most that
    fraction of the perplexity.

    Raises:
        NonplusError: see :mod:`nonplus.errors`.
    """
    check_level(level)  # before a model is opened, which takes time
    chosen, options = _protocol(protocol), _options(options)
    if not isinstance(until, Real):
        raise BadProtocol(f"until is a part of the perplexity, a number between 0 and 1, got {until!r}; use until=0.01")
    session.check_until(until, chosen or Protocol())
    texts = _texts(documents, chosen or Protocol())
    report = session.evaluate(
        texts,
        model=open_model(model),
        protocol=chosen,
        options=options,
        until=until,
        level=level,
    )
    return replace(report, source=texts.source)


def train_ngrams(
    documents: Texts,
    output: str | Path | None = None,
    *,
    arpa: str | Path | None = None,
    options: TrainingOptions | None = None,
    quantize: int = 0,
    packed: bool = False,
    keep_text: bool = False,
) -> TrainingReport:
    """Train an n-gram model on documents, given as in :func:`score`, and write it.

    ``output`` is the folder of a bundle, ``arpa`` an ARPA file; at least one is needed.
    ``quantize`` is the number of bits of a value in the bundle, 0 for float32; with
    ``packed`` the bundle is small, for handing on. With ``keep_text`` it holds the text
    as it was counted, for :func:`prune_ngrams` by counts. What an interrupted training
    had finished lies in a folder beside the model; the same call goes on from there.

    Warns with SuspectInput if the text is too small to estimate the discounts.

    Raises:
        NonplusError: see :mod:`nonplus.errors`.
    """
    outputs = Outputs(
        output=None if output is None else Path(output),
        arpa=None if arpa is None else Path(arpa),
        quantize=quantize,
        packed=packed,
        keep_text=keep_text,
    )
    if isinstance(documents, Path):
        outputs.check_kept([documents])
    texts = WithText(given(documents, keep_blank=False))
    return train_and_write(texts, outputs, options or TrainingOptions(), meter=TrainingMeter())


def convert_ngrams(
    model: str | Path,
    output: str | Path,
    *,
    quantize: int | None = None,
    packed: bool | None = None,
    normalizer: str = "",
    tokenizer: str = "",
    unit: Unit | None = None,
) -> Written:
    """Write an n-gram model in another form, and return what was written and lost.

    ``model`` is what ``ngram:MODEL`` opens: a bundle, an ARPA file or a KenLM trie.
    ``output`` is an ARPA file if its name ends with ``.arpa``, else the folder of a
    bundle; a model of that name is replaced. ``quantize`` is the number of bits of a
    value, 0 for float32, and with ``packed`` a bundle is small, for handing on; without
    them they are those of the model. How texts are read is told by ``normalizer``,
    ``tokenizer`` (``words``, ``bytes`` or the file of one) and ``unit`` (``line`` or
    ``document``), if ``model`` does not say it.

    Raises:
        NonplusError: see :mod:`nonplus.errors`.
    """
    text = TextOptions(normalizer=normalizer, tokenizer=tokenizer, unit=unit)
    return convert(str(model), Path(output), form=Form(quantize=quantize, packed=packed), text=text)


def prune_ngrams(
    model: str | Path,
    output: str | Path,
    *,
    entropy: float | None = None,
    ngrams: int | None = None,
    to_bytes: int | str | None = None,
    counts: Sequence[int] | None = None,
    memory: str = "",
    quantize: int | None = None,
    packed: bool | None = None,
) -> PrunedFiles:
    """Write an n-gram model with fewer n-grams, and return what was done.

    One of four says how many: with ``entropy`` every n-gram goes without which the
    perplexity rises by a smaller part, usually 1e-9 to 1e-6; ``ngrams`` is how many
    stay at most; ``to_bytes`` how many bytes they take, packed, such as ``"6M"``; with
    ``counts`` the model is estimated again, in ``memory``, without the n-grams that
    occur at most so often, as if it had been trained with that as ``prune``, which
    takes a bundle that was trained with ``keep_text``. All else is as in
    :func:`convert_ngrams`.

    Raises:
        NonplusError: see :mod:`nonplus.errors`.
    """
    options = PruneOptions(
        entropy=entropy,
        ngrams=ngrams,
        to_bytes=to_bytes,
        counts=counts,
        memory=memory,
    )
    form = Form(quantize=quantize, packed=packed)
    return prune(str(model), Path(output), options=options, form=form, meter=TrainingMeter())


def inspect_ngrams(model: str | Path) -> Inspection:
    """What an n-gram model is: its order, counts, sizes and, of a bundle, manifest, all
    of whose checksums are compared.

    ``model`` is what ``ngram:MODEL`` opens.

    Raises:
        NonplusError: see :mod:`nonplus.errors`.
    """
    return inspected(str(model))


def _texts(documents: object, protocol: Protocol) -> Corpus | Given | YourText:
    texts = given(documents, keep_blank=protocol.unit == "stream")
    if isinstance(texts, Corpus):
        check_special_text(texts.options.messages, protocol)
    return texts


def _protocol(protocol: object) -> Protocol | None:
    match protocol:
        case str():
            return Protocol.named(protocol)
        case Protocol() | None:
            return protocol
    raise BadProtocol(
        f"protocol is of type {type(protocol).__name__}, where the name of a protocol or a Protocol is needed; use "
        "protocol=full"
    )


def _options(options: object) -> RunOptions:
    match options:
        case None:
            return RunOptions()
        case RunOptions():
            return options
    raise BadInput(
        f"options is of type {type(options).__name__}, where RunOptions are needed; pass RunOptions(...) with the "
        "options by name"
    )

"""A metric for ``evaluate.load``, which needs the path of a file and copies it.

::

    metric = evaluate.load(nonplus.metrics.hf_evaluate.__file__)
    metric.compute(predictions=texts, model="hf:gpt2")
    metric.compute(predictions=texts, model=model, tokenizer=tokenizer)
"""

import math
from dataclasses import asdict
from itertools import repeat
from typing import Any

from nonplus.cautions import warn
from nonplus.errors import BadInput, BadProtocol, SuspectInput
from nonplus.measure.interfaces import TextScorer, WindowModel
from nonplus.measure.protocol.choices import Protocol
from nonplus.measure.report import Report
from nonplus.measure.session import Measurement
from nonplus.metrics import Perplexity
from nonplus.models import open_model
from nonplus.models.loading import Loading
from nonplus.optional import require

evaluate = require("evaluate", purpose="the metric for evaluate.load")
datasets = require("datasets", purpose="the metric for evaluate.load")

_DESCRIPTION = "Perplexity of a language model on texts, per token, with the protocol that it was measured under."
_INPUTS = """
Args:
    predictions (list of str): the texts; or (list of lists of float) the surprisals in nats of each text's tokens,
        which need no model.
    model: a name as in nonplus.open_model ("bundled:tiny", "hf:gpt2", a folder, or a name on the Hugging Face
        Hub), a transformers model in memory (with its tokenizer), or a model that nonplus.open_model returned.
    model_id (str): another name for model, as in evaluate's own metric.
    tokenizer: that of a model in memory.
    protocol (str or nonplus.Protocol): how a text becomes a figure; "evaluate" is that of evaluate's own metric.
    device, dtype (str): where and with which dtype to load a model that is passed by name; "gpu" is the first GPU.
    add_start_token (bool): whether the model reads its BOS token before a text, so that the first token has a
        probability; by default as in the protocol.
    max_length (int): the tokens of each text that count, BOS included, under a protocol with one window for each text,
        such as "evaluate".
    batch_size (int): has no effect: batches are made by length, and change no figure.
    n_bytes (list of int): with surprisals, the number of bytes of each text, for bits per byte.
    level (float): of the interval.
Returns:
    dict: perplexity (averaged as in the protocol; under most, over the whole corpus, each token counting once),
        log_perplexity, bits_per_byte, interval (if it is None, no_interval says why), tokens, documents, protocol,
        fingerprint and model; and as in evaluate's own metric, perplexities (of each text) and mean_perplexity (their
        arithmetic mean).
"""


class NonplusPerplexity(evaluate.Metric):  # type: ignore[misc, name-defined]  # evaluate ships no types
    """Perplexity of a model on texts; ``inputs_description`` lists the arguments of
    ``compute``.
    """

    def _info(self) -> Any:
        return evaluate.MetricInfo(
            description=_DESCRIPTION,
            citation="",
            inputs_description=_INPUTS,
            features=[
                datasets.Features({"predictions": datasets.Value("string")}),
                datasets.Features({"predictions": datasets.Sequence(datasets.Value("float64"))}),
            ],
        )

    def _compute(
        self,
        predictions: list[str] | list[list[float]],
        *,
        model: object = None,
        model_id: str | None = None,
        tokenizer: object = None,
        protocol: str | Protocol | None = None,
        device: str | None = None,
        dtype: str = "auto",
        add_start_token: bool | None = None,
        max_length: int | None = None,
        batch_size: int | None = None,
        n_bytes: list[int] | None = None,
        level: float = 0.95,
    ) -> dict[str, Any]:
        if batch_size is not None:
            warn(
                f"batch_size={batch_size} has no effect: batches are made by length, and change no figure", SuspectInput
            )
        models = [each for each in (model, model_id) if each is not None]
        texts = [each for each in predictions if isinstance(each, str)]
        if not texts:
            if models:
                raise BadInput("got surprisals, which need no model, and a model; omit model=, or pass texts")
            return _of_surprisals([each for each in predictions if not isinstance(each, str)], n_bytes, level)
        if n_bytes is not None:
            raise BadInput("the bytes of texts are counted; omit n_bytes=, or pass surprisals")
        if len(models) != 1:
            got = "both" if models else "neither"
            raise BadInput(f"pass the model as model= or as model_id=, got {got}; try model='bundled:tiny'")
        source = models[0] if tokenizer is None else (models[0], tokenizer)
        chosen = Protocol.named(protocol) if isinstance(protocol, str) else protocol
        if add_start_token is not None:
            chosen = _with_start(chosen or Protocol(), add_start_token)
        if max_length is not None:
            chosen = _limited(chosen or Protocol(), max_length)
        place = {None: "auto", "gpu": "cuda"}.get(device, device)
        opened = open_model(source, loading=Loading(device=place or "auto", dtype=dtype))
        return _of_texts(texts, opened, chosen, level)


def _with_start(protocol: Protocol, add_start_token: bool) -> Protocol:
    """The protocol with or without BOS, as evaluate's own argument asks for.

    Raises:
        BadInput: ``add_start_token`` is neither true nor false.
    """
    if not isinstance(add_start_token, bool):
        raise BadInput(f"add_start_token is True or False, got {add_start_token!r}")
    if add_start_token == (protocol.bos != "none"):
        return protocol
    return protocol.but(bos="every" if add_start_token else "none")


def _limited(protocol: Protocol, max_length: int) -> Protocol:
    """The protocol with texts truncated as evaluate's own argument asks for."""
    if protocol.cut != "whole":
        raise BadProtocol(
            f"max_length={max_length} truncates each text, and {protocol.name} scores all of it in several windows; "
            f'use protocol="evaluate", or Protocol.named("{protocol.name}").but(window={max_length}) for short windows'
        )
    return protocol.but(window=max_length, too_long="truncate")


def _of_texts(
    texts: list[str], model: WindowModel | TextScorer, protocol: Protocol | None, level: float
) -> dict[str, Any]:
    if protocol and protocol.unit == "stream":
        raise BadProtocol(
            f"{protocol.name} joins all texts into one stream, and this metric returns a perplexity for each text; "
            f"use a protocol over documents, such as full, or nonplus.evaluate"
        )
    measurement = Measurement(model, protocol, level=level)
    sums = [each for _, batch in measurement.run(texts) for each in batch]
    report = measurement.report()
    return {
        **_of_each([each.perplexity for each in sums]),
        **_of_all(report),
        "model": report.model,
    }


def _of_surprisals(texts: list[list[float]], n_bytes: list[int] | None, level: float) -> dict[str, Any]:
    if n_bytes is not None and len(n_bytes) != len(texts):
        raise BadInput(f"n_bytes needs the bytes of each of {len(texts)} texts, got {len(n_bytes)}; pass one for each")
    perplexities: list[float | None] = []
    metric = Perplexity(kind="nll", level=level, check="never")
    for nats, size in zip(texts, n_bytes or repeat(None), strict=False):
        one = Perplexity(kind="nll", check="never", empty="nan")
        one.update(nats, n_bytes=size)
        metric.merge(one)
        perplexities.append(one.compute().perplexity)
    report = metric.compute()  # first: it explains why there is no figure where none has one
    return {**_of_each(perplexities), **_of_all(report)}


def _of_each(perplexities: list[float | None]) -> dict[str, Any]:
    """Each text's perplexity, ``None`` if no token was scored, and their mean."""
    defined = [each for each in perplexities if each is not None]
    return {"perplexities": perplexities, "mean_perplexity": math.fsum(defined) / len(defined)}


def _of_all(report: Report) -> dict[str, Any]:
    return {
        "perplexity": report.perplexity,
        "log_perplexity": report.log_perplexity,
        "bits_per_byte": report.bits_per_byte,
        "interval": asdict(report.interval) if report.interval else None,
        "no_interval": report.no_interval or None,
        "tokens": report.tokens,
        "documents": report.tally.documents,
        "protocol": report.protocol.signature,
        "fingerprint": report.protocol.fingerprint,
    }

"""A metric for ``evaluate.load``, which wants the path of a file and copies it: this one, whose work is done elsewhere.

::

    metric = evaluate.load(nonplus.metrics.hf_evaluate.__file__)
    metric.compute(predictions=texts, model="hf:gpt2")
    metric.compute(predictions=texts, model=model, tokenizer=tokenizer)
"""

import math
from dataclasses import asdict
from itertools import repeat
from typing import Any

from nonplus.errors import BadInput, BadProtocol
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

_DESCRIPTION = "Perplexity of a language model on texts, token by token, with the conditions that it depends on."
_INPUTS = """
Args:
    predictions (list of str): the texts; or (list of lists of float) the surprisals in nats of each text's tokens,
        which need no model.
    model: a name as in nonplus.open_model ("bundled:tiny", "hf:gpt2", a folder, or a bare name on the hub), a
        transformers model in memory (with its tokenizer), or what nonplus.open_model gave.
    model_id (str): another word for model, as evaluate's own metric has it.
    tokenizer: that of a model in memory.
    protocol (str or nonplus.Protocol): how a text becomes a figure; "evaluate" is that of evaluate's own metric.
    device, dtype (str): where and in which number format a model is loaded that is given by name.
    n_bytes (list of int): with surprisals, the bytes of each text, for bits per byte.
    level (float): of the interval.
Returns:
    dict: perplexity (as the protocol averages; of the whole corpus, each token counting once, under most),
        log_perplexity, bits_per_byte, interval, tokens, documents, protocol, fingerprint and model, beside
        perplexities (of each text) and mean_perplexity (their arithmetic mean), as evaluate's own metric gives them.
"""


class NonplusPerplexity(evaluate.Metric):  # type: ignore[misc, name-defined]  # evaluate ships no types
    """Perplexity of a model on texts; ``compute`` explains its arguments."""

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
        protocol: str | Protocol = "full",
        device: str = "auto",
        dtype: str = "auto",
        n_bytes: list[int] | None = None,
        level: float = 0.95,
    ) -> dict[str, Any]:
        given = [each for each in (model, model_id) if each is not None]
        texts = [each for each in predictions if isinstance(each, str)]
        if not texts:
            if given:
                raise BadInput("surprisals came, which need no model; leave model= out, or give texts")
            return _of_surprisals([each for each in predictions if not isinstance(each, str)], n_bytes, level)
        if n_bytes is not None:
            raise BadInput("the bytes of texts are counted; leave n_bytes= out, or give surprisals")
        if len(given) != 1:
            met = "both" if given else "neither"
            raise BadInput(f"the model is given as model= or as model_id=, got {met}; try model='bundled:tiny'")
        named = given[0] if tokenizer is None else (given[0], tokenizer)
        opened = open_model(named, loading=Loading(device=device, dtype=dtype))
        return _of_texts(texts, opened, Protocol.named(protocol) if isinstance(protocol, str) else protocol, level)


def _of_texts(
    texts: list[str], model: WindowModel | TextScorer, protocol: Protocol, level: float
) -> dict[str, Any]:
    if protocol.unit == "stream":
        raise BadProtocol(
            f"{protocol.name} joins all texts into one, so none has a perplexity of its own; "
            f"use a protocol over documents, such as full, or nonplus.evaluate"
        )
    measurement = Measurement(model, protocol, level=level)
    sums = [each for _, batch in measurement.run(texts) for each in batch]
    report = measurement.report()
    return {
        **_of_each([each.perplexity if each.tokens else None for each in sums]),
        **_of_all(report),
        "model": report.model,
    }


def _of_surprisals(texts: list[list[float]], n_bytes: list[int] | None, level: float) -> dict[str, Any]:
    if n_bytes is not None and len(n_bytes) != len(texts):
        raise BadInput(f"n_bytes has the bytes of each of {len(texts)} texts, got {len(n_bytes)}; give one for each")
    perplexities: list[float | None] = []
    metric = Perplexity(kind="nll", level=level, check="never")
    for nats, size in zip(texts, n_bytes or repeat(None), strict=False):
        one = Perplexity(kind="nll", check="never", empty="nan")
        one.update(nats, n_bytes=size)
        metric.merge(one)
        perplexities.append(one.compute().perplexity)
    return {**_of_each(perplexities), **_of_all(metric.compute())}


def _of_each(perplexities: list[float | None]) -> dict[str, Any]:
    """The figure of each text, ``None`` where nothing before a token lets it be predicted; and their mean."""
    defined = [each for each in perplexities if each is not None]
    return {"perplexities": perplexities, "mean_perplexity": math.fsum(defined) / len(defined)}


def _of_all(report: Report) -> dict[str, Any]:
    return {
        "perplexity": report.perplexity,
        "log_perplexity": report.log_perplexity,
        "bits_per_byte": report.bits_per_byte,
        "interval": asdict(report.interval) if report.interval else None,
        "tokens": report.tokens,
        "documents": report.tally.documents,
        "protocol": report.protocol.signature,
        "fingerprint": report.protocol.fingerprint,
    }

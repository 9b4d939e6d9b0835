"""A metric for ``evaluate.load``, which wants the path of a file and copies it: this one, whose work is done elsewhere.

::

    metric = evaluate.load(nonplus.hf_evaluate.__file__)
    metric.compute(predictions=texts, model="hf:gpt2")
    metric.compute(predictions=texts, model=model, tokenizer=tokenizer)
"""

import math
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from nonplus.errors import BadInput, BadProtocol, require
from nonplus.loading import Loading
from nonplus.measure import Measurement, score
from nonplus.models import open_model
from nonplus.protocol import Protocol, choose
from nonplus.tally import DocumentSums

datasets = require("datasets", extra="evaluate", purpose="the metric for evaluate.load")
evaluate = require("evaluate", extra="evaluate", purpose="the metric for evaluate.load")

_DESCRIPTION = "Perplexity of a language model on texts, token by token, with the conditions that it depends on."
_INPUTS = """
Args:
    predictions (list of str): the texts.
    model: a name as in nonplus.open_model ("bundled:tiny", "hf:gpt2", a folder, or a bare name on the hub), a
        transformers model in memory (with its tokenizer), or what nonplus.open_model gave.
    model_id (str): another word for model, as evaluate's own metric has it.
    tokenizer: that of a model in memory.
    protocol (str or nonplus.Protocol): how a text becomes a figure; "evaluate" is that of evaluate's own metric.
    device, dtype (str): where and in which number format a model is loaded that is given by name.
    level (float): of the interval.
Returns:
    dict: perplexity (as the protocol averages; of the whole corpus, each token counting once, under most),
        log_perplexity, bits_per_byte, interval, tokens, documents, protocol, fingerprint and model, beside
        perplexities (of each text) and mean_perplexity (their arithmetic mean), as evaluate's own metric gives them.
"""


class Perplexity(evaluate.Metric):  # type: ignore[misc, name-defined]  # evaluate ships no types
    """Perplexity of a model on texts; ``compute`` explains its arguments."""

    def _info(self) -> Any:
        return evaluate.MetricInfo(
            description=_DESCRIPTION,
            citation="",
            inputs_description=_INPUTS,
            features=datasets.Features({"predictions": datasets.Value("string")}),
        )

    def _compute(
        self,
        predictions: list[str],
        *,
        model: object = None,
        model_id: str | None = None,
        tokenizer: object = None,
        protocol: str | Protocol = "full",
        device: str = "auto",
        dtype: str = "auto",
        level: float = 0.95,
    ) -> dict[str, Any]:
        named = model if model_id is None else model_id
        if named is None or (model is not None and model_id is not None):
            met = "neither" if named is None else "both"
            raise BadInput(f"the model is given as model= or as model_id=, got {met}; try model='bundled:tiny'")
        chosen = choose(protocol) if isinstance(protocol, str) else protocol
        if chosen.unit == "stream":
            raise BadProtocol(
                f"{chosen.name} joins all texts into one, so none has a perplexity of its own; "
                f"use a protocol over documents, such as full, or nonplus.evaluate"
            )
        opened = open_model(
            named if tokenizer is None else (named, tokenizer), loading=Loading(device=device, dtype=dtype)
        )
        measurement = Measurement(opened, chosen, level=level)
        texts = [measurement.add(scored) for scored in score(predictions, model=opened, protocol=chosen)]
        report = measurement.report()
        return {
            **_of_each(texts),
            "perplexity": report.perplexity,
            "log_perplexity": report.log_perplexity,
            "bits_per_byte": report.bits_per_byte,
            "interval": asdict(report.interval) if report.interval else None,
            "tokens": report.tokens,
            "documents": report.tally.documents,
            "protocol": report.rules.signature,
            "fingerprint": report.rules.fingerprint,
            "model": report.model,
        }


def _of_each(texts: Iterable[DocumentSums]) -> dict[str, Any]:
    """A figure for each text, ``None`` where nothing before a token lets it be predicted; and their mean."""
    perplexities = [each.perplexity if each.tokens else None for each in texts]
    defined = [each for each in perplexities if each is not None]
    return {"perplexities": perplexities, "mean_perplexity": math.fsum(defined) / len(defined)}

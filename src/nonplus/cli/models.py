"""``nonplus models``: the models that come with the package."""

import json
from collections.abc import Iterator
from dataclasses import asdict

import click

from nonplus.measure.formatting import figure
from nonplus.models import DEFAULT
from nonplus.models.bundled_cards import Bundled, Figure, bundled_models, described

# Those that are published for other models too; --json has all figures.
_PRINTED = {
    ("WikiText-2 test", "bits per byte"),
    ("WikiText-2 test as lm-eval counts", "word perplexity"),
    ("LAMBADA, last words", "perplexity"),
    ("LAMBADA, last words", "accuracy"),
}


@click.command("models")
@click.option("--json", "as_json", is_flag=True, help="print one JSON object and nothing else")
def command(as_json: bool) -> int:
    """List the models that come with nonplus; others have names such as hf:gpt2."""
    models = [described(name) for name in bundled_models()]
    if as_json:
        click.echo(json.dumps({"models": [asdict(model) for model in models]}))
    else:
        click.echo("\n\n".join("\n".join(_lines(model)) for model in models))
    return 0


def _lines(model: Bundled) -> Iterator[str]:
    name = f"bundled:{model.name}"
    yield f"{name}  (the default)" if name == DEFAULT else name
    yield f"  size             {model.bytes / 1e6:.1f} MB, vocabulary {model.vocabulary:,}"
    yield f"  context          {model.context:,} tokens"
    yield f"  licence          {model.licence}"
    yield f"  sha256           {model.sha256}"
    for each in model.figures:
        if (each.text, each.quantity) in _PRINTED:
            yield f"  {each.quantity:16} {_with_interval(each)}  {each.text} ({each.fingerprint})"


def _with_interval(each: Figure) -> str:
    """A figure with its interval, as wide as the longest of them."""
    interval = "" if each.low is None or each.high is None else f"[{figure(each.low)}, {figure(each.high)}]"
    return f"{figure(each.value):8}{interval:18}"

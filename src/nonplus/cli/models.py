"""``nonplus models``: the models that come with the package."""

from collections.abc import Iterable, Iterator
from dataclasses import asdict

import click

from nonplus.cli.terminal.options import Verb, json_flag
from nonplus.cli.terminal.printing import say, say_json, say_lines, styled
from nonplus.measure.formatting import figure
from nonplus.models import DEFAULT, bundled_name
from nonplus.models.bundled_cards import Bundled, Figure, bundled_models, described

# Those that are published for other models too; --json has all figures.
_PRINTED = {
    ("WikiText-2 test", "bits per byte"),
    ("WikiText-2 test as lm-eval counts", "word perplexity"),
    ("LAMBADA, last words", "perplexity"),
    ("LAMBADA, last words", "accuracy"),
}
_OTHERS = """\
Any other model: -m hf:gpt2 or a folder (transformers), mlm:NAME if it is masked,
seq2seq:NAME if an encoder-decoder; gguf:FILE, llama:FOLDER, ngram:FOLDER, an ARPA
file or a KenLM binary (ngram:FILE), openai:URL#MODEL on a server, scores:FILE of
log-probabilities, uniform:256, unigram:FILE."""


@click.command("models", cls=Verb)
@json_flag
@click.argument("name", required=False, metavar="[NAME]")
def command(as_json: bool, name: str | None) -> int:
    """List the models that come with nonplus, or describe the one called NAME."""
    models = [described(each) for each in ([bundled_name(name)] if name else bundled_models())]
    if as_json:
        say_json({"models": [asdict(model) for model in models]})
    elif name:
        say_lines("\n".join(_lines(models[0])))
    else:
        _say_all(models)
    return 0


def _say_all(models: Iterable[Bundled]) -> None:
    for model in models:
        name = f"bundled:{model.name}"
        about = f"{model.bytes / 1e6:5.1f} MB, {model.context:,} tokens of context, {model.licence}"
        say(styled(f"{name:14}", bold=True), f"{about}{'  (the default)' if name == DEFAULT else ''}")
    say_lines(f"\nnonplus models NAME shows the figures and the checksum of one.\n{_OTHERS}")


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

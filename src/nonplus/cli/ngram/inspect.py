"""``nonplus ngram inspect``: what a model of n-grams is."""

from collections.abc import Iterator

import click

from nonplus.cli.ngram.written import as_flags, summed
from nonplus.cli.terminal.options import Verb, json_flag
from nonplus.cli.terminal.printing import say_field, say_json
from nonplus.cli.terminal.spelling import with_flags
from nonplus.measure.formatting import counted, figure
from nonplus.models.ngram.inspection import Inspection, inspected
from nonplus.models.ngram.manifest import Manifest, Training
from nonplus.models.ngram.quantizing import greatest_sum

_QUANTILES = ("0.01", "0.05", "0.25", "0.50", "0.75", "0.95", "0.99")


@click.command("inspect", cls=Verb)
@json_flag
@click.argument("model", metavar="MODEL")
def command(as_json: bool, model: str) -> int:
    """Show what MODEL is: the folder of a bundle, an ARPA file or a KenLM binary.

    Of a bundle, every checksum is compared.
    """
    found = inspected(model)
    if as_json:
        say_json(found.as_dict())
        return 0
    for name, value in _lines(found):
        say_field(name, value)
    return 0


def _lines(found: Inspection) -> Iterator[tuple[str, str]]:
    yield "model", f"{found.name} ({found.kind})"
    yield "order", str(found.order)
    yield "n-grams", summed(found.counts)
    yield "vocabulary", counted(found.vocabulary, "word")
    yield "size", f"{counted(found.bytes, 'byte')}; {figure(found.bits_per_ngram, 3)} bits for each n-gram"
    yield "values", f"quantised to {found.bits} bits" if found.bits else "float32"
    yield from _errors(found)
    yield from _rules() if found.manifest is None else _manifest(found.manifest)


def _errors(found: Inspection) -> Iterator[tuple[str, str]]:
    """How far quantised values are from what they were, in base-10 logarithms: up to
    half the width of a bin.
    """
    for order, errors in enumerate(found.errors, 2):
        kinds = ("probabilities", "back-off weights")
        off = [f"{kind} off by {error:.3g}" for kind, error in zip(kinds, errors, strict=False)]
        yield f"  order {order}", f"{', '.join(off)} at most, in base-10 logarithms"
    if found.errors:
        probs, backoffs = [0.0, *(each[0] for each in found.errors)], [0.0, *(each[1] for each in found.errors[:-1])]
        bound = greatest_sum(probs, backoffs)
        within = f"{10**bound - 1:.2%}" if bound < 1 else f"a factor of 10^{bound:.3g}"
        yield "  sums to 1", f"within {within} at worst: the probabilities after any history"


def _rules() -> Iterator[tuple[str, str]]:
    yield "text", "not stated; read as it is, cut at blanks, a sentence a line, between <s> and </s>"


def _manifest(manifest: Manifest) -> Iterator[tuple[str, str]]:
    rules = manifest.rules
    ends = [name for name, there in (("<s>", rules["begin"]), ("</s>", rules["end"])) if there]
    yield "normalizer", rules["normalizer"]
    yield "tokenizer", ", ".join(f"{value}" for value in rules["tokenizer"].values())
    yield "sentence", f"{rules['unit']}, with {' and '.join(ends) or 'neither <s> nor </s>'}"
    if manifest.training is not None:
        yield from _training(manifest.training)
    for each in manifest.pruned:
        least = "" if each.threshold is None else f"; those that stayed are worth at least {each.threshold:.3g}"
        yield "pruned", f"{with_flags(each.method)}, from {summed(each.counts)} n-grams{least}"
    for language, quantiles in (manifest.quantiles or {}).items():
        shown = {place: value for place, value in quantiles.items() if place in _QUANTILES} or quantiles
        rest = "" if len(shown) == len(quantiles) else f"; --json has all {len(quantiles)}"
        yield f"  quantiles of {language}", ", ".join(f"{at}: {figure(value)}" for at, value in shown.items()) + rest
    for name, file in manifest.files.items():
        yield f"  {name}", f"{counted(file.bytes, 'byte')}, sha256 {file.sha256}"


def _training(training: Training) -> Iterator[tuple[str, str]]:
    size = f"{counted(training.bytes, 'byte')}, {counted(training.tokens, 'token')}"
    yield "trained on", f"{size}, sha256 {training.text_sha256}"
    if training.options:
        yield "options", as_flags(training.options)
    if training.discounts:
        yield "discounts", "of n-grams with a count of 1, of 2, of 3 or more"
    for order, discounts in enumerate(training.discounts, 1):
        yield f"  of order {order}", ", ".join(figure(each) for each in discounts)

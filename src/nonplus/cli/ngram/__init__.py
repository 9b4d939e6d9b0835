"""``nonplus ngram``: make and examine n-gram models."""

import importlib

import click

from nonplus.cli.terminal.printing import say_lines
from nonplus.cli.terminal.verbs import Verbs

VERBS = {
    "train": ("nonplus.cli.ngram.train", "Train a model on texts."),
    "inspect": ("nonplus.cli.ngram.inspect", "Show what a model is: orders, counts, sizes, how it reads text."),
    "convert": ("nonplus.cli.ngram.convert", "Write a model in another form: a bundle, an ARPA file, quantised."),
    "prune": ("nonplus.cli.ngram.prune", "Write a model with fewer n-grams."),
}


def _load(verb: str) -> click.Command:
    command: click.Command = importlib.import_module(VERBS[verb][0]).command
    return command


@click.group("ngram", cls=Verbs, verbs=VERBS, load=_load, invoke_without_command=True, subcommand_metavar="VERB ...")
@click.pass_context
def command(context: click.Context) -> None:
    """Make and examine n-gram models."""
    if context.invoked_subcommand is None:
        say_lines(context.get_help())

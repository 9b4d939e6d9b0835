"""``nonplus filter``: perplexity as a filter for corpora."""

import importlib

import click

from nonplus.cli.terminal.printing import say_lines
from nonplus.cli.terminal.verbs import Verbs

VERBS = {
    "calibrate": ("nonplus.cli.filter.calibrate", "Look at a sample of a corpus, and propose where to cut."),
    "cascade": ("nonplus.cli.filter.cascade", "See what a fast model can decide, and what a better one must."),
    "run": ("nonplus.cli.filter.run", "Keep the records of a corpus that a rule keeps."),
    "split": ("nonplus.cli.filter.split", "Cut a corpus again, without scoring it again."),
    "report": ("nonplus.cli.filter.report", "Show what a cut did: what is left, of what, and why not the rest."),
    "profiles": ("nonplus.cli.filter.profiles", "Compare what other tools' ways to read a text do to perplexity."),
}


def _load(verb: str) -> click.Command:
    command: click.Command = importlib.import_module(VERBS[verb][0]).command
    return command


@click.group("filter", cls=Verbs, verbs=VERBS, load=_load, invoke_without_command=True, subcommand_metavar="VERB ...")
@click.pass_context
def command(context: click.Context) -> None:
    """Clean a corpus by perplexity."""
    if context.invoked_subcommand is None:
        say_lines(context.get_help())

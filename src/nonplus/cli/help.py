"""``nonplus help``: every option of a verb, under headings."""

import click

from nonplus.cli.terminal.options import Verb
from nonplus.cli.terminal.printing import say_lines


@click.command("help", cls=Verb)
@click.argument("verb", required=False, metavar="[VERB]")
@click.pass_context
def command(context: click.Context, verb: str | None) -> int:
    """Show every option of VERB; without one, the overview."""
    overview = context.find_root()
    if verb is None or not isinstance(overview.command, click.Group):
        say_lines(overview.get_help())
        return 0
    _, found, _ = overview.command.resolve_command(overview, [verb])
    if isinstance(found, Verb):
        say_lines(found.whole_help(click.Context(found, info_name=verb, parent=overview)))
    return 0

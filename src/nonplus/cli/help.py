"""``nonplus help``: every option of a verb, under headings."""

import click

from nonplus.cli.terminal.options import Verb
from nonplus.cli.terminal.printing import say_lines
from nonplus.cli.terminal.verbs import Verbs


@click.command("help", cls=Verb)
@click.argument("verbs", nargs=-1, metavar="[VERB]")
@click.pass_context
def command(context: click.Context, verbs: tuple[str, ...]) -> int:
    """Show every option of VERB; without one, the overview."""
    root = context.find_root()
    say_lines(_help(root, verbs))
    return 0


def _help(context: click.Context, verbs: tuple[str, ...]) -> str:
    """The help of a verb, which may be one of a group: ``ngram inspect``."""
    if isinstance(context.command, Verbs) and verbs:
        _, found, _ = context.command.resolve_command(context, [verbs[0]])
        if found is not None:
            return _help(click.Context(found, info_name=verbs[0], parent=context), verbs[1:])
    if verbs:
        context.fail(f"{context.command_path} has no verb {verbs[0][:40]!r}")
    return context.command.whole_help(context) if isinstance(context.command, Verb) else context.get_help()

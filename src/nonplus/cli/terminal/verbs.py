"""Groups of verbs: the help of a group imports none of them."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, final

import click

from nonplus.closest import did_you_mean


@final
class Verbs(click.Group):
    """A group whose verbs are imported when they are used.

    ``verbs`` has the module and the summary of each; ``load`` gives the verb of a name,
    or another group.
    """

    def __init__(
        self,
        *arguments: Any,
        verbs: Mapping[str, tuple[str, str]],
        load: Callable[[str], click.Command],
        remedy: str = "",
        **attributes: Any,
    ) -> None:
        """``remedy`` is what to do where a word is like no verb."""
        super().__init__(*arguments, **attributes)
        self.verbs = verbs
        self.load = load
        self.remedy = remedy

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names of the verbs."""
        return list(self.verbs)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The verb of that name."""
        return self.load(cmd_name) if cmd_name in self.verbs else None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The verb that is asked for.

        Raises:
            click.UsageError: there is no such verb.
        """
        verb = args[0]
        if verb not in self.verbs and not verb.startswith("-"):
            remedy = did_you_mean(verb, self.verbs) or self.remedy
            ctx.fail(f"there is no verb {verb[:40]!r}; the verbs are {', '.join(self.verbs)}{remedy}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write a line for each verb."""
        with formatter.section("Verbs"):
            formatter.write_dl([(verb, summary) for verb, (_, summary) in self.verbs.items()])

    def path(self, words: Sequence[str]) -> Iterator[tuple[str, click.Command]]:
        """The verbs that the first words name, a group and then a verb of it."""
        command = self.get_command(click.Context(self), words[0]) if words else None
        if command is not None:
            yield words[0], command
            if isinstance(command, Verbs):
                yield from command.path(words[1:])

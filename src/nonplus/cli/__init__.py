"""The command line: a verb parses, calls public functions, prints.

Figures go to stdout, everything else to stderr.
"""

import importlib
import os
import sys
from collections.abc import Sequence
from typing import NoReturn, TextIO

import click

from nonplus import __version__
from nonplus.cli.terminal.help_texts import EXIT_CODES
from nonplus.cli.terminal.interruption import Stop, stopping
from nonplus.cli.terminal.notices import fail, notes
from nonplus.cli.terminal.outlets import ReaderGone, outlets
from nonplus.cli.terminal.printing import say_lines
from nonplus.cli.terminal.verbs import Verbs
from nonplus.closest import did_you_mean
from nonplus.errors import BadInput, NonplusError

# Set before NumPy is loaded. Threads of BLAS would be idle: nonplus divides the work
# among its own threads, and torch has threads too.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

# Each verb with its module and its summary: `nonplus --help` imports no verb.
VERBS = {
    "score": ("nonplus.cli.score", "Measure the perplexity of a model on texts."),
    "protocols": ("nonplus.cli.protocols", "Explain the protocols: every choice that changes the figure."),
    "ngram": ("nonplus.cli.ngram", "Make and examine n-gram models."),
    "filter": ("nonplus.cli.filter", "Clean a corpus by perplexity."),
    "models": ("nonplus.cli.models", "List the models that come with nonplus."),
    "doctor": ("nonplus.cli.doctor", "Check the installation, the devices and a model."),
    "help": ("nonplus.cli.help", "Show every option of a verb."),
}


def _load(verb: str) -> click.Command:
    command: click.Command = importlib.import_module(VERBS[verb][0]).command
    return command


@click.group(
    cls=Verbs,
    verbs=VERBS,
    load=_load,
    remedy="; to score a text, write score before it",
    invoke_without_command=True,
    subcommand_metavar="VERB ...",
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Try it: nonplus score 'The quick brown fox jumps over the lazy dog.'\n\nExit codes: "
    + "; ".join(f"{code} {meaning}" for code, meaning in EXIT_CODES.items())
    + ".",
)
@click.version_option(__version__, "-V", "--version", prog_name="nonplus", message="%(prog)s %(version)s")
@click.pass_context
def nonplus(context: click.Context) -> None:
    """How surprised a language model is by text: perplexity, with its conditions."""
    if context.invoked_subcommand is None:
        say_lines(context.get_help())


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run a command line and end the process with its exit code."""
    with stopping(), outlets(), notes():
        code = _exit_code(arguments)
    sys.exit(code)


def _with_help(error: click.UsageError, typed: list[str]) -> str:
    """What is wrong with the options, and where they are explained."""
    said = error.format_message().rstrip(".")
    if isinstance(error, click.NoSuchOption):
        said = f"there is no option {error.option_name}{did_you_mean(error.option_name, error.possibilities or ())}"
    verb = "".join(f" {name}" for name, _ in nonplus.path(typed)).removeprefix(" help")
    return f"{said[:1].lower()}{said[1:]}{' S' if said.endswith('?') else '; s'}ee nonplus help{verb}"


def _exit_code(arguments: Sequence[str] | None) -> int:
    try:
        _check_stdout(sys.stdout)
        code: int = nonplus.main(arguments, prog_name="nonplus", standalone_mode=False) or 0
        if not code:
            sys.stdout.flush()
        return code
    except NonplusError as error:
        return fail(str(error))
    except click.UsageError as error:
        return fail(_with_help(error, [*(sys.argv[1:] if arguments is None else arguments)]))
    except click.Abort as abort:  # what click makes of KeyboardInterrupt and EOFError
        if not isinstance(abort.__cause__, Stop):
            raise
        return fail(f"interrupted by {abort.__cause__.by} before there was a report", code=abort.__cause__.code)
    except ReaderGone:
        return 128 + 13  # what a shell shows for a process that SIGPIPE ended


def _check_stdout(stdout: TextIO | None) -> None:
    if stdout is None:
        raise BadInput("stdout is closed, and figures are printed there; send it to a file, or to /dev/null")

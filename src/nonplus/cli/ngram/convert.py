"""``nonplus ngram convert``: a model in another form."""

from pathlib import Path

import click

from nonplus.cli.ngram.written import say_written, writes
from nonplus.cli.terminal.help_texts import READ
from nonplus.cli.terminal.interruption import Stop
from nonplus.cli.terminal.notices import note
from nonplus.cli.terminal.options import Choice, Option, Verb
from nonplus.cli.terminal.printing import say_json
from nonplus.models.ngram.converting import Form, convert
from nonplus.models.ngram.normalizers.aligned import Unit
from nonplus.models.ngram.sources import TextOptions

_READ = "Text, if MODEL does not say how it is read"


@click.command("convert", cls=Verb)
@click.argument("model", metavar="MODEL")
@writes
@click.option("--normalizer", cls=Option, heading=_READ, metavar="NAME", default="", help=READ["--normalizer"])
@click.option("--tokenizer", cls=Option, heading=_READ, metavar="KIND", default="", help=READ["--tokenizer"])
@click.option("--unit", cls=Option, heading=_READ, type=Choice(("line", "document")), default=None, help=READ["--unit"])
def command(
    model: str,
    output: Path,
    quantize: int | None,
    packed: bool | None,
    as_json: bool,
    normalizer: str,
    tokenizer: str,
    unit: Unit | None,
) -> int:
    """Write MODEL in another form: the folder of a bundle, an ARPA file or a KenLM trie
    as a bundle or an ARPA file.

    Values stay the same, bit for bit, unless --quantize rounds them. A model of that
    name is replaced; anything else is not.

    \b
    nonplus ngram convert news.arpa -o news --quantize 8 --packed
    nonplus ngram convert en.arpa -o en --tokenizer en.sp.model --unit document
    nonplus ngram convert news -o news.arpa
    """
    text = TextOptions(normalizer=normalizer, tokenizer=tokenizer, unit=unit)
    earlier = output.exists()
    try:
        written = convert(model, output, form=Form(quantize=quantize, packed=packed), text=text)
    except Stop as stop:
        note(f"stopped by {stop.by}; nothing was written")
        return stop.code
    if as_json:
        say_json(written.as_dict())
    else:
        say_written(written, earlier=earlier)
    return 0

"""``nonplus models``: the models that come with the package."""

import json
from pathlib import Path
from typing import Any

import click

import nonplus
from nonplus.models import bundled_models


@click.command("models", short_help="List the models that come with nonplus.")
@click.option("--json", "as_json", is_flag=True, help="print one JSON object and nothing else")
def command(as_json: bool) -> int:
    """List the models that come with nonplus; any other is opened by name, e.g. --model hf:gpt2."""
    rows = [_row(name) for name in bundled_models()]
    if as_json:
        click.echo(json.dumps({"models": rows}))
        return 0
    for row in rows:
        click.echo(
            f"bundled:{row['name']}  {row['bytes'] / 1e6:.1f} MB, context {row['context']:,} tokens, "
            f"vocabulary {row['vocabulary']:,}"
        )
    return 0


def _row(name: str) -> dict[str, Any]:
    folder = Path(nonplus.__file__).parent / "bundled" / name
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    return {
        "name": name,
        "bytes": sum(file.stat().st_size for file in folder.iterdir()),
        "context": config["max_position_embeddings"],
        "vocabulary": config["vocab_size"],
    }

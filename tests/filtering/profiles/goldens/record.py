"""Ask datatrove and data-juicer once for the perplexity of some texts, with one model,
and write down what they say.

Each is run in an environment of its own, with kenlm 0.3.0 and sentencepiece 0.2.3. The
tools' own functions are called; only the place of the model is another, for both look
for it on a hub. The model is a SentencePiece model of 400 pieces and what ``lmplz -o 2
--prune 0 1 --discount_fallback`` of KenLM 0.3.0 makes of examples/lost_world.txt as
cc_net normalises it, in those pieces, a paragraph a line.
"""

import importlib
import json
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from unittest import mock

HERE = Path(__file__).resolve().parent
FILE, PIECES, ARPA = HERE / "profiles.json", HERE / "pieces.model", HERE / "pieces.arpa"
EXAMPLE = HERE.parents[3] / "examples" / "lost_world.txt"
NASTY = HERE.parents[2] / "models" / "ngram" / "goldens" / "normalizers.json"
COMMAND = "python tests/filtering/profiles/goldens/record.py (datatrove | data-juicer)"


def texts() -> list[str]:
    """Paragraphs as they are, in capitals, and with lines that break; and strings of
    all that could go wrong.
    """
    paragraphs = [each for each in EXAMPLE.read_text(encoding="utf-8").split("\n\n") if len(each) > 200][:8]
    nasty: list[str] = json.loads(NASTY.read_text(encoding="utf-8"))["texts"][2:60]
    years = "Born in 1859, he sold 12.5 % of 1,000,000 copies by 1912.\nA café, “best” in Zürich\n"
    capitals, broken = map(str.upper, paragraphs[:2]), (each.replace(" ", "\n") for each in paragraphs[:2])
    return [*paragraphs, *capitals, *broken, years, *(each for each in nasty if each.strip())]


def datatrove() -> Callable[[str], float]:
    """``extract_stats`` of ``CCNetPerplexityStats``."""
    kind = importlib.import_module("datatrove.pipeline.stats.perplexity_stats").CCNetPerplexityStats
    document = importlib.import_module("datatrove.data").Document
    block = kind(output_folder="unused", model_dataset="given", language="en")
    block.model._model = importlib.import_module("kenlm").Model(str(ARPA))
    block.model.tokenizer._model = importlib.import_module("sentencepiece").SentencePieceProcessor(str(PIECES))
    return lambda text: float(*block.extract_stats(document(text=text, id="0")).values())


def datajuicer() -> Callable[[str], float]:
    """``compute_stats_batched`` of ``PerplexityFilter``."""
    utils = importlib.import_module("data_juicer.utils.model_utils")
    place = {"en.sp.model": str(PIECES), "en.arpa.bin": str(ARPA)}
    utils.check_model = lambda name, force=False: place[name]
    constant = importlib.import_module("data_juicer.utils.constant")
    operator = importlib.import_module("data_juicer.ops.filter.perplexity_filter").PerplexityFilter(lang="en")

    def perplexity(text: str) -> float:
        found = operator.compute_stats_batched({"text": [text], constant.Fields.stats: [{}]})
        return float(found[constant.Fields.stats][0][constant.StatsKeys.perplexity])

    return perplexity


def main(tool: str) -> None:
    """Record one of them beside the other."""
    of_tool, package = {"datatrove": (datatrove, "datatrove"), "data-juicer": (datajuicer, "py-data-juicer")}[tool]
    recorded = json.loads(FILE.read_text(encoding="utf-8")) if FILE.exists() else {}
    given = texts()
    # Neither may install anything while it runs, which data-juicer does.
    with mock.patch("subprocess.check_call", side_effect=OSError), mock.patch("subprocess.run", side_effect=OSError):
        perplexity = of_tool()
        found = [perplexity(text) for text in given]
    recorded |= {"command": COMMAND, "texts": given, tool: {"version": version(package), "perplexities": found}}
    FILE.write_text(json.dumps(recorded, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])

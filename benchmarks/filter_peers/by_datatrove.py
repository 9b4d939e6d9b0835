"""What datatrove has for filtering by perplexity: its block of statistics, a filter
that reads its result, a writer.

    python by_datatrove.py FILE OUT MODEL_FOLDER THRESHOLD

Runs in an environment of its own. The block looks for its model on a hub; here it is
given one. It computes the smallest group of statistics.
"""

import sys
from pathlib import Path

import kenlm
import sentencepiece
from datatrove.executor import LocalPipelineExecutor
from datatrove.pipeline.filters import LambdaFilter
from datatrove.pipeline.readers import JsonlReader
from datatrove.pipeline.stats import CCNetPerplexityStats
from datatrove.pipeline.writers import JsonlWriter


def main(file: str, out: str, models: str, threshold: str) -> None:
    """Write the documents below the threshold to ``OUT/00000.jsonl.zst``."""
    path, limit = Path(file), float(threshold)
    block = CCNetPerplexityStats(f"{out}/stats", model_dataset="given", language="en", groups_to_compute=["summary"])
    block.model._model = kenlm.Model(f"{models}/en.arpa.bin")
    block.model.tokenizer._model = sentencepiece.SentencePieceProcessor(f"{models}/en.sp.model")
    LocalPipelineExecutor(
        pipeline=[
            JsonlReader(str(path.parent), glob_pattern=path.name),
            block,
            LambdaFilter(lambda document: document.metadata["ccnet_perplexity_given_en"] < limit),
            JsonlWriter(out, compression="zstd"),
        ],
        tasks=1,
        logging_dir=f"{out}/logs",
    ).run()


if __name__ == "__main__":
    main(*sys.argv[1:])

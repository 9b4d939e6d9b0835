"""How far the budget and packing move a figure, for each dtype: only by rounding.

    python benchmarks/rounding.py FOLDER TEXT...

FOLDER is a model of transformers. Each text is a file; its lines are documents, and the
whole file is one more. The reference of a dtype is each window in a batch of its own.
"""

import sys
from pathlib import Path

import numpy as np

from nonplus.measure.forward import RunOptions
from nonplus.measure.interfaces import WindowModel
from nonplus.measure.scoring import score
from nonplus.models import open_model
from nonplus.models.loading import Loading

DTYPES = ("float32", "bfloat16", "float16", "float64")
BUDGETS = (256, 1024, 4096)


def documents(paths: list[str]) -> list[str]:
    """The lines of each file that hold a few words, and the file itself."""
    texts = [Path(path).read_text(encoding="utf-8") for path in paths]
    return [line for text in texts for line in text.splitlines() if len(line) > 20] + texts


def nats(model: WindowModel, texts: list[str], budget: int) -> np.ndarray:
    """The surprisal of every token."""
    return np.concatenate([each.nats for each in score(texts, model=model, options=RunOptions(budget=budget))])


def main() -> None:
    """A row for each dtype: the largest difference of a token, and of the mean."""
    folder, *paths = sys.argv[1:]
    texts = documents(paths)
    print("dtype      tokens  largest of a token, nats  99.9 %    largest of the mean, relative")
    for dtype in DTYPES:
        models = [open_model(f"hf:{folder}", loading=Loading(dtype=dtype, packing=packs)) for packs in (False, True)]
        alone = nats(models[0], texts, 1)
        found = [nats(model, texts, budget) for model in models for budget in BUDGETS]
        tokens = np.abs(np.array(found) - alone)
        mean = max(abs(each.mean() / alone.mean() - 1) for each in found)
        print(
            f"{dtype:10} {len(alone):6}  {tokens.max():<24.2g}  {np.quantile(tokens, 0.999):<8.2g}  {mean:.2g}",
            flush=True,
        )


if __name__ == "__main__":
    main()

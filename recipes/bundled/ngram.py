"""Make the bundled n-gram model, from the packed text to the published folder.

Run ``python recipes/bundled/ngram.py`` in the root of the repository. A byte-level BPE
is fitted to every tenth document, nonplus trains on all of them, n-grams are removed
until the whole folder has at most 6,000,000 bytes, and the card is written. You may
kill it at any moment; the same command goes on with what is finished. The same text
gives the same bytes, with any ``--memory``.
"""

import argparse
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from card import BUNDLED, write_card
from data import documents
from quantiles import quantiles
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

from nonplus import TrainingOptions, prune_ngrams, train_ngrams
from nonplus.files import replacing
from nonplus.models.ngram.bundle import open_bundle

FITTED = 10  # the tokenizer is fitted to every so many-th document
CARD = 50_000  # bytes that are left for the card, the figures and the quantiles


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """A model: its pieces, its training, and how large it may be."""

    pieces: int = 4096
    order: int = 4
    prune: tuple[int, ...] = (0, 0, 1, 1)
    bits: int = 8
    most_bytes: int = 6_000_000


def fitted(texts: Sequence[str], pieces: int) -> Tokenizer:
    """A byte-level BPE that cuts at blanks and marks where words begin.

    As blanks are dropped before bytes are looked at, a word has pieces of its own,
    which nonplus keeps: a text then costs one look-up for each word.
    """
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.ByteLevel(add_prefix_space=True)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=pieces, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


def made(texts: Callable[[], Iterable[str]], work: Path, shape: Shape, *, memory: str) -> Path:
    """The bundle of the model in ``work``, from the last step that was finished."""
    full, small = work / "full", work / "small"
    if not full.exists():
        train(list(texts()), full, shape, memory=memory)
    if not small.exists():
        prune_ngrams(full, small, to_bytes=shape.most_bytes - CARD, quantize=shape.bits)
    return small


def train(texts: Sequence[str], full: Path, shape: Shape, *, memory: str) -> None:
    """Write the bundle of all n-grams."""
    tokenizer = full.with_name("tokenizer.json")
    if not tokenizer.exists():
        with replacing(tokenizer) as out:
            out.write(fitted(texts[::FITTED], shape.pieces).to_str().encode())
    options = TrainingOptions(order=shape.order, prune=shape.prune, tokenizer=str(tokenizer), memory=memory)
    train_ngrams(texts, full, options=options)


def publish(bundle: Path, data: Path, out: Path) -> None:
    """Write the bundle's files to ``out``, one by one under their final names, with the
    quantiles in the manifest. Figures there are deleted, because they are of other
    n-grams.
    """
    out.mkdir(parents=True, exist_ok=True)
    (out / "figures.json").unlink(missing_ok=True)
    manifest = replace(open_bundle(bundle).manifest, quantiles={"en": quantiles(f"ngram:{bundle}", data)})
    for name in manifest.files:
        with replacing(out / name) as file:
            file.write((bundle / name).read_bytes())
    with replacing(out / "manifest.json") as file:
        file.write(manifest.to_json().encode())


def main() -> None:
    """Train, prune, and publish."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, default=Path("../scratch/bundled/ngram"), help="for unfinished work")
    parser.add_argument("--memory", default="3G", help="to train in")
    choice = parser.parse_args()
    data, out = Path(os.environ.get("NONPLUS_DATA", "../shared/data")), BUNDLED / "ngram"
    choice.work.mkdir(parents=True, exist_ok=True)
    bundle = made(lambda: documents(data / "train"), choice.work, Shape(), memory=choice.memory)
    publish(bundle, data, out)
    write_card(out, data)


if __name__ == "__main__":
    main()

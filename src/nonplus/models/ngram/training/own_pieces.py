"""A SentencePiece model that is trained on the documents of an n-gram model first."""

from collections.abc import Iterable, Iterator
from types import ModuleType

from nonplus.errors import BadInput
from nonplus.measure.records import Document, text_of
from nonplus.models.ngram.normalizers.named import named
from nonplus.models.ngram.text.cuts import PieceModel
from nonplus.models.ngram.text.splitters import piece_model
from nonplus.models.ngram.training.folder import WorkFolder
from nonplus.models.ngram.training.meter import TrainingMeter
from nonplus.models.ngram.training.options import TrainingOptions
from nonplus.models.ngram.training.reading import Digest
from nonplus.optional import require

_FILE, _DIGEST = "tokenizer.model", "tokenizer.digest"


def trainer(options: TrainingOptions) -> ModuleType:
    """What trains the model.

    Raises:
        MissingExtra: SentencePiece is not installed.
    """
    return require("nonplus.models.ngram.text.sentencepiece_training", purpose=f"tokenizer={options.tokenizer}")


def trained_pieces(
    documents: Iterable[Document | str], options: TrainingOptions, folder: WorkFolder, meter: TrainingMeter
) -> PieceModel:
    """The model of ``options.pieces`` pieces in the folder, or one that is trained now.

    Raises:
        BadInput: none can be trained on the documents.
        MissingExtra: SentencePiece is not installed.
    """
    trained = trainer(options).trained
    if not folder.has(_FILE):
        digest, normalizer = Digest(), named(options.normalizer)
        meter.begin("training pieces")
        texts = _seen(documents, digest)
        unit = options.unit or normalizer.unit
        data = trained(texts, normalizer=normalizer, unit=unit, pieces=options.pieces)
        with folder.writing(_DIGEST) as file:
            file.write(digest.hex.encode())
        with folder.writing(_FILE) as file:
            file.write(data)
    return piece_model(folder.path / _FILE)


def check_same(digest: str, options: TrainingOptions, folder: WorkFolder) -> None:
    """Check that the documents were the same when they were read again.

    Raises:
        BadInput: they were not.
    """
    if digest != (folder.path / _DIGEST).read_text():
        folder.remove()
        raise BadInput(
            f"tokenizer={options.tokenizer} reads the documents twice, and they were others the second time; give "
            "files or a list, not a pipe or an iterator"
        )


def _seen(documents: Iterable[Document | str], digest: Digest) -> Iterator[str]:
    for document in documents:
        text = text_of(document)
        digest.add([text])
        yield text

"""The tokenizers that an n-gram model may have, by kind and by file."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from nonplus.closest import did_you_mean
from nonplus.errors import BadModel
from nonplus.measure.records import Ints
from nonplus.models.ngram.normalizers.aligned import Bytes
from nonplus.models.ngram.text.byte_words import ByteWords
from nonplus.models.ngram.text.cuts import PieceModel
from nonplus.models.ngram.text.pieces import Pieces
from nonplus.models.ngram.text.tokenizers_file import TokenizersFile
from nonplus.models.ngram.text.words import NewWords, Split, Words
from nonplus.optional import require

KINDS = ("words", "bytes", "sentencepiece", "tokenizers")


class Splitter(Protocol):
    """A tokenizer: from normalised bytes to the word ids of a model."""

    @property
    def words(self) -> Sequence[str]:
        """The text of each word id; the first three are those of ``SPECIAL_WORDS``."""
        ...

    @property
    def files(self) -> Mapping[str, bytes]:
        """Its file in a bundle, by name, if it has one."""
        ...

    def as_dict(self) -> dict[str, Any]:
        """What a manifest says of it; ``kind`` is one of ``KINDS``."""
        ...

    def split(self, data_N: Bytes, begin_S: Ints, stop_S: Ints) -> Split:
        """The tokens of parts of normalised texts; parts rise and do not overlap."""
        ...

    def decode(self, ids: Sequence[int]) -> str:
        """The text of word ids, as far as it is known."""
        ...


def splitter_of(stated: Mapping[str, Any], vocabulary: Words | NewWords, *, folder: Path | None = None) -> Splitter:
    """The tokenizer that a manifest states, with the ids of ``vocabulary``.

    Its file is read from ``folder``.

    Raises:
        BadModel: there is no such kind, or its file is missing or damaged.
        MissingExtra: it needs a package that is not installed.
    """
    match stated.get("kind"):
        case "words":
            return vocabulary
        case "bytes":
            return ByteWords(vocabulary)
        case "sentencepiece" | "tokenizers" if folder is not None and isinstance(stated.get("file"), str):
            return Pieces(piece_model(folder / Path(stated["file"]).name), vocabulary)
    raise BadModel(
        f"the manifest has the tokenizer {dict(stated)!r}, and this version of nonplus has those of kind "
        f"{', '.join(KINDS)}, the last two with a file; use the nonplus that wrote it"
    )


def chosen_pieces(tokenizer: str, *, names: Sequence[str]) -> PieceModel:
    """The subword tokenizer of a file that someone chose; ``names`` are what could have
    been named instead.

    Raises:
        BadModel: there is no such file, or it is no tokenizer.
        MissingExtra: it is of SentencePiece, which is not installed.
    """
    if tokenizer and Path(tokenizer).is_dir():
        raise BadModel(f"tokenizer={tokenizer} is a folder; name the tokenizer.json or the SentencePiece model in it")
    if not Path(tokenizer).is_file():
        others = ", ".join(f"tokenizer={name}" for name in names)
        raise BadModel(
            f"tokenizer={tokenizer} is neither a file nor the name of a tokenizer; use {others}, or the file of a "
            f"SentencePiece model or a tokenizer.json{did_you_mean(tokenizer, names, before='tokenizer=')}"
        )
    return piece_model(Path(tokenizer))


def piece_model(file: Path) -> PieceModel:
    """The subword tokenizer of a file: one of the package ``tokenizers`` if it is JSON,
    else of SentencePiece.

    Raises:
        BadModel: there is no such file, or it is neither.
        MissingExtra: it is of SentencePiece, which is not installed.
    """
    if not file.is_file():
        raise BadModel(f"there is no file {str(file)!r} to read a tokenizer from; check the path")
    data = file.read_bytes()
    is_json = data.lstrip()[:1] == b"{"
    if is_json:
        return TokenizersFile(data, name=str(file))
    sentencepiece_file = require("nonplus.models.ngram.text.sentencepiece_file", purpose="a SentencePiece model")
    model: PieceModel = sentencepiece_file.SentencePieceFile(data, name=str(file))
    return model

"""Where a model is taken from: its n-grams as a stream, and what is known of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import final

from nonplus.errors import BadModel
from nonplus.files import reading
from nonplus.models.ngram.bundle import open_bundle
from nonplus.models.ngram.manifest import Pruning, Training
from nonplus.models.ngram.model import NgramModel
from nonplus.models.ngram.model_file import open_lookup, read_ngrams
from nonplus.models.ngram.ngrams import Ngrams
from nonplus.models.ngram.normalizers.aligned import Unit
from nonplus.models.ngram.normalizers.named import named
from nonplus.models.ngram.opening import file_identity, found_at
from nonplus.models.ngram.option_types import check_text, check_unit
from nonplus.models.ngram.packed.columns import Errors
from nonplus.models.ngram.stored import PACKED
from nonplus.models.ngram.text.byte_words import ByteWords
from nonplus.models.ngram.text.fitting import check_makes
from nonplus.models.ngram.text.pieces import Pieces
from nonplus.models.ngram.text.rules import Rules
from nonplus.models.ngram.text.splitters import Splitter, chosen_pieces
from nonplus.models.ngram.text.words import Words
from nonplus.models.ngram.training.kept_text import KeptText, kept_text


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class TextOptions:
    """How texts are read by a model that does not say it: an ARPA file or a KenLM
    binary.

    ``normalizer`` is the name of one, by default ``raw``. ``tokenizer`` is ``words``,
    the default, ``bytes``, or the file of a tokenizer. ``unit``, what a sentence is, is
    by default that of the normaliser.
    """

    normalizer: str = ""
    tokenizer: str = ""
    unit: Unit | None = None

    def __post_init__(self) -> None:
        check_text("normalizer", self.normalizer, example="raw")
        check_text("tokenizer", self.tokenizer, example="words")
        check_unit(self.unit)
        if self.normalizer:
            named(self.normalizer)  # checks it


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A model on the disk; ``bits`` are those of the values of a bundle, 0 for float32,
    and ``stated`` tells whether it is known how text is read. ``packed`` is a bundle
    whose n-grams are. ``errors`` are as in ``Bundle``. ``text`` is what a bundle keeps
    of the text that it was trained on. ``pruned`` is as in ``Manifest``.
    """

    ngrams: Ngrams
    rules: Rules
    stated: bool
    bits: int
    packed: bool
    bytes: int
    errors: Errors = ()
    training: Training | None = None
    quantiles: Mapping[str, Mapping[str, float]] | None = None
    text: KeptText | None = None
    pruned: tuple[Pruning, ...] = ()


def source(name: str, text: TextOptions = TextOptions()) -> Source:
    """The model that ``ngram:NAME`` opens.

    Raises:
        BadModel: there is no such model, it is damaged, its n-grams cannot be listed,
            it is a bundle, which says how text is read, and ``text`` does too, or the
            words are not those that the tokenizer of ``text`` makes.
        BadInput: it cannot be read.
        MissingExtra: the tokenizer needs a package that is not installed.
    """
    path = found_at(name.removeprefix("ngram:"))
    return _bundle(path, text) if path.is_dir() else _file(path, text)


def scorer(name: str, text: TextOptions) -> NgramModel:
    """The model of a file that ``ngram:NAME`` opens, reading texts as ``text`` says:
    also a KenLM binary whose n-grams cannot be listed, so that no bundle is made of it.

    Raises:
        BadModel: there is no such model, it is damaged or not one of this tokenizer, or
            it is a bundle, which says how text is read.
        BadInput: it cannot be read.
        MissingExtra: the tokenizer needs a package that is not installed.
    """
    path = found_at(name.removeprefix("ngram:"))
    if path.is_dir():
        raise BadModel(f"the bundle {path} says how text is read; open it with ngram:{path}")
    words, lookup = open_lookup(path)
    rules = _rules(text, words)
    opens = partial(scorer, str(path.absolute()), text)
    return NgramModel(rules, lookup, name=path.name, identity=file_identity(path, rules), opens=opens)


def _bundle(folder: Path, text: TextOptions) -> Source:
    for option in ("normalizer", "tokenizer", "unit"):
        if getattr(text, option):
            raise BadModel(
                f"the bundle {folder} says how text is read, got {option}={getattr(text, option)}; leave it out"
            )
    bundle = open_bundle(folder, whole=True)
    return Source(
        ngrams=bundle.ngrams,
        rules=bundle.rules,
        stated=True,
        bits=bundle.manifest.bits,
        packed=bundle.manifest.ngrams == PACKED,
        bytes=size(folder),
        errors=bundle.errors,
        training=bundle.manifest.training,
        quantiles=bundle.manifest.quantiles,
        text=kept_text(bundle),
        pruned=bundle.manifest.pruned,
    )


def _file(path: Path, text: TextOptions) -> Source:
    ngrams = read_ngrams(path)
    rules, stated = _rules(text, ngrams.words), text != TextOptions()
    return Source(ngrams=ngrams, rules=rules, stated=stated, bits=0, packed=False, bytes=size(path))


def _rules(text: TextOptions, words: Sequence[str]) -> Rules:
    return Rules(named(text.normalizer or "raw"), _splitter(text.tokenizer, words), unit=text.unit)


def _splitter(tokenizer: str, words: Sequence[str]) -> Splitter:
    match tokenizer:
        case "" | "words":
            return Words(words)
        case "bytes":
            splitter: Splitter = ByteWords(Words(words))
        case _:
            splitter = Pieces(chosen_pieces(tokenizer, names=("words", "bytes")), Words(words))
    check_makes(splitter, tokenizer)
    return splitter


def size(path: Path) -> int:
    """The bytes of a file, or of all files of a folder."""
    with reading(path):
        return sum(file.stat().st_size for file in (path.iterdir() if path.is_dir() else [path]))

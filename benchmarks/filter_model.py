"""One n-gram model for all contestants of ``filter.py``, and the text they filter.

Everything is made once in a folder: the text of this machine, a SentencePiece model
trained on a part of it as cc_net normalises it, lines of pieces, what ``lmplz -o 5
--prune 0 0 1 1 1`` and ``build_binary`` of KenLM make of them, and a bundle of the same
n-grams for each way to read a text.
"""

import gzip
import json
import os
import subprocess
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import linux_text
import sentencepiece
import zstandard

import nonplus
from nonplus.models.ngram.normalizers.named import named

WAYS = ("ccnet", "datatrove", "datajuicer")
_AT_ONCE = 1000  # documents


class Size(NamedTuple):
    """Megabytes of text that are filtered, and that are trained on; pieces of the
    tokenizer.
    """

    corpus: float
    train: float
    pieces: int


WHOLE, QUICK = Size(50, 100, 32000), Size(1, 2, 2000)


class Folder:
    """The files, each made when it is first asked for."""

    def __init__(self, path: Path, kenlm: Path, size: Size) -> None:
        """``kenlm`` is the folder with its programs."""
        self.path, self.kenlm, self.size = path, kenlm, size
        path.mkdir(parents=True, exist_ok=True)

    def corpus(self, suffix: str = "") -> Path:
        """The text to be filtered as JSON Lines; compressed if the suffix says so."""
        plain = self._made("corpus.jsonl", lambda part: self._write(part, self.size.corpus))
        if not suffix:
            return plain
        compress = {".gz": gzip.compress, ".zst": zstandard.compress}[suffix]
        return self._made(f"corpus.jsonl{suffix}", lambda part: part.write_bytes(compress(plain.read_bytes())))

    def tokenizer(self) -> Path:
        """The SentencePiece model."""
        return self._made("en.sp.model", self._train_pieces)

    def arpa(self) -> Path:
        """The n-grams."""
        return self._made("en.arpa", self._train_ngrams)

    def binary(self) -> Path:
        """The n-grams in KenLM's hash tables, by the name that the peers look for."""
        return self._made("en.arpa.bin", lambda part: self._run("build_binary", "probing", self.arpa(), part))

    def bundle(self, way: str) -> Path:
        """A bundle that reads texts in one of ``WAYS``."""
        folder = self.path / f"bundle-{way}"
        if not folder.exists():
            tokenizer = str(self.tokenizer())
            nonplus.convert_ngrams(self.arpa(), folder, normalizer=way, tokenizer=tokenizer, unit="document")
        return folder

    def _write(self, part: Path, megabytes: float, *, skip: float = 0.0) -> None:
        rows = linux_text.taken(linux_text.documents(), int(megabytes * 1e6), skip=int(skip * 1e6))
        with part.open("w", encoding="utf-8") as file:
            file.writelines(json.dumps(row._asdict(), ensure_ascii=False) + "\n" for row in rows)

    def _lines(self) -> Path:
        """Lines of other documents, as cc_net normalises them."""
        train = self._made("train.jsonl", lambda part: self._write(part, self.size.train, skip=self.size.corpus))
        return self._made("train.txt", lambda part: part.write_bytes(b"".join(_normalised(train))))

    def _train_pieces(self, part: Path) -> None:
        sentencepiece.SentencePieceTrainer.train(
            input=str(self._lines()),
            model_prefix=str(part.with_suffix("")),
            vocab_size=self.size.pieces,
            hard_vocab_limit=False,
            character_coverage=0.9995,
            input_sentence_size=500_000,
            shuffle_input_sentence=True,
            num_threads=2,
            minloglevel=2,
        )

    def _train_ngrams(self, part: Path) -> None:
        processor, lines = sentencepiece.SentencePieceProcessor(str(self.tokenizer())), self._lines()
        text = self.path / "train.pieces"
        with text.open("w", encoding="utf-8") as file, lines.open(encoding="utf-8") as given:
            for line in given:
                file.write(" ".join(processor.encode(line, out_type=str)) + "\n")
        pruned = ("--prune", "0", "0", "1", "1", "1", "--discount_fallback")
        self._run("lmplz", "-o", "5", *pruned, "-S", "2G", "-T", self.path, "--text", text, "--arpa", part)

    def _run(self, program: str, *arguments: object) -> None:
        subprocess.run([self.kenlm / program, *map(str, arguments)], check=True, capture_output=True)

    def _made(self, name: str, make: Callable[[Path], object]) -> Path:
        """A file that has its name when it is complete."""
        path, part = self.path / name, self.path / f"part-{name}"
        if not path.exists():
            make(part)
            os.replace(part, path)
        return path


def _normalised(rows: Path) -> Iterator[bytes]:
    texts: list[str] = []
    for row in rows.open(encoding="utf-8"):
        texts.append(json.loads(row)["text"])
        if len(texts) == _AT_ONCE:
            yield from _of(texts)
            texts.clear()
    yield from _of(texts)


def _of(texts: list[str]) -> Iterator[bytes]:
    found = named("ccnet").normalize(texts, "line")
    for begin, stop in pairwise(found.starts_D1.tolist()):
        if stop > begin:
            yield found.data_N[begin:stop].tobytes() + b"\n"

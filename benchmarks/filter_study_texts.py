"""The texts of ``filter_study.py``, on two sides that have no document in common.

    python benchmarks/filter_study_texts.py FOLDER [--count 40] [--size 1500]

Natural texts are those of ``NONPLUS_DATA``, of which none was trained on, and what a
Linux machine has: documentation, manual pages as ``man`` shows them, Python's source.
Each kind is a number of documents, cut into pieces that end with a line. Half of the
documents of a kind are on one side, which gives thresholds, and half on the other,
which is judged. Junk is generated with a seed, from the good texts of its own side.
"""

import argparse
import json
import os
import random
import re
import subprocess
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import linux_text
from filter_study_junk import KINDS, MISDECODED

DATA = Path(os.environ.get("NONPLUS_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))
MASC = {
    "edited prose": ("newspaper", "essays", "fiction", "journal", "letters", "non-fiction", "govt-docs"),
    "informal": ("blog", "email", "ficlets", "jokes", "movie-script"),
    "speech": ("telephone", "face-to-face", "court-transcript", "debate-transcript"),
    "spam": ("spam",),
}
GOOD = ("edited prose", "encyclopedia", "medicine", "law", "documentation", "manual pages")
OTHER = ("informal", "speech", "tweets", "spam", "Python source")
FOREIGN = "other languages"
_ENGLISH = "eng"
_WESTERN = ("fra", "spa")  # decoded by the wrong table, most of their letters stay
_BLANK = re.compile(r"\n\s*\n")
_FAMILY = re.compile(r"[-_.:]")


class Text(NamedTuple):
    """A text, its kind, and the document that it or what it was made of is from."""

    kind: str
    document: str
    text: str


class Sides(NamedTuple):
    """Texts that thresholds may be chosen by, and texts of other documents."""

    known: list[Text]
    judged: list[Text]


def sides(count: int, size: int) -> Sides:
    """At most so many texts of each kind on each side, of about so many characters."""
    draw, both = random.Random(12), Sides([], [])
    for kind, documents in _sources(2 * count):
        names = sorted(documents)
        draw.shuffle(names)
        for side, own in zip(both, (names[::2], names[1::2]), strict=True):
            pieces = [[Text(kind, name, piece) for piece in cut(documents[name], size)] for name in own]
            side += _in_turn(pieces, count, draw)
    for number, side in enumerate(both):
        side += junk(side, count, size, random.Random(13 + number))
    return both


def _in_turn(documents: Sequence[list[Text]], count: int, draw: random.Random) -> list[Text]:
    """One piece of each document, then another of each that has one, each once."""
    for pieces in documents:
        draw.shuffle(pieces)
    longest = max(map(len, documents), default=0)
    found = (pieces[turn] for turn in range(longest) for pieces in documents if turn < len(pieces))
    return list({text.text: text for text in found}.values())[:count]


def _sources(most: int) -> Iterator[tuple[str, Mapping[str, str]]]:
    """Kinds of texts, and their documents by name; of a kind of files so many."""
    for kind, genres in MASC.items():
        parts = ((genre, _BLANK.split(_read(f"domains/masc/{genre}.txt"))) for genre in genres)
        yield kind, {f"{genre} {number}": text for genre, texts in parts for number, text in enumerate(texts)}
    tweets = cut(_read("domains/masc/twitter.txt"), 1500)  # of many people: lines in a row are a document
    yield "tweets", {f"twitter {number}": text for number, text in enumerate(tweets)}
    yield "encyclopedia", dict(_articles(_BLANK.split(_read("eval/wiki2019/test.txt"))))
    for kind, file in (("medicine", "medical"), ("law", "legal_dc")):
        yield kind, {f"{file} {i}": text for i, text in enumerate(_BLANK.split(_read(f"domains/{file}.test.txt")))}
    draw = random.Random(3)
    docs = sorted(path for path in Path("/usr/share/doc").glob("*/*") if path.name.startswith(("README", "NEWS")))
    folders = {path.parent: path for path in docs}
    yield "documentation", _of_files(draw, folders.values(), most, linux_text.text_of)
    pages = sorted(Path("/usr/share/man").glob("man[18]/*.gz"))
    families = {_FAMILY.split(path.name)[0]: path for path in pages}  # git-push is much like git-pull
    yield "manual pages", _of_files(draw, families.values(), most, shown)
    folder, pattern = linux_text.SOURCES["python"]
    code = sorted(path for path in folder.glob(pattern) if "site-packages" not in path.parts)
    yield "Python source", _of_files(draw, code, most, linux_text.text_of)
    yield FOREIGN, dict(_foreign())


def _read(file: str) -> str:
    return (DATA / file).read_text(encoding="utf-8")


def _of_files(draw: random.Random, paths: Iterable[Path], most: int, text_of: Callable[[Path], str]) -> dict[str, str]:
    """Files of which each has another text; half as many more, for some are short."""
    found = list(paths)
    texts = {text_of(path): str(path) for path in draw.sample(found, min(most * 3 // 2, len(found)))}
    return {path: text for text, path in texts.items()}


def _articles(paragraphs: Sequence[str]) -> Iterator[tuple[str, str]]:
    """A paragraph without a full stop is a title if the next one names what it says."""
    title, text = "", ""
    for own, after in pairwise([*paragraphs, ""]):
        words = [word for word in own.split() if len(word) > 3]
        if len(own) < 100 and not own.endswith((".", ":")) and any(word in after[:150] for word in words):
            yield title, text
            title, text = own, ""
        text += f"{own}\n\n"
    yield title, text


def _foreign() -> Iterator[tuple[str, str]]:
    for path in sorted((DATA / "domains/udhr").glob("*.txt")):
        if path.stem != _ENGLISH:
            yield path.stem, path.read_text(encoding="utf-8")


def shown(page: Path) -> str:
    """A manual page as it is read."""
    environment = {**os.environ, "MANWIDTH": "80", "MANPAGER": "cat", "LC_ALL": "C.UTF-8"}
    found = subprocess.run(["man", str(page)], env=environment, capture_output=True, check=False)
    return found.stdout.decode(errors="replace")


def cut(text: str, size: int) -> Iterator[str]:
    """Parts that end with a line, of about so many characters; a rest that is shorter
    than half of it is left out.
    """
    part = ""
    for line in text.splitlines(keepends=True):
        part += line[:size]
        if len(part) >= size:
            yield part
            part = ""
    if len(part) >= size // 2:
        yield part


def junk(side: Sequence[Text], count: int, size: int, draw: random.Random) -> list[Text]:
    """So many texts of each kind of junk, made of the texts of a side or of nothing."""
    good = [text for text in side if text.kind in GOOD]
    abroad = [text for text in side if text.kind == FOREIGN and text.document not in _WESTERN]
    found = []
    for kind, make in KINDS.items():
        for given in (draw.choice(abroad if kind == MISDECODED else good) for _ in range(count)):
            found.append(Text(kind, given.document, make(given.text, size, draw)))
    return found


def write(folder: Path, count: int, size: int) -> None:
    """Write ``known.jsonl``, ``trusted.jsonl`` with the good ones of these, and
    ``judged.jsonl``, unless they are there.
    """
    if (folder / "judged.jsonl").exists():
        return
    folder.mkdir(parents=True, exist_ok=True)
    known, judged = sides(count, size)
    good = [text for text in known if text.kind in GOOD]
    for name, texts in (("known", known), ("trusted", good), ("judged", judged)):
        rows = ({"id": f"{name} {number}", **text._asdict()} for number, text in enumerate(texts))
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def main() -> None:
    """Write the files."""
    parser = argparse.ArgumentParser(description="Good texts, others and junk, as JSON Lines.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--count", type=int, default=40, help="texts of each kind on each side")
    parser.add_argument("--size", type=int, default=1500, help="characters of each, about")
    write(**vars(parser.parse_args()))


if __name__ == "__main__":
    main()

"""The texts of ``filter_study.py``: natural ones by kind, and what is made of some.

Natural texts are those of ``NONPLUS_DATA``, of which none was trained on, and what a
Linux machine has: documentation, manual pages as ``man`` shows them, Python's source.
All are cut to about 1,500 characters at the end of a line. Junk is generated with a
seed, from texts that are not among the good ones.
"""

import base64
import os
import random
import subprocess
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import linux_text

DATA = Path(os.environ.get("NONPLUS_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))
SIZE = 1500  # characters
MASC = {
    "edited prose": ("newspaper", "essays", "fiction", "journal", "letters", "non-fiction", "govt-docs"),
    "informal": ("blog", "email", "ficlets", "jokes", "movie-script"),
    "speech": ("telephone", "face-to-face", "court-transcript", "debate-transcript"),
    "tweets": ("twitter",),
    "spam": ("spam",),
}
OTHERS = {
    "encyclopedia": "eval/wiki2019/test.txt",
    "medicine": "domains/medical.test.txt",
    "law": "domains/legal_dc.test.txt",
    "novels": "domains/novels.test.txt",
}
GOOD = ("edited prose", "encyclopedia", "medicine", "law", "novels", "documentation", "manual pages")
_ENGLISH = "eng"
_MENU = (
    "Home", "About us", "Contact", "Log in", "Register", "Privacy policy", "Terms of use", "Cookie settings", "Share",
    "Next page", "Previous", "Read more", "Subscribe to our newsletter", "Follow us on Facebook", "All rights reserved",
    "Add to cart", "View all comments (0)", "Back to top", "Print this page", "Sign up for free", "Site map", "Careers",
)  # fmt: skip
_SCANNED = {
    "l": "1I|", "i": "1l:", "o": "0c", "e": "co", "m": "rnnn", "n": "ru", "h": "bli", "a": "oe", "t": "fl", "s": "5$",
    "w": "vv", "c": "ce(", "d": "cl", "g": "9q", "b": "h6", "r": "v", "u": "ii", " ": " .-", ",": ".'", ".": ",:",
}  # fmt: skip


class Text(NamedTuple):
    """A text, its kind, and the file or generator it is from."""

    kind: str
    source: str
    text: str


def natural(most: int) -> list[Text]:
    """At most so many texts of each kind."""
    draw, found = random.Random(12), []
    for kind, own in _sources():
        texts = [Text(kind, source, part) for source, text in own for part in cut(text)]
        found += draw.sample(texts, min(most, len(texts)))
    return found


def _sources() -> Iterator[tuple[str, list[tuple[str, str]]]]:
    for kind, genres in MASC.items():
        yield kind, [(genre, (DATA / f"domains/masc/{genre}.txt").read_text(encoding="utf-8")) for genre in genres]
    for kind, file in OTHERS.items():
        yield kind, [(file, (DATA / file).read_text(encoding="utf-8"))]
    draw = random.Random(3)
    docs = sorted(path for path in Path("/usr/share/doc").glob("*/*") if path.name.startswith(("README", "NEWS")))
    yield "documentation", [(str(path), linux_text.text_of(path)) for path in docs]
    pages = sorted(Path("/usr/share/man/man1").glob("*.gz")) + sorted(Path("/usr/share/man/man8").glob("*.gz"))
    yield "manual pages", [(str(path), shown(path)) for path in draw.sample(pages, min(100, len(pages)))]
    folder, pattern = linux_text.SOURCES["python"]
    code = draw.sample(sorted(folder.glob(pattern)), 100)
    yield "Python source", [(str(path), linux_text.text_of(path)) for path in code]


def shown(page: Path) -> str:
    """A manual page as it is read."""
    environment = {**os.environ, "MANWIDTH": "80", "MANPAGER": "cat", "LC_ALL": "C.UTF-8"}
    found = subprocess.run(["man", str(page)], env=environment, capture_output=True, check=False)
    return found.stdout.decode(errors="replace")


def cut(text: str) -> Iterator[str]:
    """Parts that end with a line, of about ``SIZE`` characters; a rest that is shorter
    than half of it is left out.
    """
    part = ""
    for line in text.splitlines(keepends=True):
        part += line[:SIZE]
        if len(part) >= SIZE:
            yield part
            part = ""
    if len(part) >= SIZE // 2:
        yield part


def junk(good: Sequence[Text], count: int) -> list[Text]:
    """So many texts of each kind of junk, made of good texts or of nothing."""
    draw = random.Random(13)
    found = []
    for kind, make in KINDS.items():
        for _ in range(count):
            given = draw.choice(good)
            found.append(Text(kind, given.source, make(given.text, draw)))
    foreign = [Text("other languages", name, part) for name, text in _foreign() for part in cut(text)]
    return found + draw.sample(foreign, min(3 * count, len(foreign)))


def _foreign() -> Iterator[tuple[str, str]]:
    for path in sorted((DATA / "domains/udhr").glob("*.txt")):
        if path.stem != _ENGLISH:
            yield path.stem, path.read_text(encoding="utf-8")


def scanned(rate: float) -> Callable[[str, random.Random], str]:
    """As a bad scanner reads it: so many characters are others, missing or doubled."""

    def of(text: str, draw: random.Random) -> str:
        return "".join(_misread(character, draw) if draw.random() < rate else character for character in text)

    return of


def _misread(character: str, draw: random.Random) -> str:
    kind = draw.random()
    if kind < 0.7:
        return draw.choice(_SCANNED.get(character.lower(), ".,;'~^"))
    return "" if kind < 0.85 else character + draw.choice(" -.,'")


def _with_tail(text: str, draw: random.Random) -> str:
    tail = "".join(draw.choices("abcdefghijklmnopqrstuvwxyz0123456789+/=_-%&;", k=len(text) // 5))
    return text + tail


def _salad(text: str, draw: random.Random) -> str:
    words = text.split()
    draw.shuffle(words)
    return " ".join(words)


def _letters(text: str, draw: random.Random) -> str:
    return "".join(draw.choices("etaoinshrdlucmfwypvbgkjqxz     ", k=SIZE))


def _encoded(text: str, draw: random.Random) -> str:
    return base64.encodebytes(draw.randbytes(SIZE * 3 // 4)).decode()


def _misdecoded(text: str, draw: random.Random) -> str:
    _, foreign = draw.choice([each for each in _foreign() if each[0] in ("rus", "ell_monotonic", "hin", "jpn")])
    begin = draw.randrange(max(1, len(foreign) - SIZE))
    return foreign[begin : begin + SIZE // 2].encode().decode("latin-1")


def _menu(text: str, draw: random.Random) -> str:
    return "\n".join(" | ".join(draw.choices(_MENU, k=draw.randint(1, 6))) for _ in range(30))[:SIZE]


def _repeated(text: str, draw: random.Random) -> str:
    line = next((line for line in text.splitlines() if len(line) > 20), "Read more")[:150]
    return (line + "\n") * (SIZE // len(line))


def _keywords(text: str, draw: random.Random) -> str:
    words = sorted({word for word in text.lower().split() if word.isalpha() and len(word) > 4}) or ["cheap"]
    return ", ".join(" ".join(draw.choices(words, k=draw.randint(1, 3))) for _ in range(80))[:SIZE]


KINDS: dict[str, Callable[[str, random.Random], str]] = {
    "scan, 2 % of characters": scanned(0.02),
    "scan, 5 %": scanned(0.05),
    "scan, 10 %": scanned(0.10),
    "scan, 20 %": scanned(0.20),
    "good with a tail of garbage": _with_tail,
    "shuffled words": _salad,
    "lists of keywords": _keywords,
    "random letters": _letters,
    "base64": _encoded,
    "decoded by the wrong table": _misdecoded,
    "menus": _menu,
    "one line repeated": _repeated,
}
